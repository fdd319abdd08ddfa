//! Tool definitions and the choice among them.

pub mod choice;
mod read;

pub use read::{TOOL_SEARCH, Tools, check_schema, read, read_one, write};
