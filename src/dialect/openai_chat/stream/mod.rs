//! Streamed responses.
//!
//! - `read`: an upstream's chunks to canonical events; `calls` are its tool calls, whose fragments may interleave
//! - `write`: canonical events to a client's chunks; `chunks` writes the frames, `deltas` makes their content

mod calls;
mod chunks;
mod deltas;
mod read;
mod write;

pub use read::ChatStreamReader;
pub use write::ChatStreamWriter;

#[cfg(test)]
mod tests;
