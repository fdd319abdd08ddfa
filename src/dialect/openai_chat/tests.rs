use http::HeaderMap;
use serde_json::{Value, json};

use super::OpenAiChat;
use crate::canonical::{
    Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Effort, ErrorClass, Family, FinishReason,
    Image, LossKind, Losses, MediaSource, Message, Opaque, OutputFormat, Reasoning, Request, Role,
    SystemBlock, SystemOrigin, Text, Thinking, Tool, ToolCall, ToolInput, ToolResult,
};
use crate::capability::{self, Capabilities, ReasoningReplay};
use crate::dialect::{Dialect, DialectName, Inbound, ReadRequest, Target, WrittenRequest, carrier, extras};

fn read(body: &Value) -> (ReadRequest, Losses) {
    let mut losses = Losses::new();
    let body = body.to_string();
    let inbound = Inbound {
        headers: &HeaderMap::new(),
        model: None,
        stream: None,
        body: body.as_bytes(),
    };
    match OpenAiChat.read_request(&inbound, &mut losses) {
        Ok(read) => (read, losses),
        Err(error) => panic!("{error}"),
    }
}

fn refused(body: &Value) -> Vec<String> {
    let (_, losses) = read(body);
    losses.refused().map(|loss| loss.path.clone()).collect()
}

fn acme() -> Capabilities {
    capability::lookup(DialectName::OpenAiChat, "acme-large")
}

fn gpt() -> Capabilities {
    capability::lookup(DialectName::OpenAiChat, "gpt-5.1")
}

fn write(request: &Request, capabilities: &Capabilities) -> (Value, WrittenRequest, Losses) {
    let mut losses = Losses::new();
    let target = Target {
        model: "up",
        capabilities,
    };
    match OpenAiChat.write_request(request, &target, &mut losses) {
        Ok(written) => (
            serde_json::from_slice(&written.body).unwrap_or_default(),
            written,
            losses,
        ),
        Err(error) => panic!("{error}"),
    }
}

fn kinds(losses: &Losses) -> Vec<(LossKind, &str)> {
    losses
        .entries()
        .iter()
        .map(|loss| (loss.kind, loss.path.as_str()))
        .collect()
}

fn request(messages: Vec<Message>) -> Request {
    let (read, _) = read(&json!({"model": "m", "messages": [{"role": "user", "content": "x"}]}));
    Request {
        messages,
        ..read.request
    }
}

fn text(text: &str) -> Block {
    Block::Text(Text::from(text.to_owned()))
}

fn call(id: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        namespace: None,
        input: ToolInput::from_arguments("{\"a\":1.0}".to_owned()),
        cache: None,
    })
}

fn result(id: &str, content: Vec<Block>, is_error: bool) -> Block {
    Block::ToolResult(ToolResult {
        call_id: id.to_owned(),
        content,
        is_error,
        cache: None,
    })
}

#[test]
fn the_leading_run_of_instructions_is_the_system_prompt() {
    let (read, losses) = read(&json!({"model": "m", "messages": [
        {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b",
            "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}]},
        {"role": "system", "content": "c"},
        {"role": "user", "content": "d"},
        {"role": "system", "content": "e"},
    ]}));
    assert!(losses.is_empty(), "{losses:?}");
    let system: Vec<(&str, SystemOrigin)> = read
        .request
        .system
        .iter()
        .map(|block| (block.text.as_str(), block.origin))
        .collect();
    let (developer, system_message) = (SystemOrigin::DeveloperMessage, SystemOrigin::SystemMessage);
    assert_eq!(
        system,
        [("a", developer), ("b", developer), ("c", system_message)]
    );
    let ttl = Some(CacheTtl::TwelveHours);
    assert_eq!(
        read.request.system.get(1).and_then(|block| block.cache),
        Some(CacheBreakpoint { ttl })
    );
    let roles: Vec<(Role, usize)> = read
        .request
        .messages
        .iter()
        .map(|message| (message.role, message.index))
        .collect();
    assert_eq!(roles, [(Role::User, 2), (Role::System, 3)]);
}

#[test]
fn what_changes_the_answers_contract_is_refused() {
    let with = |field: &str, value: Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        body[field] = value;
        refused(&body)
    };
    assert_eq!(with("n", json!(2)), ["n"]);
    assert_eq!(with("n", json!(1)), [""; 0]);
    assert_eq!(with("audio", json!({"voice": "ash", "format": "wav"})), ["audio"]);
    assert_eq!(with("modalities", json!(["text", "audio"])), ["modalities"]);
    let policy = json!({"model": "m", "policy": {"input": {"mode": "block"}}});
    assert_eq!(with("moderation", policy), ["moderation"]);
    assert_eq!(with("tools", json!([{"type": "new"}])), ["tools[0]"]);
    let part = json!([{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "video"}]}]);
    assert_eq!(with("messages", part), ["messages[0].content[1]"]);
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png,x"}}]}]);
    assert_eq!(with("messages", image), ["messages[0].content[0].image_url.url"]);
}

