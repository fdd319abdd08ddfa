//! Content parts of messages.
//!
//! - `read`: the parts of a client's messages
//! - `write`: blocks as the parts of an upstream's messages

mod read;
mod write;

pub use read::{read, read_string, read_text};
pub use write::{ChatPartWriter, plain_or_parts};
