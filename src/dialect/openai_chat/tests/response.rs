use super::*;

fn try_read_response(body: &Value) -> Result<(Response, Losses), Error> {
    let mut losses = Losses::new();
    let body = body.to_string();
    let response = OpenAiChat.read_response(&mut Scope::root(&mut losses), body.as_bytes())?;
    Ok((response, losses))
}

/// A response with this message.
fn read_message(message: Value, reason: &str) -> (Response, Losses) {
    let body =
        json!({"id": "chatcmpl-1", "choices": [{"index": 0, "message": message, "finish_reason": reason}]});
    match try_read_response(&body) {
        Ok(read) => read,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn calls_are_read_as_servers_send_them() {
    let calls = json!([
        {"function": {"name": "f", "arguments": {"b": 1.0, "a": 2}}},
        {"id": "c", "type": "custom", "custom": {"name": "p", "input": "x"}},
        {"id": "d", "type": "function", "function": {"name": "g", "arguments": "{broken"}},
    ]);
    let message = json!({"role": "assistant", "content": "", "tool_calls": calls});
    let (response, _) = read_message(message, "tool_calls");
    let [
        Block::ToolCall(first),
        Block::ToolCall(second),
        Block::ToolCall(third),
    ] = response.content.as_slice()
    else {
        panic!("{response:?}")
    };
    assert_eq!(first.id, "call_chatcmpl1_0");
    assert!(matches!(&first.input, ToolInput::Object { json } if json.get() == r#"{"b":1.0,"a":2}"#));
    assert!(matches!(&second.input, ToolInput::Freeform { text } if text == "x"));
    assert!(matches!(&third.input, ToolInput::Malformed { text } if text == "{broken"));
    assert!(response.usage.is_none());
}

#[test]
fn the_deprecated_call_gets_an_identifier() {
    let call = json!({"name": "f", "arguments": "{}"});
    let message = json!({"role": "assistant", "content": null, "function_call": call});
    let (response, _) = read_message(message, "function_call");
    assert!(
        matches!(response.content.as_slice(), [Block::ToolCall(call)] if call.id == "call_chatcmpl1_0"),
        "{response:?}"
    );
    assert_eq!(response.finish.reason, FinishReason::ToolUse);
}

#[test]
fn a_refusal_is_one_only_where_the_model_stopped() {
    let reason = |message, reason| read_message(message, reason).0.finish.reason;
    let refusal = || json!({"role": "assistant", "content": null, "refusal": "no"});
    assert_eq!(reason(refusal(), "stop"), FinishReason::Refusal);
    assert_eq!(reason(refusal(), "length"), FinishReason::Length);
    let text = json!({"role": "assistant", "content": "a"});
    assert_eq!(reason(text, "stop"), FinishReason::End);
}

#[test]
fn reasoning_is_read_and_a_routers_state_of_it_is_dropped() {
    let message = json!({"role": "assistant", "content": "a", "reasoning": "hm",
        "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]});
    let (response, losses) = read_message(message, "stop");
    let [Block::Reasoning(reasoning), Block::Text(_)] = response.content.as_slice() else {
        panic!("{response:?}")
    };
    assert_eq!(reasoning.parts, ["hm"]);
    let path = "choices[0].message.reasoning_details";
    assert_eq!(kinds(&losses), [(LossKind::Dropped, path)]);
}

#[test]
fn other_choices_sound_and_unknown_calls_are_dropped() {
    let message = json!({"role": "assistant", "content": "a", "audio": {"id": "x"},
        "tool_calls": [{"type": "telepathy"}]});
    let choice = |message: Value| json!({"message": message, "finish_reason": "stop"});
    let second = choice(json!({"role": "assistant", "content": "b"}));
    let body = json!({"choices": [choice(message), second]});
    let (response, losses) = match try_read_response(&body) {
        Ok(read) => read,
        Err(error) => panic!("{error}"),
    };
    assert!(
        matches!(response.content.as_slice(), [Block::Text(_)]),
        "{response:?}"
    );
    let expected = [
        (LossKind::Dropped, "choices[1]"),
        (LossKind::Dropped, "choices[0].message.audio"),
        (LossKind::Dropped, "choices[0].message.tool_calls[0]"),
    ];
    assert_eq!(kinds(&losses), expected);
}

#[test]
fn a_response_that_is_none_is_an_error_of_the_upstream() {
    let class = |body: Value| try_read_response(&body).err().map(|error| error.class);
    let limited = json!({"error": {"message": "m", "code": 429}});
    assert_eq!(class(limited), Some(ErrorClass::RateLimit));
    assert_eq!(class(json!({"choices": []})), Some(ErrorClass::Upstream));
    assert_eq!(class(json!({"choices": 7})), Some(ErrorClass::Upstream));
}

/// The choice of a written response, and the losses.
fn write_response(response: Response, preferences: Preferences) -> (Value, Losses) {
    let context = ResponseContext {
        model: "mine".to_owned(),
        preferences,
        created: 7,
        request_id: "req_1".to_owned(),
        input_estimate: 0,
    };
    let mut losses = Losses::new();
    let body = OpenAiChat.write_response(&mut Scope::root(&mut losses), response, &context);
    (serde_json::from_slice(&body).unwrap_or_default(), losses)
}

fn response(content: Vec<Block>) -> Response {
    let (response, _) = read_message(json!({"role": "assistant", "content": ""}), "stop");
    Response { content, ..response }
}

#[test]
fn a_response_has_the_clients_model_and_an_identifier_in_the_apis_form() {
    let mut upstream = response(vec![text("a")]);
    upstream.id = Some("msg_1".to_owned());
    upstream.model = Some("theirs".to_owned());
    let (body, _) = write_response(upstream, Preferences::default());
    assert_eq!(
        (&body["id"], &body["model"]),
        (&json!("chatcmpl-1"), &json!("mine"))
    );
    let mut upstream = response(vec![text("a")]);
    upstream.id = None;
    let (body, _) = write_response(upstream, Preferences::default());
    assert_eq!(body["id"], "chatcmpl-req_1");
}

#[test]
fn content_is_null_beside_calls_and_otherwise_a_text() {
    let content = |blocks| {
        let (body, _) = write_response(response(blocks), Preferences::default());
        body["choices"][0]["message"]["content"].clone()
    };
    assert_eq!(content(vec![call("a")]), Value::Null);
    assert_eq!(content(vec![]), "");
    assert_eq!(content(vec![text("t"), call("a")]), "t");
}

#[test]
fn reasoning_parts_are_paragraphs() {
    let reasoning = Block::Reasoning(Reasoning {
        parts: vec!["a".into(), "".into(), "b".into()],
        opaque: None,
    });
    let (body, _) = write_response(response(vec![reasoning]), Preferences::default());
    assert_eq!(body["choices"][0]["message"]["reasoning_content"], "a\n\nb");
}

#[test]
fn function_call_holds_one_call() {
    let legacy = Preferences {
        legacy_functions: true,
        ..Preferences::default()
    };
    let (body, losses) = write_response(response(vec![call("a"), call("b")]), legacy);
    let expected = json!({"name": "f", "arguments": "{\"a\":1.0}"});
    let message = &body["choices"][0]["message"];
    assert_eq!(message["function_call"], expected);
    assert!(message.get("tool_calls").is_none());
    assert_eq!(kinds(&losses), [(LossKind::Dropped, "content[1]")]);
}

#[test]
fn a_vendors_own_items_and_media_are_dropped() {
    let (body, losses) = write_response(
        response(vec![server_tool(), image(), text("a")]),
        Preferences::default(),
    );
    assert_eq!(body["choices"][0]["message"]["content"], "a");
    let reasons: Vec<&str> = losses.entries().iter().map(|loss| loss.reason.text()).collect();
    let item = "`web_search_tool_result` items exist only in this vendor's API";
    assert_eq!(
        reasons,
        [
            item,
            "a response of this API can only contain text and tool calls"
        ]
    );
    let expected = [
        (LossKind::Dropped, "content[0]"),
        (LossKind::Dropped, "content[1]"),
    ];
    assert_eq!(kinds(&losses), expected);
}

#[test]
fn the_explanation_of_a_filter_becomes_the_refusal() {
    let mut filtered = response(vec![]);
    filtered.finish.reason = FinishReason::Refusal;
    filtered.finish.explanation = Some("because".to_owned());
    let (body, _) = write_response(filtered, Preferences::default());
    let choice = &body["choices"][0];
    assert_eq!(choice["message"]["refusal"], "because");
    assert_eq!(choice["finish_reason"], "content_filter");
}

#[test]
fn a_refusal_in_the_models_words_needs_no_explanation() {
    let mut refused = response(vec![Block::Refusal { text: "no".into() }]);
    refused.finish.reason = FinishReason::Refusal;
    refused.finish.explanation = Some("because".to_owned());
    let (body, _) = write_response(refused, Preferences::default());
    let choice = &body["choices"][0];
    assert_eq!(choice["message"]["refusal"], "no");
    assert_eq!(choice["finish_reason"], "stop");
}
