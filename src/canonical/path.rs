//! JSON paths in the document that was read. A path is made for every value, its text only for a loss or an error:
//! making a path allocates nothing.

use std::fmt;

/// Where a value is in a document, such as `messages[0].content[1]`.
///
/// A reader extends the path of the parent that it borrows ([`Path::field`], [`Path::index`]). The canonical model
/// keeps only numbers, so a writer makes the path of an element or a content block from those ([`Path::element`],
/// [`Path::block`]); such a path borrows nothing and can be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path<'a> {
    /// The whole document.
    Root,
    /// A member of an object.
    Field(&'a Path<'a>, &'a str),
    /// An element of an array.
    Index(&'a Path<'a>, usize),
    /// A member of the document.
    Member(&'static str),
    /// An element of a list that is a member of the document.
    Element {
        /// The list's name.
        list: &'static str,
        /// The element's position.
        index: usize,
    },
    /// A content block of a message.
    Block {
        /// The name of the list of messages.
        list: &'static str,
        /// The message's position.
        message: usize,
        /// The block's position in the message's `content`.
        block: usize,
    },
}

impl<'a> Path<'a> {
    /// A member of the object at this path.
    pub fn field(&'a self, name: &'a str) -> Path<'a> {
        Path::Field(self, name)
    }

    /// An element of the array at this path.
    pub fn index(&'a self, index: usize) -> Path<'a> {
        Path::Index(self, index)
    }
}

impl Path<'static> {
    /// An element of a list that is a member of the document.
    pub fn element(list: &'static str, index: usize) -> Self {
        Path::Element { list, index }
    }

    /// A content block of a message.
    pub fn block(list: &'static str, message: usize, block: usize) -> Self {
        Path::Block { list, message, block }
    }
}

impl From<&'static str> for Path<'_> {
    /// A member of the document.
    fn from(name: &'static str) -> Self {
        Path::Member(name)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Field(Path::Root, name) => f.write_str(name),
            Path::Field(parent, name) => write!(f, "{parent}.{name}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Path::Member(name) => f.write_str(name),
            Path::Element { list, index } => write!(f, "{list}[{index}]"),
            Path::Block { list, message, block } => write!(f, "{list}[{message}].content[{block}]"),
        }
    }
}

impl From<Path<'_>> for String {
    fn from(path: Path<'_>) -> Self {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_a_json_path() {
        let messages = Path::Root.field("messages");
        let message = messages.index(3);
        let content = message.field("content");
        assert_eq!(content.index(1).to_string(), "messages[3].content[1]");
    }

    #[test]
    fn a_path_without_a_parent_is_written_like_one_with_parents() {
        assert_eq!(Path::from("tools").to_string(), "tools");
        assert_eq!(Path::element("tools", 2).to_string(), "tools[2]");
        let block = Path::block("messages", 3, 1);
        assert_eq!(block.field("source").to_string(), "messages[3].content[1].source");
    }
}
