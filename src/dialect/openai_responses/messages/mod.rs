//! The conversation: `instructions` and the items of `input`.
//!
//! - `read`: a client's items, each as one canonical message
//! - `write`: items for an upstream

mod read;
mod write;

pub use read::read;
pub use write::{WrittenInput, write};
