//! Edits of a document. All bytes outside of an edit are kept, and shared if the caller can send parts.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::encode_str;
use super::node::{JsonKind, SpliceNode, members};
use super::scan::{ScanError, fail};

/// Why edits could not be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpliceError {
    /// Two edits change the byte at this offset.
    Overlap(usize),
    /// An edit at this offset extends beyond the end of the document, or ends before it starts.
    OutOfRange(usize),
}

impl std::fmt::Display for SpliceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Overlap(at) => write!(f, "two edits overlap at byte {at}"),
            Self::OutOfRange(at) => write!(f, "an edit at byte {at} lies outside the document"),
        }
    }
}

impl std::error::Error for SpliceError {}

/// A list of edits, in any order. Insertions at the same offset keep the order in which they were added.
#[derive(Debug, Default, Clone)]
pub struct Splices {
    edits: Vec<(Range<usize>, Bytes)>,
}

impl Splices {
    /// No edits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Replaces the bytes in `range`.
    pub fn replace(&mut self, range: Range<usize>, with: impl Into<Bytes>) {
        self.edits.push((range, with.into()));
    }

    /// Inserts `text` before the byte at `at`.
    pub fn insert(&mut self, at: usize, text: impl Into<Bytes>) {
        self.replace(at..at, text);
    }

    /// Makes `value`, a JSON text, the value of every top-level member `key`. If there is none, a first member is
    /// inserted. Returns the number of values that were replaced.
    ///
    /// # Errors
    ///
    /// When the document is no object or its top level is malformed; no edit is added then.
    pub fn set_member(
        &mut self,
        document: &[u8],
        key: &str,
        value: impl Into<Bytes>,
    ) -> Result<usize, ScanError> {
        let mut spans = Vec::new();
        for member in members(document)? {
            let member = member?;
            if member.key.is_text(key) {
                spans.push(member.value.span());
            }
        }
        let value = value.into();
        let replaced = spans.len();
        for span in spans {
            self.replace(span, value.clone());
        }
        if replaced == 0 {
            self.insert_member(&SpliceNode::document(document)?, key, &value)?;
        }
        Ok(replaced)
    }

    /// Inserts a member before those that the object has, which are not searched for the same name.
    ///
    /// # Errors
    ///
    /// When the node is no object.
    pub fn insert_member(
        &mut self,
        object: &SpliceNode<'_>,
        key: &str,
        value: &[u8],
    ) -> Result<(), ScanError> {
        if object.kind() != JsonKind::Object {
            return fail(object.span().start, "an object");
        }
        let at = object.span().start + 1;
        let key = encode_str(key);
        let mut text = BytesMut::with_capacity(key.len() + value.len() + 2);
        let has_members = object.members()?.next().is_some();
        // In an empty object, only the first of several inserted members has no comma before it.
        if !has_members && self.edits.iter().any(|(range, _)| *range == (at..at)) {
            text.extend_from_slice(b",");
        }
        text.extend_from_slice(key.as_bytes());
        text.extend_from_slice(b":");
        text.extend_from_slice(value);
        if has_members {
            text.extend_from_slice(b",");
        }
        self.insert(at, text);
        Ok(())
    }

