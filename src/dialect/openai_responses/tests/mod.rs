//! Requests and complete answers.

use crate::dialect::{RequestCodec, ResponseCodec};
use http::HeaderMap;
use serde_json::{Value, json};

use super::OpenAiResponses;
use crate::canonical::{
    Block, CacheBreakpoint, Family, Losses, Message, Opaque, Reasoning, Request, Role, Scope, SystemBlock,
    SystemOrigin, Text, Tool, ToolCall, ToolInput, ToolResult,
};
use crate::capability::{self, Capabilities};
use crate::dialect::shared::carrier;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::{ClientRequest, DialectName, ReadRequest, ResponseContext, Target};

fn read(body: &Value) -> (ReadRequest, Losses) {
    let body = body.to_string();
    let inbound = ClientRequest {
        headers: &HeaderMap::new(),
        model: None,
        stream: None,
        body: &bytes::Bytes::from(body),
    };
    let mut losses = Losses::new();
    match OpenAiResponses.read_request(&mut Scope::root(&mut losses), &inbound) {
        Ok(read) => (read, losses),
        Err(error) => panic!("{error}"),
    }
}

fn read_input(input: &Value) -> (Request, Losses) {
    let (read, losses) = read(&json!({"model": "m", "input": input}));
    (read.request, losses)
}

fn capabilities() -> Capabilities {
    capability::lookup(DialectName::OpenAiResponses, "gpt-5.5")
}

fn write(request: &Request, capabilities: &Capabilities) -> (Value, Losses) {
    let mut losses = Losses::new();
    let target = Target {
        model: "up",
        capabilities,
        length: 0,
    };
    match OpenAiResponses.write_request(&mut Scope::root(&mut losses), request, &target) {
        Ok(written) => (serde_json::from_slice(&written.body).unwrap_or_default(), losses),
        Err(error) => panic!("{error}"),
    }
}

fn request(messages: Vec<Message>) -> Request {
    let (mut read, _) = read(&json!({"model": "m"}));
    read.request.messages = messages;
    read.request
}

fn listed(losses: &Losses) -> Vec<String> {
    losses
        .entries()
        .iter()
        .map(|loss| format!("{} {}", loss.kind.as_str(), loss.path))
        .collect()
}

fn text(text: &str) -> Block {
    Block::Text(Text::from(text.to_owned()))
}

fn call(id: &str, input: ToolInput) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        namespace: None,
        input,
        cache: None,
    })
}

fn result(call_id: &str, content: Vec<Block>, is_error: bool) -> Block {
    Block::ToolResult(ToolResult {
        call_id: call_id.to_owned(),
        content,
        is_error,
        cache: None,
    })
}

fn thought(origin: Family, item: &Value) -> Block {
    Block::Reasoning(Reasoning {
        parts: Vec::new(),
        opaque: Some(Opaque::new(origin, to_raw_json(item))),
    })
}

#[test]
fn only_leading_instructions_belong_to_the_system_prompt() {
    let (read, losses) = read(&json!({
        "model": "m",
        "instructions": "first",
        "input": [
            {"type": "additional_tools", "role": "developer", "tools": [
                {"type": "function", "name": "late", "parameters": {}, "strict": false}]},
            {"type": "message", "id": "msg_1", "role": "developer",
             "content": [{"type": "input_text", "text": "second"}, {"type": "input_text", "text": "third"}]},
            {"role": "system", "content": "fourth"},
            {"role": "user", "content": "hi"},
            {"role": "developer", "content": "later"},
        ],
    }));
    let request = read.request;
    let system: Vec<(&str, SystemOrigin)> = request
        .system
        .iter()
        .map(|block| (block.text.as_str(), block.origin))
        .collect();
    assert_eq!(
        system,
        [
            ("first", SystemOrigin::Field),
            ("second", SystemOrigin::DeveloperMessage),
            ("third", SystemOrigin::DeveloperMessage),
            ("fourth", SystemOrigin::SystemMessage),
        ]
    );
    let messages: Vec<(Role, usize)> = request.messages.iter().map(|m| (m.role, m.index)).collect();
    assert_eq!(messages, [(Role::User, 3), (Role::System, 4)]);
    assert_eq!(request.tools.len(), 1);
    assert_eq!(listed(&losses), ["approximated input[0]"]);
}

