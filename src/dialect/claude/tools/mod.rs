//! Tool definitions and the choice among them.

mod choice;
mod output_format;
mod read;
mod schema;
mod write;

pub use choice::read_choice;
pub use read::*;
pub use write::*;
