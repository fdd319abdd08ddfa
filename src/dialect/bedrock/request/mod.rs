//! Requests for a response: those of the Messages API in Bedrock's envelope.
//!
//! - `read`: reads a client's request
//! - `write`: writes a request for an upstream

mod read;
mod write;

pub use read::read_request;
pub use write::write_request;
