//! The generated types: nothing is lost between reading and writing, and errors say where they are.

use llm_proxy::dialect::claude::types as claude;
use llm_proxy::dialect::openai_chat::types as chat;
use llm_proxy::wire::json::{RawJson, ReadError};
use proptest::prelude::*;
use serde_json::{Value, json};

#[track_caller]
fn claude_request(body: &Value) -> claude::MessageCreateParams {
    let request = claude::parse_request(body.to_string().as_bytes()).expect("a good request");
    let written: Value = serde_json::from_slice(&claude::write_request(&request)).expect("JSON");
    assert_eq!(&written, body);
    request
}

#[track_caller]
fn claude_event(body: &Value) -> claude::RawMessageStreamEvent {
    let event = claude::parse_event(body.to_string().as_bytes()).expect("a good event");
    let written: Value = serde_json::from_slice(&claude::write_event(&event)).expect("JSON");
    assert_eq!(&written, body);
    event
}

#[track_caller]
fn chat_request(body: &Value) -> chat::CompletionCreateParams {
    let request = chat::parse_request(body.to_string().as_bytes()).expect("a good request");
    let written: Value = serde_json::from_slice(&chat::write_request(&request)).expect("JSON");
    assert_eq!(&written, body);
    request
}

#[track_caller]
fn chat_response(body: &Value) -> chat::ChatCompletion {
    let response = chat::parse_response(body.to_string().as_bytes()).expect("a good response");
    let written: Value = serde_json::from_slice(&chat::write_response(&response)).expect("JSON");
    assert_eq!(&written, body);
    response
}

fn claude_with(block: Value) -> Value {
    json!({ "model": "m", "max_tokens": 10, "messages": [{ "role": "user", "content": [block] }] })
}

#[track_caller]
fn only_block(request: claude::MessageCreateParams) -> claude::ContentBlockParam {
    let Some(claude::MessageParam::User(message)) = request.messages.into_iter().next() else {
        panic!("no user message")
    };
    let claude::MessageContentParam::Array(blocks) = message.content else {
        panic!("no blocks")
    };
    blocks.into_iter().next().expect("a block")
}

#[test]
fn claude_request_of_everything() {
    let request = claude_request(&json!({
        "model": "claude-x",
        "max_tokens": 4096,
        "stream": true,
        "temperature": 0.5,
        "top_k": 40,
        "system": [
            { "type": "text", "text": "You help.", "cache_control": { "type": "ephemeral", "ttl": "1h" } },
            { "type": "hologram", "beam": [1, 2] },
        ],
        "thinking": { "type": "enabled", "budget_tokens": 2000 },
        "output_config": { "effort": "extreme" },
        "metadata": { "user_id": "u", "team": "t" },
        "tool_choice": { "type": "tool", "name": "get", "disable_parallel_tool_use": true },
        "tools": [
            { "name": "get", "description": "d", "input_schema": { "type": "object" } },
            { "type": "custom", "name": "put", "input_schema": { "z": 1, "a": [1.0] } },
            { "type": "web_search_20250305", "name": "web_search", "max_uses": 3 },
            { "type": "bash_20250124", "name": "bash" },
        ],
        "messages": [
            { "role": "user", "content": "hi" },
            { "role": "system", "content": "be brief" },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "hm", "signature": "c2ln" },
                { "type": "redacted_thinking", "data": "eA==" },
                { "type": "text", "text": "calling" },
                { "type": "tool_use", "id": "t1", "name": "get", "input": { "q": "x" }, "cache_control": null },
                { "type": "mcp_tool_use", "id": "m1", "server_name": "s" },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "is_error": false, "content": [
                    { "type": "text", "text": "done" },
                    { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } },
                    { "type": "video", "frames": 3 },
                ] },
                { "type": "document", "source": { "type": "url", "url": "https://example.com/a.pdf" }, "title": "A" },
            ] },
        ],
        "brand_new": { "z": null, "a": true },
    }));
    assert_eq!(
        request.extra.get("brand_new").map(|raw| raw.get()),
        Some(r#"{"z":null,"a":true}"#)
    );
    assert_eq!(
        request
            .output_config
            .and_then(|config| config.effort)
            .as_ref()
            .map(claude::Effort::as_str),
        Some("extreme")
    );
    let tools = request.tools.expect("tools");
    assert!(matches!(&tools[0], claude::ToolUnionParam::Custom(tool) if tool.type_.is_none()));
    assert!(matches!(&tools[1], claude::ToolUnionParam::Custom(tool) if tool.type_.is_some()));
    assert!(matches!(&tools[3], claude::ToolUnionParam::Unknown(tool) if tool.tag == "bash_20250124"));
    let Some(claude::SystemPrompt::Array(system)) = request.system else {
        panic!("no system blocks")
    };
    assert!(
        matches!(&system[1], claude::SystemBlock::Unknown(block) if block.tag == "hologram" && block.get("beam").is_some())
    );
}

