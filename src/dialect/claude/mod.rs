//! The Anthropic Messages API.

pub mod types;
