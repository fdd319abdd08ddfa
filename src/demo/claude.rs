//! Anthropic Messages.

use bytes::Bytes;
use http::request;
use serde_json::{Value, json};

use super::answer::{Dialect, Ids, Piece, Pieces, fragments, required, required_list, texts};
use super::script::{Ask, Block, Choice, Failure, Stop, Tool, Turn, Usage, spoken};

pub(super) struct Claude;

impl Dialect for Claude {
    fn name(&self) -> &'static str {
        "claude"
    }

    fn ask(&self, head: &request::Parts, body: &Value) -> Result<Ask, Failure> {
        if !head.headers.contains_key("anthropic-version") {
            return Err(Failure::new(400, "anthropic-version: header is required"));
        }
        let messages = required_list(body, "messages")?;
        let mut ask = Ask {
            model: required(body, "model")?.to_owned(),
            stream: body.get("stream") == Some(&Value::Bool(true)),
            tools: tools(body),
            choice: choice(body.get("tool_choice")),
            max_tokens: body.get("max_tokens").and_then(Value::as_u64),
            messages: messages.len(),
            ..Ask::default()
        };
        // Counting tokens needs no limit.
        if ask.max_tokens.is_none() && !head.uri.path().ends_with("/count_tokens") {
            return Err(Failure::new(400, "max_tokens: Field required"));
        }
        for message in messages {
            match message.get("role").and_then(Value::as_str) {
                Some("user") => hear(&mut ask, message.get("content")),
                Some("assistant" | "system") => {}
                _ => return Err(Failure::new(400, "messages: unexpected role")),
            }
        }
        Ok(ask)
    }

    fn answer(&self, ids: &Ids, ask: &Ask, turn: &Turn) -> Value {
        let content = turn.blocks.iter().enumerate().map(|(index, block)| match block {
            Block::Thinking(pieces) => {
                json!({"type": "thinking", "thinking": pieces.concat(), "signature": signature(*ids, index)})
            }
            Block::Text(pieces) => json!({"type": "text", "text": pieces.concat()}),
            Block::Call { name, arguments } => {
                json!({"type": "tool_use", "id": ids.at("toolu_01", index), "name": name, "input": arguments})
            }
        });
        let mut message = message(*ids, &ask.model, content.collect(), usage(&turn.usage));
        message["stop_reason"] = stop_reason(turn.stop).into();
        if let Some(details) = stop_details(turn.stop) {
            message["stop_details"] = details;
        }
        message
    }

    fn stream(&self, ids: Ids, ask: &Ask, turn: Turn) -> Pieces {
        let mut counts = usage(&turn.usage);
        counts["output_tokens"] = 1.into();
        let start = json!({"type": "message_start", "message": message(ids, &ask.model, json!([]), counts)});
        let mut delta = json!({"stop_reason": stop_reason(turn.stop), "stop_sequence": null});
        if let Some(details) = stop_details(turn.stop) {
            delta["stop_details"] = details;
        }
        let end = [
            json!({"type": "message_delta", "delta": delta, "usage": final_usage(&turn.usage)}),
            json!({"type": "message_stop"}),
        ];
        let blocks = turn
            .blocks
            .into_iter()
            .enumerate()
            .flat_map(move |(index, block)| block_pieces(ids, index, block));
        Box::new(
            [quiet(&start)]
                .into_iter()
                .chain(blocks)
                .chain(end.into_iter().map(|event| quiet(&event))),
        )
    }

    fn stream_error(&self, _sent: usize) -> Bytes {
        let message = "The demo upstream fails in the middle, as asked";
        quiet(&json!({"type": "error", "error": {"type": "api_error", "message": message}})).bytes
    }

    fn failure(&self, ids: &Ids, failure: &Failure) -> (u16, Value) {
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

/// Takes in a user message: the results of tools that it brings, and what the user says himself.
fn hear(ask: &mut Ask, content: Option<&Value>) {
    let mut results = Vec::new();
    for block in content
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
    {
        if block.get("type").and_then(Value::as_str) == Some("tool_result") {
            results.push(texts(block.get("content")).concat());
        }
    }
    match texts(content)
        .into_iter()
        .map(spoken)
        .rfind(|text| !text.is_empty())
    {
        Some(text) => {
            ask.text = text;
            ask.results.clear();
        }
        None => ask.results.extend(results),
    }
}

fn tools(body: &Value) -> Vec<Tool> {
    let declared = body
        .get("tools")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    declared
        .iter()
        .filter_map(|tool| {
            // A tool without a schema runs on the vendor's side.
            Some(Tool {
                name: tool.get("name")?.as_str()?.to_owned(),
                schema: tool.get("input_schema")?.clone(),
            })
        })
        .collect()
}

fn choice(choice: Option<&Value>) -> Choice {
    let text = |name| choice.and_then(|choice| choice.get(name)).and_then(Value::as_str);
    match (text("type"), text("name")) {
        (Some("none"), _) => Choice::None,
        (Some("any"), _) => Choice::Required,
        (Some("tool"), Some(name)) => Choice::Named(name.to_owned()),
        _ => Choice::Auto,
    }
}

fn stop_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "end_turn",
        Stop::Tool => "tool_use",
        Stop::Length => "max_tokens",
        Stop::Refusal => "refusal",
    }
}

