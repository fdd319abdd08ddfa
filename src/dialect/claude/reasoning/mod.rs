//! Thinking: how much of it is asked for, and the blocks that carry it.

mod blocks;
mod read;
mod write;

pub use blocks::*;
pub use read::*;
pub use write::*;
