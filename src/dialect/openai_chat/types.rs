//! The types of the Chat Completions API, generated from `specs/openai-chat` when the crate is built.
//!
//! `cargo xtask expand openai-chat` shows them.

include!(concat!(env!("OUT_DIR"), "/openai_chat.rs"));
