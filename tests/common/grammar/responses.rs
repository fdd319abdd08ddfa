//! `response.created`, `response.in_progress`, items one after another, one of the ends; numbered without a gap.

use serde_json::Value;

use super::super::frames::Frame;
use super::{StreamSummary, ensure, filled, text};

#[derive(Default)]
struct State {
    sequence: u64,
    /// The identifier of the response, from its first event on.
    id: Option<String>,
    in_progress: bool,
    item: Option<Item>,
    done: Vec<Value>,
    ended: bool,
    summary: StreamSummary,
}

struct Item {
    added: Value,
    /// The part that is open, with its kind and its text until now.
    part: Option<(String, String)>,
    parts: usize,
    input: String,
    input_done: bool,
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
        ensure(json["sequence_number"] == state.sequence, || {
            format!("the number is not {}: {data}", state.sequence)
        })?;
        state.sequence += 1;
        state.event(kind, &json)?;
    }
    ensure(state.ended, || "the stream has no end".to_owned())?;
    Ok(state.summary)
}

impl State {
    fn event(&mut self, kind: &str, json: &Value) -> Result<(), String> {
        if kind == "error" {
            filled(json, "/message")?;
            self.ended = true;
            self.summary.failed = true;
            return Ok(());
        }
        if kind == "response.created" {
            ensure(self.id.is_none(), || format!("a second start: {json}"))?;
            self.id = Some(filled(json, "/response/id")?.to_owned());
            return self.envelope(json, "in_progress");
        }
        ensure(self.id.is_some(), || format!("before response.created: {json}"))?;
        match kind {
            "response.in_progress" => {
                ensure(!self.in_progress && self.done.is_empty(), || {
                    format!("late: {json}")
                })?;
                self.in_progress = true;
                self.envelope(json, "in_progress")
            }
            "response.failed" => {
                filled(json, "/response/error/message")?;
                self.ended = true;
                self.summary.failed = true;
                self.envelope(json, "failed")
            }
            "response.completed" | "response.incomplete" => {
                ensure(self.item.is_none(), || format!("an item is open: {json}"))?;
                let output = json["response"]["output"].as_array();
                ensure(output == Some(&self.done), || {
                    format!("the output is not {:?}: {json}", self.done)
                })?;
                self.ended = true;
                self.envelope(json, kind.trim_start_matches("response."))
            }
            "response.output_item.added" => self.add(json),
            "response.output_item.done" => self.finish_item(json),
            _ => self.inside(kind, json),
        }
    }

    /// The response as a whole, which every event of its life repeats.
    fn envelope(&self, json: &Value, status: &str) -> Result<(), String> {
        let response = &json["response"];
        ensure(response["id"].as_str() == self.id.as_deref(), || {
            format!("of another answer: {json}")
        })?;
        ensure(response["status"] == status, || format!("not {status}: {json}"))?;
        filled(response, "/model")?;
        Ok(())
    }

    fn add(&mut self, json: &Value) -> Result<(), String> {
        ensure(self.item.is_none(), || format!("within an item: {json}"))?;
        ensure(json["output_index"] == self.done.len(), || {
            format!("the index is not {}: {json}", self.done.len())
        })?;
        let added = json["item"].clone();
        filled(&added, "/id")?;
        let kind = filled(&added, "/type")?;
        if matches!(kind, "function_call" | "custom_tool_call") {
            filled(&added, "/call_id")?;
            filled(&added, "/name")?;
        }
        self.item = Some(Item {
            added,
            part: None,
            parts: 0,
            input: String::new(),
            input_done: false,
        });
        Ok(())
    }

