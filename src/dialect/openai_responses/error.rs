//! Errors: `{"error": …}` in bodies, as in OpenAI's other dialect; `response.failed` and `error` in streams.

use serde_json::{Value, json};

use super::types::*;
use crate::canonical::{Error, ErrorClass};
use crate::dialect::openai::error;
use crate::wire::json::Unknown;

pub use crate::dialect::openai::error::{read, write};

/// Reads the `error` of a response object whose status is `failed`.
pub fn read_failed(error: Option<ResponseError>) -> Error {
    let Some(ResponseError {
        code,
        message,
        misalignment: _,
        param: _,
        type_,
        extra: _,
    }) = error
    else {
        return error::read_failed("", "", "");
    };
    error::read_failed(
        code.as_deref().unwrap_or_default(),
        type_.as_deref().unwrap_or_default(),
        message.as_deref().unwrap_or_default(),
    )
}

/// Reads the `error` event of a stream: its own members, or an error object as in bodies, which some servers send.
pub fn read_event(event: ResponseErrorEvent) -> Error {
    let ResponseErrorEvent {
        code,
        error,
        message,
        param: _,
        sequence_number: _,
        extra: _,
    } = event;
    let nested = error.and_then(|error| serde_json::from_str::<Value>(error.get()).ok());
    let nested = nested.and_then(|error| error::read_in_band(&json!({ "error": error })));
    nested.unwrap_or_else(|| {
        error::read_failed(
            code.as_deref().unwrap_or_default(),
            "",
            message.as_deref().unwrap_or_default(),
        )
    })
}

/// Reads the error object of a frame that is no event; `None` if there is none.
pub fn read_frame(frame: &Unknown) -> Option<Error> {
    let error = serde_json::from_str::<Value>(frame.get("error")?.get()).ok()?;
    error::read_in_band(&json!({ "error": error }))
}

/// Writes the `error` of a response object whose status is `failed`. The codes are those that clients act upon. The
/// object has no member for a delay, so agents parse it out of the message ("try again in").
pub fn write_failed(error: &Error) -> ResponseError {
    let code = match error.class {
        ErrorClass::RateLimit => "rate_limit_exceeded",
        ErrorClass::ContextWindow => "context_length_exceeded",
        ErrorClass::ContentBlocked => "invalid_prompt",
        ErrorClass::Billing => "insufficient_quota",
        ErrorClass::InvalidRequest
        | ErrorClass::TooLarge
        | ErrorClass::Authentication
        | ErrorClass::Permission
        | ErrorClass::NotFound
        | ErrorClass::UnknownPath
        | ErrorClass::MethodNotAllowed
        | ErrorClass::Conflict
        | ErrorClass::Overloaded
        | ErrorClass::Timeout
        | ErrorClass::Upstream
        | ErrorClass::Internal
        | ErrorClass::Unsupported => "server_error",
    };
    let mut message = error.message.clone();
    if let (ErrorClass::RateLimit, Some(delay)) = (error.class, error.retry_after)
        && !message.contains("try again in")
    {
        message.push_str(&format!(" Please try again in {}s.", delay.as_secs_f64()));
    }
    ResponseError {
        code: Some(code.to_owned()),
        message: Some(message),
        ..ResponseError::new()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_delay_of_a_rate_limit_is_in_the_message_once() {
        let delayed = |message: &str| {
            let delay = Some(Duration::from_secs(2));
            let error = Error::new(ErrorClass::RateLimit, message).retry_after(delay);
            write_failed(&error).message.unwrap_or_default()
        };
        assert_eq!(delayed("Slow."), "Slow. Please try again in 2s.");
        assert_eq!(delayed("Please try again in 9s."), "Please try again in 9s.");
        let other = Error::new(ErrorClass::Overloaded, "Busy.").retry_after(Some(Duration::from_secs(2)));
        assert_eq!(write_failed(&other).message.as_deref(), Some("Busy."));
    }

    #[test]
    fn an_error_event_has_its_members_or_an_error_object() {
        let read = |event: Value| match parse_event(event.to_string().as_bytes()) {
            Ok(ResponseStreamEvent::Error(event)) => read_event(event),
            other => panic!("{other:?}"),
        };
        let flat = read(json!({"type": "error", "code": "rate_limit_exceeded", "message": "m"}));
        assert_eq!((flat.class, flat.message.as_str()), (ErrorClass::RateLimit, "m"));
        let nested = read(
            json!({"type": "error", "code": "server_error", "message": "outer",
            "error": {"code": "rate_limit_exceeded", "message": "inner"}}),
        );
        assert_eq!(
            (nested.class, nested.message.as_str()),
            (ErrorClass::RateLimit, "inner")
        );
    }
}
