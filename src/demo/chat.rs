//! OpenAI Chat Completions.
//!
//! Thinking is sent as `reasoning_content`, as OpenAI-compatible servers do; OpenAI itself sends none.

use bytes::Bytes;
use http::request;
use serde_json::{Value, json};

use super::dialect::{
    CREATED, DemoDialect, DemoPiece, DemoPieces, ResponseIds, find_texts, read_list, read_string,
    split_arguments,
};
use super::script::{
    DemoBlock, DemoFailure, DemoRequest, DemoStop, DemoTool, DemoToolChoice, DemoTurn, DemoUsage,
    strip_reminders,
};

pub(super) struct DemoChat;

impl DemoDialect for DemoChat {
    fn name(&self) -> &'static str {
        "openai-chat"
    }

    fn read_request(&self, _head: &request::Parts, body: &Value) -> Result<DemoRequest, DemoFailure> {
        let messages = read_list(body, "messages")?;
        let max = body
            .get("max_completion_tokens")
            .or_else(|| body.get("max_tokens"));
        let mut ask = DemoRequest {
            model: read_string(body, "model")?.to_owned(),
            stream: body.get("stream") == Some(&Value::Bool(true)),
            tools: read_tools(body),
            choice: read_tool_choice(body.get("tool_choice")),
            max_tokens: max.and_then(Value::as_u64),
            stream_usage: body.pointer("/stream_options/include_usage") == Some(&Value::Bool(true)),
            messages: messages.len(),
            ..DemoRequest::default()
        };
        for message in messages {
            let content = find_texts(message.get("content"));
            match message.get("role").and_then(Value::as_str) {
                Some("user") => {
                    if let Some(text) = content
                        .into_iter()
                        .map(strip_reminders)
                        .rfind(|text| !text.is_empty())
                    {
                        ask.text = text;
                        ask.results.clear();
                    }
                }
                Some("tool" | "function") => ask.results.push(content.concat()),
                Some(_) => {}
                None => return Err(DemoFailure::new(400, "messages: each needs a role")),
            }
        }
        Ok(ask)
    }

    fn write_response(&self, ids: &ResponseIds, ask: &DemoRequest, turn: &DemoTurn) -> Value {
        let mut message = json!({"role": "assistant", "content": null, "refusal": null, "annotations": []});
        let mut calls = Vec::new();
        for block in &turn.blocks {
            match block {
                DemoBlock::Thinking(pieces) => message["reasoning_content"] = pieces.concat().into(),
                DemoBlock::Text(pieces) => message["content"] = pieces.concat().into(),
                DemoBlock::Call { name, arguments } => {
                    let function = json!({"name": name, "arguments": arguments.to_string()});
                    let id = ids.at("call_", calls.len());
                    calls.push(json!({"id": id, "type": "function", "function": function}));
                }
            }
        }
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        json!({
            "id": ids.of("chatcmpl-"),
            "object": "chat.completion",
            "created": CREATED,
            "model": ask.model,
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(turn.stop)}],
            "usage": write_usage(&turn.usage),
            "service_tier": "default",
            "system_fingerprint": null,
        })
    }

    fn write_stream(&self, ids: ResponseIds, ask: &DemoRequest, turn: DemoTurn) -> DemoPieces {
        let frame = ChatChunks {
            id: ids.of("chatcmpl-"),
            model: ask.model.clone(),
            with_usage: ask.stream_usage,
        };
        let mut deltas: Vec<Box<dyn Iterator<Item = Value> + Send>> = Vec::new();
        let mut index = 0;
        for block in turn.blocks {
            match block {
                DemoBlock::Thinking(pieces) => {
                    deltas.push(Box::new(
                        pieces
                            .into_iter()
                            .map(|piece| json!({"reasoning_content": piece})),
                    ));
                }
                DemoBlock::Text(pieces) => {
                    deltas.push(Box::new(
                        pieces.into_iter().map(|piece| json!({"content": piece})),
                    ));
                }
                DemoBlock::Call { name, arguments } => {
                    deltas.push(Box::new(write_call(
                        index,
                        ids.at("call_", index),
                        &name,
                        &arguments,
                    )));
                    index += 1;
                }
            }
        }
        let first = frame.chunk(json!({"role": "assistant", "content": "", "refusal": null}), None);
        let last = frame.chunk(json!({}), Some(finish_reason(turn.stop)));
        let counts = frame.with_usage.then(|| frame.write_usage(&turn.usage));
        let output = deltas
            .into_iter()
            .flatten()
            .map(move |delta| DemoPiece::output(frame.chunk(delta, None)));
        let end = [Some(last), counts, Some(Bytes::from_static(b"data: [DONE]\n\n"))];
        Box::new(
            [first]
                .into_iter()
                .map(DemoPiece::framing)
                .chain(output)
                .chain(end.into_iter().flatten().map(DemoPiece::framing)),
        )
    }

    fn write_stream_error(&self, _sent: usize) -> Bytes {
        write_event(&json!({"error": {
            "message": "The demo upstream fails in the middle, as asked", "type": "server_error", "param": null, "code": null,
        }}))
    }

    fn write_failure(&self, _ids: &ResponseIds, failure: &DemoFailure) -> (u16, Value) {
        let (status, kind, code) = match failure.status {
            400 if failure.context_window => (400, "invalid_request_error", Some("context_length_exceeded")),
            401 => (401, "authentication_error", Some("invalid_api_key")),
            402 => (429, "insufficient_quota", Some("insufficient_quota")),
            403 => (403, "permission_error", None),
            404 => (404, "invalid_request_error", Some("model_not_found")),
            413 => (413, "invalid_request_error", Some("request_too_large")),
            429 => (429, "rate_limit_error", Some("rate_limit_exceeded")),
            503 | 529 => (503, "server_error", Some("overloaded")),
            504 => (504, "server_error", Some("timeout")),
            status @ 500.. => (status, "server_error", None),
            status => (status, "invalid_request_error", None),
        };
        (
            status,
            json!({"error": {"message": failure.message, "type": kind, "param": null, "code": code}}),
        )
    }

    fn request_id_header(&self) -> &'static str {
        "x-request-id"
    }
}

