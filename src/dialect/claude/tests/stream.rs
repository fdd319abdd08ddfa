//! Streamed responses.

use bytes::BytesMut;

use super::response::context;
use super::*;
use crate::canonical::{
    Annotation, BlockStart, CallKind, Delta, Event, Finish, FinishReason, ServerTool, Start, Usage,
};
use crate::dialect::StreamCodec;
use crate::dialect::shared::carrier;
use crate::wire::framing::Framing;

/// The canonical events of these events of an upstream, and the losses.
fn read_events(events: &[Value]) -> (Vec<Value>, Vec<String>) {
    let (mut reader, mut out, mut losses) = (Claude.stream_reader(), Vec::new(), Losses::new());
    for event in events {
        let data = event.to_string();
        reader.read(&mut Scope::root(&mut losses), None, data.as_bytes(), &mut out);
    }
    reader.end(&mut Scope::root(&mut losses), &mut out);
    (out.iter().map(to_json).collect(), listed(&losses))
}

/// The data of the frames that these events are written as, and the losses.
fn write_events(events: Vec<Event>) -> (Vec<Value>, Vec<String>) {
    let (mut writer, mut out, mut losses) =
        (Claude.stream_writer(&context()), BytesMut::new(), Losses::new());
    for event in events {
        writer.write(&mut Scope::root(&mut losses), event, &mut out);
    }
    let mut decoder = Framing::Sse.decoder();
    decoder.push(out.freeze());
    decoder.finish();
    let frames = std::iter::from_fn(|| decoder.next().ok()?);
    (
        frames.map(|frame| json_of(&frame.data)).collect(),
        listed(&losses),
    )
}

fn block_start(index: i64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: i64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn block_stop(index: i64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn message_delta(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 7}})
}

fn text_delta(text: &str) -> Event {
    Event::Delta {
        index: 0,
        delta: Delta::Text {
            text: text.to_owned(),
        },
    }
}

fn open(block: BlockStart) -> Event {
    Event::Open { index: 0, block }
}

const CLOSE: Event = Event::Close { index: 0 };

/// The frames of one block's events, without its start and its stop.
fn write_block(block: BlockStart, deltas: Vec<Delta>) -> Vec<Value> {
    let deltas = deltas.into_iter().map(|delta| Event::Delta { index: 0, delta });
    let events = std::iter::once(open(block)).chain(deltas).chain([CLOSE]);
    let (frames, _) = write_events(events.collect());
    let deltas = frames
        .into_iter()
        .filter(|frame| frame["type"] == "content_block_delta");
    deltas.map(|frame| frame["delta"].clone()).collect()
}

#[test]
fn the_signed_block_is_complete_when_the_block_ends() {
    let (events, _) = read_events(&[
        block_start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "h"})),
        delta(0, json!({"type": "thinking_delta", "thinking": "m"})),
        delta(0, json!({"type": "thinking_delta", "thinking": "m"})),
        delta(0, json!({"type": "thinking_delta", "thinking": "."})),
        delta(0, json!({"type": "signature_delta", "signature": "si"})),
        delta(0, json!({"type": "signature_delta", "signature": "g"})),
        block_stop(0),
    ]);
    let opaque = &events[events.len() - 2]["delta"];
    let block = json!({"type": "thinking", "thinking": "hmm.", "signature": "sig"});
    assert_eq!(
        (&opaque["kind"], &opaque["json"]),
        (&json!("opaque"), &block),
        "also after the fast path's deltas"
    );
}

#[test]
fn a_search_is_opened_when_its_query_is_complete() {
    let (events, _) = read_events(&[
        block_start(
            0,
            json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
        ),
        delta(
            0,
            json!({"type": "input_json_delta", "partial_json": "{\"query\":"}),
        ),
        delta(0, json!({"type": "input_json_delta", "partial_json": "\"q\"}"})),
        block_stop(0),
    ]);
    let kinds: Vec<&Value> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(kinds, ["open", "close"]);
    assert_eq!(events[0]["block"]["query"], "q");
}

