use super::*;

fn context(preferences: Preferences) -> ResponseContext {
    ResponseContext {
        model: "mine".to_owned(),
        preferences,
        created: 7,
        request_id: "req_1".to_owned(),
        input_estimate: 0,
    }
}

/// The data of the frames that events are written as.
fn written(preferences: Preferences, events: &[Event]) -> Vec<String> {
    written_with_losses(preferences, events).0
}

fn written_with_losses(preferences: Preferences, events: &[Event]) -> (Vec<String>, Losses) {
    let (mut writer, mut out) = (ChatStreamWriter::new(&context(preferences)), BytesMut::new());
    let mut losses = Losses::new();
    for event in events {
        writer.write(&mut Scope::root(&mut losses), event.clone(), &mut out);
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    let frames = text.split_terminator("\n\n");
    let data = frames.map(|frame| frame.strip_prefix("data: ").unwrap_or(frame).to_owned());
    (data.collect(), losses)
}

fn deltas(frames: &[String]) -> Vec<Value> {
    let chunks = frames
        .iter()
        .filter_map(|frame| serde_json::from_str::<Value>(frame).ok());
    chunks
        .map(|mut chunk| chunk["choices"][0]["delta"].take())
        .filter(|delta| delta.is_object())
        .collect()
}

fn open(index: u32, block: BlockStart) -> Event {
    Event::Open { index, block }
}

fn delta(index: u32, delta: Delta) -> Event {
    Event::Delta { index, delta }
}

fn tool(index: u32, call: CallKind) -> Event {
    let (id, name) = (format!("c{index}"), "f".to_owned());
    open(
        index,
        BlockStart::ToolCall {
            id,
            name,
            namespace: None,
            call,
        },
    )
}

fn text(text: &str) -> Delta {
    Delta::Text {
        text: text.to_owned(),
    }
}

fn finish(reason: FinishReason) -> Event {
    Event::Finish {
        finish: Finish::new(reason),
        usage: Some(Usage {
            output: 5,
            ..Usage::default()
        }),
    }
}

fn start() -> Event {
    Event::Start(Start {
        id: Some("msg_1".to_owned()),
        service_tier: Some("standard".to_owned()),
        ..Start::default()
    })
}

fn long_response() -> Vec<Event> {
    let state = carrier::decode("px1.c.e30").unwrap_or_else(carrier::unsigned_reasoning);
    assert_eq!(state.origin, Family::Claude);
    vec![
        start(),
        open(0, BlockStart::Reasoning),
        delta(
            0,
            Delta::Reasoning {
                part: 0,
                text: "hm".to_owned(),
            },
        ),
        delta(0, Delta::Opaque(state.clone())),
        Event::Close { index: 0 },
        open(1, BlockStart::Reasoning),
        delta(1, Delta::Opaque(state)),
        Event::Close { index: 1 },
        open(2, BlockStart::Text),
        delta(2, text("🚀 It says")),
        Event::Close { index: 2 },
        open(3, BlockStart::Text),
        delta(
            3,
            Delta::Annotation(Annotation {
                url: "https://x".to_owned(),
                title: String::new(),
                span: None,
            }),
        ),
        delta(3, text("the sky")),
        delta(3, text(" is blue")),
        Event::Close { index: 3 },
        open(4, BlockStart::Text),
        delta(4, text("and so")),
        Event::Close { index: 4 },
        tool(5, CallKind::Function),
        delta(
            5,
            Delta::Input {
                text: "{\"a\":1}".to_owned(),
            },
        ),
        Event::Close { index: 5 },
        tool(6, CallKind::Function),
        Event::Close { index: 6 },
        finish(FinishReason::ToolUse),
    ]
}

#[test]
fn strings_that_clients_concatenate_are_written_once() {
    let frames = written(Preferences::default(), &long_response());
    assert_eq!(frames.last().map(String::as_str), Some("[DONE]"));
    let deltas = deltas(&frames);
    let count = |path: &str| {
        deltas
            .iter()
            .filter(|delta| delta.pointer(path).is_some())
            .count()
    };
    assert_eq!(count("/role"), 1);
    assert_eq!(count("/tool_calls/0/id"), 2);
    assert_eq!(count("/tool_calls/0/function/name"), 2);
    let calls: Vec<(i64, &str)> = deltas
        .iter()
        .filter_map(|delta| {
            let call = delta.pointer("/tool_calls/0")?;
            Some((call["index"].as_i64()?, call["function"]["arguments"].as_str()?))
        })
        .collect();
    assert_eq!(calls, [(0, ""), (0, "{\"a\":1}"), (1, ""), (1, "{}")]);
    let details: Vec<i64> = deltas
        .iter()
        .filter_map(|delta| delta.pointer("/reasoning_details/0/index")?.as_i64())
        .collect();
    assert_eq!(details, [0, 1]);
    let chunk: Value = frames
        .first()
        .and_then(|frame| serde_json::from_str(frame).ok())
        .unwrap_or_default();
    let expected = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "mine",
        "service_tier": "default",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}],
    });
    assert_eq!(chunk, expected);
}

