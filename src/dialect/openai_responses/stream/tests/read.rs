use super::*;

/// Reads frames; returns the events without pings.
fn read(frames: &[Value]) -> Vec<Event> {
    let (mut reader, mut events, mut losses) = (ResponsesStreamReader::default(), Vec::new(), Losses::new());
    for frame in frames {
        reader.read(
            &mut Scope::root(&mut losses),
            None,
            frame.to_string().as_bytes(),
            &mut events,
        );
    }
    reader.end(&mut Scope::root(&mut losses), &mut events);
    events.retain(|event| !matches!(event, Event::Ping));
    events
}

/// One line for each event.
fn describe(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| match event {
            Event::Start(start) => format!("start {}", start.id.as_deref().unwrap_or("-")),
            Event::Open { index, block } => match block {
                BlockStart::ToolCall { id, name, .. } => format!("open {index} {name} {id}"),
                BlockStart::ServerTool(tool) => format!("open {index} {} {:?}", tool.item, tool.query),
                block => format!("open {index} {block:?}"),
            },
            Event::Delta { index, delta } => match delta {
                Delta::Text { text } | Delta::Input { text } => format!("{index} {text}"),
                Delta::Reasoning { part, text } => format!("{index} part {part} {text}"),
                Delta::Opaque(opaque) => format!("{index} state {}", opaque.json.get()),
                Delta::Annotation(annotation) => format!("{index} cites {}", annotation.url),
                Delta::Logprobs { json } => format!("{index} logprobs {}", json.get()),
            },
            Event::Close { index } => format!("close {index}"),
            Event::Finish { finish, usage } => {
                format!(
                    "finish {:?} {}",
                    finish.reason,
                    usage.map_or(0, |usage| usage.output)
                )
            }
            Event::Fail(error) => format!("fail {error}"),
            Event::Ping => "ping".to_owned(),
        })
        .collect()
}

#[test]
fn deltas_that_a_server_leaves_out_come_from_the_complete_item() {
    let message = json!({"type": "message", "id": "m", "role": "assistant", "content": [
        {"type": "output_text", "text": "Hello", "annotations": [
            {"type": "url_citation", "url": "https://x", "title": "", "start_index": 0, "end_index": 2}]},
        {"type": "refusal", "refusal": "No"}]});
    let call = json!({"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"});
    let custom = json!({"type": "custom_tool_call", "call_id": "c2", "name": "p", "input": "raw"});
    let events = read(&[
        json!({"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}}),
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hel"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": message}),
        json!({"type": "response.output_item.added", "output_index": 1,
               "item": {"type": "function_call", "call_id": "c1", "name": "f", "arguments": ""}}),
        json!({"type": "response.function_call_arguments.done", "output_index": 1, "arguments": "{\"a\":1}"}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": call}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": custom}),
        json!({"type": "response.unheard_of", "x": 1}),
        json!({"type": "response.done", "response": {"status": "completed", "output": [], "usage": {"output_tokens": 3}}}),
    ]);
    assert_eq!(
        describe(&events),
        [
            "start resp_1",
            "open 0 Text",
            "0 Hel",
            "0 lo",
            "0 cites https://x",
            "close 0",
            "open 1 Refusal",
            "1 No",
            "close 1",
            "open 2 f c1",
            "2 {\"a\":1}",
            "close 2",
            "open 3 p c2",
            "3 raw",
            "close 3",
            "finish Refusal 3",
        ]
    );
}

#[test]
fn reasoning_state_comes_from_the_item_that_is_done_only() {
    let added = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "par"});
    let done = json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "partial no more",
        "summary": [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}]});
    let events = read(&[
        json!({"type": "response.output_item.added", "output_index": 0, "item": added}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "one"}),
        json!({"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "raw"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": done}),
        json!({"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}}),
    ]);
    let lines = describe(&events);
    assert_eq!(
        lines
            .iter()
            .map(String::as_str)
            .filter(|line| !line.contains("state"))
            .collect::<Vec<_>>(),
        [
            "open 0 Reasoning",
            "0 part 0 one",
            "0 part 1 two",
            "close 0",
            "start -",
            "finish ContentFilter 0",
        ]
    );
    let state: Vec<&String> = lines.iter().filter(|line| line.contains("state")).collect();
    assert!(
        matches!(state.as_slice(), [state] if state.contains("partial no more")),
        "{state:?}"
    );
}

