//! Values and their offsets, and iterators over the members of objects and the elements of arrays.
//!
//! A node is two offsets into the document. Nothing is parsed before it is asked for, and nothing is kept.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use super::index::IndexCursor;
use super::scan::{ScanError, fail, skip_space, skip_string, skip_value};

/// The kind of a JSON value. Its first byte determines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`
    Null,
}

/// A value and its offsets in the document.
#[derive(Debug, Clone, Copy)]
pub struct SpliceNode<'a> {
    document: &'a [u8],
    start: usize,
    end: usize,
    /// Its position in an [`Index`](super::Index), if the node comes from one.
    cursor: Option<IndexCursor<'a>>,
}

/// One `"key": value` of an object.
#[derive(Debug, Clone, Copy)]
pub struct SpliceMember<'a> {
    /// The key, a string.
    pub key: SpliceNode<'a>,
    /// The value.
    pub value: SpliceNode<'a>,
}

/// The members of an object that is the whole document, in their order, found one at a time. After the last member the
/// iterator checks that nothing follows the object.
///
/// # Errors
///
/// When the document is no object. A later error is the iterator's last item.
pub fn members(document: &[u8]) -> Result<SpliceMembers<'_>, ScanError> {
    let start = skip_space(document, 0);
    if document.get(start) != Some(&b'{') {
        return fail(start, "an object");
    }
    Ok(SpliceMembers {
        walk: ContainerWalk {
            document,
            at: start + 1,
            state: WalkState::First,
            indexed: None,
        },
        is_whole_document: true,
    })
}

/// All values of each of the top-level members `keys`, in the order of the document, in one pass over all of it.
///
/// A key that occurs twice has two values. Most parsers use the last one, some the first, so a caller that replaces one
/// must replace all of them.
///
/// # Errors
///
/// When the document is no object or its top level is malformed.
pub fn find_members<'a, const N: usize>(
    document: &'a [u8],
    keys: [&str; N],
) -> Result<[Vec<SpliceNode<'a>>; N], ScanError> {
    let mut found = [const { Vec::new() }; N];
    for member in members(document)? {
        let member = member?;
        for (key, values) in keys.iter().zip(&mut found) {
            if member.key.is_text(key) {
                values.push(member.value);
            }
        }
    }
    Ok(found)
}

/// The first value of the top-level member `key`. The rest of the document is not read, so a second member of this
/// name, which an upstream might prefer, is not found. If that matters, use [`find_members`].
///
/// # Errors
///
/// When the document is no object or malformed before that member.
pub fn find_first<'a>(document: &'a [u8], key: &str) -> Result<Option<SpliceNode<'a>>, ScanError> {
    for member in members(document)? {
        let member = member?;
        if member.key.is_text(key) {
            return Ok(Some(member.value));
        }
    }
    Ok(None)
}

impl<'a> SpliceNode<'a> {
    /// The value that is the whole document.
    ///
    /// # Errors
    ///
    /// When the document is malformed at its top level or something follows the value.
    pub fn document(document: &'a [u8]) -> Result<Self, ScanError> {
        let start = skip_space(document, 0);
        let end = skip_value(document, start)?;
        expect_end(document, end)?;
        Ok(Self::unindexed(document, start, end))
    }

    fn unindexed(document: &'a [u8], start: usize, end: usize) -> Self {
        Self {
            document,
            start,
            end,
            cursor: None,
        }
    }

    pub(super) fn from_index(document: &'a [u8], start: usize, end: usize, cursor: IndexCursor<'a>) -> Self {
        Self {
            document,
            start,
            end,
            cursor: Some(cursor),
        }
    }

    /// The value's offsets in the document.
    pub fn span(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The value's JSON text, as it came.
    pub fn raw(&self) -> &'a [u8] {
        self.document.get(self.start..self.end).unwrap_or_default()
    }

    /// The value's kind.
    pub fn kind(&self) -> JsonKind {
        match self.raw().first() {
            Some(b'{') => JsonKind::Object,
            Some(b'[') => JsonKind::Array,
            Some(b'"') => JsonKind::String,
            Some(b't' | b'f') => JsonKind::Bool,
            Some(b'n') => JsonKind::Null,
            _ => JsonKind::Number,
        }
    }