#[test]
fn token_counts_are_written_last_and_only_for_clients_that_ask() {
    let preferences = Preferences {
        include_usage: true,
        ..Preferences::default()
    };
    let frames = written(preferences, &[start(), finish(FinishReason::End)]);
    let chunks: Vec<Value> = frames
        .iter()
        .filter_map(|frame| serde_json::from_str(frame).ok())
        .collect();
    let [first, end, usage] = chunks.as_slice() else {
        panic!("{frames:?}")
    };
    assert_eq!(first.get("usage"), Some(&Value::Null));
    assert_eq!(
        end["choices"][0],
        json!({"index": 0, "delta": {}, "finish_reason": "stop"})
    );
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["completion_tokens"], 5);

    let frames = written(Preferences::default(), &[start(), finish(FinishReason::End)]);
    assert!(frames.iter().all(|frame| !frame.contains("usage")), "{frames:?}");
}

#[test]
fn a_failure_is_the_last_frame() {
    let failure = Event::Fail(Error::new(ErrorClass::Overloaded, "busy"));
    let frames = written(Preferences::default(), &[start(), failure]);
    let end: Value = frames
        .last()
        .and_then(|frame| serde_json::from_str(frame).ok())
        .unwrap_or_default();
    assert_eq!(end["error"]["code"], "overloaded");
    assert_eq!(frames.len(), 2);
}

