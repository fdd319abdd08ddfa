//! Requests for a response.
//!
//! `read` and `write` hold the members that are neither messages nor tools; those have folders of their own.

mod read;
mod write;

pub use read::{LOGPROBS, NO_STORE, read, read_format};
pub use write::write;
