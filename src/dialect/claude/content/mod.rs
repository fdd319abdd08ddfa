//! Content blocks of a request.

mod media;
mod read;
mod tool_input;
mod write;

pub use read::*;
pub use tool_input::*;
pub use write::*;
