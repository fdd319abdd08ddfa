//! Requests: `POST /v1/messages`.

mod read;
mod sampling;
mod system;
mod write;

pub use read::*;
pub use system::ATTRIBUTION;
pub use write::*;
