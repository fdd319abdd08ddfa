//! The conversation: `instructions` and the items of `input`.

mod read;
mod write;

pub use read::read;
pub use write::{Written, write};
