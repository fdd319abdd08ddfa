use super::*;

fn read_choice(choice: Value) -> (Option<ToolChoice>, Vec<(LossKind, String)>) {
    let body = with(json!({ "tool_choice": choice }));
    (read(&body).0.request.tool_choice, read_losses(&body))
}

#[test]
fn a_choice_of_an_unknown_kind_is_refused() {
    for choice in [json!("sometimes"), json!({"type": "new"})] {
        let refused = one(LossKind::Refused, "tool_choice");
        assert_eq!(read_choice(choice).1, refused);
    }
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "new", "tools": []}});
    let path = "tool_choice.allowed_tools.mode";
    assert_eq!(read_choice(allowed).1, one(LossKind::Refused, path));
    let losses = read_losses(&with(
        json!({"functions": [{"name": "f"}], "function_call": "sometimes"}),
    ));
    assert_eq!(losses, one(LossKind::Refused, "function_call"));
}

#[test]
fn allowed_tools_are_known_by_their_names() {
    let tools = json!([{"type": "function", "function": {"name": "f"}},
        {"type": "custom", "custom": {"name": "p"}}, {"type": "new"}]);
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": tools}});
    let (choice, losses) = read_choice(allowed);
    let Some(ToolChoice::Subset { required, names }) = choice else {
        panic!("{choice:?}")
    };
    assert!(required);
    assert_eq!(names, ["f", "p"]);
    let path = "tool_choice.allowed_tools.tools[2]";
    assert_eq!(losses, one(LossKind::Refused, path));
}

#[test]
fn an_unknown_format_of_a_freeform_tool_is_dropped() {
    let tool = json!({"type": "custom", "custom": {"name": "p", "format": {"type": "new"}}});
    let body = with(json!({ "tools": [tool] }));
    let path = "tools[0].custom.format";
    assert_eq!(read_losses(&body), one(LossKind::Dropped, path));
}

#[test]
fn web_search_is_a_tool_after_all_others() {
    let body = with(json!({
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "web_search_options": {"user_location": {"type": "approximate",
            "approximate": {"city": "Bonn", "new": 1}}},
    }));
    let (read, losses) = read(&body);
    let [Tool::Function(_), Tool::WebSearch(search)] = read.request.tools.as_slice() else {
        panic!("{:?}", read.request.tools)
    };
    assert_eq!(search.index, 1);
    let city = search
        .user_location
        .as_ref()
        .and_then(|location| location.city.as_deref());
    assert_eq!(city, Some("Bonn"));
    let path = "web_search_options.user_location.approximate.new";
    assert_eq!(kinds(&losses), [(LossKind::Dropped, path)]);
}

fn with_tools(tools: Vec<Tool>, choice: Option<ToolChoice>) -> Request {
    Request {
        tools,
        tool_choice: choice,
        ..user(vec![text("x")])
    }
}

#[test]
fn a_model_that_cannot_be_made_to_call_decides_itself() {
    let request = with_tools(vec![function_tool("f")], Some(ToolChoice::Any));
    let forced = |forced_tool| Capabilities { forced_tool, ..gpt() };
    let (body, _, losses) = write(&request, &forced(true));
    assert_eq!(body["tool_choice"], "required");
    assert!(losses.is_empty(), "{losses:?}");
    let (body, _, losses) = write(&request, &forced(false));
    assert_eq!(body["tool_choice"], "auto");
    assert_eq!(kinds(&losses), [(LossKind::Approximated, "tool_choice")]);
}

#[test]
fn a_subset_is_a_choice_of_openais_and_a_shorter_list_elsewhere() {
    let subset = ToolChoice::Subset {
        required: false,
        names: vec!["g".to_owned()],
    };
    let request = with_tools(vec![function_tool("f"), function_tool("g")], Some(subset));
    let (body, ..) = write(&request, &gpt());
    let allowed = json!({"mode": "auto", "tools": [{"type": "function", "function": {"name": "g"}}]});
    assert_eq!(body["tool_choice"]["allowed_tools"], allowed);
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(2));
    let (body, _, losses) = write(&request, &acme());
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["tools"][0]["function"]["name"], "g");
    assert_eq!(body["tool_choice"], "auto");
    assert_eq!(kinds(&losses), [(LossKind::Approximated, "tool_choice")]);
}

