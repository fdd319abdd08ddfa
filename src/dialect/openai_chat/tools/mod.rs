//! Tool definitions and the choice among them.

mod choice;
mod write;

pub use choice::{read as read_choice, read_function_call};
pub use write::*;
