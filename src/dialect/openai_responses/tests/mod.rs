//! Requests and complete responses: one rule of the mapping for each test.

mod content;
mod messages_read;
mod messages_write;
mod reasoning;
mod request_read;
mod request_write;
mod response;
mod tools;

use http::HeaderMap;
use serde_json::{Value, json};

use super::OpenAiResponses;
use crate::canonical::{
    Annotation, Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Effort, Error, Family, Finish,
    FinishReason, FunctionTool, Grammar, Image, ImageDetail, Losses, MediaSource, Message, Opaque,
    OutputFormat, Reasoning, Request, Response, Role, Scope, SearchResult, ServerTool, SystemBlock,
    SystemOrigin, Text, Thinking, Tool, ToolCall, ToolChoice, ToolInput, ToolResult, Usage,
};
use crate::capability::{self, Capabilities, SamplingSupport};
use crate::dialect::shared::carrier;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::{
    ClientRequest, DialectName, ReadRequest, RequestCodec, ResponseCodec, ResponseContext, Target,
};

fn try_read(body: &Value, losses: &mut Losses) -> Result<ReadRequest, Error> {
    let body = body.to_string();
    let inbound = ClientRequest {
        headers: &HeaderMap::new(),
        model: None,
        stream: None,
        body: &bytes::Bytes::from(body),
    };
    OpenAiResponses.read_request(&mut Scope::root(losses), &inbound)
}

fn read(body: &Value) -> (ReadRequest, Losses) {
    let mut losses = Losses::new();
    match try_read(body, &mut losses) {
        Ok(read) => (read, losses),
        Err(error) => panic!("{error}"),
    }
}

/// Reads a request with these members besides `model`.
fn read_members(mut members: Value) -> (Request, Vec<String>) {
    members["model"] = json!("m");
    let (read, losses) = read(&members);
    (read.request, listed(&losses))
}

fn read_input(input: &Value) -> (Request, Losses) {
    let (read, losses) = read(&json!({"model": "m", "input": input}));
    (read.request, losses)
}

fn capabilities() -> Capabilities {
    capability::lookup(DialectName::OpenAiResponses, "gpt-5.5")
}

fn write(request: &Request, capabilities: &Capabilities) -> (Value, Losses) {
    let mut losses = Losses::new();
    let target = Target {
        model: "up",
        capabilities,
        length: 0,
    };
    match OpenAiResponses.write_request(&mut Scope::root(&mut losses), request, &target) {
        Ok(written) => (serde_json::from_slice(&written.body).unwrap_or_default(), losses),
        Err(error) => panic!("{error}"),
    }
}

fn request(messages: Vec<Message>) -> Request {
    let (mut read, _) = read(&json!({"model": "m"}));
    read.request.messages = messages;
    read.request
}

fn listed(losses: &Losses) -> Vec<String> {
    losses
        .entries()
        .iter()
        .map(|loss| format!("{} {}", loss.kind.as_str(), loss.path))
        .collect()
}

fn text(text: &str) -> Block {
    Block::Text(Text::from(text.to_owned()))
}

fn call(id: &str, input: ToolInput) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        namespace: None,
        input,
        cache: None,
    })
}

fn result(call_id: &str, content: Vec<Block>, is_error: bool) -> Block {
    Block::ToolResult(ToolResult {
        call_id: call_id.to_owned(),
        content,
        is_error,
        cache: None,
    })
}

fn thought(origin: Family, item: &Value) -> Block {
    Block::Reasoning(Reasoning {
        parts: Vec::new(),
        opaque: Some(Opaque::new(origin, to_raw_json(item))),
    })
}

fn context() -> ResponseContext {
    let (read, _) = read(&json!({"model": "alias", "input": "hi", "tools": [], "top_p": 1.0}));
    ResponseContext {
        model: read.request.model,
        preferences: read.preferences,
        created: 7,
        request_id: "req_1".to_owned(),
        input_estimate: 1,
    }
}

fn read_response(body: &Value) -> (Response, Losses) {
    let mut losses = Losses::new();
    let body = body.to_string();
    match OpenAiResponses.read_response(&mut Scope::root(&mut losses), body.as_bytes()) {
        Ok(response) => (response, losses),
        Err(error) => panic!("{error}"),
    }
}

fn write_response(response: Response) -> (Value, Losses) {
    let mut losses = Losses::new();
    let body = OpenAiResponses.write_response(&mut Scope::root(&mut losses), response, &context());
    (serde_json::from_slice(&body).unwrap_or_default(), losses)
}

fn response(content: Vec<Block>, reason: FinishReason) -> Response {
    Response {
        id: Some("msg_01".to_owned()),
        model: None,
        content,
        finish: Finish::new(reason),
        usage: None,
        service_tier: None,
        logprobs: None,
    }
}
