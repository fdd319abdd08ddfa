//! The order of events that the strictest clients of each dialect demand.

mod chat;
mod claude;
mod responses;

use llm_proxy::dialect::DialectName;
use llm_proxy::wire::framing::EXCEPTION;
use serde_json::{Value, json};

use super::frames::{self, Frame};

/// How a stream ended, and what it contained.
#[derive(Debug, Default, PartialEq)]
pub struct StreamSummary {
    /// Whether it ended as an error; else it ended well.
    pub failed: bool,
    /// The calls: identifier, name, arguments.
    pub calls: Vec<(String, String, String)>,
    /// All text that is not reasoning.
    pub text: String,
}

/// Reads a client's stream. The error says where it breaks the rules, an end that is missing included.
pub fn check(client: DialectName, stream: &str) -> Result<StreamSummary, String> {
    let frames = frames::parse(stream)?;
    match client {
        DialectName::Claude => claude::check(&frames),
        DialectName::OpenAiChat => chat::check(&frames),
        DialectName::OpenAiResponses => responses::check(&frames),
        DialectName::Bedrock => {
            ensure(!stream.contains("event: ping\n"), || "a ping".to_owned())?;
            claude::check(&frames.into_iter().map(unwrapped).collect::<Result<Vec<_>, _>>()?)
        }
    }
}

/// A message as the event that the Messages API has for it: an exception is an error.
fn unwrapped(frame: Frame) -> Result<Frame, String> {
    let Frame::Event { name: Some(name), .. } = &frame else {
        return Ok(frame);
    };
    let Some(kind) = name.strip_prefix(EXCEPTION) else {
        return Ok(frame);
    };
    let message = filled(&frame.json()?, "/message")?.to_owned();
    let error = json!({"type": "error", "error": {"type": kind, "message": message}});
    Ok(Frame::Event {
        name: Some("error".to_owned()),
        data: error.to_string(),
    })
}

/// The events of a client's stream that its vendor's schema describes.
pub fn events(client: DialectName, stream: &str) -> Result<Vec<Value>, String> {
    let mut events = Vec::new();
    for frame in frames::parse(stream)? {
        match frame {
            Frame::Comment => {}
            Frame::Event { data, .. } if data == "[DONE]" => {}
            Frame::Event { name: Some(name), .. } if name.starts_with(EXCEPTION) => {}
            frame => {
                let json = frame.json()?;
                // The vendor's types of chunks leave out the error that takes a chunk's place.
                if client != DialectName::OpenAiChat || json.get("error").is_none() {
                    events.push(json);
                }
            }
        }
    }
    Ok(events)
}

/// A member that has to be a text.
fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, String> {
    let member = value.pointer(pointer).and_then(Value::as_str);
    member.ok_or_else(|| format!("no text at {pointer} of {value}"))
}

/// A text that has to say something.
fn filled<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, String> {
    let found = text(value, pointer)?;
    if found.is_empty() {
        return Err(format!("an empty text at {pointer} of {value}"));
    }
    Ok(found)
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