#[test]
fn calls_in_the_first_event_are_complete() {
    let call = json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}});
    let message = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [call],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 1}});
    let (events, _) = read_events(&[
        json!({"type": "message_start", "message": message}),
        block_start(0, json!({"type": "text", "text": ""})),
    ]);
    let kinds: Vec<&Value> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(kinds, ["start", "open", "delta", "close", "open"]);
    assert_eq!((&events[1]["index"], &events[4]["index"]), (&json!(0), &json!(1)));
    assert_eq!(events[2]["delta"]["text"], "{\"a\":1}");
}

#[test]
fn the_blank_input_of_a_calls_start_is_no_delta() {
    let started = |input: Value| {
        let call = json!({"type": "tool_use", "id": "t", "name": "f", "input": input});
        read_events(&[block_start(0, call)]).0.len()
    };
    assert_eq!(started(json!({})), 1);
    assert_eq!(started(json!({"a": 1})), 2);
}

#[test]
fn a_delta_of_a_block_that_is_not_open_fails_the_stream() {
    let (events, _) = read_events(&[delta(0, json!({"type": "text_delta", "text": "a"}))]);
    assert_eq!(events[0]["event"], "fail");
}

#[test]
fn a_delta_that_its_block_cannot_have_is_left_out() {
    let (events, lost) = read_events(&[
        block_start(0, json!({"type": "text", "text": ""})),
        delta(0, json!({"type": "signature_delta", "signature": "s"})),
        delta(
            0,
            json!({"type": "citations_delta", "citation": {"type": "page_location"}}),
        ),
        delta(0, json!({"type": "hologram_delta"})),
    ]);
    assert_eq!(events.len(), 1);
    assert_eq!(lost, ["dropped citations CitationOfNoWebPage"]);
}

#[test]
fn a_response_is_complete_with_the_reason_for_its_end() {
    let last = |events: &[Value]| {
        let (events, _) = read_events(events);
        events.last().map(|event| event["event"].clone())
    };
    let stop = json!({"type": "message_stop"});
    assert_eq!(
        last(&[message_delta("end_turn"), stop.clone()]),
        Some(json!("finish"))
    );
    assert_eq!(
        last(&[message_delta("end_turn")]),
        Some(json!("finish")),
        "the connection broke after it"
    );
    assert_eq!(last(&[stop]), Some(json!("fail")), "no reason was given");
    assert_eq!(last(&[]), None);
}

#[test]
fn an_error_event_fails_the_stream_and_unknown_events_are_passed_over() {
    let busy = json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}});
    let (events, _) = read_events(&[json!({"type": "weather"}), json!({"type": "ping"}), busy]);
    let kinds: Vec<&Value> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(kinds, ["ping", "fail"]);
}

#[test]
fn counts_of_the_end_replace_those_of_the_beginning() {
    let message = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 1}});
    let (events, _) = read_events(&[
        json!({"type": "message_start", "message": message}),
        message_delta("end_turn"),
    ]);
    let usage = &events[1]["usage"];
    assert_eq!((&usage["fresh"], &usage["output"]), (&json!(3), &json!(7)));
}

#[test]
fn a_text_block_is_opened_by_its_first_text() {
    let (frames, _) = write_events(vec![
        open(BlockStart::Text),
        text_delta(""),
        CLOSE,
        open(BlockStart::Text),
        text_delta("a"),
        CLOSE,
    ]);
    let kinds: Vec<(&Value, &Value)> = frames
        .iter()
        .map(|frame| (&frame["type"], &frame["index"]))
        .collect();
    let expected = ["content_block_start", "content_block_delta", "content_block_stop"]
        .map(|kind| (json!(kind), json!(0)));
    assert_eq!(
        kinds,
        expected
            .iter()
            .map(|(kind, index)| (kind, index))
            .collect::<Vec<_>>()
    );
}

#[test]
fn parts_of_reasoning_become_paragraphs() {
    let part = |part: u32, text: &str| Delta::Reasoning {
        part,
        text: text.to_owned(),
    };
    let deltas = write_block(
        BlockStart::Reasoning,
        vec![part(0, "a"), part(0, "b"), part(1, "c")],
    );
    let texts: Vec<&Value> = deltas.iter().map(|delta| &delta["thinking"]).collect();
    assert_eq!(texts[..3], ["a", "b", "\n\nc"]);
}

