//! The messages of a request.

pub mod read;
mod results;
pub mod write;