#[test]
fn an_output_without_a_call_id_answers_the_last_open_call_of_its_name() {
    let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": ""});
    let output = |id: Value, name: &str| {
        json!({"type": "function_call_output", "call_id": id, "name": name, "output": [
            {"type": "input_text", "text": "ok"}]})
    };
    let (request, losses) = read_input(&json!([
        call("a"),
        call("b"),
        output(json!("b"), "f"),
        output(Value::Null, "f"),
        output(Value::Null, "g"),
    ]));
    let answered: Vec<&str> = request
        .messages
        .iter()
        .flat_map(|message| &message.content)
        .filter_map(|block| match block {
            Block::ToolResult(result) => Some(result.call_id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(answered, ["b", "a"]);
    assert_eq!(listed(&losses), ["refused input[4].call_id"]);
}

#[test]
fn state_that_the_vendor_holds_is_refused_and_finished_tools_are_dropped() {
    let (_, losses) = read(&json!({
        "model": "m", "background": true, "previous_response_id": "resp_1", "conversation": {"id": "c"},
        "prompt": {"id": "p"}, "truncation": "auto", "store": true, "client_metadata": {"a": "b"},
        "input": [
            {"type": "item_reference", "id": "msg_1"},
            {"type": "compaction", "encrypted_content": "x"},
            {"type": "web_search_call", "id": "ws_1"},
            {"type": "mcp_call", "id": "mcp_1"},
            {"type": "computer_call_output", "output": {}},
        ],
        "tools": [{"type": "code_interpreter", "container": {"type": "auto"}}],
    }));
    let mut listed = listed(&losses);
    listed.sort();
    assert_eq!(
        listed,
        [
            "dropped input[2]",
            "dropped input[3]",
            "dropped truncation",
            "ignored client_metadata",
            "ignored store",
            "refused background",
            "refused conversation",
            "refused input[0]",
            "refused input[1]",
            "refused input[4]",
            "refused previous_response_id",
            "refused prompt",
            "refused tools[0]",
        ]
    );
}

#[test]
fn namespaces_freeform_tools_and_searches_are_read() {
    let found = json!({"type": "function", "name": "found", "parameters": {}, "strict": false});
    let (read, losses) = read(&json!({
        "model": "m",
        "tools": [
            {"type": "namespace", "name": "crm", "description": "d", "tools": [
                {"type": "function", "name": "find"},
                {"type": "custom", "name": "exec", "format": {"type": "grammar", "syntax": "lark", "definition": "g"}}]},
            {"type": "tool_search", "execution": "client", "description": "s", "parameters": {"type": "object"}},
            {"type": "web_search_preview", "search_context_size": "low",
             "user_location": {"type": "approximate", "city": "Bonn"}},
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [
            {"type": "function", "name": "find"}, {"type": "web_search"}]},
        "input": [
            {"type": "tool_search_call", "call_id": "s1", "execution": "client", "arguments": {"query": "q"}},
            {"type": "tool_search_output", "call_id": "s1", "execution": "client", "tools": [found, found]},
        ],
    }));
    let request = read.request;
    let names: Vec<String> = request
        .tools
        .iter()
        .map(|tool| match tool {
            Tool::Function(tool) => format!("{:?} {}", tool.namespace, tool.name),
            Tool::Freeform(tool) => format!("{:?} {} {}", tool.namespace, tool.name, tool.grammar.is_some()),
            Tool::WebSearch(tool) => format!("web {:?}", tool.context_size),
        })
        .collect();
    assert_eq!(
        names,
        [
            "Some(\"crm\") find",
            "Some(\"crm\") exec true",
            "None tool_search",
            "web Some(\"low\")",
            "None found",
        ]
    );
    let Some(Block::ToolResult(result)) = request.messages.last().and_then(|last| last.content.first())
    else {
        panic!("no result")
    };
    assert!(
        matches!(result.content.as_slice(), [Block::Text(text)] if text.text == r#"{"tools":["found","found"]}"#)
    );
    assert!(read.preferences.echo.is_some_and(|echo| echo.tool_search));
    assert_eq!(listed(&losses), ["dropped tools[0].description"]);
}

#[test]
fn reasoning_comes_back_from_a_carrier_or_as_the_vendors_own() {
    let block = json!({"type": "thinking", "thinking": "t", "signature": "s"});
    let carried = carrier::encode(&Opaque::new(Family::Claude, to_raw_json(&block)));
    let item = |state: &str| {
        json!({"type": "reasoning", "content": null, "encrypted_content": state,
               "summary": [{"type": "summary_text", "text": "t"}]})
    };
    let (request, losses) = read_input(&json!([item(&carried), item("gAAAA"), item("px9.c.e30")]));
    let opaques: Vec<&Opaque> = request
        .messages
        .iter()
        .flat_map(|message| &message.content)
        .filter_map(|block| match block {
            Block::Reasoning(reasoning) => reasoning.opaque.as_ref(),
            _ => None,
        })
        .collect();
    let [claude, own] = opaques.as_slice() else {
        panic!("{opaques:?}")
    };
    assert_eq!(
        (claude.origin, claude.json.get()),
        (Family::Claude, block.to_string().as_str())
    );
    assert_eq!(own.origin, Family::OpenaiResponses);
    assert_eq!(
        serde_json::from_str::<Value>(own.json.get()).unwrap_or_default(),
        item("gAAAA")
    );
    assert_eq!(listed(&losses), ["dropped input[2]"]);
}

#[test]
fn a_history_is_written_item_by_item() {
    let own = json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAA", "summary": [], "status": null});
    let foreign = json!({"type": "thinking", "thinking": "t", "signature": "s"});
    let object = || ToolInput::from_arguments("{\"a\":1.0}".to_owned());
    let image = Block::Image(crate::canonical::Image {
        source: crate::canonical::MediaSource::Base64 {
            media_type: "image/png".to_owned(),
            data: "AA==".into(),
        },
        detail: None,
        cache: Some(CacheBreakpoint::default()),
    });
    let long = "x".repeat(83);
    let mut request = request(vec![
        Message::new(Role::User, 0, vec![text("go")]),
        Message::new(
            Role::Assistant,
            1,
            vec![
                thought(Family::OpenaiResponses, &own),
                text("I look."),
                thought(Family::Claude, &foreign),
                call(&long, object()),
                call("b", ToolInput::Freeform { text: "raw".into() }),
            ],
        ),
        Message::new(
            Role::User,
            2,
            vec![
                text("and"),
                result(&long, vec![text("1"), image], false),
                result("b", vec![], true),
            ],
        ),
        Message::new(Role::System, 3, vec![text("mind")]),
        Message::new(Role::Assistant, 4, vec![thought(Family::OpenaiResponses, &own)]),
    ]);
    request.system.push(SystemBlock {
        text: "be".into(),
        origin: SystemOrigin::Field,
        cache: None,
    });
    let (body, losses) = write(&request, &capabilities());
    assert_eq!(body["instructions"], "be");
    let input = body["input"].as_array().cloned().unwrap_or_default();
    let kinds: Vec<&str> = input
        .iter()
        .map(|item| {
            item["type"]
                .as_str()
                .or(item["role"].as_str())
                .unwrap_or_default()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "user",
            "reasoning",
            "assistant",
            "function_call",
            "custom_tool_call",
            "function_call_output",
            "custom_tool_call_output",
            "user",
            "developer",
        ]
    );
    assert_eq!(
        input[1],
        json!({"type": "reasoning", "encrypted_content": "gAAAA", "id": "rs_1", "summary": []})
    );
    assert_eq!(input[3]["arguments"], "{\"a\":1.0}");
    assert_eq!(input[3]["call_id"], input[5]["call_id"]);
    assert!(input[3]["call_id"].as_str().is_some_and(|id| id.len() <= 64));
    assert_eq!(input[5]["output"][1]["detail"], "auto");
    assert_eq!(input[6]["output"], "Tool execution failed.");
    assert_eq!(
        (&body["store"], &body["include"]),
        (&json!(false), &json!(["reasoning.encrypted_content"]))
    );
    assert_eq!(
        listed(&losses),
        [
            "dropped input[1].content[2]",
            "ignored input[2].content[1]",
            "dropped input"
        ]
    );

    // A longer history extends the shorter one.
    request.messages.truncate(3);
    let (short, _) = write(&request, &capabilities());
    let short = short["input"].as_array().cloned().unwrap_or_default();
    assert!(input.starts_with(&short));
}

#[test]
fn results_without_a_call_and_calls_of_one_id_are_refused() {
    let object = || ToolInput::from_arguments(String::new());
    let request = request(vec![
        Message::new(Role::Assistant, 0, vec![call("a", object()), call("a", object())]),
        Message::new(Role::User, 1, vec![result("z", vec![], false)]),
    ]);
    let (_, losses) = write(&request, &capabilities());
    assert_eq!(
        listed(&losses),
        ["refused input[0].content[1]", "refused input[1].content[0]"]
    );
}

#[test]
fn what_the_api_lacks_is_played_or_dropped() {
    let (mut read, _) = read(
        &json!({"model": "m", "input": "hi", "max_output_tokens": 1, "stream": true,
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}},
                  {"type": "custom", "name": "p"}],
        "tool_choice": {"type": "custom", "name": "p"}}),
    );
    read.request.stop = vec!["END".to_owned()];
    read.request.sampling.top_k = Some(3);
    let capabilities = Capabilities {
        freeform_tools: false,
        ..capabilities()
    };
    let mut losses = Losses::new();
    let target = Target {
        model: "up",
        capabilities: &capabilities,
        length: 0,
    };
    let Ok(written) = OpenAiResponses.write_request(&mut Scope::root(&mut losses), &read.request, &target)
    else {
        panic!("not written")
    };
    let body: Value = serde_json::from_slice(&written.body).unwrap_or_default();
    assert_eq!(body["max_output_tokens"], 16);
    assert_eq!(body["tools"][0]["strict"], false);
    assert_eq!(body["tools"][1]["type"], "function");
    assert_eq!(body["tool_choice"], json!({"type": "function", "name": "p"}));
    assert_eq!(written.restoration.stop, ["END"]);
    assert!(written.restoration.tools.contains_key("p"));
    let mut listed = listed(&losses);
    listed.sort();
    assert_eq!(
        listed,
        [
            "approximated max_output_tokens",
            "approximated stop",
            "dropped top_k"
        ]
    );
}

fn context() -> ResponseContext {
    let (read, _) = read(&json!({"model": "alias", "input": "hi", "tools": [], "top_p": 1.0}));
    ResponseContext {
        model: read.request.model,
        preferences: read.preferences,
        created: 7,
        request_id: "req_1".to_owned(),
        input_estimate: 1,
    }
}

#[test]
fn an_answer_is_read_and_written_back() {
    let answer = json!({
        "id": "resp_01", "object": "response", "status": "completed", "service_tier": "default",
        "output": [
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAA",
             "summary": [{"type": "summary_text", "text": "s"}]},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "a", "annotations": []},
                {"type": "output_text", "text": "b", "annotations": []}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1.0}"},
        ],
        "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4},
                  "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 15},
    });
    let mut losses = Losses::new();
    let Ok(response) =
        OpenAiResponses.read_response(&mut Scope::root(&mut losses), answer.to_string().as_bytes())
    else {
        panic!("not read")
    };
    assert_eq!(response.content.len(), 4);
    assert_eq!(
        response.usage.map(|usage| (usage.fresh, usage.cache_read)),
        Some((6, 4))
    );
    let back = OpenAiResponses.write_response(&mut Scope::root(&mut losses), response, &context());
    let back: Value = serde_json::from_slice(&back).unwrap_or_default();
    assert_eq!(back["output"][0]["encrypted_content"], "gAAAA");
    assert_eq!(back["output"][2]["content"][0]["text"], "b");
    assert_eq!(back["output"][3]["arguments"], "{\"a\":1.0}");
    let ids: Vec<&str> = (0..4)
        .filter_map(|at| back["output"][at]["id"].as_str())
        .collect();
    assert_eq!(ids, ["rs_01_0", "msg_01_1", "msg_01_2", "fc_01_3"]);
    assert_eq!((&back["tools"], &back["top_p"]), (&json!([]), &json!(1.0)));
    assert_eq!(back["service_tier"], "default");
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn an_answer_that_failed_is_an_error() {
    let mut losses = Losses::new();
    let body = json!({"status": "failed", "error": {"code": "server_error", "message": "Boom"}}).to_string();
    let read = OpenAiResponses.read_response(&mut Scope::root(&mut losses), body.as_bytes());
    assert_eq!(read.err().map(|error| error.message), Some("Boom".to_owned()));
    assert!(
        OpenAiResponses
            .read_response(&mut Scope::root(&mut losses), b"<html>")
            .is_err()
    );
}
