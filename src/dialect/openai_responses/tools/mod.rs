//! Tool definitions and the choice among them.
//!
//! - `read`: a client's tools
//! - `write`: tools for an upstream
//! - `choice`: `tool_choice`, read and written

pub mod choice;
mod read;
mod write;

pub use read::{ReadTools, read, read_tool, refuse_schema_unless_object};
pub use write::write;

/// The name of the function that a client's own search for tools is, for every other dialect.
pub const TOOL_SEARCH: &str = "tool_search";