#[test]
fn the_deprecated_call_and_freeform_calls_have_their_own_form() {
    let preferences = Preferences {
        legacy_functions: true,
        ..Preferences::default()
    };
    let events = [
        start(),
        tool(0, CallKind::Function),
        Event::Close { index: 0 },
        finish(FinishReason::ToolUse),
    ];
    let frames = written(preferences, &events);
    let legacy = deltas(&frames);
    assert_eq!(
        legacy.get(1),
        Some(&json!({"function_call": {"name": "f", "arguments": ""}}))
    );
    assert_eq!(
        legacy.get(2),
        Some(&json!({"function_call": {"arguments": "{}"}}))
    );
    assert!(
        frames
            .iter()
            .any(|frame| frame.contains(r#""finish_reason":"function_call""#))
    );

    let input = Delta::Input {
        text: "a\"b".to_owned(),
    };
    let events = [
        start(),
        tool(0, CallKind::Freeform),
        delta(0, input),
        Event::Close { index: 0 },
    ];
    let freeform = deltas(&written(Preferences::default(), &events));
    let opened = json!({"tool_calls": [{"index": 0, "id": "c0", "type": "custom", "custom": {"name": "f", "input": ""}}]});
    assert_eq!(freeform.get(1), Some(&opened));
    let piece = json!({"tool_calls": [{"index": 0, "custom": {"input": "a\"b"}}]});
    assert_eq!(freeform.get(2), Some(&piece));
}

#[test]
fn a_vendor_that_cuts_off_is_a_filter_with_its_explanation() {
    let finish = Finish {
        explanation: Some("because".to_owned()),
        ..Finish::new(FinishReason::Refusal)
    };
    let frames = written(
        Preferences::default(),
        &[start(), Event::Finish { finish, usage: None }],
    );
    let deltas = deltas(&frames);
    assert_eq!(deltas.get(1), Some(&json!({"refusal": "because"})));
    assert!(
        frames
            .iter()
            .any(|frame| frame.contains(r#""finish_reason":"content_filter""#))
    );
}

fn folded(events: Vec<Event>) -> Response {
    let mut fold = Fold::default();
    events.into_iter().for_each(|event| fold.push(event));
    match fold.finish() {
        Ok(response) => response,
        Err(error) => panic!("{error}"),
    }
}

/// A streamed response adds up to the complete one.
#[test]
fn the_stream_amounts_to_the_complete_long_response() {
    let mut losses = Losses::new();
    let complete = response::write(
        &mut Scope::root(&mut losses),
        folded(long_response()),
        &context(Preferences::default()),
    );
    let complete: Value = serde_json::from_slice(&complete).unwrap_or_default();
    let message = &complete["choices"][0]["message"];
    let deltas = deltas(&written(Preferences::default(), &long_response()));
    let joined = |name: &str| -> String { deltas.iter().filter_map(|delta| delta[name].as_str()).collect() };
    assert_eq!(joined("content"), "🚀 It says\n\nthe sky is blueand so");
    assert_eq!(message["content"], joined("content"));
    assert_eq!(message["reasoning_content"], joined("reasoning_content"));
    let entries = |name: &str| -> Vec<Value> {
        let lists = deltas.iter().filter_map(|delta| delta[name].as_array());
        lists.flatten().cloned().collect()
    };
    assert_eq!(
        message["reasoning_details"],
        Value::Array(entries("reasoning_details"))
    );
    let citation = json!({"url": "https://x", "title": "", "start_index": 11, "end_index": 26});
    assert_eq!(message["annotations"][0]["url_citation"], citation);
    let streamed = entries("annotations");
    assert_eq!(
        streamed.first().map(|entry| &entry["url_citation"]),
        Some(&citation)
    );
    assert_eq!(message["tool_calls"][1]["function"]["arguments"], "{}");
    assert_eq!(complete["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn a_written_stream_is_read_back() {
    let frames = written(Preferences::default(), &long_response());
    let back = folded(read(&frames));
    let ids: Vec<&str> = back
        .content
        .iter()
        .filter_map(|block| match block {
            Block::ToolCall(call) => Some(call.id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["c5", "c6"]);
    assert_eq!(back.finish.reason, FinishReason::ToolUse);
    let opaque: Option<&Opaque> = back.content.iter().find_map(|block| match block {
        Block::Reasoning(reasoning) => reasoning.opaque.as_ref(),
        _ => None,
    });
    assert_eq!(opaque.map(|opaque| opaque.origin), Some(Family::OpenaiChat));
}

#[test]
fn a_second_deprecated_call_and_a_vendors_own_item_are_hidden() {
    let legacy = Preferences {
        legacy_functions: true,
        ..Preferences::default()
    };
    let input = || Delta::Input {
        text: "{}".to_owned(),
    };
    let item = BlockStart::ServerTool(ServerTool {
        origin: Family::Claude,
        item: "web_search_tool_result".to_owned(),
        query: None,
    });
    let events = [
        start(),
        tool(0, CallKind::Function),
        delta(0, input()),
        Event::Close { index: 0 },
        tool(1, CallKind::Function),
        delta(1, input()),
        Event::Close { index: 1 },
        open(2, item),
        Event::Close { index: 2 },
    ];
    let (frames, losses) = written_with_losses(legacy, &events);
    assert_eq!(frames.len(), 3, "role, call, input: {frames:?}");
    let paths: Vec<&str> = losses.notable().map(|loss| loss.path.as_str()).collect();
    assert_eq!(paths, ["content[1]", "content[2]"]);
}

#[test]
fn parts_of_the_reasoning_are_paragraphs() {
    let piece = |part, text: &str| {
        let text = text.to_owned();
        delta(0, Delta::Reasoning { part, text })
    };
    let events = [
        start(),
        open(0, BlockStart::Reasoning),
        piece(0, "a"),
        piece(0, "b"),
        piece(1, ""),
        piece(1, "c"),
        Event::Close { index: 0 },
        open(1, BlockStart::Reasoning),
        delta(
            1,
            Delta::Reasoning {
                part: 0,
                text: "d".to_owned(),
            },
        ),
    ];
    let deltas = deltas(&written(Preferences::default(), &events));
    let texts: Vec<&str> = deltas
        .iter()
        .filter_map(|delta| delta["reasoning_content"].as_str())
        .collect();
    assert_eq!(texts, ["a", "b", "\n\nc", "\n\nd"]);
}

#[test]
fn log_probabilities_have_a_chunk_of_their_own() {
    let list = json!([{"token": "a", "logprob": -0.5, "bytes": null, "top_logprobs": []}]);
    let json = to_raw_json(&list);
    let events = [
        start(),
        open(0, BlockStart::Text),
        delta(0, Delta::Logprobs { json }),
    ];
    let frames = written(Preferences::default(), &events);
    let chunk: Value = frames
        .last()
        .and_then(|frame| serde_json::from_str(frame).ok())
        .unwrap_or_default();
    assert_eq!(chunk["choices"][0]["logprobs"]["content"], list);
}

#[test]
fn a_keep_alive_is_a_comment() {
    let frames = written(Preferences::default(), &[Event::Ping]);
    assert_eq!(frames, [": keep-alive"]);
}

#[test]
fn a_stream_without_an_identifier_has_that_of_the_request() {
    let frames = written(Preferences::default(), &[Event::Start(Start::default())]);
    assert!(frames[0].contains(r#""id":"chatcmpl-req_1""#), "{frames:?}");
}
