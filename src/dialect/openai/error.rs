//! Errors of OpenAI's dialects: `{"error":{"message","type","param","code"}}`, in bodies and in streams.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::canonical::{Error, ErrorClass};
use crate::dialect::WrittenError;
use crate::dialect::shared::error_class;

/// Reads the response of an upstream whose status is not a success.
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

/// Reads an error that came with a success: a frame of a stream, or a whole body. `None` if the document is not an
/// error.
pub fn read_in_band(document: &Value) -> Option<Error> {
    read_object(document, ErrorClass::Upstream)
}

/// Reads OpenAI's `{"error": {…}}`, and the forms of compatible servers: a string instead of the object, and the object
/// without the member around it. The most specific of code, message and type determines the class; `fallback` is the
/// class of an error without any of them.
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
    let string = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let class = class_of_code(string("code"))
        .or_else(|| class_of_message(message))
        .or_else(|| class_of_type(string("type")))
        .or_else(|| class_of_number(error.get("code")))
        .unwrap_or(fallback);
    let message = match message {
        "" => "the upstream reported an error without a message".to_owned(),
        message => error_class::redact(message),
    };
    Some(Error::new(class, message))
}

/// Reads the error of a response that failed, by its code, type and message. `server_error` is the vendor's code for
/// every failure of its own.
pub fn read_failed(code: &str, kind: &str, message: &str) -> Error {
    let of_server = (code == "server_error").then_some(ErrorClass::Internal);
    let class = class_of_code(code)
        .or_else(|| class_of_message(message))
        .or_else(|| class_of_type(kind))
        .or(of_server)
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

/// The class of a type that is more specific than a status. `invalid_request_error` is not among them: it is sent with
/// several statuses.
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

/// The class of a code that is a status, as compatible servers send it.
fn class_of_number(code: Option<&Value>) -> Option<ErrorClass> {
    let code = code?;
    let number = code.as_u64().or_else(|| code.as_str()?.parse().ok())?;
    let status = StatusCode::from_u16(u16::try_from(number).ok()?).ok()?;
    (status.is_client_error() || status.is_server_error()).then(|| error_class::class_of(status))
}

/// The status, the type and the code of an error.
fn status_type_and_code(class: ErrorClass) -> (StatusCode, &'static str, Option<&'static str>) {
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

/// The JSON of an error, for a body or for a frame of a stream.
pub fn write_json(error: &Error) -> Vec<u8> {
    let (_, kind, code) = status_type_and_code(error.class);
    let body = json!({
        "error": {"message": error.message, "type": kind, "param": error.param, "code": code},
    });
    body.to_string().into_bytes()
}

/// Writes an error as a response.
pub fn write(error: &Error, request_id: &str) -> WrittenError {
    let (status, _, _) = status_type_and_code(error.class);
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
    fn a_code_counts_more_than_the_status() {
        let long =
            r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        assert_eq!(class(400, long), ErrorClass::ContextWindow);
        let number = r#"{"error":{"message":"m","code":429}}"#;
        assert_eq!(class(200, number), ErrorClass::RateLimit);
    }

    #[test]
    fn a_type_counts_more_than_the_status_if_it_is_specific() {
        let quota = r#"{"error":{"type":"insufficient_quota"}}"#;
        assert_eq!(class(429, quota), ErrorClass::Billing);
        let invalid = r#"{"error":{"message":"m","type":"invalid_request_error"}}"#;
        assert_eq!(class(401, invalid), ErrorClass::Authentication);
    }

    #[test]
    fn a_message_about_the_context_window_is_recognised() {
        let bare = r#"{"object":"error","message":"maximum context length is 8","code":400}"#;
        assert_eq!(class(400, bare), ErrorClass::ContextWindow);
    }

    #[test]
    fn an_error_may_be_a_string_or_have_only_a_message() {
        assert_eq!(class(503, r#"{"error":"busy"}"#), ErrorClass::Overloaded);
        let message = r#"{"error":{"message":"m"}}"#;
        assert_eq!(class(422, message), ErrorClass::InvalidRequest);
    }

    #[test]
    fn a_body_that_is_no_error_of_the_api_is_a_failure_of_the_upstream() {
        assert_eq!(class(404, "<html>"), ErrorClass::Upstream);
    }

    #[test]
    fn a_document_without_an_error_is_none() {
        for document in [json!({}), json!({"error": null}), json!({"error": false})] {
            assert!(read_in_band(&document).is_none(), "{document}");
        }
    }

    #[test]
    fn a_failed_response_with_the_vendors_general_code_is_an_internal_error() {
        let class = |code: &str, kind: &str, message: &str| read_failed(code, kind, message).class;
        assert_eq!(class("server_error", "", "m"), ErrorClass::Internal);
        assert_eq!(class("", "", "m"), ErrorClass::Upstream);
        let long = "maximum context length is 8";
        assert_eq!(class("server_error", "", long), ErrorClass::ContextWindow);
        assert_eq!(class("", "rate_limit_error", "m"), ErrorClass::RateLimit);
    }

    #[test]
    fn written_errors_are_read_back() {
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
