//! Streams: each event of the Messages API is encoded in Base64 in the payload of a `chunk` message.
//!
//! - `read`: reads a stream, for translation or event by event for another envelope
//! - `write`: writes events as chunks, the last one with the metrics of the invocation

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{BedrockStreamReader, ChunkEventReader};
pub use write::ChunkEventWriter;

/// The type of the messages that contain an event.
const CHUNK: &str = "chunk";
/// The member that the last event has in addition to those of the Messages API.
const METRICS: &str = "amazon-bedrock-invocationMetrics";
