//! Tool definitions and the choice among them.

mod write;

pub use write::*;
