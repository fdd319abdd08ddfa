//! Requests: `POST /v1/messages`.

mod read;

pub use read::*;