#[test]
fn a_response_that_is_only_in_the_last_event_is_read() {
    let output = json!([
        {"type": "reasoning", "id": "rs", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "queries": ["q"]}},
        {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
    ]);
    let events = read(&[json!({"type": "response.completed", "response": {"id": "r", "output": output}})]);
    let lines = describe(&events);
    let lines: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !line.contains("state"))
        .collect();
    assert_eq!(
        lines,
        [
            "start r",
            "open 0 Reasoning",
            "0 part 0 hm",
            "close 0",
            "open 1 web_search_call Some(\"q\")",
            "close 1",
            "open 2 Text",
            "2 Hi",
            "close 2",
            "finish End 0",
        ]
    );
}

#[test]
fn failures_of_all_forms_end_the_stream() {
    let one = |frame: Value| describe(&read(&[frame])).join("|");
    assert_eq!(
        one(json!({"type": "response.failed", "response": {"status": "failed",
            "error": {"code": "rate_limit_exceeded", "message": "m"}}})),
        "fail rate_limit: m"
    );
    assert_eq!(
        one(json!({"type": "error", "code": "server_error", "message": "m", "sequence_number": 1})),
        "fail internal: m"
    );
    assert_eq!(
        one(json!({"type": "error", "error": {"type": "insufficient_quota", "message": "m"}})),
        "fail billing: m"
    );
    assert_eq!(
        one(json!({"error": {"message": "maximum context length is 8", "code": null}})),
        "fail context_window: maximum context length is 8"
    );
    assert_eq!(
        one(json!({"type": "response.completed", "response": {"status": "cancelled"}})),
        "fail upstream: the upstream cancelled the response"
    );
    let events = read(&[json!({"type": "response.output_text.delta", "delta": "x"})]);
    assert_eq!(describe(&events), ["open 0 Text", "0 x"], "no last event, no end");
    let mut out = Vec::new();
    let mut reader = ResponsesStreamReader::default();
    reader.read(&mut Scope::root(&mut Losses::new()), None, b"not json", &mut out);
    reader.read(&mut Scope::root(&mut Losses::new()), None, b"[DONE]", &mut out);
    assert!(matches!(out.as_slice(), [Event::Fail(_)]), "{out:?}");
}

#[test]
fn no_frame_of_any_shape_panics() {
    let numbers = [
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(4_000_000_000_u64),
        Value::Null,
    ];
    let mut frames = Vec::new();
    for number in &numbers {
        for kind in [
            "response.output_text.delta",
            "response.reasoning_summary_text.delta",
            "response.function_call_arguments.delta",
        ] {
            frames.push(
                json!({"type": kind, "output_index": number, "content_index": number,
                "summary_index": number, "delta": "é"}),
            );
        }
        for kind in ["response.output_item.added", "response.output_item.done"] {
            for item in ["message", "reasoning", "function_call", "other"] {
                let item = json!({"type": item, "name": "n", "arguments": "ü", "content": []});
                frames.push(json!({"type": kind, "output_index": number, "item": item}));
            }
        }
    }
    frames.push(json!({"type": "response.completed"}));
    assert!(!read(&frames).is_empty());
}

fn text_delta(text: &str, number: u32) -> Value {
    json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text,
           "sequence_number": number, "obfuscation": "x".repeat(number as usize)})
}

fn message_done(text: &str) -> Value {
    let message = json!({"type": "message", "content": [{"type": "output_text", "text": text}]});
    json!({"type": "response.output_item.done", "output_index": 0, "item": message})
}

