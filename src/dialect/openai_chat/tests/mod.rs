//! Requests and answers, read and written.

mod messages;
mod read;
mod request_write;

use crate::dialect::RequestCodec;
use http::HeaderMap;
use serde_json::{Value, json};

use super::OpenAiChat;
use crate::canonical::{
    Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Effort, ErrorClass, Family, FinishReason,
    Image, LossKind, Losses, MediaSource, Message, Opaque, OutputFormat, Reasoning, Request, Role, Scope,
    SystemBlock, SystemOrigin, Text, Thinking, Tool, ToolCall, ToolInput, ToolResult,
};
use crate::capability::{self, Capabilities, ReasoningReplay};
use crate::dialect::shared::{carrier, raw_json};
use crate::dialect::{ClientRequest, DialectName, ReadRequest, Target, WrittenRequest};

fn read(body: &Value) -> (ReadRequest, Losses) {
    let mut losses = Losses::new();
    let body = body.to_string();
    let inbound = ClientRequest {
        headers: &HeaderMap::new(),
        model: None,
        stream: None,
        body: &bytes::Bytes::from(body),
    };
    match OpenAiChat.read_request(&mut Scope::root(&mut losses), &inbound) {
        Ok(read) => (read, losses),
        Err(error) => panic!("{error}"),
    }
}

fn refused(body: &Value) -> Vec<String> {
    let (_, losses) = read(body);
    losses.refused().map(|loss| loss.path.clone()).collect()
}

fn acme() -> Capabilities {
    capability::lookup(DialectName::OpenAiChat, "acme-large")
}

fn gpt() -> Capabilities {
    capability::lookup(DialectName::OpenAiChat, "gpt-5.1")
}

fn write(request: &Request, capabilities: &Capabilities) -> (Value, WrittenRequest, Losses) {
    let mut losses = Losses::new();
    let target = Target {
        model: "up",
        capabilities,
        length: 0,
    };
    match OpenAiChat.write_request(&mut Scope::root(&mut losses), request, &target) {
        Ok(written) => (
            serde_json::from_slice(&written.body).unwrap_or_default(),
            written,
            losses,
        ),
        Err(error) => panic!("{error}"),
    }
}

fn kinds(losses: &Losses) -> Vec<(LossKind, &str)> {
    losses
        .entries()
        .iter()
        .map(|loss| (loss.kind, loss.path.as_str()))
        .collect()
}

fn request(messages: Vec<Message>) -> Request {
    let (read, _) = read(&json!({"model": "m", "messages": [{"role": "user", "content": "x"}]}));
    Request {
        messages,
        ..read.request
    }
}

fn text(text: &str) -> Block {
    Block::Text(Text::from(text.to_owned()))
}

fn call(id: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        namespace: None,
        input: ToolInput::from_arguments("{\"a\":1.0}".to_owned()),
        cache: None,
    })
}

fn result(id: &str, content: Vec<Block>, is_error: bool) -> Block {
    Block::ToolResult(ToolResult {
        call_id: id.to_owned(),
        content,
        is_error,
        cache: None,
    })
}
