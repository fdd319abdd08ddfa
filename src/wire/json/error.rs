//! Errors that say where in the document they are.

use std::fmt;

use serde::de::DeserializeOwned;

use super::path;

/// The longest message in bytes; serde quotes the offending value in full.
const MAX_MESSAGE: usize = 240;

/// Begins and ends the path in the message of an error that knows its place better than its position tells.
const MARK: char = '\u{1f}';

/// Why a document could not be read as the type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Where, such as `messages[0].content[1].source.data`; empty for the whole document or broken JSON.
    pub path: String,
    /// What was found and what was expected.
    pub message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return formatter.write_str(&self.message);
        }
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for ReadError {}

/// Reads a whole document.
///
/// # Errors
/// If it is not JSON, nests deeper than serde_json allows, or is not a `T`. The path is worked out only then.
pub fn parse<T: DeserializeOwned>(document: &[u8]) -> Result<T, ReadError> {
    serde_json::from_slice(document).map_err(|error| ReadError::locate(document, &error))
}

impl ReadError {
    pub(super) fn locate(document: &[u8], error: &serde_json::Error) -> Self {
        let mut message = error.to_string();
        if !error.is_data() {
            return Self {
                path: String::new(),
                message,
            };
        }
        let position = format!(" at line {} column {}", error.line(), error.column());
        if message.ends_with(&position) {
            message.truncate(message.len() - position.len());
        }
        let place = path::at(document, error.line(), error.column());
        let (path, message) = match message.strip_prefix(MARK).and_then(|rest| rest.split_once(MARK)) {
            Some((below, rest)) => (join(&place.object(), below), rest.to_owned()),
            None => (place.value(), message),
        };
        Self {
            path,
            message: shorten(message),
        }
    }
}

/// A message for an error at `below` the object that is being read.
pub(super) fn at(below: &str, message: fmt::Arguments<'_>) -> String {
    format!("{MARK}{below}{MARK}{message}")
}

/// Two paths, one below the other.
pub(super) fn join(above: &str, below: &str) -> String {
    match (above, below) {
        ("", path) | (path, "") => path.to_owned(),
        (above, below) if below.starts_with('[') => format!("{above}{below}"),
        (above, below) => format!("{above}.{below}"),
    }
}

/// Cuts the middle out of a long message: its end says what was expected.
fn shorten(message: String) -> String {
    if message.len() <= MAX_MESSAGE {
        return message;
    }
    let half = MAX_MESSAGE / 2;
    let head = message
        .get(..message.floor_char_boundary(half))
        .unwrap_or_default();
    let tail = message
        .get(message.ceil_char_boundary(message.len() - half)..)
        .unwrap_or_default();
    format!("{head}…{tail}")
}
