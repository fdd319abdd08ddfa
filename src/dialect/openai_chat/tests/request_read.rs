use super::*;

#[test]
fn what_changes_the_contract_of_the_response_is_refused() {
    let losses = |field: &str, value: Value| read_losses(&with(json!({ field: value })));
    let refused = |path: &str| one(LossKind::Refused, path);
    assert_eq!(losses("n", json!(2)), refused("n"));
    assert_eq!(losses("n", json!(1)), []);
    let audio = json!({"voice": "ash", "format": "wav"});
    assert_eq!(losses("audio", audio), refused("audio"));
    assert_eq!(
        losses("modalities", json!(["text", "audio"])),
        refused("modalities")
    );
    assert_eq!(losses("tools", json!([{"type": "new"}])), refused("tools[0]"));
    let part = json!([{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "video"}]}]);
    assert_eq!(losses("messages", part), refused("messages[0].content[1]"));
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png,x"}}]}]);
    let path = "messages[0].content[0].image_url.url";
    assert_eq!(losses("messages", image), refused(path));
}

#[test]
fn a_moderation_policy_is_refused_if_it_blocks_or_may_block() {
    let losses = |policy: Value| {
        let moderation = json!({"model": "m", "policy": policy});
        read_losses(&with(json!({ "moderation": moderation })))
    };
    for policy in [
        json!({"input": {"mode": "block"}}),
        json!({"input": {"mode": "score"}, "output": {"mode": "new"}}),
    ] {
        assert_eq!(losses(policy), one(LossKind::Refused, "moderation"));
    }
    for policy in [json!({"output": {"mode": "score"}}), json!({}), Value::Null] {
        assert_eq!(losses(policy), one(LossKind::Dropped, "moderation"));
    }
}

#[test]
fn what_only_tunes_is_dropped_and_what_nobody_sees_is_ignored() {
    let body = json!({"model": "m", "store": true, "logit_bias": {"5": 1}, "verbosity": null,
        "prediction": {"type": "content", "content": "x"}, "max_tokens": 1, "max_completion_tokens": 2,
        "user": "u", "safety_identifier": "s", "new": {}, "stream_options": {"include_obfuscation": true},
        "messages": [{"role": "user", "content": "x", "mood": 1}]});
    let (_, losses) = read(&body);
    let expected = [
        (LossKind::Dropped, "new"),
        (LossKind::Dropped, "logit_bias"),
        (LossKind::Ignored, "prediction"),
        (LossKind::Ignored, "store"),
        (LossKind::Ignored, "max_tokens"),
        (LossKind::Ignored, "user"),
        (LossKind::Dropped, "messages[0].mood"),
        (LossKind::Ignored, "stream_options.include_obfuscation"),
    ];
    assert_eq!(kinds(&losses), expected);
}

#[test]
fn values_that_the_schema_does_not_have_are_dropped() {
    for (field, value) in [
        ("verbosity", "epic"),
        ("reasoning_effort", "extreme"),
        ("service_tier", "first-class"),
    ] {
        let losses = read_losses(&with(json!({ field: value })));
        assert_eq!(losses, one(LossKind::Dropped, field));
    }
}

#[test]
fn values_that_the_schema_has_are_read() {
    let body =
        with(json!({"verbosity": "low", "reasoning_effort": "high", "service_tier": "flex", "stop": "a"}));
    let (read, losses) = read(&body);
    assert!(losses.is_empty(), "{losses:?}");
    assert_eq!(read.request.verbosity, Some(Verbosity::Low));
    assert_eq!(read.request.reasoning.effort, Some(Effort::High));
    assert!(read.request.service_tier.is_some());
    assert_eq!(read.request.stop, ["a"]);
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
        (
            r#"{"model":"m","top_logprobs":-1,"messages":[{"role":"user","content":""}]}"#,
            Some("top_logprobs"),
        ),
        ("{", None),
    ] {
        match try_read(body) {
            Err(error) => assert_eq!(error.param.as_deref(), path, "{error}"),
            Ok(_) => panic!("{body}"),
        }
    }
}

#[test]
fn losses_of_a_writer_name_the_field_that_the_client_used() {
    for field in ["max_tokens", "max_completion_tokens"] {
        let (read, losses) = read(&with(json!({ field: 0 })));
        assert!(losses.is_empty(), "one of the two names is no loss: {losses:?}");
        let (.., losses) = write(&read.request, &acme());
        assert_eq!(kinds(&losses), [(LossKind::Refused, field)]);
    }
}

#[test]
fn top_logprobs_asks_for_nothing_alone() {
    let logprobs = |members| {
        let (read, losses) = read(&with(members));
        (read.request.logprobs, losses.entries().len())
    };
    assert_eq!(logprobs(json!({"logprobs": true})), (Some(0), 0));
    assert_eq!(
        logprobs(json!({"logprobs": true, "top_logprobs": 3})),
        (Some(3), 0)
    );
    assert_eq!(logprobs(json!({"top_logprobs": 3})), (None, 1));
    assert_eq!(logprobs(json!({"top_logprobs": 0})), (None, 0));
}

#[test]
fn a_chunk_of_token_counts_is_for_clients_that_ask_for_it() {
    let includes = |members| read(&with(members)).0.preferences.include_usage;
    assert!(includes(json!({"stream_options": {"include_usage": true}})));
    assert!(!includes(json!({"stream_options": {}})) && !includes(json!({})));
}

#[test]
fn a_format_without_a_schema_is_any_object() {
    let format = json!({"type": "json_schema", "json_schema": {"name": "n"}});
    let (read, losses) = read(&with(json!({ "response_format": format })));
    assert!(matches!(
        read.request.output_format,
        Some(OutputFormat::JsonObject)
    ));
    let path = "response_format.json_schema";
    assert_eq!(kinds(&losses), [(LossKind::Approximated, path)]);
}

#[test]
fn a_schema_that_is_no_object_is_refused() {
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": []}});
    let losses = read_losses(&with(json!({ "response_format": format })));
    let path = "response_format.json_schema.schema";
    assert_eq!(losses, one(LossKind::Refused, path));
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": 1}});
    let losses = read_losses(&with(json!({ "tools": [tool] })));
    assert_eq!(losses, one(LossKind::Refused, "tools[0].function.parameters"));
    let losses = read_losses(&with(json!({"functions": [{"name": "f", "parameters": 1}]})));
    assert_eq!(losses, one(LossKind::Refused, "functions[0].parameters"));
}

#[test]
fn deprecated_functions_become_tools() {
    let body = json!({"model": "m", "functions": [{"name": "f"}], "function_call": {"name": "f"},
    "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": ""}},
        {"role": "function", "name": "f", "content": "r"},
    ]});
    let (read, losses) = read(&body);
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
fn tools_supersede_deprecated_functions() {
    let body = with(json!({"functions": [{"name": "f"}], "function_call": "none",
        "tools": [{"type": "function", "function": {"name": "g"}}]}));
    let (read, losses) = read(&body);
    assert!(matches!(read.request.tools.as_slice(), [Tool::Function(tool)] if tool.name == "g"));
    assert!(!read.preferences.legacy_functions && read.request.tool_choice.is_none());
    let expected = [
        (LossKind::Dropped, "functions"),
        (LossKind::Dropped, "function_call"),
    ];
    assert_eq!(kinds(&losses), expected);
}
