use super::*;

#[test]
fn namespaces_freeform_tools_and_searches_are_read() {
    let found = json!({"type": "function", "name": "found", "parameters": {}, "strict": false});
    let (read, losses) = read(&json!({
        "model": "m",
        "tools": [
            {"type": "namespace", "name": "crm", "description": "d", "tools": [
                {"type": "function", "name": "find"},
                {"type": "custom", "name": "exec", "format": {"type": "grammar", "syntax": "lark", "definition": "g"}}]},
            {"type": "tool_search", "execution": "client", "description": "s", "parameters": {"type": "object"}},
            {"type": "web_search_preview", "search_context_size": "low",
             "user_location": {"type": "approximate", "city": "Bonn"}},
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [
            {"type": "function", "name": "find"}, {"type": "web_search"}]},
        "input": [
            {"type": "tool_search_call", "call_id": "s1", "execution": "client", "arguments": {"query": "q"}},
            {"type": "tool_search_output", "call_id": "s1", "execution": "client", "tools": [found, found]},
        ],
    }));
    let request = read.request;
    let names: Vec<String> = request
        .tools
        .iter()
        .map(|tool| match tool {
            Tool::Function(tool) => format!("{:?} {}", tool.namespace, tool.name),
            Tool::Freeform(tool) => format!("{:?} {} {}", tool.namespace, tool.name, tool.grammar.is_some()),
            Tool::WebSearch(tool) => format!("web {:?}", tool.context_size),
        })
        .collect();
    assert_eq!(
        names,
        [
            "Some(\"crm\") find",
            "Some(\"crm\") exec true",
            "None tool_search",
            "web Some(\"low\")",
            "None found",
        ]
    );
    let Some(Block::ToolResult(result)) = request.messages.last().and_then(|last| last.content.first())
    else {
        panic!("no result")
    };
    assert!(
        matches!(result.content.as_slice(), [Block::Text(text)] if text.text == r#"{"tools":["found","found"]}"#)
    );
    assert!(read.preferences.echo.is_some_and(|echo| echo.tool_search));
    assert_eq!(listed(&losses), ["dropped tools[0].description"]);
}

#[test]
fn a_tool_that_the_model_may_not_call_directly_is_refused() {
    let (_, losses) = read_members(json!({"tools": [
        {"type": "function", "name": "f", "allowed_callers": ["direct", "programmatic"]},
        {"type": "function", "name": "g", "allowed_callers": ["programmatic"]},
        {"type": "custom", "name": "h", "allowed_callers": []},
    ]}));
    assert_eq!(
        losses,
        [
            "refused tools[1].allowed_callers",
            "refused tools[2].allowed_callers"
        ]
    );
}

#[test]
fn a_schema_that_is_no_object_is_refused() {
    let (_, losses) = read_members(json!({
        "tools": [{"type": "function", "name": "f", "parameters": true}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": []}},
    }));
    assert_eq!(
        losses,
        ["refused text.format.schema", "refused tools[0].parameters"]
    );
}

#[test]
fn hints_of_a_tool_are_ignored() {
    let (_, losses) = read_members(json!({"tools": [{"type": "function", "name": "f", "async": true,
        "defer_loading": true, "output_schema": {}}]}));
    assert_eq!(
        losses,
        [
            "ignored tools[0].async",
            "ignored tools[0].defer_loading",
            "ignored tools[0].output_schema",
        ]
    );
}

#[test]
fn a_search_for_tools_of_the_vendor_is_dropped() {
    let (request, losses) = read_members(json!({"tools": [{"type": "tool_search"}]}));
    assert!(request.tools.is_empty());
    assert_eq!(losses, ["dropped tools[0]"]);
}

#[test]
fn a_web_search_of_stored_pages_is_dropped_to_one_of_the_web() {
    let (request, losses) = read_members(
        json!({"tools": [{"type": "web_search", "external_web_access": false,
        "filters": {"allowed_domains": ["x.org"]}}]}),
    );
    let [Tool::WebSearch(search)] = request.tools.as_slice() else {
        panic!("{:?}", request.tools)
    };
    assert_eq!(search.allowed_domains.as_deref(), Some(&["x.org".to_owned()][..]));
    assert_eq!(losses, ["dropped tools[0].external_web_access"]);
}

#[test]
fn an_unknown_choice_is_refused() {
    let (request, losses) = read_members(json!({"tool_choice": "maybe"}));
    assert!(request.tool_choice.is_none());
    assert_eq!(losses, ["refused tool_choice"]);
    let (_, losses) = read_members(json!({"tool_choice": {"type": "mcp", "server_label": "x"}}));
    assert_eq!(losses, ["refused tool_choice"]);
}

fn function(name: &str, strict: Option<bool>, parameters: &Value) -> Tool {
    Tool::Function(FunctionTool {
        name: name.to_owned(),
        namespace: None,
        description: None,
        parameters: Some(to_raw_json(parameters)),
        strict,
        cache: None,
        index: 0,
    })
}

fn write_tools(request: &mut Request, capabilities: &Capabilities) -> (Value, Vec<String>) {
    if request.tools.is_empty() {
        request.tools = vec![function("f", None, &json!({"type": "object"}))];
    }
    let (body, losses) = write(request, capabilities);
    (body, listed(&losses))
}

#[test]
fn a_function_is_strict_only_if_its_schema_can_be_enforced() {
    let closed = json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    let open = json!({"type": "object"});
    for (strict, schema, written, expected) in [
        (Some(true), &closed, true, vec![]),
        (Some(true), &open, false, vec!["dropped tools[0].strict"]),
        (None, &closed, false, vec![]),
    ] {
        let mut request = request(Vec::new());
        request.tools = vec![function("f", strict, schema)];
        let (body, losses) = write_tools(&mut request, &capabilities());
        assert_eq!(body["tools"][0]["strict"], written, "{strict:?} {schema}");
        assert_eq!(losses, expected, "{strict:?} {schema}");
    }
}

#[test]
fn a_grammar_in_an_unknown_syntax_is_dropped() {
    let grammar = |syntax: &str| {
        let mut request = request(Vec::new());
        request.tools = vec![Tool::Freeform(crate::canonical::FreeformTool {
            name: "p".to_owned(),
            namespace: None,
            description: None,
            grammar: Some(Grammar {
                syntax: syntax.to_owned(),
                definition: "x".to_owned(),
            }),
            index: 4,
        })];
        write_tools(&mut request, &capabilities())
    };
    let (body, losses) = grammar("lark");
    assert_eq!(body["tools"][0]["format"]["syntax"], "lark");
    assert!(losses.is_empty(), "{losses:?}");
    let (body, losses) = grammar("peg");
    assert_eq!(body["tools"][0].get("format"), None);
    assert_eq!(losses, ["dropped tools[4].format"]);
}

#[test]
fn a_model_that_cannot_be_forced_gets_a_free_choice() {
    let capabilities = Capabilities {
        forced_tool: false,
        ..capabilities()
    };
    for choice in [
        ToolChoice::Any,
        ToolChoice::Named {
            name: "f".to_owned(),
            namespace: None,
        },
    ] {
        let mut request = request(Vec::new());
        request.tool_choice = Some(choice);
        let (body, losses) = write_tools(&mut request, &capabilities);
        assert_eq!(body["tool_choice"], "auto");
        assert_eq!(losses, ["approximated tool_choice"]);
    }
}

#[test]
fn a_subset_names_each_tool_by_its_own_type() {
    let (read, _) = read(&json!({"model": "m", "tools": [
        {"type": "function", "name": "f"}, {"type": "custom", "name": "p"}, {"type": "web_search"}]}));
    let mut request = read.request;
    request.tool_choice = Some(ToolChoice::Subset {
        required: false,
        names: ["f", "p", "web_search"].map(str::to_owned).into(),
    });
    let (body, _) = write_tools(&mut request, &capabilities());
    assert_eq!(
        body["tool_choice"],
        json!({"type": "allowed_tools", "mode": "auto", "tools": [
            {"type": "function", "name": "f"}, {"type": "custom", "name": "p"}, {"type": "web_search"}]})
    );
}

#[test]
fn the_setting_of_parallel_calls_is_dropped_only_if_it_forbids_them() {
    let capabilities = Capabilities {
        parallel_tool_calls: false,
        ..capabilities()
    };
    for (parallel, expected) in [(true, vec![]), (false, vec!["dropped parallel_tool_calls"])] {
        let mut request = request(Vec::new());
        request.parallel_tool_calls = Some(parallel);
        let (body, losses) = write_tools(&mut request, &capabilities);
        assert_eq!(body.get("parallel_tool_calls"), None);
        assert_eq!(losses, expected);
    }
}

#[test]
fn without_tools_there_is_neither_choice_nor_setting() {
    let mut request = request(Vec::new());
    request.tool_choice = Some(ToolChoice::Any);
    request.parallel_tool_calls = Some(false);
    let (body, losses) = write(&request, &capabilities());
    assert_eq!(
        (body.get("tool_choice"), body.get("parallel_tool_calls")),
        (None, None)
    );
    assert!(losses.is_empty(), "{losses:?}");
}