    /// The members of this object.
    ///
    /// # Errors
    ///
    /// When the value is no object. A later error is the iterator's last item.
    pub fn members(&self) -> Result<SpliceMembers<'a>, ScanError> {
        if self.kind() != JsonKind::Object {
            return fail(self.start, "an object");
        }
        Ok(SpliceMembers {
            walk: ContainerWalk::inside(self),
            is_whole_document: false,
        })
    }

    /// The elements of this array.
    ///
    /// # Errors
    ///
    /// When the value is no array. A later error is the iterator's last item.
    pub fn elements(&self) -> Result<SpliceElements<'a>, ScanError> {
        if self.kind() != JsonKind::Array {
            return fail(self.start, "an array");
        }
        Ok(SpliceElements {
            walk: ContainerWalk::inside(self),
        })
    }

    /// The value of this object's member `key`. If there are several, the last one, as in most parsers.
    ///
    /// # Errors
    ///
    /// When the value is no object or a malformed one.
    pub fn get(&self, key: &str) -> Result<Option<SpliceNode<'a>>, ScanError> {
        let mut found = None;
        for member in self.members()? {
            let member = member?;
            if member.key.is_text(key) {
                found = Some(member.value);
            }
        }
        Ok(found)
    }

    /// The text of this string; borrowed unless it has escapes.
    ///
    /// # Errors
    ///
    /// When the value is no string, or one with a bad escape, a raw control character, or bytes that are not UTF-8.
    pub fn text(&self) -> Result<Cow<'a, str>, ScanError> {
        let raw = self.raw();
        let Some(inner) = raw.strip_prefix(b"\"").and_then(|r| r.strip_suffix(b"\"")) else {
            return fail(self.start, "a string");
        };
        let bad = ScanError {
            offset: self.start,
            expected: "a string of valid characters and escapes",
        };
        // Only here are the escapes of a string checked. serde_json does it; few strings are read, and short ones.
        if memchr::memchr(b'\\', inner).is_some() {
            return serde_json::from_slice(raw).map(Cow::Owned).map_err(|_| bad);
        }
        if inner.iter().any(|byte| *byte < b' ') {
            return Err(bad);
        }
        std::str::from_utf8(inner).map(Cow::Borrowed).map_err(|_| bad)
    }

    /// Whether this is a string with this text, in any spelling.
    pub fn is_text(&self, text: &str) -> bool {
        let raw = self.raw();
        let plain = raw.strip_prefix(b"\"").and_then(|r| r.strip_suffix(b"\""));
        // An escape is longer than its character, so the length decides most comparisons without reading the text.
        match raw.len().cmp(&(text.len() + 2)) {
            Ordering::Less => false,
            Ordering::Equal => plain == Some(text.as_bytes()) && !text.contains('\\'),
            Ordering::Greater => memchr::memchr(b'\\', raw).is_some() && self.text().is_ok_and(|t| t == text),
        }
    }
}

/// Where an iterator is in its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WalkState {
    /// Before the first item: no comma is due.
    First,
    /// After an item.
    Next,
    /// After the last item or an error.
    Done,
}

/// What the iterators over members and over elements have in common: a position in an object or array.
#[derive(Debug, Clone)]
struct ContainerWalk<'a> {
    document: &'a [u8],
    /// The offset after the last item.
    at: usize,
    state: WalkState,
    /// The next entry of the index, and the end of the container. `None` if there is no index; the bytes are scanned
    /// then.
    indexed: Option<(IndexCursor<'a>, usize)>,
}

impl<'a> ContainerWalk<'a> {
    fn inside(container: &SpliceNode<'a>) -> Self {
        Self {
            document: container.document,
            at: container.start + 1,
            state: WalkState::First,
            indexed: container.cursor.map(|cursor| (cursor.enter(), container.end)),
        }
    }

    /// Skips to the next item, past the comma if one is due, or past the bracket that closes the container.
    #[inline]
    fn skip_separator(&self, close: u8) -> Result<NextItem, ScanError> {
        let document = self.document;
        let at = skip_space(document, self.at);
        match (document.get(at), self.state) {
            (Some(byte), _) if *byte == close => Ok(NextItem::Closed(at + 1)),
            (_, WalkState::First) => Ok(NextItem::At(at)),
            (Some(b','), _) => Ok(NextItem::At(skip_space(document, at + 1))),
            _ if close == b'}' => fail(at, "',' or '}'"),
            _ => fail(at, "',' or ']'"),
        }
    }

