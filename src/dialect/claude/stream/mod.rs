//! Streamed responses: server-sent events that build a message block by block.
//!
//! - `read`: the events of an upstream; `write`: the events for a client.
//! - `events`: events that only change their transport, on the way to or from Bedrock.

pub mod events;
mod read;
mod write;

pub use read::ClaudeStreamReader;
pub use write::ClaudeStreamWriter;
