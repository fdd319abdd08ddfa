//! Errors that say where in the document they are.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::IgnoredAny;

use super::raw_members::{RawMemberSpans, RawMembers};
use super::{ReadJson, Scanner};

/// The longest message in bytes; serde quotes the offending value in full.
const MAX_MESSAGE: usize = 240;

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

/// Reads a whole document.
///
/// # Errors
/// As [`parse`].
pub fn parse_text<T: ReadJson>(text: &str) -> Result<T, ReadError> {
    parse_with(&mut Scanner::new(text))
}

/// Reads a whole document, of which its texts ([`super::LazyStr`]) become slices.
///
/// # Errors
/// As [`parse`].
pub fn parse_shared<T: ReadJson>(document: &Bytes) -> Result<T, ReadError> {
    match ByteString::try_from(document.clone()) {
        Ok(text) => parse_with(&mut Scanner::shared(&Arc::new(text))),
        // It says why not.
        Err(_) => parse(document),
    }
}

/// As [`parse_shared`]; also gives those of the document's own members that have one of these names, in the order of the
/// names and as they are spelled, without the white space between tokens. Of several of one name the last counts.
///
/// # Errors
/// As [`parse`].
pub fn parse_with_raw_members<T: ReadJson>(
    document: &Bytes,
    names: &'static [&'static str],
) -> Result<(T, RawMembers), ReadError> {
    let Ok(text) = ByteString::try_from(document.clone()) else {
        // It says why not.
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

/// What stopped the reading of a document. One pointer wide, since every value that is read might be one instead.
#[derive(Debug)]
pub struct JsonFault(Box<FaultCause>);

#[derive(Debug)]
enum FaultCause {
    /// This is no JSON.
    Syntax { reason: &'static str, at: usize },
    /// This is not what was expected.
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

    /// The fault is inside of a member or an item.
    #[cold]
    pub(super) fn within(mut self, above: &str) -> Self {
        if let FaultCause::Data { path, message: _ } = &mut *self.0 {
            *path = join_paths(above, path);
        }
        self
    }
}

/// The error of a document that is no JSON, in serde_json's words; in ours where serde_json sees nothing wrong as long as
/// the text is only passed over.
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

/// Two paths, one below the other.
fn join_paths(above: &str, below: &str) -> String {
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