#[test]
fn what_only_tunes_is_dropped_and_what_nobody_sees_is_ignored() {
    let (_, losses) = read(
        &json!({"model": "m", "store": true, "logit_bias": {"5": 1}, "verbosity": null,
        "prediction": {"type": "content", "content": "x"}, "max_tokens": 1, "max_completion_tokens": 2, "new": {},
        "messages": [{"role": "user", "content": "x", "mood": 1},
            {"role": "assistant", "content": "y", "annotations": [], "refusal": null}]}),
    );
    let expected = [
        (LossKind::Dropped, "new"),
        (LossKind::Dropped, "logit_bias"),
        (LossKind::Ignored, "prediction"),
        (LossKind::Ignored, "store"),
        (LossKind::Ignored, "max_tokens"),
        (LossKind::Dropped, "messages[0].mood"),
        (LossKind::Ignored, "messages[1].annotations"),
    ];
    assert_eq!(kinds(&losses), expected);
}

#[test]
fn invalid_requests_name_the_field() {
    for (body, path) in [
        (r#"{"model":"m","messages":[]}"#, Some("messages")),
        (
            r#"{"model":"m","messages":[{"role":"user","content":7}]}"#,
            Some("messages[0].content"),
        ),
        (
            r#"{"model":"m","max_tokens":-1,"messages":[{"role":"user","content":""}]}"#,
            Some("max_tokens"),
        ),
        ("{", None),
    ] {
        let inbound = Inbound {
            headers: &HeaderMap::new(),
            model: None,
            stream: None,
            body: body.as_bytes(),
        };
        match OpenAiChat.read_request(&inbound, &mut Losses::new()) {
            Err(error) => assert_eq!(error.param.as_deref(), path, "{error}"),
            Ok(_) => panic!("{body}"),
        }
    }
}

#[test]
fn deprecated_functions_become_tools() {
    let (read, losses) = read(
        &json!({"model": "m", "functions": [{"name": "f"}], "function_call": {"name": "f"},
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": ""}},
            {"role": "function", "name": "f", "content": "r"},
        ]}),
    );
    assert!(losses.is_empty(), "{losses:?}");
    assert!(read.preferences.legacy_functions);
    assert_eq!(read.request.parallel_tool_calls, Some(false));
    let blocks: Vec<&Block> = read
        .request
        .messages
        .iter()
        .flat_map(|message| &message.content)
        .collect();
    let [_, Block::ToolCall(call), Block::ToolResult(result)] = blocks.as_slice() else {
        panic!("{blocks:?}")
    };
    assert_eq!((call.id.as_str(), result.call_id.as_str()), ("fn_0", "fn_0"));
}

