//! Hand-written responses of upstreams: the events that each vendor sends for the same turn.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use llm_proxy::dialect::DialectName;
use llm_proxy::wire::{event_stream, sse};
use serde_json::{Value, json};

use crate::MODEL;

/// The content of a streamed response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// Pieces of text.
    Text,
    /// Pieces of a tool call's arguments.
    Tool,
    /// Pieces of reasoning, with one text after them.
    Reasoning,
}

impl StreamKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Text, Self::Tool, Self::Reasoning];

    /// The name on the command line and in benchmark names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Tool => "tool",
            Self::Reasoning => "reasoning",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The text in every piece, by which the load driver counts pieces. It is as long as a usual token.
pub const MARK: &str = " toke";

/// A stream in parts: the events before the pieces, the pieces, and the events after them.
pub struct StreamScript {
    dialect: DialectName,
    kind: StreamKind,
    /// Events before the pieces.
    pub head: Vec<Bytes>,
    /// Events after the pieces.
    pub tail: Vec<Bytes>,
}

impl StreamScript {
    /// Creates the script of a response with `pieces` pieces. The last events of some dialects repeat the text of all
    /// pieces.
    pub fn new(dialect: DialectName, kind: StreamKind, pieces: usize) -> Self {
        let (head, tail) = match dialect {
            DialectName::OpenAiChat => chat_ends(kind),
            DialectName::OpenAiResponses => responses_ends(kind, pieces),
            DialectName::Claude | DialectName::Bedrock => claude_ends(kind),
        };
        let frames = |events: Vec<Value>| events.iter().map(|event| frame(dialect, event)).collect();
        let mut tail: Vec<Bytes> = frames(tail);
        if dialect == DialectName::OpenAiChat {
            tail.push(Bytes::from_static(b"data: [DONE]\n\n"));
        }
        Self {
            dialect,
            kind,
            head: frames(head),
            tail,
        }
    }

    /// Writes one piece, with `text` after [`MARK`]. OpenAI's Chat Completions has no reasoning; compatible servers
    /// send `reasoning_content`.
    pub fn piece(&self, number: usize, text: &str) -> Bytes {
        let text = format!("{MARK}{text}");
        let event = match (self.dialect, self.kind) {
            (DialectName::OpenAiChat, kind) => chunk(match kind {
                StreamKind::Text => json!({"content": text}),
                StreamKind::Tool => json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}),
                StreamKind::Reasoning => json!({"reasoning_content": text}),
            }),
            (DialectName::OpenAiResponses, kind) => {
                let (name, item) = match kind {
                    StreamKind::Text => ("response.output_text.delta", "msg_1"),
                    StreamKind::Tool => ("response.function_call_arguments.delta", "fc_1"),
                    StreamKind::Reasoning => ("response.reasoning_summary_text.delta", "rs_1"),
                };
                let mut event =
                    json!({"type": name, "sequence_number": number + 4, "item_id": item, "output_index": 0});
                match kind {
                    StreamKind::Text => {
                        event["content_index"] = 0.into();
                        event["delta"] = text.into();
                        event["logprobs"] = json!([]);
                        event["obfuscation"] = "xK4v0sQ9".into();
                    }
                    StreamKind::Tool => event["delta"] = text.into(),
                    StreamKind::Reasoning => {
                        event["summary_index"] = 0.into();
                        event["delta"] = text.into();
                    }
                }
                event
            }
            (DialectName::Claude | DialectName::Bedrock, kind) => {
                let delta = match kind {
                    StreamKind::Text => json!({"type": "text_delta", "text": text}),
                    StreamKind::Tool => json!({"type": "input_json_delta", "partial_json": text}),
                    StreamKind::Reasoning => json!({"type": "thinking_delta", "thinking": text}),
                };
                json!({"type": "content_block_delta", "index": 0, "delta": delta})
            }
        };
        frame(self.dialect, &event)
    }

    /// All events of a response with `pieces` pieces.
    pub fn events(dialect: DialectName, kind: StreamKind, pieces: usize) -> Vec<Bytes> {
        let script = Self::new(dialect, kind, pieces);
        let mut events = script.head.clone();
        events.extend((0..pieces).map(|number| script.piece(number, "")));
        events.extend(script.tail);
        events
    }
}

/// The media type of a dialect's streams.
pub fn media_type(dialect: DialectName) -> &'static str {
    match dialect {
        DialectName::Bedrock => "application/vnd.amazon.eventstream",
        _ => "text/event-stream; charset=utf-8",
    }
}

