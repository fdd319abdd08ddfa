//! Errors: `{"message"}` with the name of an exception in a header, and exceptions in streams.
//!
//! The names and their statuses are those of InvokeModel and InvokeModelWithResponseStream
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html>) and the
//! errors common to AWS's services.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use crate::canonical::{Error, ErrorClass};
use crate::dialect::WrittenError;
use crate::dialect::claude::error::message_for_client;
use crate::dialect::shared::error_class;
use crate::wire::framing;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The body of an error, and the payload of an exception in a stream.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ExceptionBody {
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "__type")]
    kind: Option<String>,
    original_message: Option<String>,
    original_status_code: Option<u16>,
}

/// Reads the response of an upstream whose status is not a success. The name of the exception decides its class;
/// without a known name, the status does.
pub fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let retry_after = error_class::read_retry_after(headers);
    let named = headers.get(&ERROR_TYPE).and_then(|value| value.to_str().ok());
    let body_read = serde_json::from_slice::<ExceptionBody>(body).ok();
    let kind = named.or_else(|| body_read.as_ref()?.kind.as_deref());
    let class = |message: &str| kind.and_then(|kind| class_of(strip_qualifiers(kind), message));
    let error = match body_read.as_ref().and_then(|body| body.message.as_deref()) {
        Some(message) => {
            let original = body_read.as_ref().and_then(|body| body.original_status_code);
            let class = match class(message) {
                Some(ErrorClass::Upstream) => original_class(original).unwrap_or(ErrorClass::Upstream),
                Some(class) => class,
                None => error_class::class_of(status),
            };
            Error::new(class, error_class::redact(message))
        }
        None => {
            let class = class("").unwrap_or_else(|| error_class::class_of_foreign(status));
            Error::new(class, error_class::foreign_message(status, body))
        }
    };
    error.retry_after(retry_after)
}

/// Reads a failure in a stream: an exception that the API models, or an error of the protocol. `None` for other frames.
pub fn read_frame(name: &str, data: &[u8]) -> Option<Error> {
    let kind = name
        .strip_prefix(framing::EXCEPTION)
        .or_else(|| name.strip_prefix(framing::ERROR))?;
    let ExceptionBody {
        message,
        kind: _,
        original_message,
        original_status_code,
    } = serde_json::from_slice(data).unwrap_or_default();
    let message = message
        .filter(|message| !message.is_empty())
        .or(original_message)
        .unwrap_or_else(|| format!("the upstream's stream failed: {kind}"));
    let class = match class_of(kind, &message) {
        Some(ErrorClass::Upstream) | None => {
            original_class(original_status_code).unwrap_or(ErrorClass::Upstream)
        }
        Some(class) => class,
    };
    Some(Error::new(class, error_class::redact(&message)))
}

/// The class of the status that the model itself returned, if it means that another try may succeed. The exception
/// alone does not say so.
fn original_class(status: Option<u16>) -> Option<ErrorClass> {
    let class = error_class::class_of(StatusCode::from_u16(status?).ok()?);
    matches!(class, ErrorClass::RateLimit | ErrorClass::Overloaded).then_some(class)
}

/// The name of an exception without the namespace before it (`com.amazon.coral.service#…`) and the address after it
/// (`…:http://internal.amazon.com/coral/`).
fn strip_qualifiers(kind: &str) -> &str {
    let kind = kind.split(':').next().unwrap_or_default();
    kind.rsplit('#').next().unwrap_or_default()
}

/// The class of an exception. In streams the names begin with a lower-case letter.
fn class_of(kind: &str, message: &str) -> Option<ErrorClass> {
    Some(match kind.to_ascii_lowercase().as_str() {
        "validationexception" if error_class::is_context_window(message) => ErrorClass::ContextWindow,
        "validationexception" | "validationerror" => ErrorClass::InvalidRequest,
        "unrecognizedclientexception"
        | "invalidsignatureexception"
        | "incompletesignature"
        | "invalidclienttokenid"
        | "missingauthenticationtoken"
        | "missingauthenticationtokenexception"
        | "expiredtokenexception" => ErrorClass::Authentication,
        "accessdeniedexception" => ErrorClass::Permission,
        "resourcenotfoundexception" => ErrorClass::NotFound,
        "unknownoperationexception" => ErrorClass::UnknownPath,
        "conflictexception" => ErrorClass::Conflict,
        "throttlingexception" | "servicequotaexceededexception" | "modelnotreadyexception" => {
            ErrorClass::RateLimit
        }
        "serviceunavailableexception" => ErrorClass::Overloaded,
        "modeltimeoutexception" => ErrorClass::Timeout,
        "modelerrorexception" | "modelstreamerrorexception" => ErrorClass::Upstream,
        "internalserverexception" | "internalfailure" => ErrorClass::Internal,
        _ => return None,
    })
}

