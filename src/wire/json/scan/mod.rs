//! The strict scanner: a position in a JSON text, and the methods that move it.
//!
//! It accepts what serde_json accepts for the generated types (RFC 8259, with the same limit on depth) and reports
//! errors in serde_json's words; tests compare the two. Values that are skipped are checked as well, so a request with
//! broken JSON anywhere is refused before it is translated. As in serde_json, only a lone surrogate in a skipped string
//! is accepted.
//!
//! It is faster than serde_json for three reasons. The text is known to be UTF-8, so that no string is checked for it
//! again. A string without escapes is borrowed, and a [`LazyStr`] is not decoded at all. The members before a late tag
//! are skipped, where serde builds a tree of them. With serde_json, translating a 120 KB request took 4.2 million
//! instructions; it takes 1.4 now (docs/performance.md).
//!
//! Methods that are `#[inline]` are the common case of a compact document; those that are not, or are `#[cold]`, handle
//! white space before names, escapes in them, and errors.

use std::borrow::Cow;
use std::sync::Arc;

use bytestring::ByteString;
use serde_json::Number;

use super::error::JsonFault;
use super::raw_members::{RawMemberSpans, RawMembers};
use super::{LazyStr, string};
use crate::wire::find::find_special;

mod mismatch;
mod skip;

/// How deep objects and arrays may nest; the limit of serde_json. It bounds the recursion of the generated types.
/// Values that are skipped or kept as raw JSON may nest deeper: [`Scanner::skip_value`] does not recurse.
const MAX_DEPTH: u8 = 128;

/// Whether a comma comes before a member's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberPosition {
    /// The first member of its object, which has no comma before it.
    First,
    /// A member after the first.
    Later,
}

/// Reads a JSON text from its start.
#[derive(Debug)]
pub struct Scanner<'de> {
    text: &'de str,
    at: usize,
    /// How many more objects and arrays may be opened.
    depth: u8,
    /// The buffer in which strings with escapes are decoded.
    scratch: Vec<u8>,
    /// The closing brackets that the value being skipped still needs. Kept here so that its memory is used again.
    open_brackets: Vec<u8>,
    /// The text, if strings may be slices that share it.
    document: Option<&'de Arc<ByteString>>,
    /// Start and end of a skipped value that will be read again; see [`Self::remember_span`].
    skipped: (usize, usize),
    /// Where the requested members of the outermost object are, if any were requested.
    raw_members: Option<RawMemberSpans>,
}

impl<'de> Scanner<'de> {
    /// A scanner at the start of a text.
    pub(super) fn new(text: &'de str) -> Self {
        Self {
            text,
            at: 0,
            depth: MAX_DEPTH,
            scratch: Vec::new(),
            open_brackets: Vec::new(),
            document: None,
            skipped: (0, 0),
            raw_members: None,
        }
    }

    /// A scanner at the start of a document that its lazy strings may share.
    pub(super) fn shared(document: &'de Arc<ByteString>) -> Self {
        Self {
            document: Some(document),
            ..Self::new(document)
        }
    }

    /// Makes the scanner record where members of the outermost object are.
    pub(super) fn with_raw_members(self, raw_members: RawMemberSpans) -> Self {
        Self {
            raw_members: Some(raw_members),
            ..self
        }
    }

    /// The recorded members, after the text has been read.
    pub(super) fn take_raw_members(&mut self) -> RawMembers {
        let raw_members = self.raw_members.take();
        raw_members
            .map(|raw_members| raw_members.into_members(self.text))
            .unwrap_or_default()
    }

    /// The record of members, if the scanner is directly in the outermost object and members were requested.
    #[inline]
    pub(super) fn outermost_spans(&mut self) -> Option<&mut RawMemberSpans> {
        if self.depth != MAX_DEPTH - 1 {
            return None;
        }
        self.raw_members.as_mut()
    }