#[test]
fn carried_reasoning_comes_back() {
    let opaque = Opaque {
        origin: Family::Claude,
        json: extras::raw(&json!({"type": "thinking"})),
    };
    let data = carrier::encode(&opaque);
    let (read, losses) = read(
        &json!({"model": "m", "messages": [{"role": "user", "content": "x"}, {"role": "assistant",
        "content": "y", "reasoning_content": "hm", "reasoning_details": [
            {"index": 0, "type": "reasoning.encrypted", "data": data}, {"type": "reasoning.text", "text": "t"}]}]}),
    );
    assert_eq!(
        kinds(&losses),
        [(LossKind::Dropped, "messages[1].reasoning_details[1]")]
    );
    let Some([Block::Reasoning(reasoning), Block::Text(_)]) = read
        .request
        .messages
        .get(1)
        .map(|message| message.content.as_slice())
    else {
        panic!("{:?}", read.request)
    };
    assert_eq!(reasoning.parts, ["hm"]);
    let json = reasoning.opaque.as_ref().map(|opaque| opaque.json.get());
    assert_eq!(json, Some(r#"{"type":"thinking"}"#));
}

#[test]
fn results_follow_their_calls_and_images_follow_the_results() {
    let image = Block::Image(Image {
        source: MediaSource::Base64 {
            media_type: "image/png".to_owned(),
            data: "AA==".to_owned(),
        },
        detail: None,
        cache: None,
    });
    let request = request(vec![
        Message::new(Role::User, 0, vec![text("go")]),
        Message::new(Role::Assistant, 1, vec![text("I look."), call("a")]),
        Message::new(Role::Assistant, 2, vec![call("functions.b:0")]),
        Message::new(
            Role::User,
            3,
            vec![text("hurry"), result("functions.b:0", vec![], true)],
        ),
        Message::new(
            Role::User,
            4,
            vec![result("a", vec![text("1"), image, text("2")], false)],
        ),
    ]);
    let (body, _, losses) = write(&request, &acme());
    let messages = &body["messages"];
    assert_eq!(messages[0], json!({"role": "user", "content": "go"}));
    assert_eq!(messages[1]["content"], "I look.");
    assert_eq!(
        messages[1]["tool_calls"][0]["function"]["arguments"],
        "{\"a\":1.0}"
    );
    let mapped = messages[1]["tool_calls"][1]["id"].clone();
    assert!(
        mapped
            .as_str()
            .is_some_and(|id| id.starts_with("call_") && id.len() <= 40)
    );
    assert_eq!(messages[2]["tool_call_id"], "a");
    assert_eq!(
        messages[2]["content"],
        "1\n\n[not text: see the next message of the user]\n\n2"
    );
    assert_eq!(messages[3]["tool_call_id"], mapped);
    assert_eq!(messages[3]["content"], "Tool execution failed.");
    assert_eq!(messages[4]["content"][0]["text"], "[returned by the tool call a]");
    assert_eq!(
        messages[4]["content"][1]["image_url"]["url"],
        "data:image/png;base64,AA=="
    );
    assert_eq!(messages[5], json!({"role": "user", "content": "hurry"}));
    assert_eq!(
        kinds(&losses),
        [
            (LossKind::Approximated, "messages[4].content[0]"),
            (LossKind::Ignored, "messages[3].content[1]"),
        ]
    );
}

#[test]
fn a_longer_history_extends_the_shorter_one() {
    let mut messages = vec![
        Message::new(Role::User, 0, vec![text("go")]),
        Message::new(Role::Assistant, 1, vec![call("a")]),
        Message::new(Role::User, 2, vec![result("a", vec![text("1")], false)]),
        Message::new(Role::System, 3, vec![text("mind")]),
        Message::new(Role::Assistant, 4, vec![text("done")]),
        Message::new(Role::User, 5, vec![text("more")]),
    ];
    let (long, ..) = write(&request(messages.clone()), &acme());
    messages.truncate(3);
    let (short, ..) = write(&request(messages), &acme());
    let list = |body: &Value| body["messages"].as_array().cloned().unwrap_or_default();
    assert!(list(&long).starts_with(&list(&short)));
}

#[test]
fn unpaired_calls_and_results_are_refused() {
    let orphan = request(vec![Message::new(
        Role::User,
        0,
        vec![result("a", vec![], false)],
    )]);
    let (.., losses) = write(&orphan, &acme());
    assert_eq!(kinds(&losses), [(LossKind::Refused, "messages[0].content[0]")]);
    let twice = request(vec![Message::new(Role::Assistant, 0, vec![call("a"), call("a")])]);
    let (.., losses) = write(&twice, &acme());
    assert_eq!(kinds(&losses), [(LossKind::Refused, "messages[0].content[1]")]);
}

#[test]
fn instructions_take_the_role_that_the_upstream_knows() {
    let mut request = request(vec![
        Message::new(Role::User, 0, vec![text("x")]),
        Message::new(Role::System, 1, vec![text("later")]),
    ]);
    let block = |text: &str| SystemBlock {
        text: text.to_owned(),
        origin: SystemOrigin::Block,
        cache: Some(CacheBreakpoint::default()),
    };
    request.system = vec![block("You code."), block("Well.")];
    let (body, ..) = write(&request, &acme());
    assert_eq!(
        body["messages"][0],
        json!({"role": "system", "content": "You code."})
    );
    assert_eq!(body["messages"][1], json!({"role": "system", "content": "Well."}));
    assert_eq!(body["messages"][3], json!({"role": "system", "content": "later"}));
    let (body, ..) = write(&request, &gpt());
    assert_eq!(body["messages"][0]["role"], "developer");
    let single = Capabilities {
        single_system: true,
        ..acme()
    };
    let (body, _, losses) = write(&request, &single);
    assert_eq!(body["messages"][0]["content"], "You code.\n\nWell.");
    assert_eq!(body["messages"][2]["role"], "user");
    assert!(losses.notable().any(|loss| loss.path == "messages[1]"));
}

#[test]
fn reasoning_goes_back_where_the_server_wants_it() {
    let reasoning = Block::Reasoning(Reasoning {
        parts: vec!["a".to_owned(), "b".to_owned()],
        opaque: Some(carrier::unsigned()),
    });
    let request = request(vec![
        Message::new(Role::User, 0, vec![text("x")]),
        Message::new(Role::Assistant, 1, vec![reasoning, call("a")]),
    ]);
    let with = |reasoning_replay| Capabilities {
        reasoning_replay,
        ..acme()
    };
    let (body, ..) = write(&request, &with(ReasoningReplay::ReasoningContent));
    assert_eq!(body["messages"][1]["reasoning_content"], "a\n\nb");
    assert_eq!(body["messages"][1].get("content"), Some(&Value::Null));
    let (body, ..) = write(&request, &with(ReasoningReplay::Reasoning));
    assert_eq!(body["messages"][1]["reasoning"], "a\n\nb");
    let (body, ..) = write(&request, &with(ReasoningReplay::None));
    assert!(!body.to_string().contains("a\\n\\nb"));
}

#[test]
fn thinking_becomes_the_nearest_effort() {
    let efforts = vec![Effort::Low, Effort::Medium, Effort::High];
    let model = Capabilities { efforts, ..acme() };
    let mut request = request(vec![Message::new(Role::User, 0, vec![text("x")])]);
    let mut effort = |thinking, effort| {
        request.reasoning.thinking = thinking;
        request.reasoning.effort = effort;
        let (body, _, losses) = write(&request, &model);
        (
            body["reasoning_effort"].as_str().map(str::to_owned),
            losses.notable().count(),
        )
    };
    let named = |effort: &str| Some(effort.to_owned());
    let budget = |budget| Some(Thinking::Enabled { budget });
    assert_eq!(effort(budget(10_000), None), (named("medium"), 0));
    assert_eq!(effort(budget(1024), None), (named("low"), 0));
    assert_eq!(effort(Some(Thinking::Adaptive), None), (None, 0));
    assert_eq!(
        effort(Some(Thinking::Adaptive), Some(Effort::Max)),
        (named("high"), 1)
    );
    assert_eq!(effort(Some(Thinking::Disabled), None), (named("low"), 1));
    assert_eq!(effort(Some(Thinking::BetweenTools), None), (named("low"), 1));
}

#[test]
fn scalars_follow_the_models_capabilities() {
    let (read, _) = read(
        &json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": true,
        "temperature": 1.0, "top_p": 0.5, "stop": ["a", "b", "c", "d", "e"], "max_tokens": 100, "user": "u".repeat(129),
        "prompt_cache_key": "k", "parallel_tool_calls": false, "tool_choice": "required"}),
    );
    let (body, written, losses) = write(&read.request, &acme());
    assert_eq!(written.path, "/v1/chat/completions");
    assert!(
        written
            .body
            .windows(17)
            .any(|window| window == br#""temperature":1.0"#)
    );
    assert_eq!(body["max_tokens"], 100);
    assert_eq!(body["stop"], json!(["a", "b", "c", "d"]));
    assert_eq!(body["safety_identifier"].as_str().map(str::len), Some(64));
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
    assert!(body.get("prompt_cache_key").is_none() && body.get("tool_choice").is_none());
    assert!(body.get("tools").is_none() && body.get("parallel_tool_calls").is_none());
    assert_eq!(
        kinds(&losses),
        [
            (LossKind::Dropped, "stop"),
            (LossKind::Ignored, "prompt_cache_key")
        ]
    );
    let openai = Capabilities {
        stop_sequences: false,
        ..gpt()
    };
    let (body, written, _) = write(&read.request, &openai);
    assert_eq!(body["max_completion_tokens"], 100);
    assert_eq!(body["prompt_cache_key"], "k");
    assert_eq!(written.restoration.stop.len(), 5);
    assert!(body.get("stop").is_none());
}

#[test]
fn tools_are_written_with_names_and_schemas_that_fit() {
    let long = "n".repeat(90);
    let (read, _) = read(
        &json!({"model": "m", "messages": [{"role": "user", "content": "x"}],
        "tools": [
            {"type": "function", "function": {"name": long, "strict": true,
                "parameters": {"type": "object", "properties": {"a": {}}}}},
            {"type": "function", "function": {"name": "g", "description": ""}},
            {"type": "custom", "custom": {"name": "p", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}}},
        ],
        "tool_choice": {"type": "function", "function": {"name": long}}}),
    );
    let model = Capabilities {
        freeform_tools: false,
        strict_tools: true,
        ..acme()
    };
    let (body, written, losses) = write(&read.request, &model);
    let wire = body["tools"][0]["function"]["name"].as_str().unwrap_or_default();
    assert_eq!(wire.len(), 64);
    assert_eq!(body["tool_choice"]["function"]["name"], wire);
    assert_eq!(
        written.restoration.tools.get(wire).map(|tool| tool.name.as_str()),
        Some(long.as_str())
    );
    assert_eq!(body["tools"][0]["function"]["strict"], false);
    assert_eq!(kinds(&losses), [(LossKind::Approximated, "tools[0].strict")]);
    assert_eq!(
        body["tools"][1]["function"],
        json!({"name": "g", "parameters": {"type": "object", "properties": {}}})
    );
    assert_eq!(
        body["tools"][2]["function"]["parameters"]["required"],
        json!(["input"])
    );
    let description = body["tools"][2]["function"]["description"].as_str();
    assert!(description.is_some_and(|text| text.ends_with("start: X")));
    let freeform = Capabilities {
        freeform_tools: true,
        ..acme()
    };
    let (body, ..) = write(&read.request, &freeform);
    assert_eq!(body["tools"][2]["type"], "custom");
}