#[test]
fn one_call_at_a_time_is_dropped_if_the_model_has_no_such_setting() {
    let mut request = with_tools(vec![function_tool("f")], None);
    request.parallel_tool_calls = Some(false);
    let parallel = |parallel_tool_calls| Capabilities {
        parallel_tool_calls,
        ..acme()
    };
    let (body, ..) = write(&request, &parallel(true));
    assert_eq!(body["parallel_tool_calls"], false);
    let (body, _, losses) = write(&request, &parallel(false));
    assert!(body.get("parallel_tool_calls").is_none());
    assert_eq!(kinds(&losses), [(LossKind::Dropped, "parallel_tool_calls")]);
}

#[test]
fn strictness_is_dropped_where_the_model_has_none() {
    let tool = json!({"type": "function", "function": {"name": "f", "strict": true, "parameters":
        {"type": "object", "properties": {}, "additionalProperties": false}}});
    let (read, _) = read(&with(json!({ "tools": [tool] })));
    let strict = |strict_tools| Capabilities {
        strict_tools,
        ..acme()
    };
    let (body, _, losses) = write(&read.request, &strict(true));
    assert_eq!(body["tools"][0]["function"]["strict"], true);
    assert!(losses.is_empty(), "{losses:?}");
    let (body, _, losses) = write(&read.request, &strict(false));
    assert!(body["tools"][0]["function"].get("strict").is_none());
    assert_eq!(kinds(&losses), [(LossKind::Dropped, "tools[0].strict")]);
}

#[test]
fn a_breakpoint_of_a_tool_is_ignored() {
    let mut tool = function_tool("f");
    if let Tool::Function(tool) = &mut tool {
        tool.cache = Some(CacheBreakpoint::default());
    }
    let (.., losses) = write(&with_tools(vec![tool], None), &gpt());
    assert_eq!(kinds(&losses), [(LossKind::Ignored, "tools[0]")]);
}

#[test]
fn a_freeform_tool_is_chosen_in_its_own_form() {
    let tool = Tool::Freeform(FreeformTool {
        name: "p".to_owned(),
        namespace: None,
        description: None,
        grammar: None,
        index: 0,
    });
    let choice = ToolChoice::Named {
        name: "p".to_owned(),
        namespace: None,
    };
    let request = with_tools(vec![tool], Some(choice));
    let freeform = |freeform_tools| Capabilities {
        freeform_tools,
        ..gpt()
    };
    let (body, ..) = write(&request, &freeform(true));
    assert_eq!(
        body["tool_choice"],
        json!({"type": "custom", "custom": {"name": "p"}})
    );
    let (body, ..) = write(&request, &freeform(false));
    assert_eq!(
        body["tool_choice"],
        json!({"type": "function", "function": {"name": "p"}})
    );
}

#[test]
fn a_model_made_for_search_gets_its_options() {
    let search = Tool::WebSearch(WebSearchTool {
        max_uses: Some(1),
        allowed_domains: Some(vec!["x".to_owned()]),
        user_location: Some(UserLocation {
            city: Some("Bonn".to_owned()),
            ..UserLocation::default()
        }),
        context_size: Some("low".to_owned()),
        ..WebSearchTool::default()
    });
    let (body, _, losses) = write_for("gpt-5-search-api", &with_tools(vec![search], None), &gpt());
    let location = json!({"type": "approximate", "approximate": {"city": "Bonn"}});
    let expected = json!({"search_context_size": "low", "user_location": location});
    assert_eq!(body["web_search_options"], expected);
    assert!(body.get("tools").is_none());
    let expected = [
        (LossKind::Dropped, "tools[0].max_uses"),
        (LossKind::Dropped, "tools[0].allowed_domains"),
    ];
    assert_eq!(kinds(&losses), expected);
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
