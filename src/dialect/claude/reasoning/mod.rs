//! Thinking.
//!
//! - `blocks`: the blocks that carry thinking and its signature, in requests and responses.
//! - `read`: how much a client asks the model to think; `write`: the same for an upstream's model.

mod blocks;
mod read;
mod write;

pub use blocks::{
    read_redacted, read_response_redacted, read_response_thinking, read_thinking, write_request_block,
    write_response_block, write_signature,
};
pub use read::read_control;
pub use write::{ClaudeThinking, ThinkingContext, write_control};
