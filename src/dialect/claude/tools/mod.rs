//! Tools.
//!
//! - `read`: the definitions in a client's request; `write`: those in an upstream's request.
//! - `choice`: which of them the model has to call, in both directions.
//! - `schema`: the schema of a tool's input as the API accepts it.
//! - `output_format`: the format of the response's text, which becomes a tool if the API has no other way.

mod choice;
mod output_format;
mod read;
mod schema;
mod write;

pub use choice::read_choice;
pub use read::{read, read_custom};
pub use write::{ClaudeTools, write};
