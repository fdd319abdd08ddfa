//! Errors: `{"type":"error","error":{"type","message"},"request_id"}`, in bodies and in streams.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use crate::canonical::{Error, ErrorClass};
use crate::dialect::WrittenError;
use crate::dialect::shared::error_class;

/// The words in an error by which clients recognise that they have to compact the conversation.
const TOO_LONG: &str = "prompt is too long";

#[derive(Deserialize)]
struct ClaudeErrorDocument {
    error: ClaudeErrorDetail,
}

#[derive(Deserialize)]
struct ClaudeErrorDetail {
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

/// Reads the response of an upstream whose status is not a success. A body in another form comes from a gateway before
/// it, so that less can be concluded from its status.
pub fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let retry_after = error_class::read_retry_after(headers);
    let error = match serde_json::from_slice::<ClaudeErrorDocument>(body) {
        Ok(ClaudeErrorDocument {
            error: ClaudeErrorDetail { kind, message },
        }) => {
            let class = class_of(&kind, &message).unwrap_or_else(|| error_class::class_of(status));
            Error::new(class, error_class::redact(&message))
        }
        Err(_) => Error::new(
            error_class::class_of_foreign(status),
            error_class::foreign_message(status, body),
        ),
    };
    error.retry_after(retry_after)
}

/// Reads an error that came with the status of a success. `None` if the body is no error.
pub fn read_in_band(body: &[u8]) -> Option<Error> {
    let ClaudeErrorDocument {
        error: ClaudeErrorDetail { kind, message },
    } = serde_json::from_slice(body).ok()?;
    Some(read_event(&kind, &message))
}

/// Reads the error event of a stream.
pub fn read_event(kind: &str, message: &str) -> Error {
    Error::new(
        class_of(kind, message).unwrap_or(ErrorClass::Upstream),
        error_class::redact(message),
    )
}

fn class_of(kind: &str, message: &str) -> Option<ErrorClass> {
    Some(match kind {
        "invalid_request_error" if error_class::is_context_window(message) => ErrorClass::ContextWindow,
        "invalid_request_error" => ErrorClass::InvalidRequest,
        "authentication_error" => ErrorClass::Authentication,
        "billing_error" => ErrorClass::Billing,
        "permission_error" => ErrorClass::Permission,
        "not_found_error" => ErrorClass::NotFound,
        "conflict_error" => ErrorClass::Conflict,
        "request_too_large" => ErrorClass::TooLarge,
        "rate_limit_error" => ErrorClass::RateLimit,
        "overloaded_error" => ErrorClass::Overloaded,
        "timeout_error" => ErrorClass::Timeout,
        "api_error" => ErrorClass::Internal,
        _ => return None,
    })
}

fn status_and_type(class: ErrorClass) -> (u16, &'static str) {
    match class {
        ErrorClass::InvalidRequest
        | ErrorClass::ContextWindow
        | ErrorClass::ContentBlocked
        | ErrorClass::Unsupported => (400, "invalid_request_error"),
        ErrorClass::MethodNotAllowed => (405, "invalid_request_error"),
        ErrorClass::TooLarge => (413, "request_too_large"),
        ErrorClass::Authentication => (401, "authentication_error"),
        ErrorClass::Billing => (402, "billing_error"),
        ErrorClass::Permission => (403, "permission_error"),
        ErrorClass::NotFound | ErrorClass::UnknownPath => (404, "not_found_error"),
        ErrorClass::Conflict => (409, "conflict_error"),
        ErrorClass::RateLimit => (429, "rate_limit_error"),
        ErrorClass::Overloaded => (529, "overloaded_error"),
        ErrorClass::Timeout => (504, "timeout_error"),
        ErrorClass::Upstream | ErrorClass::Internal => (500, "api_error"),
    }
}

/// The message that a client reads. It names the field, and a context window that is exceeded is named in the words
/// that clients look for.
pub fn message_for_client(error: &Error) -> String {
    let message = &error.message;
    match &error.param {
        _ if error.class == ErrorClass::ContextWindow && !message.to_ascii_lowercase().contains(TOO_LONG) => {
            format!("{TOO_LONG}: {message}")
        }
        Some(param) if !message.contains(param.as_str()) => format!("{param}: {message}"),
        _ => message.clone(),
    }
}

/// The JSON of an error, as a body and as the data of an `error` event.
pub fn write_json(error: &Error, request_id: &str) -> Vec<u8> {
    let (_, kind) = status_and_type(error.class);
    let body = json!({
        "type": "error",
        "error": {"type": kind, "message": message_for_client(error)},
        "request_id": request_id,
    });
    body.to_string().into_bytes()
}

/// Writes an error as a response.
pub fn write(error: &Error, request_id: &str) -> WrittenError {
    let (status, _) = status_and_type(error.class);
    let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.push((HeaderName::from_static("request-id"), value));
    }
    headers.extend(error_class::write_retry_after(error.retry_after));
    WrittenError {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        headers,
        body: write_json(error, request_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_body(status: u16, body: &str) -> Error {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        read(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn the_type_of_an_error_decides_over_its_status() {
        let error = |kind: &str, message: &str| {
            let body = json!({"type": "error", "error": {"type": kind, "message": message}});
            read_body(400, &body.to_string()).class
        };
        assert_eq!(error("overloaded_error", "busy"), ErrorClass::Overloaded);
        assert_eq!(error("invalid_request_error", "bad"), ErrorClass::InvalidRequest);
        let long = "prompt is too long: 300000 tokens > 200000 maximum";
        assert_eq!(error("invalid_request_error", long), ErrorClass::ContextWindow);
        assert_eq!(
            error("news_error", "?"),
            ErrorClass::InvalidRequest,
            "the status decides"
        );
    }

    #[test]
    fn a_body_in_another_form_is_a_gateways() {
        assert_eq!(read_body(404, "<html>").class, ErrorClass::Upstream);
        assert_eq!(read_body(429, "<html>").class, ErrorClass::RateLimit);
    }

    #[test]
    fn a_message_names_its_field_once() {
        let error = Error::new(ErrorClass::InvalidRequest, "must not be negative").at("max_tokens");
        assert_eq!(message_for_client(&error), "max_tokens: must not be negative");
        let error = Error::new(ErrorClass::InvalidRequest, "max_tokens: too many").at("max_tokens");
        assert_eq!(message_for_client(&error), "max_tokens: too many");
    }

    #[test]
    fn an_exceeded_context_window_is_named_in_the_words_that_clients_look_for() {
        let error = Error::new(ErrorClass::ContextWindow, "too many tokens");
        assert_eq!(message_for_client(&error), "prompt is too long: too many tokens");
        let error = Error::new(ErrorClass::ContextWindow, "Prompt is too long.");
        assert_eq!(message_for_client(&error), "Prompt is too long.");
        assert_eq!(write(&error, "r").status, StatusCode::BAD_REQUEST);
    }
}
