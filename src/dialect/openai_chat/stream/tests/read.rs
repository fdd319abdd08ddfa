use super::*;

fn chunk(delta: &Value) -> String {
    json!({"id": "chatcmpl-1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
        .to_string()
}

fn last(reason: &str) -> String {
    json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}).to_string()
}

fn call(index: u32, id: Value, name: Value, arguments: &str) -> String {
    let call = json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}});
    chunk(&json!({"tool_calls": [call]}))
}

/// Events in words, in the order in which a writer gets them.
fn told(events: Vec<Event>) -> Vec<String> {
    let (mut sequencer, mut out) = (Sequencer::default(), Vec::new());
    for event in events {
        let pushed = sequencer.push(event, |event| {
            out.push(match event {
                Event::Start(start) => format!("start {}", start.id.unwrap_or_default()),
                Event::Open { index, block } => match block {
                    BlockStart::ToolCall { id, name, .. } => format!("open {index} {name} {id}"),
                    BlockStart::Text => format!("open {index} text"),
                    BlockStart::Reasoning => format!("open {index} reasoning"),
                    BlockStart::Refusal => format!("open {index} refusal"),
                    BlockStart::ServerTool(_) => format!("open {index} server tool"),
                },
                Event::Delta { index, delta } => match delta {
                    Delta::Text { text } | Delta::Reasoning { text, .. } | Delta::Input { text } => {
                        format!("{index} {text}")
                    }
                    Delta::Opaque(_) => format!("{index} state"),
                    other => format!("{index} {other:?}"),
                },
                Event::Close { index } => format!("close {index}"),
                Event::Finish { finish, usage } => {
                    format!(
                        "finish {:?} {}",
                        finish.reason,
                        usage.map_or(0, |usage| usage.output)
                    )
                }
                Event::Fail(error) => format!("fail {}", error.class.as_str()),
                Event::Ping => "ping".to_owned(),
            });
        });
        assert_eq!(pushed, Ok(()));
    }
    out
}

#[test]
fn usage_after_the_finish_reason_is_waited_for() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":9}}"#;
    let frames = [
        // Azure's first chunk holds the filter's results and no choice.
        r#"{"id":"","choices":[],"prompt_filter_results":[]}"#.to_owned(),
        chunk(&json!({"role": "assistant", "content": ""})),
        chunk(&json!({"reasoning_content": "hm", "reasoning": "hm"})),
        chunk(&json!({"content": "a"})),
        chunk(&json!({"content": "b"})),
        last("stop"),
        usage.to_owned(),
        "[DONE]".to_owned(),
    ];
    let expected = [
        "start chatcmpl-1",
        "open 0 reasoning",
        "0 hm",
        "0 state",
        "close 0",
        "open 1 text",
        "1 a",
        "1 b",
        "close 1",
        "finish End 9",
    ];
    assert_eq!(told(read(&frames)), expected);
}

