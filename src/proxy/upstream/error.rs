//! Why an exchange with an upstream failed. No text holds the address that was asked.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Why no answer came.
#[derive(Debug)]
pub enum SendError {
    /// From the client that speaks all of HTTP.
    Remote(reqwest::Error),
    /// There is no connection.
    Connect(Box<dyn StdError + Send + Sync>),
    /// The connection broke, or what came back is not HTTP.
    Exchange(hyper::Error),
    /// The upstream was silent for too long.
    Silent,
    /// The path cannot be part of a request.
    Target,
    /// No client was set up for the address.
    Unknown,
}

impl SendError {
    /// Whether the upstream was too slow.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Remote(error) => error.is_timeout(),
            Self::Silent => true,
            Self::Connect(_) | Self::Exchange(_) | Self::Target | Self::Unknown => false,
        }
    }

    /// Whether there was no connection.
    pub fn is_connect(&self) -> bool {
        match self {
            Self::Remote(error) => error.is_connect(),
            Self::Connect(_) | Self::Unknown => true,
            Self::Exchange(_) | Self::Silent | Self::Target => false,
        }
    }

    /// Whether the connection was closed before anything came back.
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
            Self::Remote(error) => !error.is_connect() && !error.is_timeout() && sources(error).any(closed),
            Self::Exchange(error) => closed(error) || sources(error).any(closed),
            Self::Connect(_) | Self::Silent | Self::Target | Self::Unknown => false,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(error) => f.write_str(&causes(error)),
            Self::Connect(error) => f.write_str(&chain(&**error)),
            Self::Exchange(error) => f.write_str(&chain(error)),
            Self::Silent => f.write_str("no answer began in time"),
            Self::Target => f.write_str("the path cannot be part of a request"),
            Self::Unknown => f.write_str("no client was set up for the address"),
        }
    }
}

impl From<hyper::Error> for SendError {
    fn from(error: hyper::Error) -> Self {
        Self::Exchange(error)
    }
}

/// Why an answer broke off.
#[derive(Debug)]
pub enum BodyError {
    /// From the client that speaks all of HTTP.
    Remote(reqwest::Error),
    /// The connection broke, or what came is not HTTP.
    Exchange(hyper::Error),
    /// The upstream was silent for too long.
    Silent,
}

impl BodyError {
    /// Whether the upstream was too slow.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Remote(error) => error.is_timeout(),
            Self::Exchange(_) => false,
            Self::Silent => true,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(error) => f.write_str(&causes(error)),
            Self::Exchange(error) => f.write_str(&chain(error)),
            Self::Silent => f.write_str("nothing came in time"),
        }
    }
}

impl StdError for BodyError {}

impl From<hyper::Error> for BodyError {
    fn from(error: hyper::Error) -> Self {
        Self::Exchange(error)
    }
}

/// What lies behind an error of reqwest: its own text names the address.
fn causes(error: &reqwest::Error) -> String {
    error
        .source()
        .map_or_else(|| "the request failed".to_owned(), chain)
}

/// An error's text and those of its causes.
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

/// The causes of an error, the nearest first.
fn sources<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}
