//! Finding a member while the document is still arriving.

use std::ops::Range;

use memchr::memchr2;

use super::nested::{self, NestedStop};
use super::scan::{Brackets, StringCut, find_string_end};

/// Looks for all values of one top-level member in a document that arrives in pieces, so that each piece is passed over
/// while the processor still has it at hand and the pieces need not be put together.
///
/// It says where the values are or that it cannot tell, and then [`find_members`](super::find_members) on the whole
/// document says what is wrong with it, or finds them: a key that is written with escapes is left to that.
#[derive(Debug)]
pub struct MemberScanner {
    key: &'static [u8],
    state: MemberScanState,
    /// What is open inside the current value.
    open: Brackets,
    /// Bytes of the pieces so far.
    offset: usize,
    /// The current key as far as it has arrived and could be the one that is looked for.
    name: Vec<u8>,
    /// Where the current value starts.
    start: usize,
    found: Vec<Range<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MemberScanState {
    /// Before the document's first byte.
    Start,
    /// Behind the opening bracket.
    KeyOrEnd,
    /// Behind a comma.
    Key,
    InKey,
    Colon,
    Value,
    /// In a string, the value itself or one inside it.
    InString,
    /// So, behind a backslash.
    Escaped,
    /// In an object or array that is the value.
    InNested,
    /// In a number or word that is the value.
    InScalar,
    /// Behind a value.
    CommaOrEnd,
    /// Behind the document.
    End,
    /// Malformed, or nothing that can be decided here.
    Unclear,
}

impl MemberScanState {
    /// At the end of a piece that cuts a string.
    fn cut(cut: StringCut) -> Self {
        if cut.escaped {
            Self::Escaped
        } else {
            Self::InString
        }
    }
}

impl MemberScanner {
    /// Looks for a member; `key` is plain text, without anything that JSON would escape.
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

    /// Takes the next piece.
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

    /// Where the values are, in the order of the document; `None` where this could not be told.
    pub fn finish(self) -> Option<Vec<Range<usize>>> {
        (self.state == MemberScanState::End).then_some(self.found)
    }

    fn scan_key(&mut self, piece: &[u8], at: usize) -> usize {
        let rest = piece.get(at..).unwrap_or_default();
        let end = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        let part = rest.get(..end).unwrap_or_default();
        // One byte more than the key has tells the two apart.
        let room = (self.key.len() + 1).saturating_sub(self.name.len());
        self.name.extend_from_slice(part.get(..room).unwrap_or(part));
        match rest.get(end) {
            Some(b'"') => self.state = MemberScanState::Colon,
            Some(_) => self.state = MemberScanState::Unclear,
            None => {}
        }
        at + end + 1
    }

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

    fn scan_scalar(&mut self, byte: u8, at: usize) -> usize {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.' | b'E' => at + 1,
            // Looked at once more, behind the value.
            _ => {
                self.end_value(at);
                at
            }
        }
    }

    fn end_value(&mut self, at: usize) {
        self.state = MemberScanState::CommaOrEnd;
        if self.name == self.key {
            self.found.push(self.start..self.offset + at);
        }
    }

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
                    b'{' | b'[' => {
                        self.open.push(byte == b'{');
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

    /// What is found in a text that arrives in pieces of so many bytes.
    fn sought(text: &[u8], size: usize) -> Option<Vec<Range<usize>>> {
        let mut seeker = MemberScanner::new("model");
        for piece in text.chunks(size) {
            seeker.push(piece);
        }
        seeker.finish()
    }

    #[test]
    fn pieces_of_any_size_tell_the_same_as_the_whole() {
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
                assert_eq!(sought(text, size).as_ref(), Some(&whole), "pieces of {size}");
            }
        }
    }

    #[test]
    fn what_is_malformed_or_escaped_is_left_to_others() {
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
                assert_eq!(sought(text.as_bytes(), size), None, "{text}");
            }
        }
    }
}
