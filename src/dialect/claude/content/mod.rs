//! Content blocks of a request.
//!
//! - `read`: the blocks of a client's messages; `write`: the blocks of an upstream's messages.
//! - `media`: images and documents, in both directions.
//! - `tool_input`: the input of a tool call, in both directions; responses use it too.

mod media;
mod read;
mod tool_input;
mod write;

pub use read::{ClaudeBlock, read, read_addition, read_cache, read_text};
pub use tool_input::{read_input, write_input};
pub use write::{write, write_cache, write_text};
