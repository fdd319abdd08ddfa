//! Finding where a JSON value ends.

use super::nested::{self, NestedStop};
use crate::wire::find::find_quote;

/// Where and why a JSON text could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanError {
    /// Bytes before the place of the error.
    pub offset: usize,
    /// What should have stood there.
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

/// The offset of the first byte at or after `at` that is no JSON white space.
pub(super) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// Where a string does not end in what is there of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StringCut {
    /// The last byte is a backslash whose escape is not there.
    pub escaped: bool,
}

/// The offset behind the string that `from` lies in. Looks for quotation marks only, and behind each whether it is
/// escaped: in code every line break is an escape, and few of those are of quotation marks.
pub(super) fn find_string_end(text: &[u8], mut from: usize) -> Result<usize, StringCut> {
    loop {
        let found = find_quote(text, from);
        let inside = text.get(from..found).unwrap_or_default();
        let escaped = ends_with_escape(inside);
        if found >= text.len() {
            return Err(StringCut { escaped });
        }
        from = found + 1;
        if !escaped {
            return Ok(from);
        }
    }
}

/// Whether the last byte is a backslash that escapes what follows: one at the end of an odd run of backslashes.
#[inline]
pub(super) fn ends_with_escape(inside: &[u8]) -> bool {
    let backslashes = inside.iter().rev().take_while(|byte| **byte == b'\\').count();
    !backslashes.is_multiple_of(2)
}

/// The offset behind the string that opens at `at`.
pub(super) fn skip_string(text: &[u8], at: usize) -> Result<usize, ScanError> {
    if text.get(at) != Some(&b'"') {
        return fail(at, "a string");
    }
    find_string_end(text, at + 1).or_else(|_| fail(text.len(), "the end of a string"))
}

/// The offset behind the value that starts at `at`.
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

/// Passes over an object or array.
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

/// Which brackets are open, one bit each: set for an object. The innermost 64 need no allocation.
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

    pub(super) fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.innermost);
        }
        self.innermost = self.innermost << 1 | u64::from(object);
        self.depth += 1;
    }

    pub(super) fn pop(&mut self) -> Option<bool> {
        self.depth = self.depth.checked_sub(1)?;
        let object = self.innermost & 1 == 1;
        self.innermost >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.innermost = self.outer.pop().unwrap_or_default();
        }
        Some(object)
    }
}
