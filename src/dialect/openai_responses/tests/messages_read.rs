use super::*;

#[test]
fn only_leading_instructions_belong_to_the_system_prompt() {
    let (read, losses) = read(&json!({
        "model": "m",
        "instructions": "first",
        "input": [
            {"type": "additional_tools", "role": "developer", "tools": [
                {"type": "function", "name": "late", "parameters": {}, "strict": false}]},
            {"type": "message", "id": "msg_1", "role": "developer",
             "content": [{"type": "input_text", "text": "second"}, {"type": "input_text", "text": "third"}]},
            {"role": "system", "content": "fourth"},
            {"role": "user", "content": "hi"},
            {"role": "developer", "content": "later"},
        ],
    }));
    let request = read.request;
    let system: Vec<(&str, SystemOrigin)> = request
        .system
        .iter()
        .map(|block| (block.text.as_str(), block.origin))
        .collect();
    assert_eq!(
        system,
        [
            ("first", SystemOrigin::Field),
            ("second", SystemOrigin::DeveloperMessage),
            ("third", SystemOrigin::DeveloperMessage),
            ("fourth", SystemOrigin::SystemMessage),
        ]
    );
    let messages: Vec<(Role, usize)> = request.messages.iter().map(|m| (m.role, m.index)).collect();
    assert_eq!(messages, [(Role::User, 3), (Role::System, 4)]);
    assert_eq!(request.tools.len(), 1);
    assert_eq!(listed(&losses), ["approximated input[0]"]);
}

#[test]
fn an_output_without_a_call_id_belongs_to_the_last_open_call_of_its_name() {
    let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": ""});
    let output = |id: Value, name: &str| {
        json!({"type": "function_call_output", "call_id": id, "name": name, "output": [
            {"type": "input_text", "text": "ok"}]})
    };
    let (request, losses) = read_input(&json!([
        call("a"),
        call("b"),
        output(json!("b"), "f"),
        output(Value::Null, "f"),
        output(Value::Null, "g"),
    ]));
    let call_ids: Vec<&str> = request
        .messages
        .iter()
        .flat_map(|message| &message.content)
        .filter_map(|block| match block {
            Block::ToolResult(result) => Some(result.call_id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(call_ids, ["b", "a"]);
    assert_eq!(listed(&losses), ["refused input[4].call_id"]);
}

#[test]
fn an_unknown_role_is_refused_and_named() {
    let (request, losses) = read_input(&json!([{"role": "critic", "content": "x"}]));
    assert!(request.messages.is_empty());
    let entries: Vec<String> = losses.entries().iter().map(ToString::to_string).collect();
    assert_eq!(
        entries,
        ["refused input[0].role: the role `critic` cannot be translated"]
    );
}

#[test]
fn instructions_hold_text_only() {
    let image = json!({"type": "input_image", "image_url": "https://x"});
    let (request, losses) = read_input(&json!([
        {"role": "developer", "content": [{"type": "input_text", "text": " "}, image]},
        {"role": "user", "content": "hi"},
    ]));
    assert!(request.system.is_empty(), "blank text is left out");
    assert_eq!(request.messages.len(), 1);
    assert_eq!(listed(&losses), ["refused input[0].content[1]"]);
}

#[test]
fn the_phase_of_an_assistants_message_is_kept() {
    let (request, _) = read_input(&json!([{"role": "assistant", "phase": "commentary", "content": "x"}]));
    let phases: Vec<_> = request
        .messages
        .iter()
        .map(|message| message.phase.as_deref())
        .collect();
    assert_eq!(phases, [Some("commentary")]);
}

#[test]
fn the_last_update_of_the_configuration_holds() {
    let update = |effort: &str| json!({"type": "configuration_update", "reasoning": {"effort": effort}});
    let (read, losses) = read(&json!({"model": "m", "reasoning": {"effort": "low"}, "input": [
        update("medium"), {"role": "user", "content": "hi"}, update("high")]}));
    assert_eq!(read.request.reasoning.effort, Some(Effort::High));
    assert_eq!(
        listed(&losses),
        ["approximated input[0]", "approximated input[2]"]
    );
}

#[test]
fn a_search_for_tools_that_the_vendor_ran_leaves_only_the_tools() {
    let found = json!({"type": "function", "name": "found"});
    let (request, losses) = read_input(&json!([
        {"type": "tool_search_call", "call_id": null, "execution": "server", "arguments": {}},
        {"type": "tool_search_output", "call_id": null, "execution": "server", "tools": [found]},
    ]));
    assert!(request.messages.is_empty());
    assert_eq!(request.tools.len(), 1);
    assert_eq!(listed(&losses), ["dropped input[0]", "dropped input[1]"]);
}

#[test]
fn a_tool_that_the_request_declares_is_not_added_again() {
    let tool = json!({"type": "function", "name": "f"});
    let (read, _) = read(&json!({"model": "m", "tools": [tool], "input": [
        {"type": "additional_tools", "role": "developer", "tools": [tool, {"type": "function", "name": "g"}]}]}));
    let indices: Vec<usize> = read
        .request
        .tools
        .iter()
        .map(|tool| match tool {
            Tool::Function(tool) => tool.index,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(indices, [0, 2]);
}

#[test]
fn blank_instructions_are_none() {
    let (read, _) = read(&json!({"model": "m", "instructions": " \n"}));
    assert!(read.request.system.is_empty());
}
