//! Finds values within JSON bytes and replaces them, for requests that are forwarded in their own dialect.
//!
//! # What is never touched
//!
//! Every byte outside of an edit stays as it came: white space, the order and spelling of members, duplicate members,
//! and the spelling of numbers (`1.0`, `1e2`, integers of any size). Prompt caches and signatures depend on it.
//!
//! # What is checked
//!
//! The grammar of the objects and arrays that a caller walks into, member by member. Of a value that is skipped, only
//! that its strings end and its brackets pair. So a valid document is always read correctly, and an invalid one may
//! pass where no caller looked: the upstream then refuses it. This is cheaper than the strict scanner by far, which
//! checks every byte, because a document that is forwarded must be searched to its end (a second `model` member would
//! be ambiguous). Skipping 120 KB takes 6 µs (docs/performance.md). [`crate::wire::json`] explains when to use which
//! scanner.
//!
//! Bytes need not be UTF-8. If a member occurs twice, [`find_members`] returns both values and [`SpliceNode::get`] the
//! last.
//!
//! # Files, in reading order
//!
//! | file | contents |
//! | --- | --- |
//! | `node.rs` | [`SpliceNode`]: a value and its offsets; walks into objects and arrays |
//! | `scan.rs` | the end of a value |
//! | `nested.rs` | the end of an object or array, 64 bytes at a time |
//! | `edit.rs` | [`Splices`]: a list of replacements, and their application |
//! | `index.rs` | [`Index`]: the offsets of all values, for documents that are walked several times |
//! | `member_scanner.rs` | [`MemberScanner`]: finds a member while the document is still arriving |
//! | `multipart.rs` | text fields of `multipart/form-data` bodies, which also name a model |

mod edit;
mod index;
mod member_scanner;
mod multipart;
mod nested;
mod node;
mod scan;
#[cfg(test)]
mod tests;

pub use edit::{SpliceError, Spliced, Splices};
pub use index::Index;
pub use member_scanner::MemberScanner;
pub use multipart::{MultipartError, boundary, form_values};
pub use node::{
    JsonKind, SpliceElements, SpliceMember, SpliceMembers, SpliceNode, find_first, find_members, members,
};
pub use scan::ScanError;

/// The JSON string for a text, with its quotes.
pub fn encode_str(text: &str) -> String {
    let mut json = Vec::with_capacity(text.len() + 2);
    crate::wire::json::write_string(text, &mut json);
    // Always UTF-8: the text is, and escapes are ASCII.
    String::from_utf8(json).unwrap_or_default()
}
