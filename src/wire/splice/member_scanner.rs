//! Finds a member while the document is still arriving.

use std::ops::Range;

use memchr::memchr2;

use super::nested::{self, NestedStop};
use super::scan::{BracketKind, Brackets, StringCut, find_string_end};

/// Finds all values of one top-level member in a document that arrives in pieces.
///
/// Each piece is scanned on arrival, while it is still in the processor's cache, and the pieces need not be joined: a
/// forwarded request of 5 MB is sent on in the pieces in which it came.
///
/// It returns offsets or gives up, and never reports an error. If it gives up (the document is malformed, or a key has
/// escapes), the caller joins the pieces and calls [`find_members`](super::find_members), which finds the values or
/// reports the error with its offset. It accepts no document that `find_members` refuses, except that words and numbers
/// are not checked.
#[derive(Debug)]
pub struct MemberScanner {
    key: &'static [u8],
    state: MemberScanState,
    /// The open brackets of the current value.
    open: Brackets,
    /// The number of bytes in the pieces so far.
    offset: usize,
    /// The beginning of the current key, at most one byte more than `key` has.
    name: Vec<u8>,
    /// The offset of the current value.
    start: usize,
    found: Vec<Range<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MemberScanState {
    /// Before the document's opening bracket.
    Start,
    /// After the opening bracket.
    KeyOrEnd,
    /// After a comma.
    Key,
    /// In a key.
    InKey,
    /// After a key.
    Colon,
    /// After a colon.
    Value,
    /// In a string: the value itself, or one within it.
    InString,
    /// In such a string, after a backslash at the end of a piece.
    Escaped,
    /// In an object or array that is the value, outside of strings.
    InNested,
    /// In a number or word that is the value.
    InScalar,
    /// After a value.
    CommaOrEnd,
    /// After the document.
    End,
    /// Given up: the document is malformed, or a key has escapes.
    Unclear,
}

impl MemberScanState {
    /// The state at the end of a piece that ends within a string.
    fn cut(cut: StringCut) -> Self {
        if cut.escaped {
            Self::Escaped
        } else {
            Self::InString
        }
    }
}

impl MemberScanner {
    /// Searches for the member `key`, which must not contain characters that JSON escapes.
    pub fn new(key: &'static str) -> Self {
        Self {
            key: key.as_bytes(),
            state: MemberScanState::Start,
            open: Brackets::default(),
            offset: 0,
            name: Vec::new(),
            start: 0,
            found: Vec::new(),
        }
    }

