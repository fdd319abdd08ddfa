//! Complete responses, and what they have in common with streamed ones.
//!
//! - `read`: an upstream's response to the canonical one
//! - `write`: the canonical response to a client's; `builder` puts its blocks into the one message
//! - `annotations`, `calls`, `logprobs`: citations, tool calls and log probabilities, complete or streamed

pub mod annotations;
mod builder;
pub mod calls;
pub mod logprobs;
mod read;
mod write;

pub use read::read;
pub use write::write;
