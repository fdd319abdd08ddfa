use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::{ResponsesStreamReader, ResponsesStreamWriter};
use crate::canonical::{
    Annotation, BlockStart, CallKind, Delta, Error, ErrorClass, Event, Family, Finish, FinishReason, Losses,
    Opaque, Scope, ServerTool, Start, Usage,
};
use crate::dialect::shared::carrier;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::{Preferences, RequestEcho, ResponseContext, StreamReader, StreamWriter};

fn context(tool_search: bool) -> ResponseContext {
    let members = vec![
        ("temperature", to_raw_json(&0.5)),
        ("tools", to_raw_json(&json!([{"type": "x"}]))),
    ];
    ResponseContext {
        model: "alias".to_owned(),
        preferences: Preferences {
            echo: Some(Arc::new(RequestEcho { members, tool_search })),
            ..Preferences::default()
        },
        created: 7,
        request_id: "req_1".to_owned(),
        input_estimate: 1,
    }
}

/// The frames that events are written as, checked for what holds of every stream.
fn written(events: Vec<Event>, tool_search: bool) -> Vec<Value> {
    let mut writer = ResponsesStreamWriter::new(&context(tool_search));
    let (mut out, mut losses) = (BytesMut::new(), Losses::new());
    for event in events {
        writer.write(&mut Scope::root(&mut losses), event, &mut out);
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    let mut frames: Vec<Value> = Vec::new();
    for frame in text.split("\n\n").filter(|frame| !frame.is_empty()) {
        let (name, data) = frame.split_once('\n').unwrap_or_default();
        let data: Value = serde_json::from_str(data.trim_start_matches("data: ")).unwrap_or_default();
        assert_eq!(
            name,
            format!("event: {}", data["type"].as_str().unwrap_or_default())
        );
        assert_eq!(data["sequence_number"], frames.len(), "{data}");
        frames.push(data);
    }
    let is_last =
        |frame: &Value| frame["response"]["status"] != json!("in_progress") && frame["response"].is_object();
    assert!(frames.last().is_some_and(is_last), "{text}");
    let done: Vec<&Value> = frames
        .iter()
        .filter(|frame| frame["type"] == "response.output_item.done")
        .map(|frame| &frame["item"])
        .collect();
    let added: Vec<&Value> = frames
        .iter()
        .filter(|frame| frame["type"] == "response.output_item.added")
        .map(|frame| &frame["item"])
        .collect();
    let output = frames
        .last()
        .map(|frame| frame["response"]["output"].clone())
        .unwrap_or_default();
    for (at, item) in output.as_array().into_iter().flatten().enumerate() {
        assert_eq!(added[at]["id"], item["id"]);
        assert_eq!(added[at]["call_id"], item["call_id"]);
        assert!(done.get(at).is_none_or(|done| *done == item), "{item}");
    }
    frames
}

fn types(frames: &[Value]) -> Vec<&str> {
    let names = frames.iter().filter_map(|frame| frame["type"].as_str());
    names
        .map(|name| name.strip_prefix("response.").unwrap_or(name))
        .collect()
}

fn open(index: u32, block: BlockStart) -> Event {
    Event::Open { index, block }
}

fn call(id: &str, name: &str, kind: CallKind) -> BlockStart {
    BlockStart::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        namespace: None,
        call: kind,
    }
}

fn delta(index: u32, delta: Delta) -> Event {
    Event::Delta { index, delta }
}

fn say(index: u32, text: &str) -> Event {
    let text = text.to_owned();
    delta(index, Delta::Text { text })
}

fn input(index: u32, text: &str) -> Event {
    let text = text.to_owned();
    delta(index, Delta::Input { text })
}

fn think(index: u32, part: u32, text: &str) -> Event {
    let text = text.to_owned();
    delta(index, Delta::Reasoning { part, text })
}

fn close(index: u32) -> Event {
    Event::Close { index }
}

fn start() -> Event {
    Event::Start(Start {
        id: Some("msg_01AB".to_owned()),
        ..Start::default()
    })
}

fn finish(reason: FinishReason) -> Event {
    Event::Finish {
        finish: Finish::new(reason),
        usage: Some(Usage {
            reasoning: Some(2),
            ..Usage::from_total(10, 4, 1, 5)
        }),
    }
}

