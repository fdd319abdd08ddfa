//! Complete responses.

mod message;
mod read;

pub use message::*;
pub use read::*;
