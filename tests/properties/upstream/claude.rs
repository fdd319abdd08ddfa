//! Streams of the Messages API.

use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{SampleResponse, Sent};

fn named(data: &Value) -> Sent {
    let kind = data["type"].as_str().unwrap();
    Sent {
        text: format!("event: {kind}\ndata: {data}\n\n"),
        finishes: data.pointer("/delta/stop_reason").is_some_and(Value::is_string),
    }
}

fn start() -> Value {
    json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 1}
    }})
}

fn open(index: usize, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: usize, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: usize) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn finish(reason: &Value) -> Value {
    json!({
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": 9}
    })
}

pub fn event() -> impl Strategy<Value = Sent> {
    let block = prop::sample::select(vec![
        json!({"type": "text", "text": ""}),
        json!({"type": "text", "text": "begun"}),
        json!({"type": "thinking", "thinking": "", "signature": ""}),
        json!({"type": "thinking", "thinking": "begun", "signature": "sig"}),
        json!({"type": "redacted_thinking", "data": "abc"}),
        json!({"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}}),
        json!({"type": "tool_use", "id": "toolu_2", "name": "write", "input": {"a": 1}}),
        json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}),
        json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}),
        json!({"type": "tomorrow", "x": 1}),
    ]);
    let piece = prop::sample::select(vec![
        json!({"type": "text_delta", "text": "a"}),
        json!({"type": "text_delta", "text": ""}),
        json!({"type": "text_delta", "text": " \n"}),
        json!({"type": "input_json_delta", "partial_json": ""}),
        json!({"type": "input_json_delta", "partial_json": "{\"a\":"}),
        json!({"type": "input_json_delta", "partial_json": "1}"}),
        json!({"type": "thinking_delta", "thinking": "t"}),
        json!({"type": "signature_delta", "signature": "s"}),
        json!({"type": "citations_delta", "citation": {
            "type": "web_search_result_location", "cited_text": "c", "encrypted_index": "e", "title": "t", "url": "https://a.example"
        }}),
        json!({"type": "tomorrow_delta", "x": 1}),
    ]);
    let reason = prop::sample::select(vec![
        json!("end_turn"),
        json!("tool_use"),
        json!("max_tokens"),
        json!("stop_sequence"),
        json!("refusal"),
        json!("pause_turn"),
        json!("model_context_window_exceeded"),
        json!("tomorrow"),
        json!(null),
    ]);
    let index = 0_usize..3;
    prop_oneof![
        2 => Just(start()),
        6 => (index.clone(), block.clone()).prop_map(|(index, block)| open(index, &block)),
        9 => (index.clone(), piece).prop_map(|(index, piece)| delta(index, &piece)),
        5 => index.prop_map(stop),
        2 => reason.prop_map(|reason| finish(&reason)),
        1 => Just(json!({"type": "message_stop"})),
        1 => Just(json!({"type": "ping"})),
        1 => Just(json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})),
        1 => option::of(block).prop_map(|block| {
            let mut start = start();
            start["message"]["content"] = block.into_iter().collect();
            start["message"]["usage"] = json!(null);
            start
        }),
    ]
    .prop_map(|data| named(&data))
}

pub fn frames(response: &SampleResponse) -> Vec<Sent> {
    let mut events = vec![start(), json!({"type": "ping"})];
    let mut index = 0;
    let mut block = |block: Value, pieces: Vec<Value>| {
        events.push(open(index, &block));
        events.extend(pieces.iter().map(|piece| delta(index, piece)));
        events.push(stop(index));
        index += 1;
    };
    if let Some(text) = &response.reasoning {
        block(
            json!({"type": "thinking", "thinking": "", "signature": ""}),
            vec![
                json!({"type": "thinking_delta", "thinking": text}),
                json!({"type": "signature_delta", "signature": "c2ln"}),
            ],
        );
    }
    if let Some(text) = &response.text {
        block(
            json!({"type": "text", "text": ""}),
            vec![json!({"type": "text_delta", "text": text})],
        );
    }
    for (number, (name, pieces)) in response.calls.iter().enumerate() {
        let piece = |piece: &String| json!({"type": "input_json_delta", "partial_json": piece});
        block(
            json!({"type": "tool_use", "id": format!("toolu_{number}"), "name": name, "input": {}}),
            pieces.iter().map(piece).collect(),
        );
    }
    let reason = if response.calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    };
    events.push(finish(&json!(reason)));
    events.push(json!({"type": "message_stop"}));
    events.iter().map(named).collect()
}
