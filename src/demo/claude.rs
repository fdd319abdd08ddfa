//! Anthropic Messages.

use bytes::Bytes;
use http::request;
use serde_json::{Value, json};

use super::dialect::{
    DemoDialect, DemoPiece, DemoPieces, ResponseIds, find_texts, read_list, read_string, split_arguments,
};
use super::script::{
    DemoBlock, DemoFailure, DemoRequest, DemoStop, DemoTool, DemoToolChoice, DemoTurn, DemoUsage,
    strip_reminders,
};

pub(super) struct DemoClaude;

impl DemoDialect for DemoClaude {
    fn name(&self) -> &'static str {
        "claude"
    }

    fn read_request(&self, head: &request::Parts, body: &Value) -> Result<DemoRequest, DemoFailure> {
        if !head.headers.contains_key("anthropic-version") {
            return Err(DemoFailure::new(400, "anthropic-version: header is required"));
        }
        let messages = read_list(body, "messages")?;
        let mut ask = DemoRequest {
            model: read_string(body, "model")?.to_owned(),
            stream: body.get("stream") == Some(&Value::Bool(true)),
            tools: read_tools(body),
            choice: read_tool_choice(body.get("tool_choice")),
            max_tokens: body.get("max_tokens").and_then(Value::as_u64),
            messages: messages.len(),
            ..DemoRequest::default()
        };
        // A request to count tokens has no `max_tokens`.
        if ask.max_tokens.is_none() && !head.uri.path().ends_with("/count_tokens") {
            return Err(DemoFailure::new(400, "max_tokens: Field required"));
        }
        for message in messages {
            match message.get("role").and_then(Value::as_str) {
                Some("user") => read_user_message(&mut ask, message.get("content")),
                Some("assistant" | "system") => {}
                _ => return Err(DemoFailure::new(400, "messages: unexpected role")),
            }
        }
        Ok(ask)
    }

    fn write_response(&self, ids: &ResponseIds, ask: &DemoRequest, turn: &DemoTurn) -> Value {
        let content = turn.blocks.iter().enumerate().map(|(index, block)| match block {
            DemoBlock::Thinking(pieces) => {
                json!({"type": "thinking", "thinking": pieces.concat(), "signature": make_signature(*ids, index)})
            }
            DemoBlock::Text(pieces) => json!({"type": "text", "text": pieces.concat()}),
            DemoBlock::Call { name, arguments } => {
                json!({"type": "tool_use", "id": ids.at("toolu_01", index), "name": name, "input": arguments})
            }
        });
        let mut message = write_message(*ids, &ask.model, content.collect(), write_usage(&turn.usage));
        message["stop_reason"] = stop_reason(turn.stop).into();
        if let Some(details) = stop_details(turn.stop) {
            message["stop_details"] = details;
        }
        message
    }

    fn write_stream(&self, ids: ResponseIds, ask: &DemoRequest, turn: DemoTurn) -> DemoPieces {
        let mut counts = write_usage(&turn.usage);
        counts["output_tokens"] = 1.into();
        let start =
            json!({"type": "message_start", "message": write_message(ids, &ask.model, json!([]), counts)});
        let mut delta = json!({"stop_reason": stop_reason(turn.stop), "stop_sequence": null});
        if let Some(details) = stop_details(turn.stop) {
            delta["stop_details"] = details;
        }
        let end = [
            json!({"type": "message_delta", "delta": delta, "usage": write_final_usage(&turn.usage)}),
            json!({"type": "message_stop"}),
        ];
        let blocks = turn
            .blocks
            .into_iter()
            .enumerate()
            .flat_map(move |(index, block)| write_block(ids, index, block));
        Box::new(
            [write_event(&start)]
                .into_iter()
                .chain(blocks)
                .chain(end.into_iter().map(|event| write_event(&event))),
        )
    }

    fn write_stream_error(&self, _sent: usize) -> Bytes {
        let message = "The demo upstream fails in the middle, as asked";
        write_event(&json!({"type": "error", "error": {"type": "api_error", "message": message}})).bytes
    }

    fn write_failure(&self, ids: &ResponseIds, failure: &DemoFailure) -> (u16, Value) {
        let kind = match failure.status {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            409 => "conflict_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 | 529 => "overloaded_error",
            504 => "timeout_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        };
        let error = json!({"type": kind, "message": failure.message});
        (
            failure.status,
            json!({"type": "error", "error": error, "request_id": ids.of("req_01")}),
        )
    }

    fn request_id_header(&self) -> &'static str {
        "request-id"
    }
}