    /// Records the result of reading an item: the walk ends after the last item and after an error.
    #[inline]
    fn record<T>(&mut self, item: Result<Option<T>, ScanError>) -> Option<Result<T, ScanError>> {
        let item = item.transpose();
        self.state = if matches!(item, Some(Ok(_))) {
            WalkState::Next
        } else {
            WalkState::Done
        };
        item
    }
}

/// What follows in an object or array.
enum NextItem {
    /// An item, at this offset.
    At(usize),
    /// The end of the container; the offset is after its bracket.
    Closed(usize),
}

/// Checks that only white space is left.
fn expect_end(document: &[u8], at: usize) -> Result<(), ScanError> {
    let at = skip_space(document, at);
    if at < document.len() {
        fail(at, "the end of the document")
    } else {
        Ok(())
    }
}

/// The node at a cursor of the index, which moves on to the next one. `None` if it is after the `end` of the container:
/// the entries of a container are not terminated, those of the following values come next.
fn next_indexed<'a>(document: &'a [u8], cursor: &mut IndexCursor<'a>, end: usize) -> Option<SpliceNode<'a>> {
    let (from, to) = cursor.span().filter(|(_, to)| *to <= end)?;
    let node = SpliceNode::from_index(document, from, to, *cursor);
    *cursor = cursor.next_sibling();
    Some(node)
}

/// An object's members, found one at a time. Ends after an error.
#[derive(Debug, Clone)]
pub struct SpliceMembers<'a> {
    walk: ContainerWalk<'a>,
    /// The object is the whole document, so nothing may follow it.
    is_whole_document: bool,
}

impl<'a> SpliceMembers<'a> {
    fn read(&mut self) -> Result<Option<SpliceMember<'a>>, ScanError> {
        let document = self.walk.document;
        // The index exists only for a valid document, so nothing is left to check.
        if let Some((cursor, end)) = &mut self.walk.indexed {
            let key = next_indexed(document, cursor, *end);
            let value = key.and_then(|_| next_indexed(document, cursor, *end));
            return Ok(key.zip(value).map(|(key, value)| SpliceMember { key, value }));
        }
        let start = match self.walk.skip_separator(b'}')? {
            NextItem::At(start) => start,
            NextItem::Closed(after) if self.is_whole_document => {
                return expect_end(document, after).map(|()| None);
            }
            NextItem::Closed(_) => return Ok(None),
        };
        let end = skip_string(document, start)?;
        let key = SpliceNode::unindexed(document, start, end);
        let colon = skip_space(document, end);
        if document.get(colon) != Some(&b':') {
            return fail(colon, "':'");
        }
        let start = skip_space(document, colon + 1);
        let end = skip_value(document, start)?;
        self.walk.at = end;
        let value = SpliceNode::unindexed(document, start, end);
        Ok(Some(SpliceMember { key, value }))
    }
}

impl<'a> Iterator for SpliceMembers<'a> {
    type Item = Result<SpliceMember<'a>, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.walk.state == WalkState::Done {
            return None;
        }
        let member = self.read();
        self.walk.record(member)
    }
}

/// An array's elements, found one at a time. Ends after an error.
#[derive(Debug, Clone)]
pub struct SpliceElements<'a> {
    walk: ContainerWalk<'a>,
}

impl<'a> SpliceElements<'a> {
    fn read(&mut self) -> Result<Option<SpliceNode<'a>>, ScanError> {
        let document = self.walk.document;
        if let Some((cursor, end)) = &mut self.walk.indexed {
            return Ok(next_indexed(document, cursor, *end));
        }
        let NextItem::At(start) = self.walk.skip_separator(b']')? else {
            return Ok(None);
        };
        let end = skip_value(document, start)?;
        self.walk.at = end;
        Ok(Some(SpliceNode::unindexed(document, start, end)))
    }
}

impl<'a> Iterator for SpliceElements<'a> {
    type Item = Result<SpliceNode<'a>, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.walk.state == WalkState::Done {
            return None;
        }
        let element = self.read();
        self.walk.record(element)
    }
}
