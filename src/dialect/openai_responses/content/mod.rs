//! The content of a message or of a tool's output: a text or a list of parts.
//!
//! - `read`: parts of a client's request
//! - `write`: parts of a request for an upstream

mod read;
mod write;

pub use read::{read, read_span};
pub use write::{from_parts, ignore_cache, write};
