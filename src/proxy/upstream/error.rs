//! Why an exchange with an upstream failed. No message contains the upstream's address, which may be confidential.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Why no response began.
#[derive(Debug)]
pub enum SendError {
    /// The reqwest client failed.
    Reqwest(reqwest::Error),
    /// No connection could be made.
    Connect(Box<dyn StdError + Send + Sync>),
    /// The plain connection broke, or the upstream did not send HTTP.
    Http1(hyper::Error),
    /// The upstream was silent for too long.
    Silent,
    /// The path cannot be part of a request.
    Target,
    /// No client was set up for the URL.
    UnknownUpstream,
}

impl SendError {
    /// Whether the upstream was too slow.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Reqwest(error) => error.is_timeout(),
            Self::Silent => true,
            Self::Connect(_) | Self::Http1(_) | Self::Target | Self::UnknownUpstream => false,
        }
    }

    /// Whether there was no connection.
    pub fn is_connect(&self) -> bool {
        match self {
            Self::Reqwest(error) => error.is_connect(),
            Self::Connect(_) | Self::UnknownUpstream => true,
            Self::Http1(_) | Self::Silent | Self::Target => false,
        }
    }

    /// Whether the connection was closed before a response began. A request can be sent again after this, and after no
    /// other error.
    pub fn is_lost(&self) -> bool {
        let closed = |error: &(dyn StdError + 'static)| {
            let by_http = error
                .downcast_ref::<hyper::Error>()
                .is_some_and(|error| error.is_incomplete_message() || error.is_canceled());
            let by_system = error.downcast_ref::<io::Error>().is_some_and(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
                )
            });
            by_http || by_system
        };
        match self {
            Self::Reqwest(error) => !error.is_connect() && !error.is_timeout() && sources(error).any(closed),
            Self::Http1(error) => closed(error) || sources(error).any(closed),
            Self::Connect(_) | Self::Silent | Self::Target | Self::UnknownUpstream => false,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reqwest(error) => f.write_str(&causes(error)),
            Self::Connect(error) => f.write_str(&chain(&**error)),
            Self::Http1(error) => f.write_str(&chain(error)),
            Self::Silent => f.write_str("no response began in time"),
            Self::Target => f.write_str("the path cannot be part of a request"),
            Self::UnknownUpstream => f.write_str("no HTTP client is configured for this upstream"),
        }
    }
}

impl From<hyper::Error> for SendError {
    fn from(error: hyper::Error) -> Self {
        Self::Http1(error)
    }
}

/// Why the body of a response broke off.
#[derive(Debug)]
pub enum BodyError {
    /// The reqwest client failed.
    Reqwest(reqwest::Error),
    /// The plain connection broke, or the upstream did not send HTTP.
    Http1(hyper::Error),
    /// The upstream was silent for too long.
    Silent,
}

impl BodyError {
    /// Whether the upstream was too slow.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Reqwest(error) => error.is_timeout(),
            Self::Http1(_) => false,
            Self::Silent => true,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reqwest(error) => f.write_str(&causes(error)),
            Self::Http1(error) => f.write_str(&chain(error)),
            Self::Silent => f.write_str("the upstream was silent for too long"),
        }
    }
}

impl StdError for BodyError {}

impl From<hyper::Error> for BodyError {
    fn from(error: hyper::Error) -> Self {
        Self::Http1(error)
    }
}

/// The causes of an error of reqwest, without its own message, which contains the URL.
fn causes(error: &reqwest::Error) -> String {
    error
        .source()
        .map_or_else(|| "the request failed".to_owned(), chain)
}

/// The message of an error and those of its causes, without a cause that the message already ends with.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    for cause in sources(error) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// The causes of an error, the most direct one first.
fn sources<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}
