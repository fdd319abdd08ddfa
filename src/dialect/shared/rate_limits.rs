//! Headers that report rate limits, for vendors that differ only in their names and in how they write times.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::canonical::{RateLimit, RateLimits};

/// A vendor's names of the headers for limit, remaining and reset, in this order.
pub struct RateLimitNames {
    /// Of requests.
    pub requests: [&'static str; 3],
    /// Of tokens.
    pub tokens: [&'static str; 3],
}

/// Reads the headers; a malformed value counts as absent. `read_reset` reads the time until a reset.
pub fn read(
    headers: &HeaderMap,
    names: &RateLimitNames,
    read_reset: impl Fn(&str) -> Option<Duration>,
) -> RateLimits {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let read = |[limit, remaining, reset]: [&str; 3]| RateLimit {
        limit: text(limit).and_then(|text| text.parse().ok()),
        remaining: text(remaining).and_then(|text| text.parse().ok()),
        reset: text(reset).and_then(&read_reset),
    };
    RateLimits {
        requests: read(names.requests),
        tokens: read(names.tokens),
    }
}

/// Writes the headers of the values that are known. `write_reset` writes the time until a reset.
pub fn write(
    limits: &RateLimits,
    names: &RateLimitNames,
    write_reset: impl Fn(Duration) -> Option<String>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for (names, rate_limit) in [(names.requests, limits.requests), (names.tokens, limits.tokens)] {
        let RateLimit {
            limit,
            remaining,
            reset,
        } = rate_limit;
        let reset = reset.and_then(&write_reset);
        let values = [
            limit.map(HeaderValue::from),
            remaining.map(HeaderValue::from),
            reset.and_then(|reset| HeaderValue::try_from(reset).ok()),
        ];
        let pairs = names.into_iter().zip(values);
        headers.extend(pairs.filter_map(|(name, value)| Some((HeaderName::from_static(name), value?))));
    }
    headers
}
