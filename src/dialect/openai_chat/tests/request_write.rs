use super::*;

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
fn parameters_follow_the_models_capabilities() {
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
fn a_schema_outside_the_strict_subset_is_not_enforced() {
    let mut request = request(vec![Message::new(Role::User, 0, vec![text("x")])]);
    request.output_format = Some(OutputFormat::JsonSchema {
        name: None,
        description: None,
        schema: raw_json::to_raw_json(&json!({"type": "object", "properties": {"a": {}}})),
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
fn a_format_for_a_model_without_schemas_is_any_object() {
    let mut request = user(vec![text("x")]);
    request.output_format = Some(OutputFormat::JsonSchema {
        name: None,
        description: None,
        schema: raw_json::to_raw_json(&json!({"type": "object"})),
        strict: None,
    });
    let model = Capabilities {
        structured_output: false,
        ..acme()
    };
    let (body, _, losses) = write(&request, &model);
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
    assert_eq!(kinds(&losses), [(LossKind::Approximated, "response_format")]);
}

#[test]
fn parameters_that_the_api_or_the_model_does_not_have_are_dropped() {
    let (read, _) = read(&with(
        json!({"verbosity": "low", "metadata": {"a": "b"}, "frequency_penalty": 1}),
    ));
    let mut request = read.request;
    request.sampling.top_k = Some(5);
    request.sampling.seed = Some(u64::MAX.into());
    let model = Capabilities {
        sampling: SamplingSupport::None,
        ..acme()
    };
    let (body, _, losses) = write(&request, &model);
    for field in ["verbosity", "metadata", "frequency_penalty", "top_k", "seed"] {
        assert!(body.get(field).is_none(), "{field}");
    }
    let expected = [
        (LossKind::Dropped, "frequency_penalty"),
        (LossKind::Dropped, "top_k"),
        (LossKind::Dropped, "seed"),
        (LossKind::Dropped, "verbosity"),
        (LossKind::Ignored, "metadata"),
    ];
    assert_eq!(kinds(&losses), expected);
}

#[test]
fn openais_own_models_get_their_own_parameters() {
    let (read, _) = read(&with(
        json!({"verbosity": "low", "max_tokens": 5, "logprobs": true, "top_logprobs": 2}),
    ));
    let (body, ..) = write(&read.request, &gpt());
    assert_eq!(body["verbosity"], "low");
    assert_eq!(
        (&body["logprobs"], &body["top_logprobs"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(body["max_completion_tokens"], 5);
    assert!(body.get("max_tokens").is_none());
}

#[test]
fn the_smallest_output_limit_is_sent_as_it_is() {
    let (read, _) = read(&with(json!({"max_tokens": 1})));
    let (body, _, losses) = write(&read.request, &gpt());
    assert_eq!(body["max_completion_tokens"], 1);
    assert!(losses.is_empty(), "{losses:?}");
}
