//! What both dialects have in common in reading and writing requests.

pub mod read;
pub mod write;
