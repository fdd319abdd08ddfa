//! OpenAI Responses.
//!
//! Only function tools are called; tools of other types are read over.

use bytes::Bytes;
use http::request;
use serde_json::{Map, Value, json};

use super::answer::{CREATED, Dialect, Ids, Piece, Pieces, fragments, required, texts};
use super::chat::Chat;
use super::script::{Ask, Block, Choice, Failure, Stop, Tool, Turn, Usage, spoken};

pub(super) struct Responses;

impl Dialect for Responses {
    fn name(&self) -> &'static str {
        "openai-responses"
    }

    fn ask(&self, _head: &request::Parts, body: &Value) -> Result<Ask, Failure> {
        let mut ask = Ask {
            model: required(body, "model")?.to_owned(),
            stream: body.get("stream") == Some(&Value::Bool(true)),
            tools: tools(body),
            choice: choice(body.get("tool_choice")),
            max_tokens: body.get("max_output_tokens").and_then(Value::as_u64),
            ..Ask::default()
        };
        match body.get("input") {
            Some(Value::String(text)) => {
                ask.text = spoken(text);
                ask.messages = 1;
            }
            Some(Value::Array(items)) => {
                ask.messages = items.len();
                items.iter().for_each(|item| hear(&mut ask, item));
            }
            _ => return Err(Failure::new(400, "input: a string or a list is required")),
        }
        Ok(ask)
    }

    fn answer(&self, ids: &Ids, ask: &Ask, turn: &Turn) -> Value {
        let items = items(*ids, ask, turn);
        finished(*ids, ask, turn.stop, &turn.usage, items.into())
    }

    fn stream(&self, ids: Ids, ask: &Ask, turn: Turn) -> Pieces {
        let begun = response(ids, ask, "in_progress", json!([]));
        let items = items(ids, ask, &turn);
        let end = finished(ids, ask, turn.stop, &turn.usage, items.clone().into());
        let end_name = if end["status"] == "completed" {
            "response.completed"
        } else {
            "response.incomplete"
        };
        let start = ["response.created", "response.in_progress"]
            .map(|name| Event::new(name, false, json!({"response": begun})));
        let blocks = turn.blocks.into_iter().zip(items).enumerate();
        let body = blocks.flat_map(|(index, (block, item))| item_events(index, block, item));
        let end = Event::new(end_name, false, json!({"response": end}));
        Box::new(
            start
                .into_iter()
                .chain(body)
                .chain([end])
                .enumerate()
                .map(|(number, event)| event.piece(number)),
        )
    }

    fn stream_error(&self, sent: usize) -> Bytes {
        let message = "The demo upstream fails in the middle, as asked";
        let fields = json!({"code": "server_error", "message": message, "param": null});
        Event::new("error", false, fields).piece(sent).bytes
    }

    fn failure(&self, ids: &Ids, failure: &Failure) -> (u16, Value) {
        Chat.failure(ids, failure)
    }

    fn request_id_header(&self) -> &'static str {
        "x-request-id"
    }
}

fn hear(ask: &mut Ask, item: &Value) {
    let kind = item.get("type").and_then(Value::as_str).unwrap_or("message");
    match (kind, item.get("role").and_then(Value::as_str)) {
        ("message", Some("user")) => {
            let said = texts(item.get("content")).into_iter().map(spoken);
            if let Some(text) = said.rev().find(|text| !text.is_empty()) {
                ask.text = text;
                ask.results.clear();
            }
        }
        ("function_call_output" | "custom_tool_call_output", _) => {
            ask.results.push(texts(item.get("output")).concat());
        }
        _ => {}
    }
}

fn tools(body: &Value) -> Vec<Tool> {
    let declared = body
        .get("tools")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let functions = declared
        .iter()
        .filter(|tool| tool.get("type").and_then(Value::as_str) == Some("function"));
    functions
        .filter_map(|tool| {
            Some(Tool {
                name: tool.get("name")?.as_str()?.to_owned(),
                schema: tool.get("parameters").cloned().unwrap_or_default(),
            })
        })
        .collect()
}

fn choice(choice: Option<&Value>) -> Choice {
    match choice {
        Some(Value::String(word)) if word == "none" => Choice::None,
        Some(Value::String(word)) if word == "required" => Choice::Required,
        Some(named) => match named.get("name").and_then(Value::as_str) {
            Some(name) => Choice::Named(name.to_owned()),
            None => Choice::Auto,
        },
        None => Choice::Auto,
    }
}

/// The input count includes what was read from and written to the cache.
fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input(),
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.thinking},
        "total_tokens": usage.input() + usage.output,
    })
}

/// The response object; what it repeats of the request comes from there.
fn response(ids: Ids, ask: &Ask, status: &str, output: Value) -> Value {
    let mut response = json!({
        "id": ids.of("resp_"), "object": "response", "created_at": CREATED, "status": status, "background": false,
        "error": null, "incomplete_details": null, "model": ask.model, "output": output, "usage": null,
        "instructions": null, "max_output_tokens": null, "max_tool_calls": null, "metadata": {},
        "parallel_tool_calls": true, "previous_response_id": null, "prompt_cache_key": null,
        "reasoning": {"effort": null, "summary": null}, "safety_identifier": null, "service_tier": "default",
        "store": true, "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
        "top_p": 1.0, "truncation": "disabled",
    });
    const REPEATED: [&str; 16] = [
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt_cache_key",
        "reasoning",
        "safety_identifier",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
        "truncation",
    ];
    for key in REPEATED {
        if let Some(value) = ask.request.get(key).filter(|value| !value.is_null()) {
            response[key] = value.clone();
        }
    }
    response
}

