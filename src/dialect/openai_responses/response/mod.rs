//! Complete responses, and the objects that streams share with them.
//!
//! - `read`, `write`: a complete response
//! - `object`: the response object, which a stream's first and last events contain too
//! - `items`: the items of its output, as they are written
//! - `logprobs`: lists of log probabilities

pub mod items;
pub mod logprobs;
pub mod object;
mod read;
mod write;

pub use read::{ResponseParts, read, read_citation, read_server_tool, take_apart};
pub use write::write;