fn read_tools(body: &Value) -> Vec<DemoTool> {
    let declared = body
        .get("tools")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let functions = declared.iter().filter_map(|tool| tool.get("function"));
    functions
        .filter_map(|function| {
            Some(DemoTool {
                name: function.get("name")?.as_str()?.to_owned(),
                schema: function.get("parameters").cloned().unwrap_or_default(),
            })
        })
        .collect()
}

fn read_tool_choice(choice: Option<&Value>) -> DemoToolChoice {
    match choice {
        Some(Value::String(word)) if word == "none" => DemoToolChoice::None,
        Some(Value::String(word)) if word == "required" => DemoToolChoice::Required,
        Some(named) => match named.pointer("/function/name").and_then(Value::as_str) {
            Some(name) => DemoToolChoice::Named(name.to_owned()),
            None => DemoToolChoice::Auto,
        },
        None => DemoToolChoice::Auto,
    }
}

fn finish_reason(stop: DemoStop) -> &'static str {
    match stop {
        DemoStop::End => "stop",
        DemoStop::Tool => "tool_calls",
        DemoStop::Length => "length",
        DemoStop::Refusal => "content_filter",
    }
}

/// The input count includes tokens that were read from and written to the cache.
fn write_usage(usage: &DemoUsage) -> Value {
    json!({
        "prompt_tokens": usage.input(),
        "completion_tokens": usage.output,
        "total_tokens": usage.input() + usage.output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write, "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.thinking, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}

/// The deltas of a tool call: the first has the identifier and the name, the others have parts of the arguments.
fn write_call(
    index: usize,
    id: String,
    name: &str,
    arguments: &Value,
) -> impl Iterator<Item = Value> + Send + use<> {
    let head =
        json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
    let rest = split_arguments(arguments)
        .into_iter()
        .map(move |text| json!({"index": index, "function": {"arguments": text}}));
    [head]
        .into_iter()
        .chain(rest)
        .map(|entry| json!({"tool_calls": [entry]}))
}

/// The members that all chunks of a stream have in common.
struct ChatChunks {
    id: String,
    model: String,
    with_usage: bool,
}

impl ChatChunks {
    fn chunk(&self, delta: Value, finish: Option<&str>) -> Bytes {
        let choices = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        self.write_event(choices, self.with_usage.then_some(Value::Null))
    }

    fn write_usage(&self, counts: &DemoUsage) -> Bytes {
        self.write_event(json!([]), Some(write_usage(counts)))
    }

    fn write_event(&self, choices: Value, usage: Option<Value>) -> Bytes {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": CREATED, "model": self.model,
            "service_tier": "default", "system_fingerprint": null, "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        write_event(&chunk)
    }
}

fn write_event(data: &Value) -> Bytes {
    format!("data: {data}\n\n").into()
}