/// Reads a user message: its tool results and its text.
fn read_user_message(ask: &mut DemoRequest, content: Option<&Value>) {
    let mut results = Vec::new();
    for block in content
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
    {
        if block.get("type").and_then(Value::as_str) == Some("tool_result") {
            results.push(find_texts(block.get("content")).concat());
        }
    }
    match find_texts(content)
        .into_iter()
        .map(strip_reminders)
        .rfind(|text| !text.is_empty())
    {
        Some(text) => {
            ask.text = text;
            ask.results.clear();
        }
        None => ask.results.extend(results),
    }
}

fn read_tools(body: &Value) -> Vec<DemoTool> {
    let declared = body
        .get("tools")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    declared
        .iter()
        .filter_map(|tool| {
            // A tool without a schema is run by the vendor.
            Some(DemoTool {
                name: tool.get("name")?.as_str()?.to_owned(),
                schema: tool.get("input_schema")?.clone(),
            })
        })
        .collect()
}

fn read_tool_choice(choice: Option<&Value>) -> DemoToolChoice {
    let text = |name| choice.and_then(|choice| choice.get(name)).and_then(Value::as_str);
    match (text("type"), text("name")) {
        (Some("none"), _) => DemoToolChoice::None,
        (Some("any"), _) => DemoToolChoice::Required,
        (Some("tool"), Some(name)) => DemoToolChoice::Named(name.to_owned()),
        _ => DemoToolChoice::Auto,
    }
}

fn stop_reason(stop: DemoStop) -> &'static str {
    match stop {
        DemoStop::End => "end_turn",
        DemoStop::Tool => "tool_use",
        DemoStop::Length => "max_tokens",
        DemoStop::Refusal => "refusal",
    }
}

fn stop_details(stop: DemoStop) -> Option<Value> {
    let explanation = "The demo upstream refuses, as asked";
    (stop == DemoStop::Refusal)
        .then(|| json!({"type": "refusal", "category": null, "explanation": explanation}))
}

fn write_message(ids: ResponseIds, model: &str, content: Value, usage: Value) -> Value {
    json!({
        "model": model, "id": ids.of("msg_01"), "type": "message", "role": "assistant", "content": content,
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    })
}

/// The input count excludes tokens that were read from and written to the cache.
fn write_final_usage(usage: &DemoUsage) -> Value {
    let mut counts = json!({
        "input_tokens": usage.fresh,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
    });
    if usage.thinking > 0 {
        counts["output_tokens_details"] = json!({"thinking_tokens": usage.thinking});
    }
    counts
}

fn write_usage(usage: &DemoUsage) -> Value {
    let mut counts = write_final_usage(usage);
    counts["cache_creation"] =
        json!({"ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0});
    counts["service_tier"] = "standard".into();
    counts
}

fn make_signature(ids: ResponseIds, index: usize) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(ids.at("signature of ", index))
}

/// The events of a content block. The vendor sends a ping after the start of the first block.
fn write_block(ids: ResponseIds, index: usize, block: DemoBlock) -> DemoPieces {
    let write_delta =
        |delta: Value| write_event(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
    let (empty, deltas, last): (Value, Box<dyn Iterator<Item = Value> + Send>, Option<DemoPiece>) =
        match block {
            DemoBlock::Thinking(pieces) => (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                Box::new(
                    pieces
                        .into_iter()
                        .map(|text| json!({"type": "thinking_delta", "thinking": text})),
                ),
                Some(write_delta(
                    json!({"type": "signature_delta", "signature": make_signature(ids, index)}),
                )),
            ),
            DemoBlock::Text(pieces) => (
                json!({"type": "text", "text": ""}),
                Box::new(
                    pieces
                        .into_iter()
                        .map(|text| json!({"type": "text_delta", "text": text})),
                ),
                None,
            ),
            DemoBlock::Call { name, arguments } => (
                json!({"type": "tool_use", "id": ids.at("toolu_01", index), "name": name, "input": {}}),
                Box::new(
                    [String::new()]
                        .into_iter()
                        .chain(split_arguments(&arguments))
                        .map(|text| json!({"type": "input_json_delta", "partial_json": text})),
                ),
                None,
            ),
        };
    let start = write_event(&json!({"type": "content_block_start", "index": index, "content_block": empty}));
    let ping = (index == 0).then(|| write_event(&json!({"type": "ping"})));
    let stop = write_event(&json!({"type": "content_block_stop", "index": index}));
    let deltas = deltas.map(move |delta| DemoPiece {
        output: true,
        ..write_event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
    });
    Box::new(
        [start]
            .into_iter()
            .chain(ping)
            .chain(deltas)
            .chain(last)
            .chain([stop]),
    )
}

fn write_event(event: &Value) -> DemoPiece {
    let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
    DemoPiece::framing(format!("event: {name}\ndata: {event}\n\n"))
}
