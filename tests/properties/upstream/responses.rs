//! Streams of the Responses API.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{SampleResponse, Sent};

fn named(data: &Value) -> Sent {
    let kind = data["type"].as_str().unwrap();
    Sent {
        text: format!("event: {kind}\ndata: {data}\n\n"),
        finishes: matches!(kind, "response.completed" | "response.incomplete"),
    }
}

fn envelope(kind: &str, status: &str, output: &[Value]) -> Value {
    json!({"type": format!("response.{kind}"), "response": {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status, "output": output,
        "error": null, "incomplete_details": null, "instructions": null, "metadata": {}, "tools": [],
        "parallel_tool_calls": true, "tool_choice": "auto", "temperature": 1, "top_p": 1
    }})
}

fn item(kind: &str, at: usize, item: &Value) -> Value {
    json!({"type": format!("response.output_item.{kind}"), "output_index": at, "item": item})
}

fn message(at: usize, content: &[Value], status: &str) -> Value {
    json!({"type": "message", "id": format!("msg_{at}"), "role": "assistant", "status": status, "content": content})
}

fn reasoning(at: usize, summary: &[Value]) -> Value {
    json!({"type": "reasoning", "id": format!("rs_{at}"), "summary": summary, "encrypted_content": "ZW5j"})
}

fn call(at: usize, name: &str, arguments: &str, status: &str) -> Value {
    json!({
        "type": "function_call", "id": format!("fc_{at}"), "call_id": format!("call_{at}"), "name": name,
        "arguments": arguments, "status": status
    })
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

pub fn event() -> impl Strategy<Value = Sent> {
    let delta = |kind: &'static str, text: &'static str| {
        (0_usize..3).prop_map(move |at| {
            json!({
                "type": format!("response.{kind}"), "output_index": at, "item_id": format!("msg_{at}"),
                "content_index": 0, "summary_index": 0, "delta": text, "text": text, "arguments": text,
                "part": {"type": "output_text", "text": "", "annotations": []}
            })
        })
    };
    let items = (0_usize..3, 0_u8..4, any::<bool>()).prop_map(|(at, kind, added)| {
        let of = match kind {
            0 => message(at, &[], "in_progress"),
            1 => reasoning(at, &[]),
            2 => call(at, "read", "", "in_progress"),
            _ => json!({"type": "tomorrow", "id": "t"}),
        };
        item(if added { "added" } else { "done" }, at, &of)
    });
    prop_oneof![
        2 => Just(envelope("created", "in_progress", &[])),
        6 => items,
        2 => delta("content_part.added", ""),
        4 => delta("output_text.delta", "a"),
        2 => delta("output_text.done", "a"),
        2 => delta("reasoning_summary_text.delta", "r"),
        4 => delta("function_call_arguments.delta", "{}"),
        2 => delta("function_call_arguments.done", "{\"a\":1}"),
        1 => delta("tomorrow.delta", "x"),
        1 => Just(envelope("completed", "completed", &[])),
        1 => Just(envelope("incomplete", "incomplete", &[call(0, "read", "{", "incomplete")])),
        1 => Just(envelope("failed", "failed", &[])),
        1 => Just(json!({"type": "error", "code": "server_error", "message": "busy", "param": null})),
    ]
    .prop_map(|data| named(&data))
}

pub fn frames(response: &SampleResponse) -> Vec<Sent> {
    let mut events = vec![
        envelope("created", "in_progress", &[]),
        envelope("in_progress", "in_progress", &[]),
    ];
    let mut output = Vec::new();
    if let Some(text) = &response.reasoning {
        let (at, id) = (output.len(), format!("rs_{}", output.len()));
        let part = json!({"type": "summary_text", "text": text});
        let empty = json!({"type": "summary_text", "text": ""});
        let inside = |kind: &str, more: Value| {
            let mut event = json!({
                "type": format!("response.reasoning_summary_{kind}"), "output_index": at, "item_id": id, "summary_index": 0
            });
            event
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            event
        };
        let done = reasoning(at, std::slice::from_ref(&part));
        events.extend([
            item("added", at, &reasoning(at, &[])),
            inside("part.added", json!({"part": empty})),
            inside("text.delta", json!({"delta": text})),
            inside("text.done", json!({"text": text})),
            inside("part.done", json!({"part": part})),
            item("done", at, &done),
        ]);
        output.push(done);
    }
    if let Some(text) = &response.text {
        let (at, id) = (output.len(), format!("msg_{}", output.len()));
        let inside = |kind: &str, more: Value| {
            let mut event = json!({
                "type": format!("response.{kind}"), "output_index": at, "item_id": id, "content_index": 0
            });
            event
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            event
        };
        let done = message(at, &[text_part(text)], "completed");
        events.extend([
            item("added", at, &message(at, &[], "in_progress")),
            inside("content_part.added", json!({"part": text_part("")})),
            inside("output_text.delta", json!({"delta": text, "logprobs": []})),
            inside("output_text.done", json!({"text": text, "logprobs": []})),
            inside("content_part.done", json!({"part": text_part(text)})),
            item("done", at, &done),
        ]);
        output.push(done);
    }
    for (name, pieces) in &response.calls {
        let (at, id) = (output.len(), format!("fc_{}", output.len()));
        events.push(item("added", at, &call(at, name, "", "in_progress")));
        events.extend(pieces.iter().map(|piece| {
            json!({
                "type": "response.function_call_arguments.delta", "output_index": at, "item_id": id, "delta": piece
            })
        }));
        let all = pieces.concat();
        events.push(json!({
            "type": "response.function_call_arguments.done", "output_index": at, "item_id": id, "arguments": all, "name": name
        }));
        let done = call(at, name, &all, "completed");
        events.push(item("done", at, &done));
        output.push(done);
    }
    events.push(envelope("completed", "completed", &output));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events.iter().map(named).collect()
}
