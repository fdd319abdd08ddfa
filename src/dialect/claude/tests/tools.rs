//! Tools, the choice among them, and the format of the response's text.

use super::*;
use crate::canonical::{FreeformTool, OutputFormat, Tool, ToolChoice, WebSearchTool};

fn tool(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object"}})
}

fn search() -> Tool {
    Tool::WebSearch(WebSearchTool {
        context_size: Some("low".to_owned()),
        index: 1,
        ..WebSearchTool::default()
    })
}

/// A request that offers these tools.
fn offering(tools: Value) -> Request {
    read(&with(json!({ "tools": tools }))).0
}

#[test]
fn web_searches_of_every_version_are_read_alike() {
    for version in [
        "web_search_20250305",
        "web_search_20260209",
        "web_search_20260318",
    ] {
        let search = json!({"type": version, "name": "web_search", "max_uses": 3, "allowed_domains": ["a.org"],
            "user_location": {"type": "approximate", "city": "Ulm"}});
        let (request, losses) = read(&with(json!({"tools": [search]})));
        let expected = json!([{"kind": "web_search", "max_uses": 3, "allowed_domains": ["a.org"],
            "user_location": {"city": "Ulm"}, "index": 0}]);
        assert_eq!(
            (to_json(&request.tools), listed(&losses).len()),
            (expected, 0),
            "{version}"
        );
    }
    let last = json!({"type": "web_search_20260318", "name": "web_search", "response_inclusion": "full"});
    let lost = losses_of(json!({"tools": [last]}));
    assert_eq!(
        lost,
        ["dropped tools[0].response_inclusion SearchResponseInclusion"]
    );
}

#[test]
fn other_tools_of_the_vendor_are_dropped_or_refused() {
    let tools = json!([{"type": "tool_search_tool_bm25", "name": "tool_search_tool_bm25"}, {"type": "bash_20250124", "name": "bash"}]);
    let (request, losses) = read(&with(json!({ "tools": tools })));
    assert!(request.tools.is_empty());
    assert_eq!(
        listed(&losses),
        ["dropped tools[0] ToolSearch", "refused tools[1] UnknownVariant"]
    );
}

#[test]
fn hints_of_a_tool_are_ignored_and_a_tool_that_only_code_may_call_is_refused() {
    let mut hinted = tool("f");
    hinted["eager_input_streaming"] = json!(true);
    hinted["input_examples"] = json!([{}]);
    hinted["defer_loading"] = json!(true);
    hinted["allowed_callers"] = json!(["direct", "code_execution_20250825"]);
    let mut indirect = tool("g");
    indirect["allowed_callers"] = json!(["code_execution_20250825"]);
    indirect["input_schema"] = json!("none");
    let expected = [
        "ignored tools[0].eager_input_streaming EagerInput",
        "ignored tools[0].input_examples InputExamples",
        "ignored tools[0].defer_loading DeferredTool",
        "refused tools[1].allowed_callers IndirectTool",
        "refused tools[1].input_schema SchemaIsNoObject",
    ];
    assert_eq!(losses_of(json!({"tools": [hinted, indirect]})), expected);
}

#[test]
fn only_the_absence_of_parallel_calls_is_read() {
    let choice = |choice: Value| {
        let (request, losses) = read(&with(json!({ "tool_choice": choice })));
        (
            request.tool_choice,
            request.parallel_tool_calls,
            listed(&losses).len(),
        )
    };
    let disabled = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(choice(disabled), (Some(ToolChoice::Auto), Some(false), 0));
    let enabled = json!({"type": "any", "disable_parallel_tool_use": false});
    assert_eq!(choice(enabled), (Some(ToolChoice::Any), None, 0));
    assert_eq!(choice(json!({"type": "dice"})), (None, None, 1));
}

#[test]
fn an_acceptable_schema_keeps_its_bytes_and_a_union_at_its_top_becomes_words() {
    let schema: RawJson =
        to_raw_json(&json!({"type": "object", "properties": {"a": {"anyOf": []}}, "n": 1.0}));
    let mut request = offering(json!([tool("f")]));
    let set = |request: &mut Request, schema: RawJson| {
        if let [Tool::Function(tool)] = request.tools.as_mut_slice() {
            tool.parameters = Some(schema);
        }
    };
    set(&mut request, schema.clone());
    let (_, written, lost) = write(&request, &model(|_| {}));
    assert!(String::from_utf8_lossy(&written.body).contains(schema.get()));
    assert_eq!(lost, [""; 0]);
    set(
        &mut request,
        to_raw_json(&json!({"type": "object", "anyOf": [{"required": ["a"]}]})),
    );
    let (body, _, lost) = write(&request, &model(|_| {}));
    assert_eq!(body["tools"][0]["input_schema"].get("anyOf"), None);
    assert_eq!(lost, ["approximated tools[0].parameters SchemaUnionInWords"]);
}