#[test]
fn interleaved_calls_come_one_after_another() {
    let frames = [
        call(0, json!("a"), json!("f"), r#"{"x""#),
        call(1, json!("b"), json!("g"), r#"{"y""#),
        call(0, json!(null), json!(null), ":1}"),
        call(1, json!(null), json!(null), ":2}"),
        last("tool_calls"),
    ];
    let expected = [
        "start chatcmpl-1",
        "open 0 f a",
        r#"0 {"x""#,
        "0 :1}",
        "close 0",
        "open 1 g b",
        r#"1 {"y":2}"#,
        "close 1",
        "finish ToolUse 0",
    ];
    assert_eq!(told(read(&frames)), expected);
}

#[test]
fn a_complete_call_ends_when_the_next_begins() {
    let frames = [
        call(0, json!("a"), json!("f"), r#"{"x":"}{"}"#),
        call(1, json!("b"), json!("g"), "{}"),
    ];
    let events = read(&frames);
    let close = events
        .iter()
        .position(|event| matches!(event, Event::Close { index: 0 }));
    let open = events
        .iter()
        .position(|event| matches!(event, Event::Open { index: 1, .. }));
    assert!(close.is_some() && close < open, "{events:?}");
}

#[test]
fn calls_are_told_apart_by_index_and_identifier() {
    // One index for all calls; and a name that comes after its arguments.
    let frames = [
        call(0, json!("a"), json!("f"), "{}"),
        call(0, json!("a"), json!("f"), ""),
        call(0, json!("b"), json!(null), r#"{"n":"#),
        call(0, json!("b"), json!("g"), "1}"),
        last("stop"),
    ];
    let expected = [
        "start chatcmpl-1",
        "open 0 f a",
        "0 {}",
        "close 0",
        "open 1 g b",
        r#"1 {"n":1}"#,
        "close 1",
        "finish End 0",
    ];
    assert_eq!(told(read(&frames)), expected);
}

#[test]
fn calls_without_identifiers_get_some() {
    let first = told(read(&[call(0, json!(null), json!("f"), "{}"), last("stop")]));
    assert_eq!(
        first.get(1).map(String::as_str),
        Some("open 0 f call_chatcmpl1_0")
    );
}

#[test]
fn arguments_sent_as_an_object_are_its_text() {
    let call = json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": {"b": 1.0, "a": 2}}});
    let told = told(read(&[chunk(&json!({"tool_calls": [call]})), last("tool_calls")]));
    assert_eq!(told.get(2).map(String::as_str), Some(r#"0 {"b":1.0,"a":2}"#));
}

#[test]
fn a_freeform_call_may_look_like_json() {
    let piece = |input: &str| {
        let call = json!({"index": 0, "id": "a", "type": "custom", "custom": {"name": "p", "input": input}});
        chunk(&json!({"tool_calls": [call]}))
    };
    let next = call(1, json!("b"), json!("g"), "{}");
    let told = told(read(&[piece("{}"), next, piece(" more"), last("tool_calls")]));
    let expected = ["open 0 p a", "0 {}", "0  more", "close 0", "open 1 g b"];
    assert_eq!(told.get(1..6), Some(expected.map(str::to_owned).as_slice()));
}

#[test]
fn text_after_calls_is_a_block_of_its_own_and_white_space_is_none() {
    let frames = [
        call(0, json!("a"), json!("f"), "{}"),
        chunk(&json!({"content": "\n"})),
        chunk(&json!({"content": "so"})),
        chunk(&json!({"content": " "})),
        last("tool_calls"),
    ];
    let expected = [
        "start chatcmpl-1",
        "open 0 f a",
        "0 {}",
        "close 0",
        "open 1 text",
        "1 so",
        "1  ",
        "close 1",
        "finish ToolUse 0",
    ];
    assert_eq!(told(read(&frames)), expected);
}

#[test]
fn a_stream_without_a_reason_for_its_end_has_failed() {
    let text = chunk(&json!({"content": "a"}));
    assert_eq!(
        told(read(std::slice::from_ref(&text))).last().map(String::as_str),
        Some("fail upstream")
    );
    let done = [text, "[DONE]".to_owned()];
    assert_eq!(
        told(read(&done)).last().map(String::as_str),
        Some("fail upstream")
    );
}

#[test]
fn a_call_that_never_had_a_name_is_lost_with_notice_however_the_stream_ends() {
    for end in [&["[DONE]".to_owned()][..], &[]] {
        let frames = [call(0, json!("call_1"), Value::Null, "{}"), last("tool_calls")];
        let (_, losses) = read_with_losses(&[&frames, end].concat());
        let paths: Vec<_> = losses.notable().map(|loss| loss.path.to_string()).collect();
        assert_eq!(paths, ["choices[0].delta.tool_calls[0]"], "{end:?}");
    }
}

#[test]
fn errors_in_chunks_end_the_stream() {
    for (frame, class) in [
        (
            r#"{"error":{"message":"m","type":"server_error","code":429}}"#,
            "fail rate_limit",
        ),
        (
            r#"{"id":"x","choices":[],"error":{"message":"m"}}"#,
            "fail upstream",
        ),
        (
            r#"{"object":"error","message":"context length","code":400}"#,
            "fail context_window",
        ),
        ("not JSON", "fail upstream"),
    ] {
        let told = told(read(&[frame.to_owned(), chunk(&json!({"content": "late"}))]));
        assert_eq!(told, [class], "{frame}");
    }
}

#[test]
fn a_refusal_is_one_only_where_the_model_stopped() {
    let refusal = chunk(&json!({"refusal": "no"}));
    let told = told(read(&[refusal, last("stop")]));
    assert_eq!(told.last().map(String::as_str), Some("finish Refusal 0"));
}
