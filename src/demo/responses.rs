//! OpenAI Responses.
//!
//! Only function tools are called; tools of other types are ignored.

use bytes::Bytes;
use http::request;
use serde_json::{Map, Value, json};

use super::chat::DemoChat;
use super::dialect::{
    CREATED, DemoDialect, DemoPiece, DemoPieces, ResponseIds, find_texts, read_string, split_arguments,
};
use super::script::{
    DemoBlock, DemoFailure, DemoRequest, DemoStop, DemoTool, DemoToolChoice, DemoTurn, DemoUsage,
    strip_reminders,
};

pub(super) struct DemoResponses;

impl DemoDialect for DemoResponses {
    fn name(&self) -> &'static str {
        "openai-responses"
    }

    fn read_request(&self, _head: &request::Parts, body: &Value) -> Result<DemoRequest, DemoFailure> {
        let mut ask = DemoRequest {
            model: read_string(body, "model")?.to_owned(),
            stream: body.get("stream") == Some(&Value::Bool(true)),
            tools: read_tools(body),
            choice: read_tool_choice(body.get("tool_choice")),
            max_tokens: body.get("max_output_tokens").and_then(Value::as_u64),
            ..DemoRequest::default()
        };
        match body.get("input") {
            Some(Value::String(text)) => {
                ask.text = strip_reminders(text);
                ask.messages = 1;
            }
            Some(Value::Array(items)) => {
                ask.messages = items.len();
                items.iter().for_each(|item| read_item(&mut ask, item));
            }
            _ => return Err(DemoFailure::new(400, "input: a string or a list is required")),
        }
        Ok(ask)
    }

    fn write_response(&self, ids: &ResponseIds, ask: &DemoRequest, turn: &DemoTurn) -> Value {
        let items = write_items(*ids, ask, turn);
        write_finished_response(*ids, ask, turn.stop, &turn.usage, items.into())
    }

    fn write_stream(&self, ids: ResponseIds, ask: &DemoRequest, turn: DemoTurn) -> DemoPieces {
        let begun = write_response_object(ids, ask, "in_progress", json!([]));
        let items = write_items(ids, ask, &turn);
        let end = write_finished_response(ids, ask, turn.stop, &turn.usage, items.clone().into());
        let end_name = if end["status"] == "completed" {
            "response.completed"
        } else {
            "response.incomplete"
        };
        let start = ["response.created", "response.in_progress"]
            .map(|name| ResponsesEvent::new(name, json!({"response": begun})));
        let blocks = turn.blocks.into_iter().zip(items).enumerate();
        let body = blocks.flat_map(|(index, (block, item))| write_item_events(index, block, item));
        let end = ResponsesEvent::new(end_name, json!({"response": end}));
        Box::new(
            start
                .into_iter()
                .chain(body)
                .chain([end])
                .enumerate()
                .map(|(number, event)| event.into_piece(number)),
        )
    }

    fn write_stream_error(&self, sent: usize) -> Bytes {
        let message = "The demo upstream fails in the middle, as asked";
        let fields = json!({"code": "server_error", "message": message, "param": null});
        ResponsesEvent::new("error", fields).into_piece(sent).bytes
    }

    fn write_failure(&self, ids: &ResponseIds, failure: &DemoFailure) -> (u16, Value) {
        DemoChat.write_failure(ids, failure)
    }

    fn request_id_header(&self) -> &'static str {
        "x-request-id"
    }
}

fn read_item(ask: &mut DemoRequest, item: &Value) {
    let kind = item.get("type").and_then(Value::as_str).unwrap_or("message");
    match (kind, item.get("role").and_then(Value::as_str)) {
        ("message", Some("user")) => {
            let texts = find_texts(item.get("content")).into_iter().map(strip_reminders);
            if let Some(text) = texts.rev().find(|text| !text.is_empty()) {
                ask.text = text;
                ask.results.clear();
            }
        }
        ("function_call_output" | "custom_tool_call_output", _) => {
            ask.results.push(find_texts(item.get("output")).concat());
        }
        _ => {}
    }
}

fn read_tools(body: &Value) -> Vec<DemoTool> {
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
            Some(DemoTool {
                name: tool.get("name")?.as_str()?.to_owned(),
                schema: tool.get("parameters").cloned().unwrap_or_default(),
            })
        })
        .collect()
}

fn read_tool_choice(choice: Option<&Value>) -> DemoToolChoice {
    match choice {
        Some(Value::String(word)) if word == "none" => DemoToolChoice::None,
        Some(Value::String(word)) if word == "required" => DemoToolChoice::Required,
        Some(named) => match named.get("name").and_then(Value::as_str) {
            Some(name) => DemoToolChoice::Named(name.to_owned()),
            None => DemoToolChoice::Auto,
        },
        None => DemoToolChoice::Auto,
    }
}

/// The input count includes tokens that were read from and written to the cache.
fn write_usage(usage: &DemoUsage) -> Value {
    json!({
        "input_tokens": usage.input(),
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.thinking},
        "total_tokens": usage.input() + usage.output,
    })
}