#[test]
fn the_tag_may_come_last() {
    let text = br#"{"messages":[{"content":[{"source":{"data":"AA","media_type":"image/png","type":"base64"},"type":"image"},
        {"content":[{"text":"x","type":"text"}],"tool_use_id":"t","type":"tool_result"}],"role":"user"}],"max_tokens":1,"model":"m"}"#;
    let request = claude::parse_request(text).expect("a good request");
    let written: Value = serde_json::from_slice(&claude::write_request(&request)).expect("JSON");
    assert_eq!(written, serde_json::from_slice::<Value>(text).expect("JSON"));
    assert!(matches!(only_block(request), claude::ContentBlockParam::Image(_)));
}

#[test]
fn free_json_keeps_its_text() {
    let input = r#"{ "b": 1.0, "a": 123456789012345678901234567890, "e": 1E5, "s": "\u00e9" }"#;
    let body = format!(
        r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"n","input":{input}}}]}}],"odd":{input}}}"#
    );
    let request = claude::parse_request(body.as_bytes()).expect("a good request");
    let written = String::from_utf8(claude::write_request(&request)).expect("UTF-8");
    assert_eq!(written.matches(input).count(), 2, "{written}");
}

#[test]
fn numbers() {
    let with = |max_tokens: &str| format!(r#"{{"model":"m","max_tokens":{max_tokens},"messages":[]}}"#);
    let read = |max_tokens: &str| {
        claude::parse_request(with(max_tokens).as_bytes()).map(|request| request.max_tokens)
    };
    assert_eq!(read("7"), Ok(7));
    assert_eq!(read("7.0"), Ok(7));
    assert_eq!(read("-1"), Ok(-1));
    let fault = |path: &str, message: &str| {
        Err(ReadError {
            path: path.to_owned(),
            message: message.to_owned(),
        })
    };
    assert_eq!(
        read("7.5"),
        fault(
            "max_tokens",
            "invalid value: floating point `7.5`, expected an integer"
        )
    );
    assert!(read("123456789012345678901234567890").is_err());
    assert!(read("null").is_err_and(|error| error.path == "max_tokens"));

    let created = |created: &str| {
        let response = chat::parse_response(format!(r#"{{"choices":[],"created":{created}}}"#).as_bytes());
        response.expect("answers are read leniently").created
    };
    assert_eq!(created("1700000000.25"), Some(1_700_000_000));
    assert_eq!(created("123456789012345678901234567890"), Some(i64::MAX));
    assert_eq!(created("18446744073709551615"), Some(i64::MAX));
}

#[test]
fn arbitrary_precision_is_off() {
    // Cargo unites features: one crate that asks for it would turn every number into a map for our visitors.
    let digits = "123456789012345678901234567890";
    let value: Value = serde_json::from_str(digits).expect("JSON");
    assert_ne!(value.to_string(), digits);
}

#[test]
fn explicit_null_is_not_absence() {
    let body = json!({
        "model": "m",
        "messages": [{ "role": "assistant", "content": null, "tool_calls": [], "refusal": null }],
        "temperature": null,
        "stop": null,
    });
    let mut request = chat_request(&body);
    assert!(request.extra.is_null("temperature") && !request.extra.is_null("top_p"));
    assert_eq!(request.extra.unknown().count(), 0);

    request.temperature = serde_json::Number::from_f64(0.5);
    let written: Value = serde_json::from_slice(&chat::write_request(&request)).expect("JSON");
    assert_eq!(written["temperature"], json!(0.5));
    assert_eq!(written["stop"], json!(null));
}

#[test]
fn duplicate_members_do_not_fail() {
    let body = br#"{"model":"a","model":"b","max_tokens":1,"max_tokens":2,"messages":[],"new":1,"new":2,"system":null,"system":"s"}"#;
    let request = claude::parse_request(body).expect("a good request");
    assert_eq!((request.model.as_str(), request.max_tokens), ("b", 2));
    assert_eq!(request.extra.get("new").map(|raw| raw.get()), Some("2"));
    let written: Value = serde_json::from_slice(&claude::write_request(&request)).expect("JSON");
    assert_eq!(written["system"], json!("s"));
}

#[test]
fn constants_that_differ_are_kept() {
    let body = claude_with(
        json!({ "type": "text", "text": "x", "cache_control": { "type": "eternal", "ttl": "5m" } }),
    );
    let claude::ContentBlockParam::Text(block) = only_block(claude_request(&body)) else {
        panic!("no text")
    };
    let cache = block.cache_control.expect("cache control");
    assert_eq!(cache.extra.get("type").map(|raw| raw.get()), Some(r#""eternal""#));
}

#[test]
fn tools_with_null_type_are_custom() {
    let request = claude_request(&json!({
        "model": "m", "max_tokens": 1, "messages": [],
        "tools": [{ "name": "a", "input_schema": {}, "type": null }],
    }));
    let tools = request.tools.expect("tools");
    assert!(matches!(&tools[..], [claude::ToolUnionParam::Custom(tool)] if tool.extra.is_null("type")));
}

#[test]
fn chat_request_of_everything() {
    let request = chat_request(&json!({
        "model": "gpt-x",
        "messages": [
            { "role": "developer", "content": [{ "type": "text", "text": "a" }] },
            { "role": "user", "content": [
                { "type": "image_url", "image_url": { "url": "https://example.com/a.png", "detail": "ultra" } },
                { "type": "scent", "scent": "rose" },
            ] },
            { "role": "assistant", "reasoning_content": "hm", "reasoning_details": [{ "index": 0, "data": "x" }], "tool_calls": [
                { "type": "function", "id": "c1", "function": { "name": "f", "arguments": "{}" } },
                { "type": "custom", "id": "c2", "custom": { "name": "g", "input": "raw" } },
            ] },
            { "role": "tool", "tool_call_id": "c1", "content": [{ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA" } }] },
            { "role": "narrator", "content": "meanwhile" },
        ],
        "tool_choice": { "type": "function", "function": { "name": "f" } },
        "response_format": { "type": "json_schema", "json_schema": { "name": "s", "schema": { "b": 1, "a": 2 }, "strict": null } },
        "logit_bias": { "50256": -100 },
        "metadata": { "z": "1", "a": "2" },
        "stop": ["x", "y"],
        "reasoning_effort": "immense",
        "stream_options": { "include_usage": true, "chunk_include_usage": true },
    }));
    assert!(
        matches!(request.messages.last(), Some(chat::ChatCompletionMessageParam::Unknown(message)) if message.tag == "narrator")
    );
    assert!(matches!(
        &request.tool_choice,
        Some(chat::ToolChoice::Object(chat::ToolChoiceObject::Function(_)))
    ));
    let names: Vec<&str> = request
        .metadata
        .iter()
        .flat_map(|metadata| metadata.iter().map(|(name, _)| name))
        .collect();
    assert_eq!(names, ["z", "a"]);
}

#[test]
fn tool_calls_without_type_are_functions() {
    let call = json!({ "id": "c", "function": { "name": "f", "arguments": "{}" } });
    let body = json!({ "choices": [{ "message": { "tool_calls": [call] } }] });
    let response = chat::parse_response(body.to_string().as_bytes()).expect("a good response");
    let calls = response
        .choices
        .into_iter()
        .next()
        .and_then(|choice| choice.message.tool_calls)
        .expect("calls");
    assert!(matches!(
        &calls[..],
        [chat::ChatCompletionMessageToolCallUnion::Function(_)]
    ));
}

#[test]
fn chat_responses() {
    chat_response(&json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m", "provider": "p",
        "choices": [{ "index": 0, "finish_reason": "eos", "native_finish_reason": "stop", "logprobs": null, "message": {
            "role": "assistant", "content": "hi", "reasoning": "because", "annotations": [],
        } }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.0001 },
    }));
    let chunk = br#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]},"finish_reason":null}]}"#;
    let chunk = chat::parse_event(chunk).expect("a chunk of a terse server");
    assert!(chunk.id.is_none());
    let mut out = b"data: ".to_vec();
    chat::write_event_into(&chunk, &mut out);
    assert!(out.starts_with(br#"data: {"object":"chat.completion.chunk","choices":[{"#));
}

#[test]
fn claude_events() {
    for event in [
        json!({ "type": "ping" }),
        json!({ "type": "error", "error": { "type": "overloaded_error", "message": "busy" } }),
        json!({ "type": "message_start", "message": {
            "type": "message", "role": "assistant", "id": "msg", "model": "m", "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": 3, "output_tokens": 1, "service_tier": "gold" },
        } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "tool_use", "id": "t", "name": "n", "input": {} } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "input_json_delta", "partial_json": "{\"" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "sleepy", "stop_sequence": null }, "usage": { "output_tokens": 9 } }),
        json!({ "type": "message_stop" }),
    ] {
        let event = claude_event(&event);
        assert!(!matches!(event, claude::RawMessageStreamEvent::Unknown(_)));
    }
    let unknown = claude_event(&json!({ "type": "weather", "index": 1 }));
    assert!(matches!(unknown, claude::RawMessageStreamEvent::Unknown(event) if event.tag == "weather"));
    let untagged = claude_event(&json!({ "index": 1 }));
    assert!(matches!(untagged, claude::RawMessageStreamEvent::Unknown(event) if event.tag.is_empty()));
}

#[test]
fn unknown_kinds_in_responses_are_kept() {
    for content in [json!("later"), json!(7), json!(true)] {
        let event = json!({ "type": "content_block_start", "index": 0, "content_block": {
            "type": "web_search_tool_result", "tool_use_id": "t", "content": content,
        } });
        claude_event(&event);
    }
}

#[test]
fn errors_name_the_path() {
    let claude = |body: Value| {
        claude::parse_request(body.to_string().as_bytes())
            .expect_err("broken")
            .to_string()
    };
    let image = |data: Value| json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } });
    let late = |data: Value| json!({ "source": { "data": data, "media_type": "image/png", "type": "base64" }, "type": "image" });
    let expected = "messages[0].content[0].source.data: invalid type: integer `17`, expected a string";
    assert_eq!(claude(claude_with(image(json!(17)))), expected);
    assert_eq!(claude(claude_with(late(json!(17)))), expected);
    assert_eq!(
        claude(claude_with(image(json!({})))),
        "messages[0].content[0].source.data: invalid type: map, expected a string"
    );
    assert_eq!(
        claude(claude_with(json!({ "text": "x" }))),
        "messages[0].content[0].type: this field is missing"
    );
    assert_eq!(
        claude(claude_with(json!({}))),
        "messages[0].content[0].type: this field is missing"
    );
    assert_eq!(
        claude(claude_with(json!({ "type": "text" }))),
        "messages[0].content[0].text: this field is missing"
    );
    assert_eq!(
        claude(claude_with(json!({ "citations": [], "type": "text" }))),
        "messages[0].content[0].text: this field is missing"
    );
    assert_eq!(
        claude(claude_with(
            json!({ "citations": [{ "type": "char_location" }, 3], "text": "x", "type": "text" })
        )),
        "messages[0].content[0].citations[0].cited_text: this field is missing"
    );
    assert_eq!(
        claude(claude_with(json!([1]))),
        "messages[0].content[0]: invalid type: sequence, expected an object (ContentBlockParam)"
    );
    assert_eq!(
        claude(claude_with(json!({ "type": 5 }))),
        "messages[0].content[0].type: invalid type: integer `5`, expected a string"
    );
    assert_eq!(
        claude(json!({ "model": "m", "max_tokens": 1 })),
        "messages: this field is missing"
    );
    assert_eq!(claude(json!({})), "max_tokens: this field is missing");
    assert_eq!(
        claude(json!({ "model": "m", "max_tokens": 1, "messages": [{ "role": "user", "content": 5 }] })),
        "messages[0].content: invalid type: number, expected a string or an array"
    );
    assert_eq!(
        claude(
            json!({ "model": "m", "messages": [], "max_tokens": 1, "tools": [{ "name": "a", "input_schema": {} }, { "name": 1, "input_schema": {} }] })
        ),
        "tools[1].name: invalid type: integer `1`, expected a string"
    );

    let pretty = "{\n  \"model\": \"m\",\n  \"max_tokens\": 1,\n  \"messages\": [\n    { \"role\": \"user\", \"content\": \"é\" },\n    { \"role\": \"user\", \"content\": [ \"no\" ] }\n  ]\n}";
    let error = claude::parse_request(pretty.as_bytes()).expect_err("broken");
    assert_eq!(error.path, "messages[1].content[0]");

    let long = claude(claude_with(
        json!({ "type": "text", "text": "x", "citations": "y".repeat(100_000) }),
    ));
    assert!(
        long.len() < 400 && long.ends_with("expected a sequence"),
        "{long}"
    );
}

#[test]
fn broken_and_deep_json_is_an_error() {
    let error = claude::parse_request(b"{\"model\": \"m\",").expect_err("broken");
    assert_eq!(error.path, "");
    assert!(error.message.contains("line 1 column 14"), "{error}");
    assert!(claude::parse_request(b"{} x").is_err());
    assert!(claude::parse_request(&[b'{', 0xff]).is_err());
    let deep = format!("{{\"messages\":{}", "[".repeat(100_000));
    assert!(claude::parse_request(deep.as_bytes()).is_err());
}

#[test]
fn new_takes_what_is_required() {
    let mut request = claude::MessageCreateParams::new(
        16,
        vec![
            claude::UserMessageParam::new(claude::MessageContentParam::Array(vec![
                claude::TextBlockParam::new("hi").into(),
            ]))
            .into(),
        ],
        "m",
    );
    let schema: RawJson = serde_json::value::to_raw_value(&json!({ "type": "object" })).expect("JSON");
    request.tools = Some(vec![claude::ToolParam::new(schema, "f").into()]);
    let written: Value = serde_json::from_slice(&claude::write_request(&request)).expect("JSON");
    assert_eq!(
        written,
        json!({
            "max_tokens": 16,
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }],
            "model": "m",
            "tools": [{ "name": "f", "input_schema": { "type": "object" } }],
        })
    );
}

