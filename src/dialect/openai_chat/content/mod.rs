//! Content parts of messages.

mod write;

pub use write::*;
