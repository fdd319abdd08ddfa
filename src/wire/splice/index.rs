//! Where the values of a document lie, found in one pass, for those who look at much of it more than once.

use super::node::SpliceNode;
use super::scan::{ScanError, skip_space, skip_string, skip_value};

/// Every name and value of a document, in its order. Its nodes walk without reading what they pass over.
///
/// A document that is no JSON, or is longer than 4 GiB, has an empty index: its nodes read as they go, and tell what is
/// wrong where somebody looks.
#[derive(Debug, Clone, Default)]
pub struct Index {
    entries: Vec<IndexEntry>,
}

/// A name or a value.
#[derive(Debug, Clone, Copy)]
struct IndexEntry {
    start: u32,
    end: u32,
    /// The entry behind it and everything in it.
    next: u32,
}

/// An entry of an index.
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

    /// The only value of the document that this is the index of.
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
    /// Where it lies in the document.
    pub(super) fn span(self) -> Option<(usize, usize)> {
        let IndexEntry { start, end, next: _ } = *self.index.entries.get(self.number)?;
        Some((start as usize, end as usize))
    }

    /// The entry right behind: what is in it, or what follows it where that is nothing.
    pub(super) fn enter(self) -> Self {
        let number = self.number + 1;
        Self { number, ..self }
    }

    /// The entry behind it and everything in it.
    pub(super) fn next_sibling(self) -> Self {
        let entry = self.index.entries.get(self.number);
        let number = entry.map_or(self.number + 1, |entry| entry.next as usize);
        Self { number, ..self }
    }
}

/// The entries of a document; `None` where it is malformed.
fn index_entries(document: &[u8]) -> Option<Vec<IndexEntry>> {
    let mut builder = IndexBuilder {
        document,
        entries: Vec::with_capacity((document.len() / 24).min(8192)),
    };
    let mut open: Vec<usize> = Vec::new();
    let mut at = skip_space(document, 0);
    loop {
        // A value begins here.
        let byte = *document.get(at)?;
        if matches!(byte, b'{' | b'[') {
            open.push(builder.entries.len());
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
        // A value has ended here, or is about to.
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

/// Entries that are being collected.
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

    /// Takes the name in front of a member's value; gives where the value begins.
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

    fn opening_byte(&self, container: usize) -> Option<u8> {
        let entry = self.entries.get(container)?;
        self.document.get(entry.start as usize).copied()
    }

    fn close_container(&mut self, container: usize, end: usize) -> Option<()> {
        let next = u32::try_from(self.entries.len()).ok()?;
        let entry = self.entries.get_mut(container)?;
        entry.end = u32::try_from(end).ok()?;
        entry.next = next;
        Some(())
    }
}
