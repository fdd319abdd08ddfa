//! Streamed responses: server-sent events that build a message block by block.

pub mod events;
mod read;
mod write;

pub use read::*;
pub use write::*;
