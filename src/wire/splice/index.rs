//! The offsets of all values of a document, found in one pass.
//!
//! Without an index, each level of a walk scans the bytes of all levels within it again. That is right for a look at a
//! few members. Changing the envelope of a request (claude to bedrock and back) walks into every content block of every
//! message several times; the index makes these walks independent of the size of what they skip.

use super::node::SpliceNode;
use super::scan::{ScanError, skip_space, skip_string, skip_value};

/// The names and values of a document, in its order. Nodes that come from it walk from entry to entry instead of
/// scanning.
///
/// The index of a document that is not valid JSON, or is longer than 4 GiB, is empty. Its nodes then scan the bytes
/// like any other, and report an error at the place where a caller meets it.
#[derive(Debug, Clone, Default)]
pub struct Index {
    entries: Vec<IndexEntry>,
}

/// A name or a value. Offsets and numbers of 32 bits: the index of a large request stays half as large.
#[derive(Debug, Clone, Copy)]
struct IndexEntry {
    start: u32,
    end: u32,
    /// The number of the entry after it and everything within it.
    next: u32,
}

/// A position in an index. It may be after the last entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexCursor<'a> {
    index: &'a Index,
    number: usize,
}

impl Index {
    /// Reads the whole document.
    pub fn read(document: &[u8]) -> Self {
        let entries = match u32::try_from(document.len()) {
            Ok(_) => index_entries(document).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        Self { entries }
    }

    /// The value that is the whole `document`, which must be the one that this index was made of.
    ///
    /// # Errors
    ///
    /// When the document is malformed at its top level or something follows the value.
    pub fn document<'a>(&'a self, document: &'a [u8]) -> Result<SpliceNode<'a>, ScanError> {
        match self.cursor(0).span() {
            Some((start, end)) => Ok(SpliceNode::from_index(document, start, end, self.cursor(0))),
            None => SpliceNode::document(document),
        }
    }

    fn cursor(&self, number: usize) -> IndexCursor<'_> {
        IndexCursor { index: self, number }
    }
}

impl IndexCursor<'_> {
    /// The offsets of the entry in the document; `None` after the last entry.
    pub(super) fn span(self) -> Option<(usize, usize)> {
        let IndexEntry { start, end, next: _ } = *self.index.entries.get(self.number)?;
        Some((start as usize, end as usize))
    }

    /// The next entry in the list: the first one within this one or, if it has none, the one that follows it. The
    /// caller distinguishes the two by the end of the container.
    pub(super) fn enter(self) -> Self {
        let number = self.number + 1;
        Self { number, ..self }
    }

    /// The entry after this one and everything within it.
    pub(super) fn next_sibling(self) -> Self {
        let entry = self.index.entries.get(self.number);
        let number = entry.map_or(self.number + 1, |entry| entry.next as usize);
        Self { number, ..self }
    }
}

/// The entries of a document; `None` if it is malformed. A loop with a stack of containers, so that no depth can
/// exhaust the call stack.
fn index_entries(document: &[u8]) -> Option<Vec<IndexEntry>> {
    let mut builder = IndexBuilder {
        document,
        // A guess, with a bound because most of a large document is text, which has few entries.
        entries: Vec::with_capacity((document.len() / 24).min(8192)),
    };
    let mut open: Vec<usize> = Vec::new();
    let mut at = skip_space(document, 0);
    loop {
        // A value begins at `at`.
        let byte = *document.get(at)?;
        if matches!(byte, b'{' | b'[') {
            open.push(builder.entries.len());
            // The end of a container is not known yet; `close_container` sets it.
            builder.push_entry(at, at)?;
            at = skip_space(document, at + 1);
            let close = if byte == b'{' { b'}' } else { b']' };
            if document.get(at) != Some(&close) {
                at = builder.push_name(byte == b'{', at)?;
                continue;
            }
        } else {
            let end = skip_value(document, at).ok()?;
            builder.push_entry(at, end)?;
            at = end;
        }
        // A value has ended, or an empty container is about to. Close what ends here; go on after a comma.
        loop {
            at = skip_space(document, at);
            let Some(&container) = open.last() else {
                return (at == document.len()).then_some(builder.entries);
            };
            let is_object = builder.opening_byte(container)? == b'{';
            match document.get(at)? {
                b',' => {
                    at = builder.push_name(is_object, skip_space(document, at + 1))?;
                    break;
                }
                b'}' if is_object => at += 1,
                b']' if !is_object => at += 1,
                _ => return None,
            }
            builder.close_container(container, at)?;
            open.pop();
        }
    }
}

/// Collects the entries of a document.
struct IndexBuilder<'a> {
    document: &'a [u8],
    entries: Vec<IndexEntry>,
}

impl IndexBuilder<'_> {
    fn push_entry(&mut self, start: usize, end: usize) -> Option<()> {
        self.entries.push(IndexEntry {
            start: u32::try_from(start).ok()?,
            end: u32::try_from(end).ok()?,
            next: u32::try_from(self.entries.len() + 1).ok()?,
        });
        Some(())
    }

    /// Adds the name before the value of a member, and returns the offset of the value. An element has no name.
    fn push_name(&mut self, is_member: bool, at: usize) -> Option<usize> {
        if !is_member {
            return Some(at);
        }
        let end = skip_string(self.document, at).ok()?;
        self.push_entry(at, end)?;
        let colon = skip_space(self.document, end);
        let is_colon = self.document.get(colon) == Some(&b':');
        is_colon.then(|| skip_space(self.document, colon + 1))
    }

    /// The bracket that opens a container.
    fn opening_byte(&self, container: usize) -> Option<u8> {
        let entry = self.entries.get(container)?;
        self.document.get(entry.start as usize).copied()
    }

    /// Sets the end of a container, and the entry that follows it.
    fn close_container(&mut self, container: usize, end: usize) -> Option<()> {
        let next = u32::try_from(self.entries.len()).ok()?;
        let entry = self.entries.get_mut(container)?;
        entry.end = u32::try_from(end).ok()?;
        entry.next = next;
        Some(())
    }
}
