//! What is left of an account's limits.

use std::time::Duration;

/// The limits that an answer's headers tell of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests.
    pub requests: RateLimit,
    /// Tokens, of input and output together.
    pub tokens: RateLimit,
}

/// One limit, as far as it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// What is granted for a period.
    pub limit: Option<u64>,
    /// What is left of that.
    pub remaining: Option<u64>,
    /// The time from now until all of it is there again.
    pub reset: Option<Duration>,
}
