//! A first chunk with the role, deltas, a finish, token counts where asked for, `[DONE]`; or an error at any point.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::super::frames::Frame;
use super::{StreamSummary, ensure, filled, text};

#[derive(Default)]
struct State {
    /// What every chunk repeats.
    envelope: Option<Value>,
    role: bool,
    finished: bool,
    counted: bool,
    ended: bool,
    details: HashSet<i64>,
    summary: StreamSummary,
}

pub fn check(frames: &[Frame]) -> Result<StreamSummary, String> {
    let mut state = State::default();
    for frame in frames {
        let Frame::Event { name, data } = frame else {
            continue;
        };
        ensure(!state.ended, || format!("after the end: {data}"))?;
        ensure(name.is_none(), || format!("chunks have no name: {name:?}"))?;
        if data == "[DONE]" {
            ensure(state.finished, || "[DONE] before a finish".to_owned())?;
            state.ended = true;
            continue;
        }
        let json = frame.json()?;
        match json.get("error") {
            Some(error) => {
                filled(error, "/message")?;
                filled(error, "/type")?;
                ensure(
                    error.get("code").is_some() && error.get("param").is_some(),
                    || format!("no code or param: {json}"),
                )?;
                state.ended = true;
                state.summary.failed = true;
            }
            None => state.chunk(&json)?,
        }
    }
    ensure(state.ended, || "the stream has no end".to_owned())?;
    Ok(state.summary)
}

impl State {
    fn chunk(&mut self, json: &Value) -> Result<(), String> {
        self.envelope(json)?;
        let choices = json["choices"]
            .as_array()
            .ok_or_else(|| format!("no choices: {json}"))?;
        let [choice] = choices.as_slice() else {
            ensure(choices.is_empty() && self.finished && !self.counted, || {
                format!("a chunk without a choice: {json}")
            })?;
            self.counted = true;
            let total = json["usage"]["total_tokens"].as_u64();
            return ensure(total.is_some(), || format!("no counts: {json}"));
        };
        ensure(json.get("usage").is_none_or(Value::is_null), || {
            format!("counts beside a choice: {json}")
        })?;
        ensure(!self.finished, || format!("after the finish: {json}"))?;
        ensure(choice["index"] == 0, || format!("another choice: {json}"))?;
        let delta = choice["delta"]
            .as_object()
            .ok_or_else(|| format!("no delta: {json}"))?;
        self.delta(delta, json)?;
        if !choice["finish_reason"].is_null() {
            filled(choice, "/finish_reason")?;
            ensure(delta.is_empty(), || format!("a delta in the finish: {json}"))?;
            self.finished = true;
        }
        Ok(())
    }

    fn envelope(&mut self, json: &Value) -> Result<(), String> {
        filled(json, "/id")?;
        filled(json, "/model")?;
        ensure(json["object"] == "chat.completion.chunk", || {
            format!("no chunk: {json}")
        })?;
        ensure(json["created"].is_u64(), || format!("no time: {json}"))?;
        let envelope = Value::from(vec![
            json["id"].clone(),
            json["model"].clone(),
            json["created"].clone(),
        ]);
        let first = self.envelope.get_or_insert_with(|| envelope.clone());
        ensure(*first == envelope, || format!("of another answer: {json}"))
    }

    fn delta(&mut self, delta: &Map<String, Value>, json: &Value) -> Result<(), String> {
        // Client libraries join the texts of a delta, so a text that is sent twice is there twice.
        ensure(delta.contains_key("role") != self.role, || {
            format!("the role has to be told first and once: {json}")
        })?;
        self.role = true;
        for (name, value) in delta {
            match name.as_str() {
                "role" => ensure(value == "assistant", || format!("not the assistant's: {json}"))?,
                "content" | "refusal" => {
                    let piece = value.as_str().unwrap_or_default();
                    self.summary.text.push_str(piece);
                }
                "reasoning_content" => {
                    ensure(value.is_string(), || format!("no text: {json}"))?;
                }
                "reasoning_details" | "annotations" => {
                    for entry in list(value, json)? {
                        let index = entry["index"]
                            .as_i64()
                            .ok_or_else(|| format!("no index: {json}"))?;
                        ensure(name == "annotations" || self.details.insert(index), || {
                            format!("an index twice: {json}")
                        })?;
                    }
                }
                "tool_calls" => {
                    for call in list(value, json)? {
                        self.call(call)?;
                    }
                }
                "function_call" => self.legacy_call(value)?,
                _ => return Err(format!("{name} is not known in a delta: {json}")),
            }
        }
        Ok(())
    }

    fn call(&mut self, call: &Value) -> Result<(), String> {
        let index = call["index"]
            .as_u64()
            .ok_or_else(|| format!("no index: {call}"))?;
        let known = self.summary.calls.len() as u64;
        if call.get("id").is_some() {
            ensure(index == known, || format!("the index is not {known}: {call}"))?;
            let id = filled(call, "/id")?;
            let (name, arguments) = match text(call, "/type")? {
                "function" => (
                    filled(call, "/function/name")?,
                    text(call, "/function/arguments")?,
                ),
                "custom" => (filled(call, "/custom/name")?, text(call, "/custom/input")?),
                _ => return Err(format!("no call: {call}")),
            };
            let call = (id.to_owned(), name.to_owned(), arguments.to_owned());
            self.summary.calls.push(call);
            return Ok(());
        }
        ensure(index + 1 == known, || format!("back to an earlier call: {call}"))?;
        ensure(call.get("type").is_none(), || format!("the type twice: {call}"))?;
        let piece = continued(call)?;
        let last = self.summary.calls.last_mut().ok_or("no call")?;
        last.2.push_str(piece);
        Ok(())
    }

    /// The one call of a response to a request with `functions`, which has no identifier.
    fn legacy_call(&mut self, call: &Value) -> Result<(), String> {
        let piece = text(call, "/arguments")?;
        if call.get("name").is_some() {
            ensure(self.summary.calls.is_empty(), || format!("a second call: {call}"))?;
            let name = filled(call, "/name")?;
            self.summary
                .calls
                .push((String::new(), name.to_owned(), piece.to_owned()));
            return Ok(());
        }
        let last = self.summary.calls.last_mut().ok_or("no call")?;
        last.2.push_str(piece);
        Ok(())
    }
}

fn list<'a>(value: &'a Value, json: &Value) -> Result<&'a Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("no list: {json}"))
}

/// More of the input of a call, and no member that was sent before.
fn continued(call: &Value) -> Result<&str, String> {
    let (kind, member) = match call.get("custom") {
        Some(_) => ("custom", "/custom/input"),
        None => ("function", "/function/arguments"),
    };
    ensure(call[kind].get("name").is_none(), || {
        format!("the name twice: {call}")
    })?;
    text(call, member)
}
