//! Thinking: how much of it is asked for, and the blocks that carry it.

mod write;

pub use write::*;