#[test]
fn documents_become_what_the_api_has() {
    let document = |source| {
        Block::Document(Document {
            source,
            title: Some("T".to_owned()),
            context: None,
            citations: true,
            cache: None,
        })
    };
    let pdf = MediaSource::Base64 {
        media_type: "application/pdf".to_owned(),
        data: "AA==".to_owned(),
    };
    let words = DocumentSource::Text { text: "w".to_owned() };
    let url = MediaSource::Url {
        url: "https://x".to_owned(),
    };
    let blocks = vec![
        document(DocumentSource::Media(pdf)),
        document(words),
        document(DocumentSource::Media(url)),
    ];
    let (body, _, losses) = write(&request(vec![Message::new(Role::User, 0, blocks)]), &acme());
    let parts = &body["messages"][0]["content"];
    assert_eq!(
        parts[0]["file"],
        json!({"file_data": "data:application/pdf;base64,AA==", "filename": "T"})
    );
    assert_eq!(parts[1]["text"], "[document: T]\nw");
    assert!(parts.get(2).is_none());
    let refused: Vec<&str> = losses.refused().map(|loss| loss.path.as_str()).collect();
    assert_eq!(refused, ["messages[0].content[2]"]);
}

#[test]
fn a_schema_outside_the_strict_subset_is_not_enforced() {
    let mut request = request(vec![Message::new(Role::User, 0, vec![text("x")])]);
    request.output_format = Some(OutputFormat::JsonSchema {
        name: None,
        description: None,
        schema: extras::raw(&json!({"type": "object", "properties": {"a": {}}})),
        strict: Some(true),
    });
    let model = Capabilities {
        structured_output: true,
        ..acme()
    };
    let (body, _, losses) = write(&request, &model);
    let format = &body["response_format"]["json_schema"];
    assert_eq!(
        (&format["name"], &format["strict"]),
        (&json!("response"), &json!(false))
    );
    assert_eq!(kinds(&losses), [(LossKind::Approximated, "response_format")]);
}

