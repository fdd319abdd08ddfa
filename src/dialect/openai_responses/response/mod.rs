//! Complete responses, and the objects that they have in common with streams.

pub mod object;
mod read;
mod write;

pub use read::{Parts, has_entries, read, read_citation, server_tool, take_apart};
pub use write::{Call, join_lists, write};
