//! The types of the Messages API, generated from `specs/claude` when the crate is built.
//!
//! `cargo xtask expand claude` shows them.

include!(concat!(env!("OUT_DIR"), "/claude.rs"));
