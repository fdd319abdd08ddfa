//! The types of the Responses API, generated from `specs/openai-responses` when the crate is built.
//!
//! `cargo xtask expand openai-responses` shows them.

include!(concat!(env!("OUT_DIR"), "/openai_responses.rs"));