#[test]
fn arguments_are_held_to_a_schema_only_where_the_model_and_the_schema_allow() {
    let strict = |schema: Value, is_able: bool| {
        let mut strict = tool("f");
        strict["strict"] = json!(true);
        strict["input_schema"] = schema;
        let capabilities = model(|model| model.strict_tools = is_able);
        let (body, lost) = rewrite(json!({"tools": [strict]}), &capabilities);
        (body["tools"][0]["strict"] == true, lost)
    };
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    assert_eq!(strict(closed.clone(), true), (true, vec![]));
    let dropped = vec!["dropped tools[0].strict UnenforcedArguments".to_owned()];
    assert_eq!(strict(closed, false), (false, dropped.clone()));
    let open = json!({"type": "object", "properties": {}, "additionalProperties": {"type": "string"}});
    assert_eq!(strict(open, true), (false, dropped));
    let bounded = json!({"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}});
    let worded = vec!["approximated tools[0].parameters SchemaInWords".to_owned()];
    assert_eq!(strict(bounded, true), (true, worded));
}

#[test]
fn a_freeform_tool_becomes_a_function_and_is_restored() {
    let mut request = offering(json!([]));
    request.tools = vec![Tool::Freeform(FreeformTool {
        name: "run".to_owned(),
        namespace: None,
        description: Some("Runs.".into()),
        grammar: None,
        index: 0,
    })];
    let (body, written, _) = write(&request, &model(|_| {}));
    assert_eq!(body["tools"][0]["input_schema"]["required"], json!(["input"]));
    assert!(written.restoration.tools.contains_key("run"));
}

#[test]
fn a_search_is_left_out_beside_other_tools_and_refused_alone() {
    let capabilities = model(|model| model.web_search = false);
    let mut request = offering(json!([tool("f")]));
    request.tools.push(search());
    let (body, _, lost) = write(&request, &capabilities);
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(lost, ["dropped tools[1] SearchLeftOut"]);
    request.tool_choice = Some(ToolChoice::Named {
        name: "web_search".to_owned(),
        namespace: None,
    });
    let (_, _, lost) = write(&request, &capabilities);
    assert_eq!(lost, ["refused tools[1] NoServerTools"]);
    request.tools.remove(0);
    request.tool_choice = None;
    let (_, _, lost) = write(&request, &capabilities);
    assert_eq!(lost, ["refused tools[1] NoServerTools"]);
    let (body, _, lost) = write(&request, &model(|_| {}));
    assert_eq!(body["tools"][0]["type"], "web_search_20250305");
    assert_eq!(lost, ["ignored tools[1].search_context_size SearchContextSize"]);
}

#[test]
fn tools_that_only_the_history_calls_are_declared_once() {
    let messages = vec![user(0, vec![text("a")]), assistant(1, vec![call("1"), call("2")])];
    let (body, _, lost) = write(&request(messages), &model(|_| {}));
    assert_eq!(
        body["tools"],
        json!([{"name": "f", "input_schema": {"type": "object"}}])
    );
    assert_eq!(lost, ["approximated tools UndeclaredTools"]);
}

#[test]
fn a_choice_that_cannot_be_forced_becomes_auto() {
    let mut request = offering(json!([tool("f"), tool("g")]));
    let able = model(|_| {});
    let unable = model(|model| model.forced_tool = false);
    request.parallel_tool_calls = Some(false);
    let named = ToolChoice::Named {
        name: "g".to_owned(),
        namespace: None,
    };
    let of_list = ToolChoice::Subset {
        required: true,
        names: vec!["g".to_owned()],
    };
    for (choice, kind, lost_by_able) in [
        (ToolChoice::Any, "any", 0),
        (named, "tool", 0),
        (of_list, "any", 1),
    ] {
        request.tool_choice = Some(choice);
        let (body, _, lost) = write(&request, &able);
        assert_eq!(
            (&body["tool_choice"]["type"], lost.len()),
            (&json!(kind), lost_by_able)
        );
        assert_eq!(body["tool_choice"]["disable_parallel_tool_use"], true);
        let (body, _, lost) = write(&request, &unable);
        assert_eq!(body["tool_choice"]["type"], "auto");
        assert!(
            lost.contains(&"approximated tool_choice NoForcedCall".to_owned()),
            "{lost:?}"
        );
    }
    let (body, _, lost) = write(&request, &able);
    assert_eq!(
        body["tools"].as_array().map(Vec::len),
        Some(1),
        "the subset alone is declared"
    );
    assert_eq!(lost, ["approximated tool_choice ToolSubset"]);
}

#[test]
fn a_request_without_tools_has_no_choice() {
    let mut request = offering(json!([]));
    request.tool_choice = Some(ToolChoice::Any);
    let (body, _, lost) = write(&request, &model(|model| model.forced_tool = false));
    assert_eq!((body.get("tool_choice"), lost.len()), (None, 0));
}

#[test]
fn a_format_is_written_natively_or_as_a_tool_or_refused() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format = json!({"output_config": {"format": {"type": "json_schema", "schema": closed}}, "tools": [tool("json")]});
    let (body, lost) = rewrite(format.clone(), &model(|model| model.structured_output = true));
    assert_eq!(
        body["output_config"]["format"]["schema"]["additionalProperties"],
        false
    );
    assert_eq!(lost, [""; 0]);
    let (request, _) = read(&with(format.clone()));
    let (body, written, lost) = write(&request, &model(|_| {}));
    assert_eq!(
        written.restoration.json_tool.as_deref(),
        Some("json_"),
        "the client has a tool of that name"
    );
    assert_eq!(
        body["tool_choice"],
        json!({"type": "any", "disable_parallel_tool_use": true})
    );
    assert_eq!(lost, ["approximated output_config.format FormatAsTool"]);
    let (_, lost) = rewrite(format, &model(|model| model.forced_tool = false));
    assert_eq!(lost, ["refused output_config.format UnsupportedSchema"]);
    let mut free = offering(json!([]));
    free.output_format = Some(OutputFormat::JsonObject);
    let (_, _, lost) = write(&free, &model(|_| {}));
    assert_eq!(lost, ["dropped output_config.format JsonWithoutSchema"]);
}

#[test]
fn the_tool_of_a_format_is_forced_if_it_is_the_only_one() {
    let format = json!({"type": "json_schema", "schema": {"type": "object", "properties": {}}});
    let (body, _) = rewrite(json!({"output_config": {"format": format}}), &model(|_| {}));
    let forced = json!({"type": "tool", "name": "json", "disable_parallel_tool_use": true});
    assert_eq!(body["tool_choice"], forced);
}