fn stop_details(stop: Stop) -> Option<Value> {
    let explanation = "The demo upstream refuses, as asked";
    (stop == Stop::Refusal).then(|| json!({"type": "refusal", "category": null, "explanation": explanation}))
}

fn message(ids: Ids, model: &str, content: Value, usage: Value) -> Value {
    json!({
        "model": model, "id": ids.of("msg_01"), "type": "message", "role": "assistant", "content": content,
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    })
}

/// The input count excludes what was read from and written to the cache.
fn final_usage(usage: &Usage) -> Value {
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

fn usage(usage: &Usage) -> Value {
    let mut counts = final_usage(usage);
    counts["cache_creation"] =
        json!({"ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0});
    counts["service_tier"] = "standard".into();
    counts
}

fn signature(ids: Ids, index: usize) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(ids.at("signature of ", index))
}

/// One block from start to stop. The vendor sends a ping behind the first block's start.
fn block_pieces(ids: Ids, index: usize, block: Block) -> Pieces {
    let quiet_delta =
        |delta: Value| quiet(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
    let (empty, deltas, last): (Value, Box<dyn Iterator<Item = Value> + Send>, Option<Piece>) = match block {
        Block::Thinking(pieces) => (
            json!({"type": "thinking", "thinking": "", "signature": ""}),
            Box::new(
                pieces
                    .into_iter()
                    .map(|text| json!({"type": "thinking_delta", "thinking": text})),
            ),
            Some(quiet_delta(
                json!({"type": "signature_delta", "signature": signature(ids, index)}),
            )),
        ),
        Block::Text(pieces) => (
            json!({"type": "text", "text": ""}),
            Box::new(
                pieces
                    .into_iter()
                    .map(|text| json!({"type": "text_delta", "text": text})),
            ),
            None,
        ),
        Block::Call { name, arguments } => (
            json!({"type": "tool_use", "id": ids.at("toolu_01", index), "name": name, "input": {}}),
            Box::new(
                [String::new()]
                    .into_iter()
                    .chain(fragments(&arguments))
                    .map(|text| json!({"type": "input_json_delta", "partial_json": text})),
            ),
            None,
        ),
    };
    let start = quiet(&json!({"type": "content_block_start", "index": index, "content_block": empty}));
    let ping = (index == 0).then(|| quiet(&json!({"type": "ping"})));
    let stop = quiet(&json!({"type": "content_block_stop", "index": index}));
    let deltas = deltas.map(move |delta| Piece {
        output: true,
        ..quiet(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
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

fn quiet(event: &Value) -> Piece {
    let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
    Piece::new(format!("event: {name}\ndata: {event}\n\n"), false)
}
