//! Requests: the parameters. Messages and tools have folders of their own.
//!
//! - `read`: a client's request to the canonical one
//! - `write`: the canonical request to an upstream's
//! - `format`: `response_format`, in both directions
//! - `service_tier`: tiers of requests and responses, in both directions

mod format;
mod read;
mod service_tier;
mod write;

pub use read::read;
pub use service_tier::write_response_tier;
pub use write::write;
