//! Requests: `POST /v1/messages`.
//!
//! - `read`: a client's request.
//! - `write`: a request for an upstream. Bedrock puts the same body into its own envelope.
//! - `system`: the system prompt, in both directions.
//! - `sampling`: temperature, `top_p` and `top_k`, which depend on the model and on thinking.

mod read;
mod sampling;
mod system;
mod write;

pub use read::read;
pub use system::{ATTRIBUTION, REMINDER};
pub use write::{VERSION, write};
