//! The content of a message or of a tool's output.

mod read;

pub use read::{ignore_cache, plain, read, span, write};
