//! Entry points for reading a document, and errors with the JSON path of the faulty value.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::IgnoredAny;

use super::raw_members::{RawMemberSpans, RawMembers};
use super::{ReadJson, Scanner};

/// The longest message in bytes. serde quotes the faulty value in full, which may be an image.
const MAX_MESSAGE: usize = 240;

/// Why a document could not be read as the type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The JSON path of the value, such as `messages[0].content[1].source.data`. Empty if the document itself is the
    /// faulty value or is not valid JSON.
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

/// Reads a whole document. Nothing but white space may follow its value.
///
/// # Errors
/// If it is not JSON in UTF-8, nests deeper than serde_json allows, or is not a `T`.
pub fn parse<T: ReadJson>(document: &[u8]) -> Result<T, ReadError> {
    match std::str::from_utf8(document) {
        Ok(text) => parse_text(text),
        Err(error) => Err(syntax_error(
            document,
            "invalid unicode code point",
            error.valid_up_to(),
        )),
    }
}

/// As [`parse`], for text that is known to be UTF-8.
///
/// # Errors
/// As [`parse`].
pub fn parse_text<T: ReadJson>(text: &str) -> Result<T, ReadError> {
    parse_with(&mut Scanner::new(text))
}

/// As [`parse`], and the document's lazy strings ([`super::LazyStr`]) become slices that keep it alive. For requests
/// only, which live as long as their translation.
///
/// # Errors
/// As [`parse`].
pub fn parse_shared<T: ReadJson>(document: &Bytes) -> Result<T, ReadError> {
    match ByteString::try_from(document.clone()) {
        Ok(text) => parse_with(&mut Scanner::shared(&Arc::new(text))),
        // Fails too, and with the offset of the first byte that is not UTF-8.
        Err(_) => parse(document),
    }
}

/// As [`parse_shared`], and also returns the members of the outermost object that have one of these names: as raw JSON
/// in their own spelling, without white space between tokens, in the order of `names`. If a name occurs more than once,
/// its last value counts.
///
/// # Errors
/// As [`parse`].
pub fn parse_with_raw_members<T: ReadJson>(
    document: &Bytes,
    names: &'static [&'static str],
) -> Result<(T, RawMembers), ReadError> {
    let Ok(text) = ByteString::try_from(document.clone()) else {
        // Fails too, and with the offset of the first byte that is not UTF-8.
        return parse(document).map(|value| (value, RawMembers::new()));
    };
    let text = Arc::new(text);
    let mut scanner = Scanner::shared(&text).with_raw_members(RawMemberSpans::new(names));
    let value = parse_with(&mut scanner)?;
    Ok((value, scanner.take_raw_members()))
}

fn parse_with<T: ReadJson>(scanner: &mut Scanner<'_>) -> Result<T, ReadError> {
    let read = T::read(scanner).and_then(|value| match scanner.peek() {
        None => Ok(value),
        Some(_) => Err(scanner.syntax_fault("trailing characters")),
    });
    read.map_err(|JsonFault(cause)| match *cause {
        FaultCause::Syntax { reason, at } => syntax_error(scanner.document().as_bytes(), reason, at),
        FaultCause::Data { path, message } => ReadError {
            path,
            message: shorten(message),
        },
    })
}

/// Why reading stopped. Every read method returns it, so it is boxed: a `Result` of a small value stays small, and a
/// fault is rare.
#[derive(Debug)]
pub struct JsonFault(Box<FaultCause>);

#[derive(Debug)]
enum FaultCause {
    /// The text is not valid JSON.
    Syntax { reason: &'static str, at: usize },
    /// The value is not what its type expects.
    Data { path: String, message: String },
}

impl JsonFault {
    #[cold]
    pub(super) fn syntax(reason: &'static str, at: usize) -> Self {
        Self(Box::new(FaultCause::Syntax { reason, at }))
    }

    #[cold]
    pub(super) fn data(message: impl fmt::Display) -> Self {
        Self(Box::new(FaultCause::Data {
            path: String::new(),
            message: message.to_string(),
        }))
    }

    /// Puts the name of a member, or the index of an item, before the path. Called on the way out of each level, so
    /// that no path is built while everything goes well.
    #[cold]
    pub(super) fn within(mut self, above: &str) -> Self {
        if let FaultCause::Data { path, message: _ } = &mut *self.0 {
            *path = join_paths(above, path);
        }
        self
    }
}

/// The error for a document that is not valid JSON, in serde_json's words: serde_json parses it a second time. Where it
/// finds no error (a lone surrogate is one only if the string is decoded; depth counts only where something recurses),
/// our own words with line and column in serde_json's form.
#[cold]
fn syntax_error(document: &[u8], reason: &str, at: usize) -> ReadError {
    let message = match serde_json::from_slice::<IgnoredAny>(document) {
        Err(error) => error.to_string(),
        Ok(_) => {
            let before = document.get(..at).unwrap_or(document);
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
            format!("{reason} at line {line} column {column}")
        }
    };
    ReadError {
        path: String::new(),
        message,
    }
}

/// Joins the path of a value and a path within it.
fn join_paths(above: &str, below: &str) -> String {
    match (above, below) {
        ("", path) | (path, "") => path.to_owned(),
        (above, below) if below.starts_with('[') => format!("{above}{below}"),
        (above, below) => format!("{above}.{below}"),
    }
}

/// Cuts the middle out of a long message. The end has to stay, because it says what was expected.
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
