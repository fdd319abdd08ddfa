//! A client's view of server-sent events, as strict as the strictest client.

use serde_json::Value;

/// One block of lines.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// An event with its name, where it has one, and its data.
    Event { name: Option<String>, data: String },
    /// Nothing but a comment.
    Comment,
}

impl Frame {
    /// The data as JSON.
    pub fn json(&self) -> Result<Value, String> {
        match self {
            Self::Event { data, .. } => {
                serde_json::from_str(data).map_err(|error| format!("{error}: {data}"))
            }
            Self::Comment => Err("a comment has no data".to_owned()),
        }
    }
}

/// The frames of a stream: every one complete, with a single `data` line and nothing that need not be there.
pub fn parse(text: &str) -> Result<Vec<Frame>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let body = text
        .strip_suffix("\n\n")
        .ok_or("the last frame is not complete")?;
    body.split("\n\n").map(frame).collect()
}

fn frame(block: &str) -> Result<Frame, String> {
    let (mut name, mut data) = (None, None);
    let mut comment = false;
    for line in block.split('\n') {
        if line.starts_with(':') {
            comment = true;
        } else if let Some(value) = line.strip_prefix("event: ") {
            if name.replace(value.to_owned()).is_some() || data.is_some() {
                return Err(format!("event line out of place: {block}"));
            }
        } else if let Some(value) = line.strip_prefix("data: ") {
            if data.replace(value.to_owned()).is_some() {
                return Err(format!("two data lines: {block}"));
            }
        } else {
            return Err(format!("no line of an event: {line:?}"));
        }
    }
    match data {
        Some(data) => Ok(Frame::Event { name, data }),
        None if comment && name.is_none() => Ok(Frame::Comment),
        None => Err(format!("a frame without data: {block}")),
    }
}