fn finished(ids: Ids, ask: &Ask, stop: Stop, counts: &Usage, output: Value) -> Value {
    let (status, reason) = match stop {
        Stop::End | Stop::Tool => ("completed", None),
        Stop::Length => ("incomplete", Some("max_output_tokens")),
        Stop::Refusal => ("incomplete", Some("content_filter")),
    };
    let mut response = response(ids, ask, status, output);
    match reason {
        Some(reason) => response["incomplete_details"] = json!({"reason": reason}),
        None => response["completed_at"] = CREATED.into(),
    }
    response["usage"] = usage(counts);
    response
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

/// The output items as they are when they are done.
fn items(ids: Ids, ask: &Ask, turn: &Turn) -> Vec<Value> {
    let blocks = turn.blocks.iter().enumerate();
    let mut items: Vec<Value> = blocks
        .map(|(index, block)| item(ids, ask, index, block))
        .collect();
    let last = items.last_mut().and_then(|item| item.get_mut("status"));
    if let (Some(status), Stop::Length | Stop::Refusal) = (last, turn.stop) {
        *status = "incomplete".into();
    }
    items
}

fn item(ids: Ids, ask: &Ask, index: usize, block: &Block) -> Value {
    match block {
        Block::Thinking(pieces) => {
            let summary = json!([{"type": "summary_text", "text": pieces.concat()}]);
            let mut item = json!({"id": ids.at("rs_", index), "type": "reasoning", "summary": summary});
            let include = ask.request.get("include").and_then(Value::as_array);
            if include.is_some_and(|list| list.iter().any(|one| one == "reasoning.encrypted_content")) {
                item["encrypted_content"] = ids.at("encrypted_", index).into();
            }
            item
        }
        Block::Text(pieces) => json!({
            "id": ids.at("msg_", index), "type": "message", "status": "completed", "role": "assistant",
            "content": [text_part(&pieces.concat())],
        }),
        Block::Call { name, arguments } => json!({
            "id": ids.at("fc_", index), "type": "function_call", "status": "completed",
            "call_id": ids.at("call_", index), "name": name, "arguments": arguments.to_string(),
        }),
    }
}

/// One item from `added` to `done`.
fn item_events(index: usize, block: Block, item: Value) -> Box<dyn Iterator<Item = Event> + Send> {
    let id = item["id"].clone();
    // The place that every event inside an item names: the item, and the part of it where it has parts.
    let at = move |part: &str, more: Value| {
        let mut fields = json!({"item_id": id, "output_index": index});
        if !part.is_empty() {
            fields[part] = 0.into();
        }
        merge(fields, more)
    };
    let mut added = item.clone();
    let (open, pieces, kind, part, close): (Vec<Event>, _, _, _, Vec<Event>) = match block {
        Block::Thinking(pieces) => {
            let part = "summary_index";
            let text = pieces.concat();
            added["summary"] = json!([]);
            if let Some(item) = added.as_object_mut() {
                item.shift_remove("encrypted_content");
            }
            let summary = |text: &str| at(part, json!({"part": {"type": "summary_text", "text": text}}));
            (
                vec![Event::new(
                    "response.reasoning_summary_part.added",
                    false,
                    summary(""),
                )],
                pieces,
                "response.reasoning_summary_text.delta",
                part,
                vec![
                    Event::new(
                        "response.reasoning_summary_text.done",
                        false,
                        at(part, json!({"text": text})),
                    ),
                    Event::new("response.reasoning_summary_part.done", false, summary(&text)),
                ],
            )
        }
        Block::Text(pieces) => {
            let part = "content_index";
            let text = pieces.concat();
            added["status"] = "in_progress".into();
            added["content"] = json!([]);
            let whole = at(part, json!({"text": text, "logprobs": []}));
            (
                vec![Event::new(
                    "response.content_part.added",
                    false,
                    at(part, json!({"part": text_part("")})),
                )],
                pieces,
                "response.output_text.delta",
                part,
                vec![
                    Event::new("response.output_text.done", false, whole),
                    Event::new(
                        "response.content_part.done",
                        false,
                        at(part, json!({"part": text_part(&text)})),
                    ),
                ],
            )
        }
        Block::Call { arguments, .. } => {
            added["status"] = "in_progress".into();
            added["arguments"] = "".into();
            let whole = at(
                "",
                json!({"arguments": arguments.to_string(), "name": item["name"]}),
            );
            (
                Vec::new(),
                fragments(&arguments),
                "response.function_call_arguments.delta",
                "",
                vec![Event::new("response.function_call_arguments.done", false, whole)],
            )
        }
    };
    let first = Event::new(
        "response.output_item.added",
        false,
        json!({"output_index": index, "item": added}),
    );
    let last = Event::new(
        "response.output_item.done",
        false,
        json!({"output_index": index, "item": item}),
    );
    let deltas = pieces.into_iter().map(move |piece| {
        let mut fields = at(part, json!({"delta": piece}));
        if part == "content_index" {
            fields["logprobs"] = json!([]);
        }
        Event::new(kind, true, fields)
    });
    Box::new(
        [first]
            .into_iter()
            .chain(open)
            .chain(deltas)
            .chain(close)
            .chain([last]),
    )
}

fn merge(mut fields: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
        fields.extend(more);
    }
    fields
}

/// An event before it has its number.
struct Event {
    name: &'static str,
    output: bool,
    fields: Value,
}

impl Event {
    fn new(name: &'static str, output: bool, fields: Value) -> Self {
        Self { name, output, fields }
    }

    /// Numbers count from 0, without a gap.
    fn piece(self, number: usize) -> Piece {
        let head = Map::from_iter([
            ("type".to_owned(), self.name.into()),
            ("sequence_number".to_owned(), number.into()),
        ]);
        let data = merge(Value::Object(head), self.fields);
        Piece::new(format!("event: {}\ndata: {data}\n\n", self.name), self.output)
    }
}