#[test]
fn every_kind_of_block_is_written_in_the_order_of_the_grammar() {
    let state = Opaque::new(
        Family::Claude,
        to_raw_json(&json!({"type": "thinking", "thinking": "ab", "signature": "s"})),
    );
    let frames = written(
        vec![
            start(),
            open(0, BlockStart::Reasoning),
            think(0, 0, "a"),
            think(0, 1, "b"),
            delta(0, Delta::Opaque(state.clone())),
            close(0),
            open(1, BlockStart::Text),
            close(1),
            open(2, BlockStart::Text),
            say(2, "hé"),
            delta(
                2,
                Delta::Annotation(Annotation {
                    url: "https://x".to_owned(),
                    title: String::new(),
                    span: None,
                }),
            ),
            close(2),
            open(3, call("c1", "f", CallKind::Function)),
            input(3, "{}"),
            close(3),
            open(4, call("c2", "p", CallKind::Freeform)),
            input(4, "x\ny"),
            close(4),
            finish(FinishReason::ToolUse),
        ],
        false,
    );
    assert_eq!(
        types(&frames),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.annotation.added",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "output_item.added",
            "custom_tool_call_input.delta",
            "custom_tool_call_input.done",
            "output_item.done",
            "completed",
        ]
    );
    let [.., last] = frames.as_slice() else { return };
    let response = &last["response"];
    assert_eq!(response["id"], "resp_01AB");
    assert_eq!(response["model"], "alias");
    assert_eq!(response["temperature"], 0.5);
    assert_eq!(response["tools"], json!([{"type": "x"}]));
    for absent in [
        "error",
        "incomplete_details",
        "instructions",
        "previous_response_id",
        "reasoning",
    ] {
        assert_eq!(response.get(absent), Some(&Value::Null), "{absent}");
    }
    assert_eq!(
        response["usage"],
        json!({
            "input_tokens": 10,
            "input_tokens_details": {"cache_write_tokens": 1, "cached_tokens": 4},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 15,
        })
    );
    let output = &response["output"];
    assert_eq!(
        output[0]["summary"][1],
        json!({"type": "summary_text", "text": "b"})
    );
    assert_eq!(output[0]["encrypted_content"], carrier::encode(&state));
    assert_eq!(output[1]["content"][0]["annotations"][0]["end_index"], 2);
    assert_eq!(output[2]["status"], "completed");
    assert_eq!(
        output[3],
        json!({
            "type": "custom_tool_call", "id": "ctc_01AB_3", "call_id": "c2", "name": "p", "input": "x\ny",
            "status": "completed",
        })
    );
    assert_eq!(frames[0]["response"]["usage"], Value::Null);
}

#[test]
fn a_call_that_the_limit_cuts_off_is_incomplete_and_one_without_arguments_is_not_empty() {
    let frames = written(
        vec![
            start(),
            open(0, call("c1", "f", CallKind::Function)),
            close(0),
            open(1, call("c2", "g", CallKind::Function)),
            input(1, "{\"a\":"),
            close(1),
            finish(FinishReason::Length),
        ],
        false,
    );
    let [.., last] = frames.as_slice() else { return };
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(
        last["response"]["incomplete_details"]["reason"],
        "max_output_tokens"
    );
    let output = &last["response"]["output"];
    assert_eq!(
        (&output[0]["arguments"], &output[0]["status"]),
        (&json!("{}"), &json!("completed"))
    );
    assert_eq!(
        (&output[1]["arguments"], &output[1]["status"]),
        (&json!("{\"a\":"), &json!("incomplete"))
    );
}

#[test]
fn broken_arguments_of_a_whole_answer_pass_as_they_are() {
    let frames = written(
        vec![
            start(),
            open(0, call("c1", "f", CallKind::Function)),
            input(0, "oops"),
            close(0),
            open(1, BlockStart::Text),
            say(1, "x"),
            close(1),
            finish(FinishReason::ToolUse),
        ],
        false,
    );
    let [.., last] = frames.as_slice() else { return };
    let output = &last["response"]["output"];
    assert_eq!(
        (&output[0]["arguments"], &output[0]["status"]),
        (&json!("oops"), &json!("completed"))
    );
    assert_eq!(output[1]["content"][0]["text"], "x");
}

