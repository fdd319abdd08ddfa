//! Content blocks of a request.

mod read;

pub use read::*;
