//! Requests and complete responses, read and written through the dialect. Streams have tests of their own.

mod content;
mod messages_read;
mod messages_write;
mod request_read;
mod request_write;
mod response;
mod tools;

use http::HeaderMap;
use serde_json::{Value, json};

use super::OpenAiChat;
use crate::canonical::{
    Annotation, Audio, Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Effort, Error, ErrorClass,
    Family, FinishReason, FreeformTool, FunctionTool, Image, ImageDetail, LossKind, Losses, MediaSource,
    Message, Opaque, OutputFormat, Reasoning, Request, Response, Role, Scope, SearchResult, ServerTool,
    SystemBlock, SystemOrigin, Text, Thinking, Tool, ToolCall, ToolChoice, ToolInput, ToolResult,
    UserLocation, Verbosity, WebSearchTool,
};
use crate::capability::{self, Capabilities, ReasoningReplay, SamplingSupport};
use crate::dialect::shared::{carrier, raw_json};
use crate::dialect::{
    ClientRequest, DialectName, Preferences, ReadRequest, RequestCodec, ResponseCodec, ResponseContext,
    Target, WrittenRequest,
};

fn try_read(body: &str) -> Result<(ReadRequest, Losses), Error> {
    let mut losses = Losses::new();
    let client = ClientRequest {
        headers: &HeaderMap::new(),
        model: None,
        stream: None,
        body: &bytes::Bytes::copy_from_slice(body.as_bytes()),
    };
    let read = OpenAiChat.read_request(&mut Scope::root(&mut losses), &client)?;
    Ok((read, losses))
}

fn read(body: &Value) -> (ReadRequest, Losses) {
    match try_read(&body.to_string()) {
        Ok(read) => read,
        Err(error) => panic!("{error}"),
    }
}

/// A request with one message of the user and these members.
fn with(members: Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    let (Value::Object(body_members), Value::Object(members)) = (&mut body, members) else {
        panic!("members are an object");
    };
    body_members.extend(members);
    body
}

/// A request with these messages.
fn with_messages(messages: Value) -> Value {
    json!({"model": "m", "messages": messages})
}

/// The losses of reading a request, in order.
fn read_losses(body: &Value) -> Vec<(LossKind, String)> {
    let (_, losses) = read(body);
    let entries = losses.entries().iter();
    entries.map(|loss| (loss.kind, loss.path.clone())).collect()
}

fn one(kind: LossKind, path: &str) -> Vec<(LossKind, String)> {
    vec![(kind, path.to_owned())]
}

/// A model of a compatible server that the table does not name.
fn acme() -> Capabilities {
    capability::lookup(DialectName::OpenAiChat, "acme-large")
}

/// A model of OpenAI's.
fn gpt() -> Capabilities {
    capability::lookup(DialectName::OpenAiChat, "gpt-5.1")
}

fn write_for(model: &str, request: &Request, capabilities: &Capabilities) -> (Value, WrittenRequest, Losses) {
    let mut losses = Losses::new();
    let target = Target {
        model,
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

fn write(request: &Request, capabilities: &Capabilities) -> (Value, WrittenRequest, Losses) {
    write_for("up", request, capabilities)
}

fn kinds(losses: &Losses) -> Vec<(LossKind, &str)> {
    losses
        .entries()
        .iter()
        .map(|loss| (loss.kind, loss.path.as_str()))
        .collect()
}

fn request(messages: Vec<Message>) -> Request {
    let (read, _) = read(&with(json!({})));
    Request {
        messages,
        ..read.request
    }
}

/// A request with one message of the user.
fn user(content: Vec<Block>) -> Request {
    request(vec![Message::new(Role::User, 0, content)])
}

/// A request whose second message is the assistant's.
fn assistant(content: Vec<Block>) -> Request {
    request(vec![
        Message::new(Role::User, 0, vec![text("go")]),
        Message::new(Role::Assistant, 1, content),
    ])
}

fn text(text: &str) -> Block {
    Block::Text(Text::from(text.to_owned()))
}

fn call_with(id: &str, input: ToolInput) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        namespace: None,
        input,
        cache: None,
    })
}

fn call(id: &str) -> Block {
    call_with(id, ToolInput::from_arguments("{\"a\":1.0}".to_owned()))
}

fn result(id: &str, content: Vec<Block>, is_error: bool) -> Block {
    Block::ToolResult(ToolResult {
        call_id: id.to_owned(),
        content,
        is_error,
        cache: None,
    })
}

fn image() -> Block {
    Block::Image(Image {
        source: MediaSource::Base64 {
            media_type: "image/png".to_owned(),
            data: "AA==".into(),
        },
        detail: None,
        cache: None,
    })
}

fn server_tool() -> Block {
    Block::ServerTool(ServerTool {
        origin: Family::Claude,
        item: "web_search_tool_result".to_owned(),
        query: None,
    })
}

fn function_tool(name: &str) -> Tool {
    Tool::Function(FunctionTool {
        name: name.to_owned(),
        namespace: None,
        description: None,
        parameters: None,
        strict: None,
        cache: None,
        index: 0,
    })
}
