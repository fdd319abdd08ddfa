//! JSON text edited in place: a shallow reader that finds where values lie, and edits that leave all other bytes alone.
//!
//! The reader does not parse what it is not asked about. It checks the grammar of the objects and arrays that it
//! enters; of a value that it passes over, only strings and the pairing of brackets. So a document that is valid JSON
//! is always read rightly, and one that is not may go unnoticed where nobody looked.

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

/// `text` as a JSON string, quotes included.
pub fn encode_str(text: &str) -> String {
    let mut json = Vec::with_capacity(text.len() + 2);
    crate::wire::json::write_string(text, &mut json);
    // What was text stays text; only ASCII was added to it.
    String::from_utf8(json).unwrap_or_default()
}
