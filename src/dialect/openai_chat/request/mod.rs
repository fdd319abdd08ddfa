//! Requests.

pub mod read;
pub mod write;