/// The response object. Some of its members repeat those of the request.
fn write_response_object(ids: ResponseIds, ask: &DemoRequest, status: &str, output: Value) -> Value {
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

fn write_finished_response(
    ids: ResponseIds,
    ask: &DemoRequest,
    stop: DemoStop,
    counts: &DemoUsage,
    output: Value,
) -> Value {
    let (status, reason) = match stop {
        DemoStop::End | DemoStop::Tool => ("completed", None),
        DemoStop::Length => ("incomplete", Some("max_output_tokens")),
        DemoStop::Refusal => ("incomplete", Some("content_filter")),
    };
    let mut response = write_response_object(ids, ask, status, output);
    match reason {
        Some(reason) => response["incomplete_details"] = json!({"reason": reason}),
        None => response["completed_at"] = CREATED.into(),
    }
    response["usage"] = write_usage(counts);
    response
}

fn write_text_part(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

/// The output items in their final form.
fn write_items(ids: ResponseIds, ask: &DemoRequest, turn: &DemoTurn) -> Vec<Value> {
    let blocks = turn.blocks.iter().enumerate();
    let mut items: Vec<Value> = blocks
        .map(|(index, block)| write_item(ids, ask, index, block))
        .collect();
    let last = items.last_mut().and_then(|item| item.get_mut("status"));
    if let (Some(status), DemoStop::Length | DemoStop::Refusal) = (last, turn.stop) {
        *status = "incomplete".into();
    }
    items
}

fn write_item(ids: ResponseIds, ask: &DemoRequest, index: usize, block: &DemoBlock) -> Value {
    match block {
        DemoBlock::Thinking(pieces) => {
            let summary = json!([{"type": "summary_text", "text": pieces.concat()}]);
            let mut item = json!({"id": ids.at("rs_", index), "type": "reasoning", "summary": summary});
            let include = ask.request.get("include").and_then(Value::as_array);
            if include.is_some_and(|list| list.iter().any(|one| one == "reasoning.encrypted_content")) {
                item["encrypted_content"] = ids.at("encrypted_", index).into();
            }
            item
        }
        DemoBlock::Text(pieces) => json!({
            "id": ids.at("msg_", index), "type": "message", "status": "completed", "role": "assistant",
            "content": [write_text_part(&pieces.concat())],
        }),
        DemoBlock::Call { name, arguments } => json!({
            "id": ids.at("fc_", index), "type": "function_call", "status": "completed",
            "call_id": ids.at("call_", index), "name": name, "arguments": arguments.to_string(),
        }),
    }
}

/// The events of an output item, from `added` to `done`.
fn write_item_events(
    index: usize,
    block: DemoBlock,
    item: Value,
) -> Box<dyn Iterator<Item = ResponsesEvent> + Send> {
    let id = item["id"].clone();
    // The members that identify the item in each of its events, and the part of the item if it has parts.
    let at = move |part: &str, more: Value| {
        let mut fields = json!({"item_id": id, "output_index": index});
        if !part.is_empty() {
            fields[part] = 0.into();
        }
        merge(fields, more)
    };
    let mut added = item.clone();
    let (open, pieces, kind, part, close): (Vec<ResponsesEvent>, _, _, _, Vec<ResponsesEvent>) = match block {
        DemoBlock::Thinking(pieces) => {
            let part = "summary_index";
            let text = pieces.concat();
            added["summary"] = json!([]);
            if let Some(item) = added.as_object_mut() {
                item.shift_remove("encrypted_content");
            }
            let summary = |text: &str| at(part, json!({"part": {"type": "summary_text", "text": text}}));
            (
                vec![ResponsesEvent::new(
                    "response.reasoning_summary_part.added",
                    summary(""),
                )],
                pieces,
                "response.reasoning_summary_text.delta",
                part,
                vec![
                    ResponsesEvent::new(
                        "response.reasoning_summary_text.done",
                        at(part, json!({"text": text})),
                    ),
                    ResponsesEvent::new("response.reasoning_summary_part.done", summary(&text)),
                ],
            )
        }
        DemoBlock::Text(pieces) => {
            let part = "content_index";
            let text = pieces.concat();
            added["status"] = "in_progress".into();
            added["content"] = json!([]);
            let whole = at(part, json!({"text": text, "logprobs": []}));
            (
                vec![ResponsesEvent::new(
                    "response.content_part.added",
                    at(part, json!({"part": write_text_part("")})),
                )],
                pieces,
                "response.output_text.delta",
                part,
                vec![
                    ResponsesEvent::new("response.output_text.done", whole),
                    ResponsesEvent::new(
                        "response.content_part.done",
                        at(part, json!({"part": write_text_part(&text)})),
                    ),
                ],
            )
        }
        DemoBlock::Call { arguments, .. } => {
            added["status"] = "in_progress".into();
            added["arguments"] = "".into();
            let whole = at(
                "",
                json!({"arguments": arguments.to_string(), "name": item["name"]}),
            );
            (
                Vec::new(),
                split_arguments(&arguments),
                "response.function_call_arguments.delta",
                "",
                vec![ResponsesEvent::new(
                    "response.function_call_arguments.done",
                    whole,
                )],
            )
        }
    };
    let first = ResponsesEvent::new(
        "response.output_item.added",
        json!({"output_index": index, "item": added}),
    );
    let last = ResponsesEvent::new(
        "response.output_item.done",
        json!({"output_index": index, "item": item}),
    );
    let deltas = pieces.into_iter().map(move |piece| {
        let mut fields = at(part, json!({"delta": piece}));
        if part == "content_index" {
            fields["logprobs"] = json!([]);
        }
        ResponsesEvent {
            output: true,
            ..ResponsesEvent::new(kind, fields)
        }
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

/// An event without its sequence number.
struct ResponsesEvent {
    name: &'static str,
    output: bool,
    fields: Value,
}

impl ResponsesEvent {
    fn new(name: &'static str, fields: Value) -> Self {
        Self {
            name,
            output: false,
            fields,
        }
    }

    /// Adds the sequence number. The numbers of a stream begin at 0 and have no gaps.
    fn into_piece(self, number: usize) -> DemoPiece {
        let head = Map::from_iter([
            ("type".to_owned(), self.name.into()),
            ("sequence_number".to_owned(), number.into()),
        ]);
        let data = merge(Value::Object(head), self.fields);
        DemoPiece {
            bytes: format!("event: {}\ndata: {data}\n\n", self.name).into(),
            output: self.output,
        }
    }
}
