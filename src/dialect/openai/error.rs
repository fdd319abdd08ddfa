//! Errors of OpenAI's dialects: `{"error":{"message","type","param","code"}}`, in bodies and in streams.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::canonical::{Error, ErrorClass};
use crate::dialect::WrittenError;
use crate::dialect::shared::error_class;

/// Reads the answer of an upstream whose status is not a success.
pub fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let retry_after = error_class::read_retry_after(headers);
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = match read_object(&document, error_class::class_of(status)) {
        Some(error) => error,
        None => Error::new(
            error_class::class_of_foreign(status),
            error_class::foreign_message(status, body),
        ),
    };
    error.retry_after(retry_after)
}

/// Reads an error that came with a success: in a chunk of a stream, or as a whole body. `None` where the document is
/// none.
pub fn read_in_band(document: &Value) -> Option<Error> {
    read_object(document, ErrorClass::Upstream)
}

/// Reads OpenAI's envelope, and what compatible servers make of it: a text in place of the object, the object without
/// the envelope.
fn read_object(document: &Value, fallback: ErrorClass) -> Option<Error> {
    let error = match document.get("error") {
        Some(Value::Null | Value::Bool(false)) | None if document.get("object") == Some(&json!("error")) => {
            document
        }
        Some(Value::Null | Value::Bool(false)) | None => return None,
        Some(error) => error,
    };
    if let Value::String(message) = error {
        return Some(Error::new(
            class_of_message(message).unwrap_or(fallback),
            error_class::redact(message),
        ));
    }
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let word = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let class = class_of_code(word("code"))
        .or_else(|| class_of_message(message))
        .or_else(|| class_of_type(word("type")))
        .or_else(|| class_of_number(error.get("code")))
        .unwrap_or(fallback);
    let message = match message {
        "" => "the upstream reported an error without a message".to_owned(),
        message => error_class::redact(message),
    };
    Some(Error::new(class, message))
}

/// Reads the error of an answer that failed: a code and a message without an envelope. `server_error` is what the vendor
/// calls every failure of its own.
pub fn read_failed(code: &str, kind: &str, message: &str) -> Error {
    let own = (code == "server_error").then_some(ErrorClass::Internal);
    let class = class_of_code(code)
        .or_else(|| class_of_message(message))
        .or_else(|| class_of_type(kind))
        .or(own)
        .unwrap_or(ErrorClass::Upstream);
    let message = match message {
        "" => "the upstream reported an error without a message".to_owned(),
        message => error_class::redact(message),
    };
    Error::new(class, message)
}

fn class_of_code(code: &str) -> Option<ErrorClass> {
    Some(match code {
        "context_length_exceeded" => ErrorClass::ContextWindow,
        "request_too_large" => ErrorClass::TooLarge,
        "invalid_api_key" => ErrorClass::Authentication,
        "insufficient_quota" | "billing_hard_limit_reached" => ErrorClass::Billing,
        "model_not_found" => ErrorClass::NotFound,
        "rate_limit_exceeded" => ErrorClass::RateLimit,
        "overloaded" | "server_is_overloaded" | "slow_down" => ErrorClass::Overloaded,
        "timeout" => ErrorClass::Timeout,
        "upstream_error" => ErrorClass::Upstream,
        "content_policy_violation" | "content_filter" | "invalid_prompt" => ErrorClass::ContentBlocked,
        _ => return None,
    })
}

fn class_of_message(message: &str) -> Option<ErrorClass> {
    error_class::is_context_window(message).then_some(ErrorClass::ContextWindow)
}

/// Types that say more than a status does; `invalid_request_error` stands with several.
fn class_of_type(kind: &str) -> Option<ErrorClass> {
    Some(match kind {
        "insufficient_quota" => ErrorClass::Billing,
        "authentication_error" => ErrorClass::Authentication,
        "permission_error" => ErrorClass::Permission,
        "not_found_error" => ErrorClass::NotFound,
        "rate_limit_error" | "tokens" | "requests" => ErrorClass::RateLimit,
        "overloaded_error" => ErrorClass::Overloaded,
        _ => return None,
    })
}

/// Compatible servers give the status as the code.
fn class_of_number(code: Option<&Value>) -> Option<ErrorClass> {
    let code = code?;
    let number = code.as_u64().or_else(|| code.as_str()?.parse().ok())?;
    let status = StatusCode::from_u16(u16::try_from(number).ok()?).ok()?;
    (status.is_client_error() || status.is_server_error()).then(|| error_class::class_of(status))
}

