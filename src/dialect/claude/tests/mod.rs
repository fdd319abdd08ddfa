//! The rules of the mappings, each with the least input that shows it.

mod content;
mod conversation;
mod reasoning;
mod request_read;
mod request_write;
mod response;
mod stream;
mod tools;

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::Claude;
use crate::canonical::{
    Block, Error, ErrorClass, Family, Losses, Message, Opaque, RawJson, Reasoning, Request, Role, Scope,
    Text, ToolCall, ToolInput, ToolResult,
};
use crate::capability::{self, Capabilities};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::{ClientRequest, DialectName, RequestCodec, Target, WrittenRequest};

/// The body of a request with one message of the user, and these members.
fn with(members: Value) -> Value {
    let mut body = json!({"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "x"}]});
    if let (Some(body), Value::Object(members)) = (body.as_object_mut(), members) {
        body.extend(members);
    }
    body
}

fn try_read(headers: &HeaderMap, body: &Value) -> Result<(Request, Losses), Error> {
    let mut losses = Losses::new();
    let client_request = ClientRequest {
        headers,
        model: None,
        stream: None,
        body: &bytes::Bytes::from(body.to_string()),
    };
    let read = Claude.read_request(&mut Scope::root(&mut losses), &client_request)?;
    Ok((read.request, losses))
}

fn read(body: &Value) -> (Request, Losses) {
    match try_read(&HeaderMap::new(), body) {
        Ok(read) => read,
        Err(error) => panic!("{error}"),
    }
}

/// The losses of reading a request with these members.
fn losses_of(members: Value) -> Vec<String> {
    listed(&read(&with(members)).1)
}

/// The content of the first message of the user, with these blocks, and the losses.
fn read_blocks(blocks: Value) -> (Vec<Block>, Vec<String>) {
    let (mut request, losses) = read(&with(json!({"messages": [{"role": "user", "content": blocks}]})));
    let content = match request.messages.as_mut_slice() {
        [] => Vec::new(),
        [message, ..] => std::mem::take(&mut message.content),
    };
    (content, listed(&losses))
}

/// Each loss as its kind, its path and the name of its reason.
fn listed(losses: &Losses) -> Vec<String> {
    losses
        .entries()
        .iter()
        .map(|loss| format!("{} {} {}", loss.kind.as_str(), loss.path, loss.reason.name()))
        .collect()
}

/// A server that imitates the Messages API: it accepts what Claude 4.5 accepted. Some of that can be changed.
fn model(change: impl FnOnce(&mut Capabilities)) -> Capabilities {
    let mut capabilities = capability::lookup(DialectName::Claude, "acme-large");
    change(&mut capabilities);
    capabilities
}

fn write(request: &Request, capabilities: &Capabilities) -> (Value, WrittenRequest, Vec<String>) {
    let mut losses = Losses::new();
    let target = Target {
        model: "up",
        capabilities,
        length: 0,
    };
    match Claude.write_request(&mut Scope::root(&mut losses), request, &target) {
        Ok(written) => (json_of(&written.body), written, listed(&losses)),
        Err(error) => panic!("{error}"),
    }
}

/// Reads a request with these members and writes it for a model.
fn rewrite(members: Value, capabilities: &Capabilities) -> (Value, Vec<String>) {
    let (request, losses) = read(&with(members));
    assert_eq!(listed(&losses), [""; 0], "losses of reading");
    let (body, _, losses) = write(&request, capabilities);
    (body, losses)
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}

fn to_json<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn request(messages: Vec<Message>) -> Request {
    let (request, _) = read(&with(json!({})));
    Request { messages, ..request }
}

fn user(index: usize, content: Vec<Block>) -> Message {
    Message::new(Role::User, index, content)
}

fn assistant(index: usize, content: Vec<Block>) -> Message {
    Message::new(Role::Assistant, index, content)
}

fn instruction(index: usize, content: &str) -> Message {
    Message::new(Role::System, index, vec![text(content)])
}

fn text(text: &str) -> Block {
    Block::Text(Text::from(text))
}

fn call(id: &str) -> Block {
    call_with(id, ToolInput::from_arguments("{\"a\":1.0}"))
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

fn result(id: &str, content: Vec<Block>) -> Block {
    Block::ToolResult(ToolResult {
        call_id: id.to_owned(),
        content,
        is_error: false,
        cache: None,
    })
}

/// Reasoning with the state of a vendor, if any.
fn thought(origin: Option<Family>) -> Block {
    let block = json!({"type": "thinking", "thinking": "hm", "signature": "sig"});
    Block::Reasoning(Reasoning {
        parts: vec!["hm".into()],
        opaque: origin.map(|origin| Opaque::new(origin, to_raw_json(&block))),
    })
}
