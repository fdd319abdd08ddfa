use super::*;

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
fn the_end_user_has_two_names_and_the_newer_one_counts() {
    let (request, losses) = read_members(json!({"user": "old"}));
    assert_eq!(request.end_user.as_deref(), Some("old"));
    assert_eq!(request.fields.end_user, "user");
    assert!(losses.is_empty(), "{losses:?}");
    let (request, losses) = read_members(json!({"user": "old", "safety_identifier": "new"}));
    assert_eq!(request.end_user.as_deref(), Some("new"));
    assert_eq!(request.fields.end_user, "safety_identifier");
    assert_eq!(losses, ["ignored user"]);
}

#[test]
fn log_probabilities_are_asked_for_by_include_or_by_a_number_above_zero() {
    let logprobs = |members| read_members(members).0.logprobs;
    let include = json!(["message.output_text.logprobs"]);
    assert_eq!(logprobs(json!({"include": include})), Some(0));
    assert_eq!(logprobs(json!({"include": include, "top_logprobs": 3})), Some(3));
    assert_eq!(logprobs(json!({"top_logprobs": 3})), Some(3));
    assert_eq!(logprobs(json!({"top_logprobs": 0})), None);
    assert_eq!(
        logprobs(json!({"include": ["reasoning.encrypted_content"]})),
        None
    );
}

#[test]
fn a_number_below_zero_is_an_error_at_its_field() {
    for name in ["max_output_tokens", "top_logprobs"] {
        let error = try_read(&json!({"model": "m", name: -1}), &mut Losses::new()).err();
        assert_eq!(error.and_then(|error| error.param).as_deref(), Some(name));
    }
}

#[test]
fn cache_options_are_a_hint_unless_they_ask_for_no_response() {
    let (_, losses) = read_members(json!({"prompt_cache_options": {"prewarm": true}}));
    assert_eq!(losses, ["refused prompt_cache_options.prewarm"]);
    for options in [json!({"prewarm": false}), json!({"mode": "x"}), json!("x")] {
        let (_, losses) = read_members(json!({"prompt_cache_options": options}));
        assert_eq!(losses, ["ignored prompt_cache_options"], "{options}");
    }
}

#[test]
fn a_moderation_policy_that_blocks_is_refused_and_one_that_scores_is_dropped() {
    let losses = |policy: Value| read_members(json!({"moderation": {"model": "x", "policy": policy}})).1;
    let (block, score) = (json!({"mode": "block"}), json!({"mode": "score"}));
    assert_eq!(
        losses(json!({"input": block, "output": score})),
        ["refused moderation"]
    );
    assert_eq!(losses(json!({"output": block})), ["refused moderation"]);
    assert_eq!(
        losses(json!({"output": {"mode": "of-tomorrow"}})),
        ["refused moderation"]
    );
    assert_eq!(
        losses(json!({"input": score, "output": score})),
        ["dropped moderation"]
    );
    assert_eq!(losses(Value::Null), ["dropped moderation"]);
}

#[test]
fn unknown_values_of_settings_are_dropped() {
    let (request, losses) = read_members(json!({
        "service_tier": "warp", "text": {"verbosity": "shouting"}, "truncation": "middle",
        "reasoning": {"effort": "heroic", "mode": "pro", "context": "all_turns"},
    }));
    assert_eq!((request.service_tier, request.verbosity), (None, None));
    assert_eq!(request.reasoning.effort, None);
    assert_eq!(
        losses,
        [
            "dropped truncation",
            "dropped reasoning.context",
            "dropped reasoning.mode",
            "dropped reasoning.effort",
            "dropped text.verbosity",
            "dropped service_tier",
        ]
    );
}

#[test]
fn settings_at_their_default_are_no_loss() {
    let (_, losses) = read_members(json!({
        "background": false, "store": false, "truncation": "disabled", "stream_options": {"include_obfuscation": true},
        "text": {"format": {"type": "text"}}, "reasoning": {"context": "auto", "mode": "standard"},
        "tools": [{"type": "function", "name": "f", "async": false, "defer_loading": false}],
    }));
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn an_unknown_text_format_is_refused() {
    let (request, losses) = read_members(json!({"text": {"format": {"type": "grammar"}}}));
    assert!(request.output_format.is_none());
    assert_eq!(losses, ["refused text.format"]);
}

#[test]
fn a_member_with_null_is_not_echoed() {
    let (read, _) = read(&json!({"model": "m", "tools": null, "top_p": 0.5, "temperature": null}));
    let echo = read.preferences.echo.unwrap_or_default();
    let members: Vec<_> = echo
        .members
        .iter()
        .map(|(name, json)| (*name, json.get()))
        .collect();
    assert_eq!(members, [("top_p", "0.5")]);
}