    /// Removes the members of an object for which `keep` returns false. Returns the number of the remaining ones. No
    /// other edit may change a member that is removed.
    ///
    /// # Errors
    ///
    /// When the node is no object or a malformed one; no edit is added then.
    pub fn retain_members(
        &mut self,
        object: &SpliceNode<'_>,
        mut keep: impl FnMut(&str, &SpliceNode<'_>) -> bool,
    ) -> Result<usize, ScanError> {
        let mut items = Vec::new();
        for member in object.members()? {
            let member = member?;
            let stays = keep(&member.key.text()?, &member.value);
            items.push((member.key.span().start..member.value.span().end, stays));
        }
        Ok(self.retain(&items))
    }

    /// Removes the elements of an array for which `keep`, called with index and value, returns false. Returns the
    /// number of the remaining ones. No other edit may change an element that is removed.
    ///
    /// # Errors
    ///
    /// When the node is no array or a malformed one; no edit is added then.
    pub fn retain_elements(
        &mut self,
        array: &SpliceNode<'_>,
        mut keep: impl FnMut(usize, &SpliceNode<'_>) -> bool,
    ) -> Result<usize, ScanError> {
        let mut items = Vec::new();
        for (index, element) in array.elements()?.enumerate() {
            let element = element?;
            items.push((element.span(), keep(index, &element)));
        }
        Ok(self.retain(&items))
    }

    /// Removes items, each with one of the commas around it: the one before it, or the one after it if no item before
    /// it stays.
    fn retain(&mut self, items: &[(Range<usize>, bool)]) -> usize {
        let mut kept = 0;
        let mut end_before = 0;
        for (index, (span, stays)) in items.iter().enumerate() {
            if *stays {
                kept += 1;
            } else if kept > 0 {
                self.replace(end_before..span.end, Bytes::new());
            } else {
                let next = items.get(index + 1).map_or(span.end, |(next, _)| next.start);
                self.replace(span.start..next, Bytes::new());
            }
            end_before = span.end;
        }
        kept
    }

    /// The edited document in parts, for a vectored write. Unchanged parts are slices of `document`; none is empty.
    ///
    /// # Errors
    ///
    /// When edits overlap or lie outside the document.
    pub fn apply(self, document: &Bytes) -> Result<Spliced, SpliceError> {
        let mut spliced = Spliced {
            parts: Vec::with_capacity(self.edits.len() * 2 + 1),
            len: 0,
        };
        self.walk(document.len(), |piece| {
            spliced.push(match piece {
                SplicePiece::Kept(range) => document.slice(range),
                SplicePiece::New(with) => with,
            });
        })?;
        Ok(spliced)
    }

    /// The edited document in one piece. Every unchanged byte is copied once.
    ///
    /// # Errors
    ///
    /// When edits overlap or lie outside the document.
    pub fn copy(self, document: &[u8]) -> Result<Vec<u8>, SpliceError> {
        let added: usize = self.edits.iter().map(|(_, with)| with.len()).sum();
        let mut out = Vec::with_capacity(document.len() + added);
        self.walk(document.len(), |piece| match piece {
            SplicePiece::Kept(range) => out.extend_from_slice(document.get(range).unwrap_or_default()),
            SplicePiece::New(with) => out.extend_from_slice(&with),
        })?;
        Ok(out)
    }

    /// Calls `take` for each piece of the edited document, in order.
    fn walk(mut self, length: usize, mut take: impl FnMut(SplicePiece)) -> Result<(), SpliceError> {
        // The sort is stable, so insertions at the same offset stay in order. An insertion, whose range ends first,
        // comes before a replacement there.
        self.edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut done = 0;
        for (range, with) in self.edits {
            if range.end > length || range.start > range.end {
                return Err(SpliceError::OutOfRange(range.start));
            }
            if range.start < done {
                return Err(SpliceError::Overlap(range.start));
            }
            take(SplicePiece::Kept(done..range.start));
            take(SplicePiece::New(with));
            done = range.end;
        }
        take(SplicePiece::Kept(done..length));
        Ok(())
    }
}

/// A piece of an edited document.
enum SplicePiece {
    /// Bytes of the document.
    Kept(Range<usize>),
    /// Bytes of an edit.
    New(Bytes),
}

/// An edited document in parts.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Spliced {
    parts: Vec<Bytes>,
    len: usize,
}

impl Spliced {
    fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.len += part.len();
            self.parts.push(part);
        }
    }

    /// The number of bytes in all parts together.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the document is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The parts, none of them empty.
    pub fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// The parts, none of them empty.
    pub fn into_parts(self) -> Vec<Bytes> {
        self.parts
    }

    /// The document in one piece. Copies it unless it has only one part.
    pub fn into_bytes(mut self) -> Bytes {
        if let [only] = &mut *self.parts {
            return std::mem::take(only);
        }
        let mut whole = BytesMut::with_capacity(self.len);
        for part in self.parts {
            whole.extend_from_slice(&part);
        }
        whole.freeze()
    }
}