fn status_and_type(class: ErrorClass) -> (u16, &'static str) {
    match class {
        ErrorClass::InvalidRequest
        | ErrorClass::ContextWindow
        | ErrorClass::TooLarge
        | ErrorClass::ContentBlocked
        | ErrorClass::Unsupported => (400, "ValidationException"),
        ErrorClass::MethodNotAllowed => (405, "UnknownOperationException"),
        ErrorClass::Authentication => (403, "UnrecognizedClientException"),
        ErrorClass::Billing | ErrorClass::Permission => (403, "AccessDeniedException"),
        ErrorClass::NotFound => (404, "ResourceNotFoundException"),
        ErrorClass::UnknownPath => (404, "UnknownOperationException"),
        ErrorClass::Conflict => (400, "ConflictException"),
        ErrorClass::RateLimit => (429, "ThrottlingException"),
        ErrorClass::Overloaded => (503, "ServiceUnavailableException"),
        ErrorClass::Timeout => (408, "ModelTimeoutException"),
        ErrorClass::Upstream => (424, "ModelErrorException"),
        ErrorClass::Internal => (500, "InternalServerException"),
    }
}

/// The exception of a stream for a class. The API models these six and no others in streams.
fn exception(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::RateLimit => "throttlingException",
        ErrorClass::Overloaded => "serviceUnavailableException",
        ErrorClass::Timeout => "modelTimeoutException",
        ErrorClass::Internal => "internalServerException",
        ErrorClass::InvalidRequest
        | ErrorClass::ContextWindow
        | ErrorClass::TooLarge
        | ErrorClass::ContentBlocked
        | ErrorClass::Unsupported
        | ErrorClass::MethodNotAllowed
        | ErrorClass::Conflict
        | ErrorClass::NotFound
        | ErrorClass::UnknownPath => "validationException",
        ErrorClass::Authentication | ErrorClass::Billing | ErrorClass::Permission | ErrorClass::Upstream => {
            "modelStreamErrorException"
        }
    }
}

/// The type and the payload of an exception in a stream.
pub fn write_frame(error: &Error) -> (&'static str, Vec<u8>) {
    let body = json!({ "message": message_for_client(error) });
    (exception(error.class), body.to_string().into_bytes())
}

/// Writes an error as a response.
pub fn write_error(error: &Error, request_id: &str) -> WrittenError {
    let (status, kind) = status_and_type(error.class);
    let mut headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (ERROR_TYPE, HeaderValue::from_static(kind)),
    ];
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.push((REQUEST_ID, value));
    }
    headers.extend(error_class::write_retry_after(error.retry_after));
    WrittenError {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        headers,
        body: json!({ "message": message_for_client(error) })
            .to_string()
            .into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_named(kind: &'static str, status: u16, body: &str) -> Error {
        let headers = HeaderMap::from_iter([(ERROR_TYPE, HeaderValue::from_static(kind))]);
        read_error(
            StatusCode::from_u16(status).expect("a status"),
            &headers,
            body.as_bytes(),
        )
    }

    #[test]
    fn the_name_of_the_exception_decides_before_the_status() {
        let body = r#"{"message":"no"}"#;
        for (kind, status, class) in [
            (
                "ThrottlingException:http://internal.amazon.com/coral/",
                429,
                ErrorClass::RateLimit,
            ),
            ("ServiceQuotaExceededException", 400, ErrorClass::RateLimit),
            ("UnrecognizedClientException", 403, ErrorClass::Authentication),
            ("AccessDeniedException", 403, ErrorClass::Permission),
            ("ModelTimeoutException", 408, ErrorClass::Timeout),
            ("NewException", 404, ErrorClass::NotFound),
        ] {
            let error = read_named(kind, status, body);
            assert_eq!((error.class, error.message.as_str()), (class, "no"), "{kind}");
        }
        let error = read_named(
            "ValidationException",
            400,
            r#"{"message":"Input is too long for the model"}"#,
        );
        assert_eq!(error.class, ErrorClass::ContextWindow);
        let error = read_error(
            StatusCode::BAD_REQUEST,
            &HeaderMap::new(),
            br#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#,
        );
        assert_eq!(error.class, ErrorClass::UnknownPath);
        let error = read_error(StatusCode::BAD_GATEWAY, &HeaderMap::new(), b"<html>");
        assert_eq!(error.class, ErrorClass::Upstream);
    }

    #[test]
    fn exceptions_and_errors_in_a_stream_are_failures() {
        let read = |name: &str, data: &str| read_frame(name, data.as_bytes());
        assert_eq!(read("chunk", "{}"), None);
        let busy = read("exception:throttlingException", r#"{"message":"slow down"}"#);
        assert_eq!(busy, Some(Error::new(ErrorClass::RateLimit, "slow down")));
        let original = r#"{"message":"","originalStatusCode":529,"originalMessage":"busy"}"#;
        let busy = read("exception:modelStreamErrorException", original);
        assert_eq!(busy, Some(Error::new(ErrorClass::Overloaded, "busy")));
        let unknown = read("error:Odd", "").map(|error| error.class);
        assert_eq!(unknown, Some(ErrorClass::Upstream));
    }

    #[test]
    fn a_written_error_is_read_as_the_same_class() {
        for class in [
            ErrorClass::InvalidRequest,
            ErrorClass::ContextWindow,
            ErrorClass::Authentication,
            ErrorClass::Permission,
            ErrorClass::NotFound,
            ErrorClass::UnknownPath,
            ErrorClass::RateLimit,
            ErrorClass::Overloaded,
            ErrorClass::Timeout,
            ErrorClass::Upstream,
            ErrorClass::Internal,
        ] {
            let written = write_error(&Error::new(class, "why"), "req_1");
            let headers: HeaderMap = written.headers.into_iter().collect();
            assert_eq!(read_error(written.status, &headers, &written.body).class, class);
        }
    }
}
