//! The headers that report rate limits (OpenAI API reference, rate limits: `x-ratelimit-*`). The time until a reset is
//! a duration such as `6m0s`, `1s` or `120ms`.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::canonical::RateLimits;
use crate::dialect::shared::rate_limits::{self, RateLimitNames};

const NAMES: RateLimitNames = RateLimitNames {
    requests: [
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ],
    tokens: [
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
    ],
};

/// Reads the limits that the headers report. A malformed header counts as absent.
pub fn read(headers: &HeaderMap) -> RateLimits {
    rate_limits::read(headers, &NAMES, read_duration)
}

/// Writes the headers that report these limits.
pub fn write(limits: &RateLimits) -> Vec<(HeaderName, HeaderValue)> {
    rate_limits::write(limits, &NAMES, |reset| Some(write_duration(reset)))
}

/// Reads numbers with units, such as `1m30s`.
fn read_duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        seconds += number.parse::<f64>().ok()?
            * match unit {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = tail;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// Writes whole seconds, rounded up, in hours, minutes and seconds.
fn write_duration(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, millis) in [
            ("6m0s", 360_000),
            ("1s", 1000),
            ("120ms", 120),
            ("1h2m3.5s", 3_723_500),
            ("0s", 0),
        ] {
            assert_eq!(read_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "1", "s", "1d", "-1s", "1s2", "1.2.3s", "9e9s"] {
            assert_eq!(read_duration(text), None, "{text}");
        }
        for (seconds, text) in [(0, "0s"), (59, "59s"), (360, "6m0s"), (3661, "1h1m1s")] {
            assert_eq!(write_duration(Duration::from_secs(seconds)), text);
        }
        assert_eq!(write_duration(Duration::from_millis(1)), "1s");
    }
}