/// JSON that looks like requests and responses often enough to get deep into the types.
fn any_json() -> impl Strategy<Value = Value> {
    let words = [
        "type",
        "role",
        "content",
        "messages",
        "model",
        "max_tokens",
        "text",
        "user",
        "assistant",
        "tool_result",
        "image",
        "source",
        "base64",
        "data",
        "index",
        "delta",
        "choices",
        "message",
        "tool_calls",
        "function",
        "usage",
        "system",
        "content_block_start",
        "content_block",
        "tools",
        "name",
        "input_schema",
        "custom",
        "stop",
        "temperature",
        "new",
    ];
    let word = prop::sample::select(words.to_vec());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..8).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_json_is_read_or_refused(value in any_json()) {
        let wrapped = json!({ "model": "m", "max_tokens": 1, "messages": [value], "choices": [{ "message": value }] });
        for body in [&value, &wrapped] {
            let text = body.to_string();
            if let Ok(request) = claude::parse_request(text.as_bytes()) {
                let written = claude::write_request(&request);
                let again = claude::parse_request(&written).expect("what was written can be read");
                prop_assert_eq!(claude::write_request(&again), written);
            }
            if let Ok(request) = chat::parse_request(text.as_bytes()) {
                let written = chat::write_request(&request);
                let again = chat::parse_request(&written).expect("what was written can be read");
                prop_assert_eq!(chat::write_request(&again), written);
            }
            if let Ok(response) = chat::parse_response(text.as_bytes()) {
                let written = chat::write_response(&response);
                prop_assert!(chat::parse_response(&written).is_ok());
            }
            if let Ok(event) = claude::parse_event(text.as_bytes()) {
                let written = claude::write_event(&event);
                let again = claude::parse_event(&written).expect("what was written can be read");
                prop_assert_eq!(claude::write_event(&again), written);
            }
        }
    }
}
