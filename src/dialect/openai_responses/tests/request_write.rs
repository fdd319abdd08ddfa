use super::*;

#[test]
fn parameters_that_the_api_lacks_are_emulated_or_dropped() {
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

/// Writes a request with these members besides `model`.
fn write_members(mut members: Value, capabilities: &Capabilities) -> (Value, Vec<String>) {
    members["model"] = json!("m");
    let (read, _) = read(&members);
    let (body, losses) = write(&read.request, capabilities);
    (body, listed(&losses))
}

#[test]
fn the_output_limit_is_within_what_the_model_and_the_api_accept() {
    let capabilities = Capabilities {
        max_output: Some(1000),
        ..capabilities()
    };
    for (limit, written, losses) in [
        (0, Value::Null, vec!["refused max_output_tokens"]),
        (15, json!(16), vec!["approximated max_output_tokens"]),
        (16, json!(16), vec![]),
        (1000, json!(1000), vec![]),
        (1001, json!(1000), vec!["approximated max_output_tokens"]),
    ] {
        let (body, found) = write_members(json!({"max_output_tokens": limit}), &capabilities);
        assert_eq!(
            (&body["max_output_tokens"], found),
            (&written, losses.iter().map(ToString::to_string).collect())
        );
    }
}

#[test]
fn a_schema_outside_of_the_strict_subset_is_sent_as_a_hint() {
    let closed = json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    let open = json!({"type": "object"});
    for (schema, strict, written, losses) in [
        (&closed, json!(true), true, vec![]),
        (&closed, Value::Null, true, vec![]),
        (&closed, json!(false), false, vec![]),
        (&open, json!(true), false, vec!["approximated text.format"]),
        (&open, Value::Null, false, vec!["approximated text.format"]),
        (&open, json!(false), false, vec![]),
    ] {
        let format = json!({"type": "json_schema", "name": "n", "schema": schema, "strict": strict});
        let (body, found) = write_members(json!({"text": {"format": format}}), &capabilities());
        assert_eq!(body["text"]["format"]["strict"], written, "{schema} {strict}");
        assert_eq!(found, losses, "{schema} {strict}");
    }
}

#[test]
fn a_schema_without_a_name_gets_one() {
    let mut request = request(Vec::new());
    request.output_format = Some(OutputFormat::JsonSchema {
        name: None,
        description: None,
        schema: to_raw_json(&json!({"type": "object"})),
        strict: Some(false),
    });
    let (body, _) = write(&request, &capabilities());
    assert_eq!(body["text"]["format"]["name"], "response");
}

#[test]
fn a_model_without_structured_output_is_asked_for_json_only() {
    let capabilities = Capabilities {
        structured_output: false,
        ..capabilities()
    };
    let format = json!({"type": "json_schema", "name": "n", "schema": {"type": "object"}});
    let (body, losses) = write_members(json!({"text": {"format": format}}), &capabilities);
    assert_eq!(body["text"]["format"], json!({"type": "json_object"}));
    assert_eq!(losses, ["approximated text.format"]);
}

#[test]
fn sampling_parameters_are_sent_to_the_models_that_accept_them() {
    let sampling = |sampling| Capabilities {
        sampling,
        ..capabilities()
    };
    let members = json!({"temperature": 0.5});
    let (body, losses) = write_members(members.clone(), &sampling(SamplingSupport::All));
    assert_eq!(body["temperature"], 0.5);
    assert!(losses.is_empty(), "{losses:?}");
    for support in [SamplingSupport::None, SamplingSupport::WithoutReasoning] {
        let (body, losses) = write_members(members.clone(), &sampling(support));
        assert_eq!(body.get("temperature"), None, "{support:?}");
        assert_eq!(losses, ["dropped temperature"], "{support:?}");
    }
    let idle = json!({"temperature": 0.5, "reasoning": {"effort": "none"}});
    let (body, losses) = write_members(idle, &sampling(SamplingSupport::WithoutReasoning));
    assert_eq!(body["temperature"], 0.5);
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn temperature_wins_where_a_model_accepts_only_one_of_two() {
    let capabilities = Capabilities {
        sampling: SamplingSupport::All,
        temperature_with_top_p: false,
        ..capabilities()
    };
    let (body, losses) = write_members(json!({"temperature": 0.5, "top_p": 0.5}), &capabilities);
    assert_eq!((&body["temperature"], body.get("top_p")), (&json!(0.5), None));
    assert_eq!(losses, ["dropped top_p"]);
}

#[test]
fn a_long_end_user_is_sent_as_a_digest() {
    let (body, _) = write_members(json!({"safety_identifier": "x".repeat(128)}), &capabilities());
    assert_eq!(body["safety_identifier"], "x".repeat(128));
    let (body, _) = write_members(json!({"safety_identifier": "x".repeat(129)}), &capabilities());
    assert_eq!(body["safety_identifier"].as_str().map(str::len), Some(64));
}

#[test]
fn reasoning_state_is_asked_for_only_of_models_that_reason() {
    let (body, _) = write_members(json!({}), &capabilities());
    assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
    let capabilities = Capabilities {
        efforts: Vec::new(),
        ..capabilities()
    };
    let (body, _) = write_members(json!({}), &capabilities);
    assert_eq!(body.get("include"), None);
}

#[test]
fn no_upstream_keeps_a_response_or_pads_a_stream() {
    let (body, _) = write_members(json!({"stream": true, "store": true}), &capabilities());
    assert_eq!(body["store"], false);
    assert_eq!(body["stream_options"], json!({"include_obfuscation": false}));
}
