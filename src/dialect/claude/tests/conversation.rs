//! Messages as they are read, and the shape of a conversation that is written.

use super::*;

/// The roles of the messages that are written, and the types of their blocks.
fn shape(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().into_iter().flatten();
    let kind = |block: &Value| block["type"].as_str().unwrap_or_default().to_owned();
    messages
        .map(|message| {
            let content = match &message["content"] {
                Value::Array(blocks) => blocks.iter().map(kind).collect::<Vec<_>>().join(" "),
                text => text.as_str().unwrap_or_default().to_owned(),
            };
            format!("{}: {content}", message["role"].as_str().unwrap_or_default())
        })
        .collect()
}

#[test]
fn an_instruction_until_the_next_user_message_ends_with_it() {
    let note = json!({"role": "system", "content": "now", "clear_at": "next_user_message"});
    let user = json!({"role": "user", "content": "x"});
    let (request, losses) = read(&with(json!({"messages": [user, note]})));
    assert_eq!((request.messages.len(), listed(&losses).len()), (2, 0));
    let (request, losses) = read(&with(json!({"messages": [user, note, user]})));
    assert_eq!(request.messages.len(), 2);
    assert_eq!(listed(&losses), ["dropped messages[1] ClearedInstruction"]);
}

#[test]
fn an_instruction_holds_text_only() {
    let content = json!([{"type": "text", "text": " "}, {"type": "text", "text": "a"}, {"type": "song"},
        {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "f"}}]);
    let system = json!({"role": "system", "content": content, "output_config": {"effort": "low"}});
    let (request, losses) = read(&with(json!({"messages": [system]})));
    let texts: Vec<Value> = request
        .messages
        .iter()
        .map(|message| to_json(&message.content))
        .collect();
    assert_eq!(texts, [json!([{"kind": "text", "text": "a"}])]);
    let expected = [
        "dropped messages[0].output_config EffortOfMessage",
        "refused messages[0].content[2] UnknownVariant",
        "dropped messages[0].content[3] ToolRemoval",
    ];
    assert_eq!(listed(&losses), expected);
}

#[test]
fn a_summary_becomes_a_message_of_the_user() {
    let compaction = json!({"type": "compaction", "content": "They met."});
    let content = json!([{"type": "text", "text": "a"}, compaction, {"type": "text", "text": "b"}]);
    let (request, losses) = read(&with(
        json!({"messages": [{"role": "assistant", "content": content}]}),
    ));
    let messages: Vec<(Role, usize)> = request
        .messages
        .iter()
        .map(|message| (message.role, message.index))
        .collect();
    assert_eq!(
        messages,
        [(Role::Assistant, 0), (Role::User, 0), (Role::Assistant, 0)]
    );
    let summary = to_json(&request.messages[1].content[0]);
    let framed = "<system-reminder>What was said before, in short:\nThey met.</system-reminder>";
    assert_eq!(summary["text"], framed);
    assert_eq!(
        listed(&losses),
        ["approximated messages[0].content[1] CompactionAsText"]
    );
    let (_, lost) = read_blocks(json!([{"type": "compaction", "encrypted_content": "e"}]));
    assert_eq!(lost, ["refused messages[0].content[0] EncryptedCompaction"]);
}

#[test]
fn a_tool_that_the_conversation_adds_follows_those_of_the_list() {
    let tool = |name: &str| json!({"name": name, "input_schema": {"type": "object"}});
    let definition = |tool: Value| json!({"type": "tool_addition", "tool": {"type": "tool_definition", "definition": tool}});
    let reference = json!({"type": "tool_addition", "tool": {"type": "tool_reference", "name": "f"}});
    let vendor = json!({"type": "web_search_20250305", "name": "web_search"});
    let content = json!([
        definition(tool("g")),
        definition(tool("g")),
        definition(vendor),
        reference
    ]);
    let (request, losses) = read(&with(json!({
        "tools": [tool("f")],
        "messages": [{"role": "user", "content": "x"}, {"role": "system", "content": content}],
    })));
    let names: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| to_json(tool)["name"].clone())
        .collect();
    assert_eq!(names, ["f", "g"]);
    let expected = [
        "approximated messages[1].content[0] AddedTool",
        "approximated messages[1].content[1] AddedTool",
        "refused messages[1].content[2] AddedVendorTool",
        "ignored messages[1].content[3] AddedReference",
    ];
    assert_eq!(listed(&losses), expected);
}

#[test]
fn neighbours_of_one_role_become_one_message() {
    let messages = vec![
        user(0, vec![text("a")]),
        user(1, vec![text(" "), text("b")]),
        assistant(2, vec![text("c")]),
    ];
    let (body, _, lost) = write(&request(messages), &model(|_| {}));
    assert_eq!(shape(&body), ["user: text text", "assistant: c"]);
    assert_eq!(lost, [""; 0], "a blank text is no loss");
}

#[test]
fn results_come_first_in_the_order_of_their_calls() {
    let messages = vec![
        user(0, vec![text("a")]),
        assistant(1, vec![call("1"), call("2")]),
        user(2, vec![text("b"), result("2", vec![text("two")])]),
        user(3, vec![result("1", vec![text("one")])]),
    ];
    let (body, _, lost) = write(&request(messages), &model(|_| {}));
    assert_eq!(
        shape(&body),
        [
            "user: a",
            "assistant: tool_use tool_use",
            "user: tool_result tool_result text"
        ]
    );
    let results = &body["messages"][2]["content"];
    assert_eq!(
        (&results[0]["content"], &results[1]["content"]),
        (&json!("one"), &json!("two"))
    );
    assert_eq!(lost, ["approximated tools UndeclaredTools"]);
}