    fn finish_item(&mut self, json: &Value) -> Result<(), String> {
        let item = self
            .item
            .take()
            .ok_or_else(|| format!("no item is open: {json}"))?;
        ensure(item.part.is_none(), || format!("a part is open: {json}"))?;
        ensure(json["output_index"] == self.done.len(), || {
            format!("another item: {json}")
        })?;
        let done = &json["item"];
        for member in ["id", "type", "call_id", "name"] {
            ensure(done.get(member) == item.added.get(member), || {
                format!("{member} has changed: {json}")
            })?;
        }
        let input = match text(done, "/type")? {
            "function_call" => Some("/arguments"),
            "custom_tool_call" => Some("/input"),
            _ => None,
        };
        if let Some(input) = input {
            ensure(item.input_done && text(done, input)? == item.input, || {
                format!("the input is not {:?}: {json}", item.input)
            })?;
            let call = (filled(done, "/call_id")?, filled(done, "/name")?);
            let call = (call.0.to_owned(), call.1.to_owned(), item.input);
            self.summary.calls.push(call);
        }
        self.done.push(done.clone());
        Ok(())
    }

    fn inside(&mut self, kind: &str, json: &Value) -> Result<(), String> {
        let at = self.done.len();
        let item = self
            .item
            .as_mut()
            .ok_or_else(|| format!("no item is open: {json}"))?;
        ensure(
            json["output_index"] == at && json["item_id"] == item.added["id"],
            || format!("of another item: {json}"),
        )?;
        match kind {
            "response.content_part.added" | "response.reasoning_summary_part.added" => {
                ensure(item.part.is_none(), || format!("within a part: {json}"))?;
                let kind = filled(json, "/part/type")?;
                item.part = Some((kind.to_owned(), String::new()));
            }
            "response.content_part.done" | "response.reasoning_summary_part.done" => {
                ensure(item.part.take().is_some(), || format!("no part is open: {json}"))?;
                item.parts += 1;
            }
            "response.output_text.delta" => {
                self.summary.text.push_str(text(json, "/delta")?);
                item.grow("output_text", json)?;
            }
            "response.refusal.delta" => {
                self.summary.text.push_str(text(json, "/delta")?);
                item.grow("refusal", json)?;
            }
            "response.reasoning_summary_text.delta" => item.grow("summary_text", json)?,
            "response.reasoning_text.delta" => item.grow("reasoning_text", json)?,
            "response.output_text.done" => item.check_done("output_text", "/text", json)?,
            "response.refusal.done" => item.check_done("refusal", "/refusal", json)?,
            "response.reasoning_summary_text.done" => item.check_done("summary_text", "/text", json)?,
            "response.reasoning_text.done" => item.check_done("reasoning_text", "/text", json)?,
            "response.output_text.annotation.added" => {}
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                ensure(!item.input_done, || format!("after the input: {json}"))?;
                item.input.push_str(text(json, "/delta")?);
            }
            "response.function_call_arguments.done" => item.settle("/arguments", json)?,
            "response.custom_tool_call_input.done" => item.settle("/input", json)?,
            _ => return Err(format!("an event that no other vendor causes: {json}")),
        }
        Ok(())
    }
}

impl Item {
    fn part(&mut self, kind: &str, json: &Value) -> Result<&mut String, String> {
        let at = json.get("content_index").or_else(|| json.get("summary_index"));
        ensure(at == Some(&Value::from(self.parts)), || {
            format!("another part: {json}")
        })?;
        match &mut self.part {
            Some((open, text)) if open == kind => Ok(text),
            _ => Err(format!("no such part is open: {json}")),
        }
    }

    fn grow(&mut self, kind: &str, json: &Value) -> Result<(), String> {
        let piece = text(json, "/delta")?;
        self.part(kind, json)?.push_str(piece);
        Ok(())
    }

    fn check_done(&mut self, kind: &str, member: &str, json: &Value) -> Result<(), String> {
        let all = text(json, member)?;
        let known = self.part(kind, json)?;
        ensure(known == all, || format!("{known:?} was said: {json}"))
    }

    fn settle(&mut self, member: &str, json: &Value) -> Result<(), String> {
        let all = text(json, member)?;
        if self.input.is_empty() {
            self.input.push_str(all);
        }
        self.input_done = true;
        ensure(self.input == all, || format!("{:?} was said: {json}", self.input))
    }
}
