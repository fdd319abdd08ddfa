//! The Anthropic Messages API.

mod content;
mod endpoints;
mod error;
mod reasoning;
mod request;
mod tools;
mod turns;
pub mod types;