#[test]
fn web_search_is_for_models_made_for_it() {
    let (read, _) = read(
        &json!({"model": "m", "messages": [{"role": "user", "content": "x"}],
        "web_search_options": {"search_context_size": "low"}}),
    );
    assert!(matches!(read.request.tools.as_slice(), [Tool::WebSearch(_)]));
    let (body, _, losses) = write(&read.request, &acme());
    assert!(body.get("web_search_options").is_none());
    assert_eq!(kinds(&losses), [(LossKind::Dropped, "tools[0]")]);
}

#[test]
fn complete_answers_are_read_as_servers_send_them() {
    let answer = |message: Value, reason: &str| {
        let body = json!({"id": "chatcmpl-1", "choices": [{"index": 0, "message": message, "finish_reason": reason}]});
        let mut losses = Losses::new();
        match OpenAiChat.read_response(body.to_string().as_bytes(), &mut losses) {
            Ok(response) => response,
            Err(error) => panic!("{error}"),
        }
    };
    let calls = json!([
        {"function": {"name": "f", "arguments": {"b": 1.0, "a": 2}}},
        {"id": "c", "type": "custom", "custom": {"name": "p", "input": "x"}},
        {"id": "d", "type": "function", "function": {"name": "g", "arguments": "{broken"}},
    ]);
    let response = answer(
        json!({"role": "assistant", "content": "", "reasoning": "hm", "tool_calls": calls}),
        "tool_calls",
    );
    let [
        Block::Reasoning(reasoning),
        Block::ToolCall(first),
        Block::ToolCall(second),
        Block::ToolCall(third),
    ] = response.content.as_slice()
    else {
        panic!("{response:?}")
    };
    assert_eq!(reasoning.parts, ["hm"]);
    assert_eq!(first.id, "call_chatcmpl1_0");
    assert!(matches!(&first.input, ToolInput::Object { json } if json.get() == r#"{"b":1.0,"a":2}"#));
    assert!(matches!(&second.input, ToolInput::Freeform { text } if text == "x"));
    assert!(matches!(&third.input, ToolInput::Malformed { text } if text == "{broken"));
    assert!(response.usage.is_none());

    let refusal = answer(
        json!({"role": "assistant", "content": null, "refusal": "no"}),
        "stop",
    );
    assert_eq!(refusal.finish.reason, FinishReason::Refusal);
    let cut = answer(json!({"role": "assistant", "content": "a"}), "length");
    assert_eq!(cut.finish.reason, FinishReason::Length);
    let error = OpenAiChat.read_response(br#"{"error":{"message":"m","code":429}}"#, &mut Losses::new());
    assert!(matches!(error, Err(error) if error.class == ErrorClass::RateLimit));
    let empty = OpenAiChat.read_response(br#"{"choices":[]}"#, &mut Losses::new());
    assert!(matches!(empty, Err(error) if error.class == ErrorClass::Upstream));
}
