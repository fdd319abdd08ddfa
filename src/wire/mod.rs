//! Wire formats: JSON and the framings of streams. No dialect and no I/O.
//!
//! | module | contents |
//! | --- | --- |
//! | [`json`] | reads JSON into the generated types and writes it; strict, checks every byte |
//! | [`splice`] | finds and replaces values within JSON bytes; lenient, checks only what it walks through |
//! | `find` | searches bytes with SIMD for both of them |
//! | [`sse`] | server-sent events |
//! | [`event_stream`] | the AWS event stream |
//! | [`framing`] | either of the two framings behind one type |

pub mod event_stream;
mod find;
pub mod framing;
pub mod json;
pub mod splice;
pub mod sse;
