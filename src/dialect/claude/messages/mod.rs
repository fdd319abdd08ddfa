//! The messages of a conversation.
//!
//! - `read`: a client's messages.
//! - `turns`: the shape that the API demands of a conversation (roles that alternate, tool results first).
//! - `write`: the messages of an upstream's request, from those turns.

mod read;
pub mod turns;
mod write;

pub use read::read;
pub use write::write;
