//! Headers that tell of rate limits: what the vendors' ways have in common.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::canonical::{RateLimit, RateLimits};

/// How a vendor calls limit, rest and reset.
pub struct Names {
    /// Of requests.
    pub requests: [&'static str; 3],
    /// Of tokens.
    pub tokens: [&'static str; 3],
}

/// Reads what the headers tell of; what is malformed is not told. `until` reads the time until a reset.
pub fn read(headers: &HeaderMap, names: &Names, until: impl Fn(&str) -> Option<Duration>) -> RateLimits {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let read = |[limit, remaining, reset]: [&str; 3]| RateLimit {
        limit: text(limit).and_then(|text| text.parse().ok()),
        remaining: text(remaining).and_then(|text| text.parse().ok()),
        reset: text(reset).and_then(&until),
    };
    RateLimits {
        requests: read(names.requests),
        tokens: read(names.tokens),
    }
}

/// Writes the headers. `moment` writes the time until a reset.
pub fn write(
    limits: &RateLimits,
    names: &Names,
    moment: impl Fn(Duration) -> Option<String>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for (names, told) in [(names.requests, limits.requests), (names.tokens, limits.tokens)] {
        let RateLimit {
            limit,
            remaining,
            reset,
        } = told;
        let reset = reset.and_then(&moment);
        let values = [
            limit.map(HeaderValue::from),
            remaining.map(HeaderValue::from),
            reset.and_then(|reset| HeaderValue::try_from(reset).ok()),
        ];
        let told = names.into_iter().zip(values);
        headers.extend(told.filter_map(|(name, value)| Some((HeaderName::from_static(name), value?))));
    }
    headers
}