fn frame(dialect: DialectName, event: &Value) -> Bytes {
    let mut out = BytesMut::new();
    let text = event.to_string();
    match dialect {
        DialectName::OpenAiChat => sse::write_event(&mut out, None, text.as_bytes()),
        DialectName::OpenAiResponses | DialectName::Claude => {
            sse::write_event(&mut out, event["type"].as_str(), text.as_bytes());
        }
        DialectName::Bedrock => event_stream::write_event(&mut out, "chunk", |out| {
            let bytes = STANDARD.encode(text);
            out.extend_from_slice(
                json!({"bytes": bytes, "p": "abcdefghijkl"})
                    .to_string()
                    .as_bytes(),
            );
        }),
    }
    out.freeze()
}

fn chunk(delta: Value) -> Value {
    json!({
        "id": "chatcmpl-C9xQ2rTnVb41LmPzYw8Kd0Ae", "object": "chat.completion.chunk", "created": 1_790_000_003,
        "model": "gpt-5.2-2026-08-01", "service_tier": "default", "system_fingerprint": "fp_44709d6fcb",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}], "usage": null,
        "obfuscation": "xK4v0sQ9",
    })
}

fn chat_usage() -> Value {
    json!({
        "prompt_tokens": 25, "completion_tokens": 400, "total_tokens": 425,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}

fn chat_ends(kind: StreamKind) -> (Vec<Value>, Vec<Value>) {
    let mut head = vec![chunk(
        json!({"role": "assistant", "content": "", "refusal": null}),
    )];
    let mut tail = Vec::new();
    match kind {
        StreamKind::Text => {}
        StreamKind::Tool => {
            let function = json!({"name": "get_weather", "arguments": "{\"city\":\""});
            let call = json!({"index": 0, "id": "call_1", "type": "function", "function": function});
            head.push(chunk(json!({"tool_calls": [call]})));
            let end = json!({"index": 0, "function": {"arguments": "\"}"}});
            tail.push(chunk(json!({"tool_calls": [end]})));
        }
        StreamKind::Reasoning => tail.push(chunk(json!({"content": "Done."}))),
    }
    let mut last = chunk(json!({}));
    last["choices"][0]["finish_reason"] = if kind == StreamKind::Tool {
        "tool_calls"
    } else {
        "stop"
    }
    .into();
    let mut usage = chunk(json!({}));
    usage["choices"] = json!([]);
    usage["usage"] = chat_usage();
    tail.extend([last, usage]);
    (head, tail)
}

fn response_object(status: &str, output: Value) -> Value {
    let complete = status == "completed";
    let usage = json!({
        "input_tokens": 25, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 400,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 425,
    });
    json!({
        "id": "resp_0c9xQ2rTnVb41LmPzYw8Kd0Ae", "object": "response", "created_at": 1_790_000_003, "status": status,
        "background": false, "error": null, "incomplete_details": null, "instructions": null, "max_output_tokens": null,
        "model": "gpt-5.2-2026-08-01", "output": output, "parallel_tool_calls": true, "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null}, "service_tier": "default", "store": false, "temperature": 1.0,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "usage": if complete { usage } else { Value::Null }, "metadata": {},
    })
}

fn message_item(text: &str) -> Value {
    let content = json!([{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]);
    json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": content})
}

fn responses_ends(kind: StreamKind, pieces: usize) -> (Vec<Value>, Vec<Value>) {
    let whole = MARK.repeat(pieces);
    let begun = |name: &str| json!({"type": name, "response": response_object("in_progress", json!([]))});
    let added = |item: Value| json!({"type": "response.output_item.added", "output_index": 0, "item": item});
    let done = |item: &Value| json!({"type": "response.output_item.done", "output_index": 0, "item": item});
    let mut head = vec![begun("response.created"), begun("response.in_progress")];
    let mut tail = Vec::new();
    let item = match kind {
        StreamKind::Text => {
            head.push(added(
                json!({"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}),
            ));
            let part =
                |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
            let at =
                |name: &str| json!({"type": name, "item_id": "msg_1", "output_index": 0, "content_index": 0});
            let mut opened = at("response.content_part.added");
            opened["part"] = part("");
            head.push(opened);
            let mut text = at("response.output_text.done");
            text["text"] = whole.as_str().into();
            text["logprobs"] = json!([]);
            let mut closed = at("response.content_part.done");
            closed["part"] = part(&whole);
            tail.extend([text, closed]);
            message_item(&whole)
        }
        StreamKind::Tool => {
            let call = |status: &str, arguments: &str| json!({"id": "fc_1", "type": "function_call", "status": status, "call_id": "call_1", "name": "get_weather", "arguments": arguments});
            let arguments = format!("{{\"city\":\"{whole}\"}}");
            let delta = |text: &str| json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 0, "delta": text});
            head.extend([added(call("in_progress", "")), delta("{\"city\":\"")]);
            tail.push(delta("\"}"));
            tail.push(json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": 0, "arguments": arguments}));
            call("completed", &arguments)
        }
        StreamKind::Reasoning => {
            let part = |text: &str| json!({"type": "summary_text", "text": text});
            let at =
                |name: &str| json!({"type": name, "item_id": "rs_1", "output_index": 0, "summary_index": 0});
            head.push(added(json!({"id": "rs_1", "type": "reasoning", "summary": []})));
            let mut opened = at("response.reasoning_summary_part.added");
            opened["part"] = part("");
            head.push(opened);
            let mut text = at("response.reasoning_summary_text.done");
            text["text"] = whole.as_str().into();
            let mut closed = at("response.reasoning_summary_part.done");
            closed["part"] = part(&whole);
            tail.extend([text, closed]);
            json!({"id": "rs_1", "type": "reasoning", "summary": [part(&whole)]})
        }
    };
    tail.push(done(&item));
    tail.push(json!({"type": "response.completed", "response": response_object("completed", json!([item]))}));
    let last = pieces + head.len();
    for (number, event) in head.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    for (number, event) in tail.iter_mut().enumerate() {
        event["sequence_number"] = (last + number).into();
    }
    (head, tail)
}

fn claude_message(content: Value, stop: Option<&str>, output: u64) -> Value {
    json!({
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant",
        "model": "claude-sonnet-4-5-20250929", "content": content, "stop_reason": stop, "stop_sequence": null,
        "usage": {
            "input_tokens": 25, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output, "service_tier": "standard",
        },
    })
}

fn claude_ends(kind: StreamKind) -> (Vec<Value>, Vec<Value>) {
    let block = match kind {
        StreamKind::Text => json!({"type": "text", "text": ""}),
        StreamKind::Tool => {
            json!({"type": "tool_use", "id": "toolu_01N1", "name": "get_weather", "input": {}})
        }
        StreamKind::Reasoning => json!({"type": "thinking", "thinking": "", "signature": ""}),
    };
    let delta = |delta: Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
    let argument = |text: &str| delta(json!({"type": "input_json_delta", "partial_json": text}));
    let mut head = vec![
        json!({"type": "message_start", "message": claude_message(json!([]), None, 1)}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
    ];
    let mut tail = Vec::new();
    match kind {
        StreamKind::Text => {}
        StreamKind::Tool => {
            head.push(argument("{\"city\":\""));
            tail.push(argument("\"}"));
        }
        StreamKind::Reasoning => tail.push(delta(
            json!({"type": "signature_delta", "signature": "c2lnbmF0dXJl"}),
        )),
    }
    let stop = if kind == StreamKind::Tool {
        "tool_use"
    } else {
        "end_turn"
    };
    let usage = json!({"input_tokens": 25, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 400});
    tail.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null}, "usage": usage}),
        json!({"type": "message_stop"}),
    ]);
    (head, tail)
}

/// A complete response of one sentence.
pub fn complete(dialect: DialectName) -> Bytes {
    let text = "Use ls -lS: it lists the files of a folder, the largest first.";
    let response = match dialect {
        DialectName::OpenAiChat => json!({
            "id": "chatcmpl-C9xQ2rTnVb41LmPzYw8Kd0Ae", "object": "chat.completion", "created": 1_790_000_003,
            "model": "gpt-5.2-2026-08-01",
            "choices": [{
                "index": 0, "message": {"role": "assistant", "content": text, "refusal": null, "annotations": []},
                "logprobs": null, "finish_reason": "stop",
            }],
            "usage": chat_usage(), "service_tier": "default", "system_fingerprint": "fp_44709d6fcb",
        }),
        DialectName::OpenAiResponses => response_object("completed", json!([message_item(text)])),
        DialectName::Claude | DialectName::Bedrock => {
            claude_message(json!([{"type": "text", "text": text}]), Some("end_turn"), 15)
        }
    };
    let mut response = response;
    // The floor and nginx do not rename the model, so the response has the client's model name everywhere.
    response["model"] = MODEL.into();
    response.to_string().into()
}
