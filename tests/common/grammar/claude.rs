//! `message_start`, blocks one after another, `message_delta`, `message_stop`; or an error at any point.

use serde_json::Value;

use super::super::frames::Frame;
use super::{StreamSummary, ensure, filled, text};

#[derive(Default)]
struct State {
    started: bool,
    next: u64,
    open: Option<Open>,
    reason: bool,
    ended: bool,
    summary: StreamSummary,
}

struct Open {
    kind: String,
    signed: bool,
}

pub fn check(frames: &[Frame]) -> Result<StreamSummary, String> {
    let mut state = State::default();
    for frame in frames {
        let Frame::Event { name, data } = frame else {
            continue;
        };
        ensure(!state.ended, || format!("after the end: {data}"))?;
        let json = frame.json()?;
        let kind = text(&json, "/type")?;
        ensure(name.as_deref() == Some(kind), || {
            format!("{name:?} is not the name of {data}")
        })?;
        state.event(kind, &json)?;
    }
    ensure(state.ended, || "the stream has no end".to_owned())?;
    Ok(state.summary)
}

impl State {
    fn event(&mut self, kind: &str, json: &Value) -> Result<(), String> {
        match kind {
            "error" => {
                filled(json, "/error/type")?;
                filled(json, "/error/message")?;
                self.ended = true;
                self.summary.failed = true;
                return Ok(());
            }
            "ping" => return Ok(()),
            "message_start" => {
                ensure(!self.started, || "a second message_start".to_owned())?;
                self.started = true;
                return message_start(json);
            }
            _ => {}
        }
        ensure(self.started, || format!("before message_start: {json}"))?;
        match kind {
            "content_block_start" => {
                ensure(!self.reason, || format!("a block after message_delta: {json}"))?;
                ensure(self.open.is_none(), || format!("within a block: {json}"))?;
                self.index(json)?;
                self.open(json)
            }
            "content_block_delta" => {
                self.index(json)?;
                self.delta(json)
            }
            "content_block_stop" => {
                self.index(json)?;
                self.next += 1;
                let open = self.open.take();
                ensure(open.is_some(), || format!("no block is open: {json}"))
            }
            "message_delta" => {
                ensure(self.open.is_none(), || format!("a block is open: {json}"))?;
                filled(json, "/delta/stop_reason")?;
                count(json, "/usage/output_tokens")?;
                self.reason = true;
                Ok(())
            }
            "message_stop" => {
                ensure(self.reason, || "message_stop without a stop_reason".to_owned())?;
                self.ended = true;
                Ok(())
            }
            _ => Err(format!("an event that this dialect does not have: {json}")),
        }
    }

    fn index(&self, json: &Value) -> Result<(), String> {
        let index = json["index"].as_u64();
        ensure(index == Some(self.next), || {
            format!("the index is not {}: {json}", self.next)
        })
    }

    fn open(&mut self, json: &Value) -> Result<(), String> {
        let block = &json["content_block"];
        let kind = text(block, "/type")?;
        match kind {
            "text" => ensure(text(block, "/text")?.is_empty(), || {
                format!("begins full: {json}")
            })?,
            "thinking" => {
                ensure(text(block, "/thinking")?.is_empty(), || {
                    format!("begins full: {json}")
                })?;
                text(block, "/signature")?;
            }
            "redacted_thinking" => {
                filled(block, "/data")?;
            }
            "tool_use" => {
                let id = filled(block, "/id")?;
                ensure(block["input"] == serde_json::json!({}), || {
                    format!("begins full: {json}")
                })?;
                let name = filled(block, "/name")?;
                let call = (id.to_owned(), name.to_owned(), String::new());
                self.summary.calls.push(call);
            }
            _ => return Err(format!("a block that no other vendor has: {json}")),
        }
        self.open = Some(Open {
            kind: kind.to_owned(),
            signed: false,
        });
        Ok(())
    }

    fn delta(&mut self, json: &Value) -> Result<(), String> {
        let open = self
            .open
            .as_mut()
            .ok_or_else(|| format!("no block is open: {json}"))?;
        let delta = &json["delta"];
        let kind = text(delta, "/type")?;
        ensure(!open.signed, || format!("after the signature: {json}"))?;
        match (open.kind.as_str(), kind) {
            ("text", "text_delta") => self.summary.text.push_str(text(delta, "/text")?),
            ("text", "citations_delta") => {}
            ("thinking", "thinking_delta") => {
                text(delta, "/thinking")?;
            }
            ("thinking", "signature_delta") => {
                filled(delta, "/signature")?;
                open.signed = true;
            }
            ("tool_use", "input_json_delta") => {
                let piece = filled(delta, "/partial_json")?;
                let call = self.summary.calls.last_mut().ok_or("no call is open")?;
                call.2.push_str(piece);
            }
            (block, _) => return Err(format!("not a piece of a {block} block: {json}")),
        }
        Ok(())
    }
}

fn message_start(json: &Value) -> Result<(), String> {
    let message = &json["message"];
    filled(message, "/id")?;
    filled(message, "/model")?;
    ensure(message["role"] == "assistant", || {
        format!("not the assistant's: {json}")
    })?;
    ensure(message["type"] == "message", || format!("no message: {json}"))?;
    ensure(message["content"] == serde_json::json!([]), || {
        format!("begins full: {json}")
    })?;
    ensure(message["stop_reason"].is_null(), || {
        format!("has stopped: {json}")
    })?;
    count(message, "/usage/input_tokens")?;
    count(message, "/usage/output_tokens")
}

fn count(value: &Value, pointer: &str) -> Result<(), String> {
    let number = value.pointer(pointer).and_then(Value::as_u64);
    ensure(number.is_some(), || format!("no count at {pointer} of {value}"))
}
