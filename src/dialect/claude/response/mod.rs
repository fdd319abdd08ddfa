//! Complete responses.

mod read;

pub use read::*;
