//! Requests for a response.
//!
//! - `read`, `write`: the members that are neither conversation, tools nor reasoning, and what holds them together
//! - `output_format`: `text.format`

mod output_format;
mod read;
mod write;

pub use output_format::read_format;
pub use read::read;
pub use write::write;

/// The member of `include` that asks for log probabilities.
const LOGPROBS: &str = "message.output_text.logprobs";
