//! The messages of a request.
//!
//! - `read`: a client's messages to the canonical conversation; `legacy_calls` numbers its calls of `function_call`
//! - `write`: the canonical conversation to an upstream's messages; `assistant_turn` is one message of the assistant
//!   while it is put together, `results` are the results of its calls

mod assistant_turn;
mod legacy_calls;
mod read;
mod results;
mod write;

pub use read::read;
pub use write::write;
