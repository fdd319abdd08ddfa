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
fn in_words(events: Vec<Event>) -> Vec<String> {
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
fn token_counts_after_the_finish_reason_are_read() {
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
    assert_eq!(in_words(read(&frames)), expected);
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
    assert_eq!(in_words(read(&frames)), expected);
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
fn calls_are_distinguished_by_index_and_identifier() {
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
    assert_eq!(in_words(read(&frames)), expected);
}

#[test]
fn a_call_without_an_identifier_gets_one() {
    let first = in_words(read(&[call(0, json!(null), json!("f"), "{}"), last("stop")]));
    assert_eq!(
        first.get(1).map(String::as_str),
        Some("open 0 f call_chatcmpl1_0")
    );
}

#[test]
fn arguments_sent_as_an_object_are_its_text() {
    let call = json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": {"b": 1.0, "a": 2}}});
    let events = in_words(read(&[chunk(&json!({"tool_calls": [call]})), last("tool_calls")]));
    assert_eq!(events.get(2).map(String::as_str), Some(r#"0 {"b":1.0,"a":2}"#));
}

#[test]
fn a_freeform_call_may_look_like_json() {
    let piece = |input: &str| {
        let call = json!({"index": 0, "id": "a", "type": "custom", "custom": {"name": "p", "input": input}});
        chunk(&json!({"tool_calls": [call]}))
    };
    let next = call(1, json!("b"), json!("g"), "{}");
    let events = in_words(read(&[piece("{}"), next, piece(" more"), last("tool_calls")]));
    let expected = ["open 0 p a", "0 {}", "0  more", "close 0", "open 1 g b"];
    assert_eq!(events.get(1..6), Some(expected.map(str::to_owned).as_slice()));
}

#[test]
fn text_after_calls_is_another_block_unless_it_is_white_space() {
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
    assert_eq!(in_words(read(&frames)), expected);
}

#[test]
fn a_stream_without_a_finish_reason_has_failed() {
    let text = chunk(&json!({"content": "a"}));
    assert_eq!(
        in_words(read(std::slice::from_ref(&text)))
            .last()
            .map(String::as_str),
        Some("fail upstream")
    );
    let done = [text, "[DONE]".to_owned()];
    assert_eq!(
        in_words(read(&done)).last().map(String::as_str),
        Some("fail upstream")
    );
}

#[test]
fn a_call_that_never_had_a_name_is_a_loss_however_the_stream_ends() {
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
        let events = in_words(read(&[frame.to_owned(), chunk(&json!({"content": "late"}))]));
        assert_eq!(events, [class], "{frame}");
    }
}

#[test]
fn a_refusal_is_one_only_where_the_model_stopped() {
    let refusal = chunk(&json!({"refusal": "no"}));
    let events = in_words(read(&[refusal, last("stop")]));
    assert_eq!(events.last().map(String::as_str), Some("finish Refusal 0"));
}

#[test]
fn a_fragment_without_an_index_belongs_to_its_identifier_or_to_the_last_call() {
    let fragment = |id: Value, arguments: &str| {
        let call = json!({"id": id, "function": {"arguments": arguments}});
        chunk(&json!({"tool_calls": [call]}))
    };
    let frames = [
        call(0, json!("a"), json!("f"), "{"),
        call(1, json!("b"), json!("g"), "{"),
        fragment(json!("a"), "}"),
        fragment(Value::Null, "}"),
        last("tool_calls"),
    ];
    let expected = [
        "open 0 f a",
        "0 {",
        "0 }",
        "close 0",
        "open 1 g b",
        "1 {}",
        "close 1",
    ];
    let events = in_words(read(&frames));
    assert_eq!(events.get(1..8), Some(expected.map(str::to_owned).as_slice()));
}

#[test]
fn the_deprecated_call_is_one_call() {
    let piece = |name: Value, arguments: &str| {
        chunk(&json!({"function_call": {"name": name, "arguments": arguments}}))
    };
    let frames = [
        piece(json!("f"), "{"),
        piece(Value::Null, "}"),
        last("function_call"),
    ];
    let events = in_words(read(&frames));
    let expected = [
        "open 0 f call_chatcmpl1_0",
        "0 {",
        "0 }",
        "close 0",
        "finish ToolUse 0",
    ];
    assert_eq!(events.get(1..), Some(expected.map(str::to_owned).as_slice()));
}

#[test]
fn other_choices_sound_and_a_routers_state_are_dropped() {
    let second = json!({"choices": [{"index": 1, "delta": {"content": "b"}}]}).to_string();
    let state = json!([{"type": "reasoning.encrypted", "data": "x"}]);
    let frames = [
        second,
        chunk(&json!({"audio": {"id": "x"}, "reasoning_details": state, "content": "a"})),
        last("stop"),
    ];
    let (events, losses) = read_with_losses(&frames);
    let events = in_words(events);
    assert_eq!(
        events.get(1..3),
        Some(["open 0 text", "0 a"].map(str::to_owned).as_slice())
    );
    let paths: Vec<&str> = losses.notable().map(|loss| loss.path.as_str()).collect();
    let expected = [
        "choices[1]",
        "choices[0].delta.audio",
        "choices[0].delta.reasoning_details",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn citations_and_log_probabilities_belong_to_the_open_text() {
    let citation = json!([{"type": "url_citation", "url_citation":
        {"url": "https://x", "title": "", "start_index": 0, "end_index": 1}}]);
    let logprobs = json!({"content": [{"token": "a", "logprob": -0.5, "bytes": null, "top_logprobs": []}]});
    let with_logprobs = |delta: Value| {
        json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta, "logprobs": logprobs}]})
            .to_string()
    };
    let frames = [
        chunk(&json!({"annotations": citation})),
        with_logprobs(json!({})),
        with_logprobs(json!({"content": "a"})),
        chunk(&json!({"annotations": citation})),
        last("stop"),
    ];
    let deltas: Vec<Delta> = read(&frames)
        .into_iter()
        .filter_map(|event| match event {
            Event::Delta { delta, .. } => Some(delta),
            _ => None,
        })
        .collect();
    assert!(
        matches!(
            deltas.as_slice(),
            [Delta::Text { .. }, Delta::Logprobs { .. }, Delta::Annotation(_)]
        ),
        "{deltas:?}"
    );
}

#[test]
fn an_unknown_finish_reason_is_approximated_at_its_path() {
    let (events, losses) = read_with_losses(&[chunk(&json!({"content": "a"})), last("tired")]);
    assert_eq!(in_words(events).last().map(String::as_str), Some("finish End 0"));
    let paths: Vec<&str> = losses.notable().map(|loss| loss.path.as_str()).collect();
    assert_eq!(paths, ["choices[0].finish_reason"]);
}
