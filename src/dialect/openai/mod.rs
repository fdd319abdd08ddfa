//! What OpenAI's two dialects share.

pub mod effort;
pub mod error;
pub mod rate_limits;
pub mod reasons;
