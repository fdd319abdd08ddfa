//! The headers that report rate limits (Claude API reference, rate limits: `anthropic-ratelimit-*`). The time of a
//! reset is in RFC 3339. The separate limits of input and output tokens have no counterpart in other dialects and are
//! not read.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::canonical::RateLimits;
use crate::dialect::shared::rate_limits::{self, RateLimitNames};

const NAMES: RateLimitNames = RateLimitNames {
    requests: [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
    tokens: [
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ],
};

/// Reads the limits; a malformed value is left out.
pub fn read(headers: &HeaderMap, now: SystemTime) -> RateLimits {
    rate_limits::read(headers, &NAMES, |text| parse_reset(text, now))
}

/// Writes the limits.
pub fn write(limits: &RateLimits, now: SystemTime) -> Vec<(HeaderName, HeaderValue)> {
    rate_limits::write(limits, &NAMES, |reset| format_reset(reset, now))
}

/// The time until a moment; zero if it has passed.
fn parse_reset(moment: &str, now: SystemTime) -> Option<Duration> {
    let moment = SystemTime::from(OffsetDateTime::parse(moment, &Rfc3339).ok()?);
    Some(moment.duration_since(now).unwrap_or_default())
}

/// The moment after a time, rounded up to whole seconds: a client that waits until then must not come too early.
fn format_reset(reset: Duration, now: SystemTime) -> Option<String> {
    let moment = OffsetDateTime::from(now.checked_add(reset)?);
    let moment = match moment.nanosecond() {
        0 => moment,
        _ => moment
            .replace_nanosecond(0)
            .ok()?
            .checked_add(time::Duration::SECOND)?,
    };
    moment.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::RateLimit;

    #[test]
    fn what_is_written_is_read_back() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_400);
        let limits = RateLimits {
            requests: RateLimit {
                limit: Some(50),
                remaining: Some(0),
                reset: Some(Duration::from_millis(59_600)),
            },
            tokens: RateLimit {
                remaining: Some(7),
                ..RateLimit::default()
            },
        };
        let written: HeaderMap = write(&limits, now).into_iter().collect();
        assert_eq!(written[NAMES.requests[2]], "2023-11-14T22:14:20Z");
        assert_eq!(written.len(), 4);
        assert_eq!(read(&written, now), limits);
        // A moment that has passed is zero; a malformed one is left out.
        let later = now + Duration::from_secs(3600);
        assert_eq!(read(&written, later).requests.reset, Some(Duration::ZERO));
        let odd = [(
            HeaderName::from_static(NAMES.requests[2]),
            HeaderValue::from_static("soon"),
        )];
        assert_eq!(read(&odd.into_iter().collect(), now), RateLimits::default());
    }
}