/// Status, type and code.
fn words(class: ErrorClass) -> (StatusCode, &'static str, Option<&'static str>) {
    const INVALID: &str = "invalid_request_error";
    const SERVER: &str = "server_error";
    match class {
        ErrorClass::InvalidRequest => (StatusCode::BAD_REQUEST, INVALID, None),
        ErrorClass::ContextWindow => (StatusCode::BAD_REQUEST, INVALID, Some("context_length_exceeded")),
        ErrorClass::ContentBlocked => (StatusCode::BAD_REQUEST, INVALID, Some("content_policy_violation")),
        ErrorClass::Unsupported => (StatusCode::BAD_REQUEST, INVALID, Some("unsupported_parameter")),
        ErrorClass::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, INVALID, None),
        ErrorClass::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, INVALID, Some("request_too_large")),
        ErrorClass::Authentication => (
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            Some("invalid_api_key"),
        ),
        ErrorClass::Billing => (
            StatusCode::TOO_MANY_REQUESTS,
            "insufficient_quota",
            Some("insufficient_quota"),
        ),
        ErrorClass::Permission => (StatusCode::FORBIDDEN, "permission_error", None),
        ErrorClass::NotFound => (StatusCode::NOT_FOUND, INVALID, Some("model_not_found")),
        ErrorClass::UnknownPath => (StatusCode::NOT_FOUND, INVALID, None),
        ErrorClass::Conflict => (StatusCode::CONFLICT, INVALID, None),
        ErrorClass::RateLimit => (
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_error",
            Some("rate_limit_exceeded"),
        ),
        ErrorClass::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, SERVER, Some("overloaded")),
        ErrorClass::Timeout => (StatusCode::GATEWAY_TIMEOUT, SERVER, Some("timeout")),
        ErrorClass::Upstream => (StatusCode::BAD_GATEWAY, SERVER, Some("upstream_error")),
        ErrorClass::Internal => (StatusCode::INTERNAL_SERVER_ERROR, SERVER, None),
    }
}

/// The JSON of an error, as a body and as the data of an event.
pub fn write_json(error: &Error) -> Vec<u8> {
    let (_, kind, code) = words(error.class);
    let body = json!({
        "error": {"message": error.message, "type": kind, "param": error.param, "code": code},
    });
    body.to_string().into_bytes()
}

/// Writes an error as an answer.
pub fn write(error: &Error, request_id: &str) -> WrittenError {
    let (status, _, _) = words(error.class);
    let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.push((HeaderName::from_static("x-request-id"), value));
    }
    headers.extend(error_class::write_retry_after(error.retry_after));
    WrittenError {
        status,
        headers,
        body: write_json(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str) -> ErrorClass {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        read(status, &HeaderMap::new(), body.as_bytes()).class
    }

    #[test]
    fn errors_of_openai_and_of_compatible_servers_are_understood() {
        let long =
            r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        assert_eq!(class(400, long), ErrorClass::ContextWindow);
        let said = r#"{"object":"error","message":"maximum context length is 8","code":400}"#;
        assert_eq!(class(400, said), ErrorClass::ContextWindow);
        assert_eq!(
            class(429, r#"{"error":{"type":"insufficient_quota"}}"#),
            ErrorClass::Billing
        );
        assert_eq!(
            class(200, r#"{"error":{"message":"m","code":429}}"#),
            ErrorClass::RateLimit
        );
        assert_eq!(class(503, r#"{"error":"busy"}"#), ErrorClass::Overloaded);
        assert_eq!(
            class(422, r#"{"error":{"message":"m"}}"#),
            ErrorClass::InvalidRequest
        );
        assert_eq!(class(404, "<html>"), ErrorClass::Upstream);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for class in [
            ErrorClass::InvalidRequest,
            ErrorClass::ContextWindow,
            ErrorClass::TooLarge,
            ErrorClass::Authentication,
            ErrorClass::Billing,
            ErrorClass::Permission,
            ErrorClass::NotFound,
            ErrorClass::MethodNotAllowed,
            ErrorClass::Conflict,
            ErrorClass::RateLimit,
            ErrorClass::Overloaded,
            ErrorClass::Timeout,
            ErrorClass::Upstream,
            ErrorClass::Internal,
            ErrorClass::ContentBlocked,
        ] {
            let written = write(&Error::new(class, "words"), "req_1");
            let back = read(written.status, &HeaderMap::new(), &written.body);
            assert_eq!((back.class, back.message.as_str()), (class, "words"));
        }
    }
}