#[test]
fn a_failure_keeps_what_came_before_and_calls_nothing_done() {
    let delay = Some(Duration::from_millis(1500));
    let failure = Error::new(ErrorClass::RateLimit, "Slow down.").retry_after(delay);
    let frames = written(
        vec![
            start(),
            open(0, BlockStart::Text),
            say(0, "be"),
            close(0),
            open(1, call("c1", "f", CallKind::Function)),
            input(1, "{\"a\""),
            Event::Fail(failure),
        ],
        false,
    );
    let [.., last] = frames.as_slice() else { return };
    assert_eq!(last["type"], "response.failed");
    let response = &last["response"];
    assert_eq!(response["status"], "failed");
    assert_eq!(response["error"]["code"], "rate_limit_exceeded");
    assert_eq!(
        response["error"]["message"],
        "Slow down. Please try again in 1.5s."
    );
    assert_eq!(response["output"][1]["status"], "incomplete");
    assert_eq!(
        types(&frames)
            .iter()
            .filter(|name| **name == "output_item.done")
            .count(),
        1
    );
    let early = written(vec![Event::Fail(Error::new(ErrorClass::Upstream, "gone"))], false);
    assert_eq!(types(&early), ["created", "in_progress", "failed"]);
}

#[test]
fn refusals_end_as_their_words_or_as_a_filter() {
    let own = written(
        vec![
            start(),
            open(0, BlockStart::Refusal),
            say(0, "No."),
            close(0),
            finish(FinishReason::Refusal),
        ],
        false,
    );
    let [.., last] = own.as_slice() else { return };
    assert_eq!(last["type"], "response.completed");
    assert_eq!(
        last["response"]["output"][0]["content"][0],
        json!({"type": "refusal", "refusal": "No."})
    );
    let finish = Finish {
        explanation: Some("Policy.".to_owned()),
        ..Finish::new(FinishReason::Refusal)
    };
    let explained = written(vec![start(), Event::Finish { finish, usage: None }], false);
    let [.., last] = explained.as_slice() else { return };
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"]["reason"], "content_filter");
    assert_eq!(last["response"]["output"][0]["content"][0]["refusal"], "Policy.");
}

#[test]
fn a_search_for_tools_is_written_as_such_to_a_client_that_searches() {
    let events = || {
        vec![
            start(),
            open(0, call("c1", "tool_search", CallKind::Function)),
            input(0, "{\"query\":\"x\"}"),
            close(0),
            finish(FinishReason::ToolUse),
        ]
    };
    let frames = written(events(), true);
    let [.., last] = frames.as_slice() else { return };
    assert_eq!(
        last["response"]["output"][0],
        json!({
            "type": "tool_search_call", "id": "tsc_01AB_0", "call_id": "c1", "execution": "client",
            "arguments": {"query": "x"}, "status": "completed",
        })
    );
    let frames = written(events(), false);
    let [.., last] = frames.as_slice() else { return };
    assert_eq!(last["response"]["output"][0]["type"], "function_call");
}

#[test]
fn a_web_search_is_told_by_its_query() {
    let search = |query: Option<&str>| {
        let tool = ServerTool {
            origin: Family::Claude,
            item: "server_tool_use".to_owned(),
            query: query.map(str::to_owned),
        };
        written(
            vec![
                start(),
                open(0, BlockStart::ServerTool(tool)),
                close(0),
                finish(FinishReason::End),
            ],
            false,
        )
    };
    let frames = search(Some("rust"));
    let [.., last] = frames.as_slice() else { return };
    assert_eq!(
        last["response"]["output"][0]["action"],
        json!({"type": "search", "query": "rust"})
    );
    assert_eq!(types(&search(None)), ["created", "in_progress", "completed"]);
}

/// What the reader makes of frames, without pings.
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

fn told(events: &[Event]) -> Vec<String> {
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
fn pieces_that_a_server_leaves_out_come_from_the_complete_item() {
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
        told(&events),
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
    let told = told(&events);
    assert_eq!(
        told.iter()
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
    let state: Vec<&String> = told.iter().filter(|line| line.contains("state")).collect();
    assert!(
        matches!(state.as_slice(), [state] if state.contains("partial no more")),
        "{state:?}"
    );
}

#[test]
fn an_answer_that_is_only_in_the_last_event_is_read() {
    let output = json!([
        {"type": "reasoning", "id": "rs", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "queries": ["q"]}},
        {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
    ]);
    let events = read(&[json!({"type": "response.completed", "response": {"id": "r", "output": output}})]);
    let told = told(&events);
    let told: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|line| !line.contains("state"))
        .collect();
    assert_eq!(
        told,
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
    let one = |frame: Value| told(&read(&[frame])).join("|");
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
        "fail upstream: the upstream cancelled the answer"
    );
    let events = read(&[json!({"type": "response.output_text.delta", "delta": "x"})]);
    assert_eq!(told(&events), ["open 0 Text", "0 x"], "no last event, no end");
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
