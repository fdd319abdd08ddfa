//! What OpenAI's two dialects share.
//!
//! The generated types of the two are different Rust types, even where their names are the same. What is here works on
//! the canonical model, on names and on JSON; a dialect takes its own generated types apart and hands over the values.
//!
//! - `request/read`: malformed bodies, numbers, moderation policies
//! - `request/write`: limits, sampling, end users, schemas
//! - `messages`: tool calls and their results in a history
//! - `tools`: the choice among the tools
//! - `content`, `data_url`: media and cache breakpoints in content parts
//! - `effort`: reasoning effort
//! - `usage`: token counts
//! - `endpoints`, `error`, `rate_limits`, `system_edit`: as in a dialect's folder
//! - `reasons`: the texts of losses that both dialects have

pub mod content;
pub mod data_url;
pub mod effort;
pub mod endpoints;
pub mod error;
pub mod messages;
pub mod rate_limits;
pub mod reasons;
pub mod request;
pub mod system_edit;
#[cfg(test)]
mod testing;
pub mod tools;
pub mod usage;
