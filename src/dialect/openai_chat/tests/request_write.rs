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
