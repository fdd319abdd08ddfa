//! Tools and the choice among them.
//!
//! - `read`: a client's tools, its deprecated `functions` and its `web_search_options`
//! - `write`: the same for an upstream
//! - `choice`: `tool_choice` and the deprecated `function_call`, in both directions

mod choice;
mod read;
mod write;

pub use choice::{read as read_choice, read_function_call};
pub use read::{read, read_functions, read_web_search};
pub use write::write;
