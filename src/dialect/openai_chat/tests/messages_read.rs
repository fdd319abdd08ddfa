use super::*;

/// The content of the second message of a request whose second message is the assistant's with these members, and the
/// losses.
fn read_assistant(members: Value) -> (Vec<Block>, Vec<(LossKind, String)>) {
    let mut message = json!({"role": "assistant"});
    if let (Value::Object(message), Value::Object(members)) = (&mut message, members) {
        message.extend(members);
    }
    let body = with_messages(json!([{"role": "user", "content": "x"}, message]));
    let losses = read_losses(&body);
    let (read, _) = read(&body);
    let message = read.request.messages.into_iter().nth(1);
    (message.map(|message| message.content).unwrap_or_default(), losses)
}

#[test]
fn instructions_contain_only_text() {
    let image = json!({"type": "image_url", "image_url": {"url": "https://x"}});
    let body = with_messages(json!([
        {"role": "system", "content": [image, {"type": "text", "text": "a"}]},
        {"role": "user", "content": "x"},
    ]));
    assert_eq!(read_losses(&body), one(LossKind::Refused, "messages[0].content"));
}

#[test]
fn the_author_of_leading_instructions_is_ignored() {
    let body = with_messages(json!([
        {"role": "system", "name": "a", "content": "s"},
        {"role": "user", "name": "b", "content": "x"},
        {"role": "system", "name": "c", "content": "t"},
    ]));
    let (request, losses) = read(&body);
    assert_eq!(kinds(&losses), [(LossKind::Ignored, "messages[0].name")]);
    let names = request.request.messages.iter();
    let names: Vec<_> = names.map(|message| message.name.as_deref()).collect();
    assert_eq!(names, [Some("b"), Some("c")]);
}

#[test]
fn a_message_of_an_unknown_role_is_refused() {
    let body = with_messages(json!([{"role": "narrator", "content": "x"}]));
    assert_eq!(read_losses(&body), one(LossKind::Refused, "messages[0]"));
}

#[test]
fn the_result_of_a_function_without_a_call_is_refused() {
    let body = with_messages(json!([{"role": "function", "name": "f", "content": "r"}]));
    assert_eq!(read_losses(&body), one(LossKind::Refused, "messages[0]"));
}

#[test]
fn an_earlier_sound_is_dropped() {
    let (_, losses) = read_assistant(json!({"content": "y", "audio": {"id": "audio_1"}}));
    assert_eq!(losses, one(LossKind::Dropped, "messages[1].audio"));
}

#[test]
fn a_refusal_is_read_from_a_part_or_a_member() {
    let part = json!([{"type": "refusal", "refusal": "no"}]);
    for members in [
        json!({"content": part}),
        json!({"content": null, "refusal": "no"}),
    ] {
        let (blocks, losses) = read_assistant(members);
        assert!(
            matches!(blocks.as_slice(), [Block::Refusal { text }] if *text == "no"),
            "{blocks:?}"
        );
        assert!(losses.is_empty(), "{losses:?}");
    }
}

#[test]
fn members_that_clients_repeat_from_a_response_are_ignored() {
    let call = json!({"id": "a", "type": "function", "index": 0, "new": 1,
        "function": {"name": "f", "arguments": "{}"}});
    let (_, losses) = read_assistant(json!({"content": "y", "annotations": [], "tool_calls": [call]}));
    let path = |path: &str| path.to_owned();
    let expected = [
        (LossKind::Ignored, path("messages[1].annotations")),
        (LossKind::Ignored, path("messages[1].tool_calls[0].index")),
        (LossKind::Dropped, path("messages[1].tool_calls[0].new")),
    ];
    assert_eq!(losses, expected);
}

#[test]
fn a_custom_call_has_freeform_input() {
    let call = json!({"id": "a", "type": "custom", "custom": {"name": "p", "input": "{}"}});
    let (blocks, _) = read_assistant(json!({"tool_calls": [call]}));
    let [Block::ToolCall(call)] = blocks.as_slice() else {
        panic!("{blocks:?}")
    };
    assert!(matches!(&call.input, ToolInput::Freeform { text } if *text == "{}"));
}

#[test]
fn a_call_of_an_unknown_kind_is_refused() {
    let (_, losses) = read_assistant(json!({"tool_calls": [{"id": "a", "type": "telepathy"}]}));
    assert_eq!(losses, one(LossKind::Refused, "messages[1].tool_calls[0]"));
}

#[test]
fn two_texts_of_the_reasoning_that_differ_are_a_loss() {
    let members = json!({"content": "y", "reasoning": "a", "reasoning_content": "b"});
    let (blocks, losses) = read_assistant(members);
    let Some(Block::Reasoning(reasoning)) = blocks.first() else {
        panic!("{blocks:?}")
    };
    assert_eq!(reasoning.parts, ["b"]);
    assert_eq!(losses, one(LossKind::Ignored, "messages[1].reasoning"));
}

#[test]
fn the_leading_run_of_instructions_is_the_system_prompt() {
    let (read, losses) = read(&json!({"model": "m", "messages": [
        {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b",
            "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}]},
        {"role": "system", "content": "c"},
        {"role": "user", "content": "d"},
        {"role": "system", "content": "e"},
    ]}));
    assert!(losses.is_empty(), "{losses:?}");
    let system: Vec<(&str, SystemOrigin)> = read
        .request
        .system
        .iter()
        .map(|block| (block.text.as_str(), block.origin))
        .collect();
    let (developer, system_message) = (SystemOrigin::DeveloperMessage, SystemOrigin::SystemMessage);
    assert_eq!(
        system,
        [("a", developer), ("b", developer), ("c", system_message)]
    );
    let ttl = Some(CacheTtl::TwelveHours);
    assert_eq!(
        read.request.system.get(1).and_then(|block| block.cache),
        Some(CacheBreakpoint { ttl })
    );
    let roles: Vec<(Role, usize)> = read
        .request
        .messages
        .iter()
        .map(|message| (message.role, message.index))
        .collect();
    assert_eq!(roles, [(Role::User, 2), (Role::System, 3)]);
}

#[test]
fn carried_reasoning_comes_back() {
    let opaque = Opaque::new(
        Family::Claude,
        raw_json::to_raw_json(&json!({"type": "thinking"})),
    );
    let data = carrier::encode(&opaque);
    let (read, losses) = read(
        &json!({"model": "m", "messages": [{"role": "user", "content": "x"}, {"role": "assistant",
        "content": "y", "reasoning_content": "hm", "reasoning_details": [
            {"index": 0, "type": "reasoning.encrypted", "data": data}, {"type": "reasoning.text", "text": "t"}]}]}),
    );
    assert_eq!(
        kinds(&losses),
        [(LossKind::Dropped, "messages[1].reasoning_details[1]")]
    );
    let Some([Block::Reasoning(reasoning), Block::Text(_)]) = read
        .request
        .messages
        .get(1)
        .map(|message| message.content.as_slice())
    else {
        panic!("{:?}", read.request)
    };
    assert_eq!(reasoning.parts, ["hm"]);
    let json = reasoning.opaque.as_ref().map(|opaque| opaque.json.get());
    assert_eq!(json, Some(r#"{"type":"thinking"}"#));
}
