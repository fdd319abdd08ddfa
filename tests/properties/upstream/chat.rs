//! Streams of Chat Completions.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{SampleResponse, Sent, unnamed};

fn chunk(delta: &Value, finish: &Value) -> Sent {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]
    });
    unnamed(&chunk, finish.is_string())
}

fn counts() -> Sent {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    });
    unnamed(&chunk, false)
}

fn done() -> Sent {
    Sent {
        text: "data: [DONE]\n\n".to_owned(),
        finishes: false,
    }
}

fn call() -> impl Strategy<Value = Value> {
    let text = |texts: Vec<&'static str>| option::of(prop::sample::select(texts));
    (
        option::weighted(0.8, 0_u8..3),
        text(vec!["", "call_a", "call_b", "call_c"]),
        text(vec!["", "read", "write"]),
        text(vec!["", "{", "{}", "\"a\"", ":1}", "{\"a\":[1,2]}", "no json"]),
    )
        .prop_map(|(index, id, name, arguments)| {
            let mut call = json!({"function": {}});
            let mut set = |pointer: &str, member: &str, value: Option<Value>| {
                if let Some(value) = value {
                    call.pointer_mut(pointer).unwrap()[member] = value;
                }
            };
            set("", "index", index.map(Value::from));
            set("", "id", id.map(Value::from));
            set("/function", "name", name.map(Value::from));
            set("/function", "arguments", arguments.map(Value::from));
            call
        })
}

pub fn event() -> impl Strategy<Value = Sent> {
    let plain = prop::sample::select(vec![
        json!({}),
        json!({"role": "assistant", "content": ""}),
        json!({"content": null}),
        json!({"content": "a"}),
        json!({"content": " "}),
        json!({"reasoning_content": "r"}),
        json!({"reasoning": "r"}),
        json!({"refusal": "no"}),
        json!({"function_call": {"name": "read", "arguments": ""}}),
        json!({"function_call": {"arguments": "{}"}}),
        json!({"content": "a", "reasoning_content": "r", "refusal": "no"}),
        json!({"annotations": [{"type": "url_citation", "url_citation": {
            "start_index": 0, "end_index": 1, "title": "t", "url": "https://a.example"
        }}]}),
        json!({"tomorrow": 1}),
    ]);
    let calls = vec(call(), 1..3).prop_map(|calls| json!({ "tool_calls": calls }));
    let delta = prop_oneof![5 => plain, 5 => calls];
    let reason = prop::sample::select(vec![
        json!("stop"),
        json!("length"),
        json!("tool_calls"),
        json!("function_call"),
        json!("content_filter"),
        json!("tomorrow"),
    ]);
    prop_oneof![
        20 => delta.clone().prop_map(|delta| chunk(&delta, &json!(null))),
        2 => (delta, reason.clone()).prop_map(|(delta, reason)| chunk(&delta, &reason)),
        1 => reason.prop_map(|reason| chunk(&json!({}), &reason)),
        1 => Just(counts()),
        1 => Just(done()),
        1 => Just(unnamed(&json!({"error": {"message": "busy", "type": "server_error", "code": null, "param": null}}), false)),
        1 => Just(unnamed(&json!({"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}]}), false)),
    ]
}

pub fn frames(response: &SampleResponse) -> Vec<Sent> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    deltas.extend(
        response
            .reasoning
            .iter()
            .map(|text| json!({"reasoning_content": text})),
    );
    deltas.extend(response.text.iter().map(|text| json!({"content": text})));
    let begin = |(index, (name, _)): (usize, &(String, Vec<String>))| {
        let function = json!({"name": name, "arguments": ""});
        json!({"tool_calls": [{"index": index, "id": format!("call_{index}"), "type": "function", "function": function}]})
    };
    let piece = |index: usize, piece: &String| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]});
    if response.interleaved {
        deltas.extend(response.calls.iter().enumerate().map(begin));
        let longest = response.calls.iter().map(|(_, pieces)| pieces.len()).max();
        for at in 0..longest.unwrap_or_default() {
            let calls = response.calls.iter().enumerate();
            deltas.extend(calls.filter_map(|(index, (_, pieces))| Some(piece(index, pieces.get(at)?))));
        }
    } else {
        for (index, call) in response.calls.iter().enumerate() {
            deltas.push(begin((index, call)));
            deltas.extend(call.1.iter().map(|text| piece(index, text)));
        }
    }
    let mut frames: Vec<Sent> = deltas.iter().map(|delta| chunk(delta, &json!(null))).collect();
    let reason = if response.calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    frames.push(chunk(&json!({}), &json!(reason)));
    frames.push(counts());
    frames.push(done());
    frames
}
