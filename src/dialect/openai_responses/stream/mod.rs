//! Streamed responses: server-sent events that build a response item by item.
//!
//! - `read`: events of an upstream; `read/items` has what is read of each item
//! - `write`: events for a client; `write/parts` has those of an item's parts

mod read;
mod write;

#[cfg(test)]
mod tests;

pub use read::ResponsesStreamReader;
pub use write::ResponsesStreamWriter;
