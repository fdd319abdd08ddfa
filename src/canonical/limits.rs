//! The rate limits of an account, as a response's headers report them.

use std::time::Duration;

/// The limits that the headers of a response report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests.
    pub requests: RateLimit,
    /// Tokens, of input and output together.
    pub tokens: RateLimit,
}

/// One limit, as far as the headers report it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// The amount for each period.
    pub limit: Option<u64>,
    /// The amount that remains.
    pub remaining: Option<u64>,
    /// The time from now until the full amount is available again.
    pub reset: Option<Duration>,
}
