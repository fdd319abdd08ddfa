//! Failures, independent of the words of a dialect.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// The class of a failure. Each dialect has a status, a type and a code for every class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The request is wrong.
    InvalidRequest,
    /// The conversation does not fit the model's context window; clients start their compaction on it.
    ContextWindow,
    /// The body is too large.
    TooLarge,
    /// The credential is missing or refused.
    Authentication,
    /// The account cannot pay.
    Billing,
    /// The credential is known but not allowed to do this.
    Permission,
    /// No such model or resource.
    NotFound,
    /// No such path, or none that is translated.
    UnknownPath,
    /// The method does not fit the path.
    MethodNotAllowed,
    /// The resource is in another state.
    Conflict,
    /// Too many requests or tokens.
    RateLimit,
    /// The vendor has no capacity now.
    Overloaded,
    /// The vendor took too long.
    Timeout,
    /// The upstream broke, could not be reached or sent something that is no response of its dialect.
    Upstream,
    /// The vendor or the proxy failed inside.
    Internal,
    /// A content policy stopped the request.
    ContentBlocked,
    /// The translation cannot carry over a field whose loss would break what the client relies on in the response.
    Unsupported,
}

impl ErrorClass {
    /// The stable name, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::ContextWindow => "context_window",
            Self::TooLarge => "too_large",
            Self::Authentication => "authentication",
            Self::Billing => "billing",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::UnknownPath => "unknown_path",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::RateLimit => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Upstream => "upstream",
            Self::Internal => "internal",
            Self::ContentBlocked => "content_blocked",
            Self::Unsupported => "unsupported",
        }
    }
}

/// A failure that a client receives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Error {
    /// Its class.
    pub class: ErrorClass,
    /// The upstream's own message, if there is one.
    pub message: String,
    /// JSON path of the field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// How long to wait before another try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

impl Error {
    /// An error without field or delay.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            param: None,
            retry_after: None,
        }
    }

    /// The error with the JSON path of the field at fault.
    #[must_use]
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The error with a delay before another try.
    #[must_use]
    pub fn retry_after(mut self, delay: Option<Duration>) -> Self {
        self.retry_after = delay;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class.as_str(), self.message)
    }
}

impl std::error::Error for Error {}