#[test]
fn an_instruction_between_a_call_and_its_result_comes_after_the_result() {
    let messages = vec![
        user(0, vec![text("a")]),
        assistant(1, vec![call("1")]),
        instruction(2, "note"),
        user(3, vec![result("1", vec![text("one")])]),
        assistant(4, vec![text("b")]),
    ];
    let capabilities = model(|model| model.mid_system = true);
    let (body, _, _) = write(&request(messages), &capabilities);
    let expected = [
        "user: a",
        "assistant: tool_use",
        "user: tool_result",
        "system: text",
        "assistant: b",
    ];
    assert_eq!(shape(&body), expected);
}

#[test]
fn an_instruction_in_the_middle_stays_where_the_model_accepts_it_and_is_framed_elsewhere() {
    let able = model(|model| model.mid_system = true);
    let at_end = request(vec![user(0, vec![text("a")]), instruction(1, "note")]);
    let (body, _, lost) = write(&at_end, &able);
    assert_eq!(shape(&body), ["user: a", "system: text"]);
    assert_eq!(lost, [""; 0]);
    let before_user = request(vec![
        user(0, vec![text("a")]),
        instruction(1, "note"),
        user(2, vec![text("b")]),
    ]);
    for (request, capabilities) in [(&at_end, &model(|_| {})), (&before_user, &able)] {
        let (body, _, lost) = write(request, capabilities);
        let framed = "<system-reminder>note</system-reminder>";
        assert_eq!(body["messages"][0]["content"][1]["text"], framed);
        assert_eq!(
            lost,
            ["approximated messages[1].content[0] InstructionAsUserText"]
        );
    }
}

#[test]
fn without_a_user_the_last_instruction_becomes_its_message() {
    let (mut alone, _) = read(&with(
        json!({"system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
    ));
    alone.messages = Vec::new();
    let (body, _, lost) = write(&alone, &model(|_| {}));
    assert_eq!(shape(&body), ["user: b"]);
    assert_eq!(body["system"], json!([{"type": "text", "text": "a"}]));
    assert_eq!(lost, ["approximated messages InstructionAsUserMessage"]);
}

#[test]
fn a_conversation_that_the_assistant_begins_gets_a_full_stop_before_it() {
    let messages = vec![assistant(0, vec![text("a")]), user(1, vec![text("b")])];
    let (body, _, lost) = write(&request(messages), &model(|_| {}));
    assert_eq!(shape(&body), ["user: .", "assistant: a", "user: b"]);
    assert_eq!(lost, ["approximated messages AssistantBegins"]);
}

#[test]
fn a_prefill_loses_its_last_white_space_or_is_refused() {
    let prefill = request(vec![user(0, vec![text("a")]), assistant(1, vec![text("b \n")])]);
    let (body, _, lost) = write(&prefill, &model(|_| {}));
    assert_eq!(shape(&body), ["user: a", "assistant: b"]);
    assert_eq!(lost, [""; 0]);
    let (_, _, lost) = write(&prefill, &model(|model| model.prefill = false));
    assert_eq!(lost, ["refused messages[1].content[0] NoPrefill"]);
    let called = request(vec![
        user(0, vec![text("a")]),
        assistant(1, vec![text("b "), call("1")]),
    ]);
    let (body, _, lost) = write(&called, &model(|model| model.prefill = false));
    assert_eq!(
        body["messages"][1]["content"][0]["text"], "b ",
        "a call is no prefill"
    );
    assert_eq!(lost, ["approximated tools UndeclaredTools"]);
}

#[test]
fn calls_and_results_that_do_not_pair_are_refused() {
    let twice = request(vec![
        user(0, vec![text("a")]),
        assistant(1, vec![call("1"), call("1")]),
    ]);
    let orphan = request(vec![user(0, vec![text("a"), result("9", vec![])])]);
    let refused = |request: &Request| -> Vec<String> {
        let (_, _, lost) = write(request, &model(|_| {}));
        lost.into_iter()
            .filter(|loss| loss.starts_with("refused"))
            .collect()
    };
    assert_eq!(
        refused(&twice),
        ["refused messages[1].content[1] DuplicateCallId"]
    );
    assert_eq!(
        refused(&orphan),
        ["refused messages[0].content[1] ResultWithoutCall"]
    );
}

#[test]
fn only_reasoning_with_the_vendors_own_signature_is_sent_back() {
    let turn = |origin| {
        let messages = vec![
            user(0, vec![text("a")]),
            assistant(1, vec![text(" "), thought(origin), text("b")]),
            user(2, vec![text("c")]),
        ];
        let (body, _, lost) = write(&request(messages), &model(|_| {}));
        (shape(&body).swap_remove(1), lost)
    };
    let (signed, lost) = turn(Some(Family::Claude));
    assert_eq!(
        signed, "assistant: text thinking text",
        "blank text beside it is signed, too"
    );
    assert_eq!(lost, [""; 0]);
    let (unsigned, lost) = turn(None);
    assert_eq!(unsigned, "assistant: b");
    assert_eq!(lost, ["dropped messages[1].content[1] UnsignedReasoning"]);
    assert_eq!(
        turn(Some(Family::OpenaiChat)).1,
        ["dropped messages[1].content[1] UnsignedReasoning"]
    );
    assert_eq!(
        turn(Some(Family::OpenaiResponses)).1,
        ["dropped messages[1].content[1] ForeignReasoning"]
    );
}

#[test]
fn the_name_of_a_speaker_is_ignored() {
    let mut named = user(3, vec![text("a")]);
    named.name = Some("Ada".to_owned());
    let (_, _, lost) = write(&request(vec![named]), &model(|_| {}));
    assert_eq!(lost, ["ignored messages[3].name SpeakerName"]);
}
