//! Classes and messages of failures, for the readers and writers of all dialects.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::canonical::ErrorClass;

/// The most characters of a foreign error body that a message quotes.
const EXCERPT: usize = 500;

/// The class of a status whose body gives no further detail.
pub fn class_of(status: StatusCode) -> ErrorClass {
    match status.as_u16() {
        401 => ErrorClass::Authentication,
        402 => ErrorClass::Billing,
        403 => ErrorClass::Permission,
        404 => ErrorClass::NotFound,
        405 => ErrorClass::MethodNotAllowed,
        408 | 504 => ErrorClass::Timeout,
        409 => ErrorClass::Conflict,
        413 => ErrorClass::TooLarge,
        429 => ErrorClass::RateLimit,
        500 => ErrorClass::Internal,
        503 | 529 => ErrorClass::Overloaded,
        400..=499 => ErrorClass::InvalidRequest,
        _ => ErrorClass::Upstream,
    }
}

/// The class of a failure whose body is no error of the upstream's dialect. It probably comes from a load balancer or a
/// proxy in between: only the statuses that such a server sends itself keep their class, the others mean a broken
/// upstream.
pub fn class_of_foreign(status: StatusCode) -> ErrorClass {
    match class_of(status) {
        class @ (ErrorClass::RateLimit
        | ErrorClass::Overloaded
        | ErrorClass::Timeout
        | ErrorClass::TooLarge
        | ErrorClass::Authentication
        | ErrorClass::Permission) => class,
        _ => ErrorClass::Upstream,
    }
}

/// A message for a body that is no error of the upstream's dialect: its first characters, or the status.
pub fn foreign_message(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() {
        return format!("the upstream responded with status {status} and no message");
    }
    let excerpt: String = text.chars().take(EXCERPT).collect();
    format!(
        "the upstream responded with status {status}: {}",
        redact(&excerpt)
    )
}

/// Whether a message says that the conversation is longer than the model's context window.
pub fn is_context_window(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "prompt is too long",
        "context length",
        "context window",
        "context_length",
        "input is too long",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// The message without anything that looks like a key or an AWS account. A blank message is replaced, because it is all
/// that clients show.
pub fn redact(message: &str) -> String {
    if message.trim().is_empty() {
        return "the upstream reported an error without a message".to_owned();
    }
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*');
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(in_word) {
        let (before, tail) = rest.split_at(start);
        out.push_str(before);
        let end = tail.find(|c| !in_word(c)).unwrap_or(tail.len());
        let (word, after) = tail.split_at(end);
        out.push_str(if is_secret(word) { "[redacted]" } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn is_secret(word: &str) -> bool {
    let key = (word.starts_with("sk-") || word.starts_with("ABSK")) && word.len() > 12;
    let access_key = (word.starts_with("AKIA") || word.starts_with("ASIA")) && word.len() == 20;
    let account = word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit());
    key || access_key || account
}

/// Reads how long the upstream asks to wait: `retry-after-ms`, or `retry-after` in seconds. Dates are not read, because
/// no vendor sends them.
pub fn read_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Writes the `retry-after` header: whole seconds, rounded up so that no client tries too early.
pub fn write_retry_after(delay: Option<Duration>) -> Option<(HeaderName, HeaderValue)> {
    let delay = delay?;
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    Some((http::header::RETRY_AFTER, HeaderValue::from(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_from_messages() {
        let message = "Incorrect API key provided: sk-proj-abcd****wxyz. Role arn:aws:iam::123456789012:role/x, AKIAABCDEFGHIJKLMNOP";
        let expected =
            "Incorrect API key provided: [redacted]. Role arn:aws:iam::[redacted]:role/x, [redacted]";
        assert_eq!(redact(message), expected);
        assert_eq!(redact("größe: sk-x, 1234"), "größe: sk-x, 1234");
        assert_eq!(redact(" "), "the upstream reported an error without a message");
    }

    #[test]
    fn a_delay_is_read_in_both_units_and_written_in_seconds() {
        let mut headers = HeaderMap::new();
        assert_eq!(read_retry_after(&headers), None);
        headers.insert("retry-after", HeaderValue::from_static("7"));
        assert_eq!(read_retry_after(&headers), Some(Duration::from_secs(7)));
        headers.insert("retry-after-ms", HeaderValue::from_static("1500"));
        let delay = read_retry_after(&headers);
        assert_eq!(delay, Some(Duration::from_millis(1500)));
        assert_eq!(
            write_retry_after(delay).map(|(_, value)| value),
            Some(HeaderValue::from(2))
        );
        headers.insert("retry-after-ms", HeaderValue::from_static("-1"));
        assert_eq!(read_retry_after(&headers), None);
    }

    #[test]
    fn a_foreign_body_is_quoted_briefly() {
        let body = "<html>".repeat(200);
        let message = foreign_message(StatusCode::BAD_GATEWAY, body.as_bytes());
        assert!(message.len() < 560, "{message}");
        assert_eq!(class_of_foreign(StatusCode::NOT_FOUND), ErrorClass::Upstream);
        assert_eq!(
            class_of_foreign(StatusCode::TOO_MANY_REQUESTS),
            ErrorClass::RateLimit
        );
    }
}
