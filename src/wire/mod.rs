//! Formats on the wire, free of any dialect and of any I/O.

pub mod event_stream;
mod find;
pub mod framing;
pub mod json;
pub mod splice;
pub mod sse;