#[test]
fn thinking_ends_with_a_signature_of_the_vendor_or_a_carrier() {
    let signatures = |deltas: Vec<Delta>| -> Vec<Value> {
        let deltas = write_block(BlockStart::Reasoning, deltas).into_iter();
        deltas.map(|delta| delta["signature"].clone()).collect()
    };
    let own = Opaque::new(
        Family::Claude,
        to_raw_json(&json!({"type": "thinking", "thinking": "", "signature": "sig"})),
    );
    assert_eq!(
        signatures(vec![Delta::Opaque(own.clone()), Delta::Opaque(own)]),
        ["sig"],
        "one signature only"
    );
    let foreign = Opaque::new(Family::OpenaiResponses, to_raw_json(&json!({})));
    assert_eq!(
        signatures(vec![Delta::Opaque(foreign.clone())]),
        [carrier::encode(&foreign)]
    );
    assert_eq!(
        signatures(vec![]),
        [carrier::encode(&carrier::unsigned_reasoning())]
    );
}

#[test]
fn the_input_of_a_freeform_call_is_written_as_a_whole() {
    let call = BlockStart::ToolCall {
        id: "t".to_owned(),
        name: "run".to_owned(),
        namespace: None,
        call: CallKind::Freeform,
    };
    let input = |text: &str| Delta::Input {
        text: text.to_owned(),
    };
    let deltas = write_block(call, vec![input("l"), input("s")]);
    assert_eq!(
        deltas,
        [json!({"type": "input_json_delta", "partial_json": "{\"input\":\"ls\"}"})]
    );
}

#[test]
fn blocks_and_deltas_that_the_api_does_not_have_are_recorded() {
    let foreign = BlockStart::ServerTool(ServerTool {
        origin: Family::OpenaiResponses,
        item: "mcp_call".to_owned(),
        query: None,
    });
    let annotation = Delta::Annotation(Annotation {
        url: "https://a".to_owned(),
        title: String::new(),
        span: None,
    });
    let logprobs = Delta::Logprobs {
        json: to_raw_json(&json!([])),
    };
    let (frames, lost) = write_events(vec![
        open(foreign),
        CLOSE,
        open(BlockStart::Text),
        Event::Delta {
            index: 1,
            delta: annotation,
        },
        Event::Delta {
            index: 1,
            delta: logprobs,
        },
        CLOSE,
    ]);
    assert!(frames.is_empty(), "{frames:?}");
    let expected = [
        "dropped content ForeignItem",
        "dropped annotations CitationIndex",
        "ignored logprobs LogprobsOfResponse",
    ];
    assert_eq!(lost, expected);
}

#[test]
fn estimated_counts_are_written_until_the_upstream_reports_real_ones() {
    let counts = |usage: Option<Usage>| {
        let finish = Finish::new(FinishReason::End);
        let (frames, _) = write_events(vec![
            Event::Start(Start::default()),
            Event::Finish { finish, usage },
        ]);
        let first = frames[0]["message"]["usage"]["input_tokens"].clone();
        (first, frames[1]["usage"]["input_tokens"].clone())
    };
    assert_eq!(counts(None), (json!(42), json!(42)));
    let real = Usage {
        fresh: 5,
        ..Usage::default()
    };
    assert_eq!(counts(Some(real)), (json!(42), json!(5)));
}

#[test]
fn the_text_of_a_refusal_explains_the_end() {
    let (frames, _) = write_events(vec![
        open(BlockStart::Refusal),
        text_delta("N"),
        text_delta("o."),
        CLOSE,
        Event::Finish {
            finish: Finish::new(FinishReason::Refusal),
            usage: None,
        },
    ]);
    let end = &frames[frames.len() - 2]["delta"];
    assert_eq!(
        (&end["stop_reason"], &end["stop_details"]["explanation"]),
        (&json!("refusal"), &json!("No."))
    );
}