    /// Scans the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            at = match self.state {
                MemberScanState::Unclear => break,
                MemberScanState::InKey => self.scan_key(piece, at),
                MemberScanState::InString => self.scan_string(piece, at),
                MemberScanState::Escaped => {
                    self.state = MemberScanState::InString;
                    at + 1
                }
                MemberScanState::InNested => self.scan_nested(piece, at),
                MemberScanState::InScalar => self.scan_scalar(byte, at),
                _ => self.scan_structure(byte, at),
            };
        }
        self.offset += piece.len();
    }

    /// The offsets of the values, in the order of the document. `None` if it gave up or the document is not complete.
    pub fn finish(self) -> Option<Vec<Range<usize>>> {
        (self.state == MemberScanState::End).then_some(self.found)
    }

    /// Scans to the end of a key, or of the piece. A key with escapes would have to be decoded before it is compared.
    fn scan_key(&mut self, piece: &[u8], at: usize) -> usize {
        let rest = piece.get(at..).unwrap_or_default();
        let end = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        let part = rest.get(..end).unwrap_or_default();
        // One byte more than the key has is enough to know that the name is another one, however long it is.
        let room = (self.key.len() + 1).saturating_sub(self.name.len());
        self.name.extend_from_slice(part.get(..room).unwrap_or(part));
        match rest.get(end) {
            Some(b'"') => self.state = MemberScanState::Colon,
            Some(_) => self.state = MemberScanState::Unclear,
            None => {}
        }
        at + end + 1
    }

    /// Scans to the end of a string, or of the piece.
    fn scan_string(&mut self, piece: &[u8], at: usize) -> usize {
        match find_string_end(piece, at) {
            Ok(behind) if self.open.is_empty() => {
                self.end_value(behind);
                behind
            }
            Ok(behind) => {
                self.state = MemberScanState::InNested;
                behind
            }
            Err(cut) => {
                self.state = MemberScanState::cut(cut);
                piece.len()
            }
        }
    }

    /// Scans to the end of an object or array, or of the piece.
    fn scan_nested(&mut self, piece: &[u8], at: usize) -> usize {
        match nested::skip_to_close(piece, at, &mut self.open) {
            NestedStop::End(behind) => {
                self.end_value(behind);
                return behind;
            }
            NestedStop::Mismatch(_) => self.state = MemberScanState::Unclear,
            NestedStop::Open => {}
            NestedStop::InString(cut) => self.state = MemberScanState::cut(cut),
        }
        piece.len()
    }

    /// Scans one byte of a number or word. What bytes it has is not checked: the upstream does that.
    fn scan_scalar(&mut self, byte: u8, at: usize) -> usize {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.' | b'E' => at + 1,
            // Not moved past: the byte is scanned again as what follows the value.
            _ => {
                self.end_value(at);
                at
            }
        }
    }

    /// Records the value that ends before `at`, if its key is the one that is searched for.
    fn end_value(&mut self, at: usize) {
        self.state = MemberScanState::CommaOrEnd;
        if self.name == self.key {
            self.found.push(self.start..self.offset + at);
        }
    }

    /// Scans one byte between keys and values.
    fn scan_structure(&mut self, byte: u8, at: usize) -> usize {
        self.state = match (self.state, byte) {
            (state, b' ' | b'\n' | b'\r' | b'\t') => state,
            (MemberScanState::Start, b'{') => MemberScanState::KeyOrEnd,
            (MemberScanState::KeyOrEnd | MemberScanState::Key, b'"') => {
                self.name.clear();
                MemberScanState::InKey
            }
            (MemberScanState::KeyOrEnd | MemberScanState::CommaOrEnd, b'}') => MemberScanState::End,
            (MemberScanState::Colon, b':') => MemberScanState::Value,
            (MemberScanState::CommaOrEnd, b',') => MemberScanState::Key,
            (MemberScanState::Value, _) => {
                self.start = self.offset + at;
                match byte {
                    b'"' => MemberScanState::InString,
                    b'{' => {
                        self.open.push(BracketKind::Object);
                        MemberScanState::InNested
                    }
                    b'[' => {
                        self.open.push(BracketKind::Array);
                        MemberScanState::InNested
                    }
                    b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => MemberScanState::InScalar,
                    _ => MemberScanState::Unclear,
                }
            }
            _ => MemberScanState::Unclear,
        };
        at + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::splice::{SpliceNode, find_members};

    /// The values that are found in a text that arrives in pieces of `size` bytes.
    fn found_in_pieces(text: &[u8], size: usize) -> Option<Vec<Range<usize>>> {
        let mut scanner = MemberScanner::new("model");
        for piece in text.chunks(size) {
            scanner.push(piece);
        }
        scanner.finish()
    }

    #[test]
    fn pieces_of_any_size_give_the_same_as_the_whole() {
        for text in [
            r#"{"model":"a"}"#,
            r#" { "b" : [1, {"model": "x", "y": "]}\""}, []] , "model" : "a\"\\" , "n":-1.5E+3,"t":true,"z":null } "#,
            r#"{"model":"a","x":{"model":"b"},"model":"c"}"#,
            r#"{"models":"a","mode":"b","":1,"model":{"d":[]}}"#,
            r#"{"system":"a long text with \n escapes\\ and \"quotes\" \u0041 in it: }{][,","model":"claude-x"}"#,
            r#"{"model":7}"#,
            r#"{"model":12,"x":"model"}"#,
            "{}",
            "{\"long\":\"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\",\"model\":\"m\"}",
        ] {
            let text = text.as_bytes();
            let [whole] = find_members(text, ["model"]).expect("a valid document");
            let whole: Vec<_> = whole.iter().map(SpliceNode::span).collect();
            for size in 1..=text.len() {
                assert_eq!(
                    found_in_pieces(text, size).as_ref(),
                    Some(&whole),
                    "pieces of {size}"
                );
            }
        }
    }

    #[test]
    fn malformed_documents_and_escaped_keys_are_given_up() {
        for text in [
            "",
            "[]",
            r#"{"model":"a""#,
            r#"{"model":"a"#,
            r#"{"model":"a"}}"#,
            r#"{"model" "a"}"#,
            r#"{"a":[},"model":"a"}"#,
            r#"{"a":1,}"#,
            r#"{"a":}"#,
            r#"{a:1}"#,
            r#"{"a":1 2}"#,
            r#"{"mod\u0065l":"b","model":"a"}"#,
        ] {
            for size in 1..=text.len().max(1) {
                assert_eq!(found_in_pieces(text.as_bytes(), size), None, "{text}");
            }
        }
    }
}