#[test]
fn many_deltas_are_counted_so_that_the_complete_item_repeats_none() {
    let mut frames: Vec<Value> = (0..6).map(|number| text_delta("ab", number)).collect();
    frames.push(message_done("abababababab!"));
    let lines = describe(&read(&frames));
    let (first, rest) = lines.split_at(1);
    assert_eq!(first, ["open 0 Text"]);
    assert_eq!(
        rest,
        ["0 ab", "0 ab", "0 ab", "0 ab", "0 ab", "0 ab", "0 !", "close 0"]
    );
}

#[test]
fn a_delta_of_a_complete_item_is_left_out() {
    let events = read(&[
        text_delta("a", 0),
        message_done("a"),
        text_delta("b", 2),
        message_done("ab"),
    ]);
    assert_eq!(describe(&events), ["open 0 Text", "0 a", "close 0"]);
}

#[test]
fn an_event_without_an_index_belongs_to_the_last_item() {
    let call = json!({"type": "function_call", "call_id": "c1", "name": "f", "arguments": ""});
    let events = read(&[
        json!({"type": "response.output_item.added", "output_index": 3, "item": call}),
        json!({"type": "response.function_call_arguments.delta", "delta": "{}"}),
        json!({"type": "response.output_item.done", "item": {"type": "function_call", "name": "f", "arguments": "{}"}}),
    ]);
    assert_eq!(describe(&events), ["open 0 f c1", "0 {}", "close 0"]);
}

#[test]
fn a_call_without_an_identifier_has_that_of_its_item() {
    let call = json!({"type": "function_call", "id": "fc_1", "name": "f", "arguments": "{}"});
    let events = read(&[json!({"type": "response.output_item.done", "output_index": 0, "item": call})]);
    assert_eq!(describe(&events), ["open 0 f fc_1", "0 {}", "close 0"]);
}

#[test]
fn a_delta_of_a_call_that_has_not_begun_is_a_failure() {
    let events =
        read(&[json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{"})]);
    assert_eq!(
        describe(&events),
        ["fail upstream: the upstream sent a delta of a tool call that has not begun"]
    );
}

#[test]
fn an_annotation_that_an_event_brought_is_not_read_of_the_complete_item() {
    let citation = |url: &str| json!({"type": "url_citation", "url": url, "title": "", "start_index": 0, "end_index": 1});
    let message = json!({"type": "message", "content": [{"type": "output_text", "text": "a",
        "annotations": [citation("https://a"), citation("https://b")]}]});
    let events = read(&[
        text_delta("a", 0),
        json!({"type": "response.output_text.annotation.added", "output_index": 0, "content_index": 0,
               "annotation": citation("https://a")}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": message}),
    ]);
    assert_eq!(
        describe(&events),
        [
            "open 0 Text",
            "0 a",
            "0 cites https://a",
            "0 cites https://b",
            "close 0"
        ]
    );
}

#[test]
fn log_probabilities_are_read_of_the_deltas_unless_they_are_empty() {
    let delta = |list: Value| {
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "a",
               "logprobs": list})
    };
    let events = read(&[delta(json!([])), delta(json!([{"token": "a", "logprob": -1.0}]))]);
    assert_eq!(
        describe(&events),
        [
            "open 0 Text",
            "0 a",
            "0 a",
            r#"0 logprobs [{"token":"a","logprob":-1.0}]"#
        ]
    );
}

#[test]
fn the_type_of_the_last_event_says_more_than_its_status() {
    let response = json!({"id": "r", "status": "in_progress", "output": []});
    let last = |name: &str| describe(&read(&[json!({"type": name, "response": response})])).join("|");
    assert_eq!(last("response.completed"), "start r|finish End 0");
    assert_eq!(last("response.incomplete"), "start r|finish Length 0");
    assert_eq!(
        last("response.failed"),
        "fail upstream: the upstream reported an error without a message"
    );
}
