//! The end of a JSON value. Lenient: see the module's documentation for what is checked.
//!
//! Offsets that a function returns are always after what it skipped.

use super::nested::{self, NestedStop};
use crate::wire::find::find_quote;

/// An error in JSON text that was walked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanError {
    /// The offset of the error in bytes.
    pub offset: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl std::fmt::Display for ScanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "malformed JSON at byte {}: expected {}",
            self.offset, self.expected
        )
    }
}

impl std::error::Error for ScanError {}

pub(super) fn fail<T>(offset: usize, expected: &'static str) -> Result<T, ScanError> {
    Err(ScanError { offset, expected })
}

/// Skips JSON white space.
pub(super) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// A string that does not end within the text; more of it may arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StringCut {
    /// The last byte is a backslash that escapes the next byte to arrive.
    pub escaped: bool,
}

/// Finds the end of the string that contains `from`, which must not be in the middle of an escape.
///
/// It searches for quotes only, and for each quote counts the backslashes before it. Searching for backslashes, too,
/// would stop at every escape, and code has one at each line break; few of them are before quotes.
pub(super) fn find_string_end(text: &[u8], mut from: usize) -> Result<usize, StringCut> {
    loop {
        let found = find_quote(text, from);
        let inside = text.get(from..found).unwrap_or_default();
        let escaped = ends_with_escape(inside);
        if found >= text.len() {
            return Err(StringCut { escaped });
        }
        // A run of backslashes cannot extend to before this quote, so the next round may begin here.
        from = found + 1;
        if !escaped {
            return Ok(from);
        }
    }
}

/// Whether the last byte is a backslash that escapes the next byte: the end of an odd run of backslashes.
#[inline]
pub(super) fn ends_with_escape(inside: &[u8]) -> bool {
    let backslashes = inside.iter().rev().take_while(|byte| **byte == b'\\').count();
    !backslashes.is_multiple_of(2)
}

/// Skips the string that opens at `at`.
pub(super) fn skip_string(text: &[u8], at: usize) -> Result<usize, ScanError> {
    if text.get(at) != Some(&b'"') {
        return fail(at, "a string");
    }
    find_string_end(text, at + 1).or_else(|_| fail(text.len(), "the end of a string"))
}

/// Skips the value that starts at `at`. Strings and nested values are not checked beyond their end; numbers and words
/// are, which costs nothing.
pub(super) fn skip_value(text: &[u8], at: usize) -> Result<usize, ScanError> {
    match text.get(at) {
        Some(b'"') => skip_string(text, at),
        Some(b'{' | b'[') => skip_nested(text, at),
        Some(b't') => skip_word(text, at, b"true"),
        Some(b'f') => skip_word(text, at, b"false"),
        Some(b'n') => skip_word(text, at, b"null"),
        Some(b'-' | b'0'..=b'9') => skip_number(text, at),
        _ => fail(at, "a value"),
    }
}

fn skip_word(text: &[u8], at: usize, word: &'static [u8]) -> Result<usize, ScanError> {
    let end = at + word.len();
    if text.get(at..end) == Some(word) {
        Ok(end)
    } else {
        fail(at, "true, false or null")
    }
}

fn skip_number(text: &[u8], start: usize) -> Result<usize, ScanError> {
    let mut at = start;
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match text.get(at) {
        Some(b'0') => at + 1,
        _ => skip_digits(text, at)?,
    };
    if text.get(at) == Some(&b'.') {
        at = skip_digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        at = skip_digits(text, at)?;
    }
    Ok(at)
}

fn skip_digits(text: &[u8], start: usize) -> Result<usize, ScanError> {
    let mut at = start;
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    if at == start { fail(at, "a digit") } else { Ok(at) }
}

/// Skips an object or array.
fn skip_nested(text: &[u8], start: usize) -> Result<usize, ScanError> {
    match nested::skip_to_close(text, start, &mut Brackets::default()) {
        NestedStop::End(behind) => Ok(behind),
        NestedStop::Mismatch(at) => match text.get(at) {
            Some(b'}') => fail(at, "']'"),
            Some(b']') => fail(at, "'}'"),
            _ => fail(at, "a value, a comma or a bracket"),
        },
        NestedStop::Open => fail(text.len(), "the end of an object or array"),
        NestedStop::InString(_) => fail(text.len(), "the end of a string"),
    }
}

/// What a bracket opens or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BracketKind {
    Object,
    Array,
}

/// The open brackets as one bit each, set for an object. The innermost 64 need no allocation, and no depth can exhaust
/// the stack. 64 more levels cost eight bytes, so that even a body of opening brackets only stays small.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    innermost: u64,
    outer: Vec<u64>,
    depth: usize,
}

impl Brackets {
    pub(super) fn is_empty(&self) -> bool {
        self.depth == 0
    }

    pub(super) fn push(&mut self, bracket: BracketKind) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.innermost);
        }
        self.innermost = self.innermost << 1 | u64::from(bracket == BracketKind::Object);
        self.depth += 1;
    }

    pub(super) fn pop(&mut self) -> Option<BracketKind> {
        self.depth = self.depth.checked_sub(1)?;
        let bracket = if self.innermost & 1 == 1 {
            BracketKind::Object
        } else {
            BracketKind::Array
        };
        self.innermost >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.innermost = self.outer.pop().unwrap_or_default();
        }
        Some(bracket)
    }
}
