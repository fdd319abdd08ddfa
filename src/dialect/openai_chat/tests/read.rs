use super::*;
use crate::canonical::Scope;
use crate::dialect::{RequestCodec, ResponseCodec};

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
        let inbound = ClientRequest {
            headers: &HeaderMap::new(),
            model: None,
            stream: None,
            body: &bytes::Bytes::copy_from_slice(body.as_bytes()),
        };
        match OpenAiChat.read_request(&mut Scope::root(&mut Losses::new()), &inbound) {
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
    let opaque = Opaque::new(
        Family::Claude,
        raw_json::to_raw_json(&json!({"type": "thinking"})),
    );
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
fn complete_answers_are_read_as_servers_send_them() {
    let answer = |message: Value, reason: &str| {
        let body = json!({"id": "chatcmpl-1", "choices": [{"index": 0, "message": message, "finish_reason": reason}]});
        let mut losses = Losses::new();
        match OpenAiChat.read_response(&mut Scope::root(&mut losses), body.to_string().as_bytes()) {
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
    let error = OpenAiChat.read_response(
        &mut Scope::root(&mut Losses::new()),
        br#"{"error":{"message":"m","code":429}}"#,
    );
    assert!(matches!(error, Err(error) if error.class == ErrorClass::RateLimit));
    let empty = OpenAiChat.read_response(&mut Scope::root(&mut Losses::new()), br#"{"choices":[]}"#);
    assert!(matches!(empty, Err(error) if error.class == ErrorClass::Upstream));
}
