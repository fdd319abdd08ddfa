//! Complete responses.
//!
//! - `read`: an upstream's response, and the parts of it that streams have too.
//! - `write`: a response for a client.

mod read;
mod write;

pub use read::{read, read_citation, read_query, read_server_tool};
pub use write::write;
