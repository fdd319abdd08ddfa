//! The OpenAI Chat Completions API.

pub mod types;