    /// Skips white space and returns the next byte without moving past it; `None` at the end of the text.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// The whole text.
    pub(super) fn document(&self) -> &'de str {
        self.text
    }

    /// The offset in bytes.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Goes back to an offset that [`Self::position`] returned. The depth does not change; see [`Self::reenter`].
    pub(super) fn rewind(&mut self, at: usize) {
        self.at = at;
    }

    /// Moves past the bracket that opens an object or array.
    ///
    /// # Errors
    /// If the value nests too deep.
    pub(super) fn enter(&mut self) -> Result<(), JsonFault> {
        self.at += 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0 {
            return Err(self.syntax_fault("recursion limit exceeded"));
        }
        Ok(())
    }

    /// Moves past the bracket that closes an object or array.
    pub(super) fn leave(&mut self) {
        self.at += 1;
        self.depth += 1;
    }

    /// Counts a level again that [`Self::leave`] has left, after a rewind into it.
    pub(super) fn reenter(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// The fault that the text is no valid JSON here.
    #[cold]
    pub(super) fn syntax_fault(&self, reason: &'static str) -> JsonFault {
        JsonFault::syntax(reason, self.at)
    }

    /// Reads the next member's name and the colon after it. `None` if the object ended; the scanner is after its
    /// closing brace then.
    #[inline]
    pub(super) fn read_name(&mut self, position: MemberPosition) -> Result<Option<Cow<'de, str>>, JsonFault> {
        let mut next = self.peek();
        match next {
            Some(b'}') => {
                self.leave();
                return Ok(None);
            }
            Some(b',') if position == MemberPosition::Later => {
                self.at += 1;
                next = self.peek();
            }
            Some(b'"') if position == MemberPosition::First => {}
            _ => return Err(self.syntax_fault("expected `,` or `}`")),
        }
        if next != Some(b'"') {
            return Err(self.syntax_fault("key must be a string"));
        }
        let name = self.read_string_at_quote()?;
        self.skip_colon()?;
        Ok(Some(name))
    }

    /// As [`Self::read_name`], if the name has no escapes and no white space around it, as nearly all names that
    /// clients send. Otherwise `None`, and the scanner has not moved: the caller then calls `read_name`.
    #[inline]
    pub(super) fn read_plain_name(&mut self, position: MemberPosition) -> Option<&'de str> {
        let bytes = self.text.as_bytes();
        let start = if position == MemberPosition::Later {
            if bytes.get(self.at) != Some(&b',') || bytes.get(self.at + 1) != Some(&b'"') {
                return None;
            }
            self.at + 2
        } else {
            if bytes.get(self.at) != Some(&b'"') {
                return None;
            }
            self.at + 1
        };
        let end = find_special(bytes, start);
        if bytes.get(end) != Some(&b'"') || bytes.get(end + 1) != Some(&b':') {
            return None;
        }
        let name = self.text.get(start..end)?;
        self.at = end + 2;
        Some(name)
    }

    #[inline]
    fn skip_colon(&mut self) -> Result<(), JsonFault> {
        if self.peek() != Some(b':') {
            return Err(self.syntax_fault("expected `:`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads the items of an array; `item` reads one and gets its index.
    pub(super) fn read_items(
        &mut self,
        mut item: impl FnMut(&mut Self, usize) -> Result<(), JsonFault>,
    ) -> Result<(), JsonFault> {
        self.enter()?;
        if self.peek() == Some(b']') {
            self.leave();
            return Ok(());
        }
        let mut index = 0;
        loop {
            item(self, index)?;
            index += 1;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.leave();
                    return Ok(());
                }
                _ => return Err(self.syntax_fault("expected `,` or `]`")),
            }
        }
    }

    /// Reads the string whose opening quote is the next byte. Borrowed unless it has escapes.
    #[inline]
    fn read_string_at_quote(&mut self) -> Result<Cow<'de, str>, JsonFault> {
        let start = self.at + 1;
        let end = find_special(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) == Some(&b'"')
            && let Some(string) = self.text.get(start..end)
        {
            self.at = end + 1;
            return Ok(Cow::Borrowed(string));
        }
        self.read_escaped(start, end).map(Cow::Owned)
    }

    /// Decodes a string of which `start..end` has no escapes. Separate, so that the common case above stays small.
    fn read_escaped(&mut self, start: usize, end: usize) -> Result<String, JsonFault> {
        match string::unescape(self.text.as_bytes(), start, end, &mut self.scratch) {
            Ok((string, after)) => {
                self.at = after;
                Ok(string)
            }
            Err((reason, at)) => Err(JsonFault::syntax(reason, at)),
        }
    }

    /// Reads a string. Borrowed unless it has escapes.
    #[inline]
    pub fn read_string(&mut self) -> Result<Cow<'de, str>, JsonFault> {
        match self.peek() {
            Some(b'"') => self.read_string_at_quote(),
            _ => Err(self.mismatch("a string")),
        }
    }

    /// Reads a string as a slice of the document, without decoding it, if the document is shared. It is checked all the
    /// same: decoding it later cannot fail.
    #[inline]
    pub(super) fn read_lazy(&mut self) -> Result<LazyStr, JsonFault> {
        let Some(document) = self.document else {
            return self.read_string().map(LazyStr::from);
        };
        if self.peek() != Some(b'"') {
            return Err(self.mismatch("a string"));
        }
        let start = self.at + 1;
        match string::measure_string(self.text.as_bytes(), start) {
            Ok((end, length)) => {
                self.at = end + 1;
                Ok(LazyStr::slice(document, start, end, length))
            }
            Err((reason, at)) => Err(JsonFault::syntax(reason, at)),
        }
    }

    /// Reads a boolean.
    pub fn read_boolean(&mut self) -> Result<bool, JsonFault> {
        match self.peek() {
            Some(b't') => self.skip_literal("true").map(|()| true),
            Some(b'f') => self.skip_literal("false").map(|()| false),
            _ => Err(self.mismatch("a boolean")),
        }
    }

    /// Skips `null` and returns true, if that is the next value.
    #[inline]
    pub(super) fn skip_null(&mut self) -> Result<bool, JsonFault> {
        match self.peek() {
            Some(b'n') => self.skip_literal("null").map(|()| true),
            _ => Ok(false),
        }
    }

    /// Reads a number.
    pub fn read_number(&mut self) -> Result<Number, JsonFault> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.mismatch("a JSON number"));
        }
        let digits = self.read_digits()?;
        // Fewer than 19 digits always fit a `u64`. Signs, fractions and exponents fail to parse and go to serde_json.
        if digits.len() < 19
            && let Ok(number) = digits.parse::<u64>()
        {
            return Ok(number.into());
        }
        serde_json::from_str(digits).map_err(|_| self.syntax_fault("number out of range"))
    }

    /// Reads an integer of up to 17 digits that a comma or closing bracket follows directly. Otherwise (sign, fraction,
    /// exponent, leading zero, white space, no number) `None`, and the scanner has not moved.
    #[inline]
    pub(super) fn read_plain_integer(&mut self) -> Option<i64> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let mut value = 0_i64;
        for (length, byte) in rest.iter().take(18).enumerate() {
            match byte {
                b'0'..=b'9' if length == 0 || value != 0 => value = value * 10 + i64::from(byte - b'0'),
                b',' | b'}' | b']' if length > 0 => {
                    self.at += length;
                    return Some(value);
                }
                _ => return None,
            }
        }
        None
    }

    /// Skips `true`, `false` or `null`. A longer word, such as `nullx`, fails at the next separator.
    fn skip_literal(&mut self, word: &'static str) -> Result<(), JsonFault> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.syntax_fault("expected ident"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Skips a number and returns its text. Checks the grammar of RFC 8259 section 6: no leading zero or plus, and
    /// digits on both sides of the point.
    fn read_digits(&mut self) -> Result<&'de str, JsonFault> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
        let run = |mut at: usize| {
            while byte(at).is_ascii_digit() {
                at += 1;
            }
            at
        };
        let mut at = start + usize::from(byte(start) == b'-');
        let mut good = byte(at).is_ascii_digit();
        at = if byte(at) == b'0' { at + 1 } else { run(at) };
        good &= !byte(at).is_ascii_digit();
        if byte(at) == b'.' {
            let end = run(at + 1);
            good &= end > at + 1;
            at = end;
        }
        if matches!(byte(at), b'e' | b'E') {
            let sign = usize::from(matches!(byte(at + 1), b'+' | b'-'));
            let end = run(at + 1 + sign);
            good &= end > at + 1 + sign;
            at = end;
        }
        self.at = at;
        match self.text.get(start..at) {
            Some(digits) if good => Ok(digits),
            _ => Err(self.syntax_fault("invalid number")),
        }
    }
}
