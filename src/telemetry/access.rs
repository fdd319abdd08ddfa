//! The log line of a request.

use std::time::{Duration, Instant};

use http::StatusCode;

use crate::canonical::{ErrorClass, Loss, Losses, Usage};

/// The status in the log if the client disconnected before its response was complete. nginx introduced this number.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// How many losses the line lists; the others are counted.
const LISTED_LOSSES: usize = 32;

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseEnd {
    /// All of it was sent.
    Complete,
    /// It broke off, or the stream ended with an error.
    Failed,
    /// The client disconnected first.
    ClientGone,
}

impl ResponseEnd {
    fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::ClientGone => "client gone",
        }
    }
}

/// The facts for the log line of a request. [`finish`](Self::finish) writes the line, and so does dropping this
/// value, so every request has a line.
#[derive(Debug)]
pub struct Access {
    /// The identifier that the proxy gave the request.
    pub request_id: String,
    /// HTTP method.
    pub method: http::Method,
    /// Path, without the query.
    pub path: String,
    /// The route's prefix.
    pub prefix: Option<String>,
    /// The client's model name.
    pub client_model: Option<String>,
    /// The model name in the request to the upstream.
    pub backend_model: Option<String>,
    /// The dialects of client and upstream.
    pub dialects: Option<(&'static str, &'static str)>,
    /// Status of the response; `None` before there is one.
    pub status: Option<StatusCode>,
    /// Class of the error, if the response is or contains an error.
    pub error: Option<ErrorClass>,
    /// Size of the request body in bytes.
    pub request_bytes: u64,
    /// Bytes of the response body that were sent.
    pub response_bytes: u64,
    /// Token counts, if they are known. Forwarded responses are not read.
    pub usage: Option<Usage>,
    /// Whether the line is logged at debug level only, for health checks.
    pub quiet: bool,
    losses: Vec<String>,
    unlisted_losses: usize,
    began: Instant,
    first_byte: Option<Duration>,
    written: bool,
}

impl Access {
    /// Starts the record of a request that has just arrived.
    pub fn new(request_id: String, method: http::Method, path: String) -> Self {
        Self {
            request_id,
            method,
            path,
            prefix: None,
            client_model: None,
            backend_model: None,
            dialects: None,
            status: None,
            error: None,
            request_bytes: 0,
            response_bytes: 0,
            usage: None,
            quiet: false,
            losses: Vec::new(),
            unlisted_losses: 0,
            began: Instant::now(),
            first_byte: None,
            written: false,
        }
    }

    /// Adds the losses of a translation.
    pub fn record_losses(&mut self, losses: &Losses) {
        let line = |loss: &Loss| format!("{} {}", loss.kind.as_str(), loss.path);
        let entries = losses.entries();
        let room = LISTED_LOSSES.saturating_sub(self.losses.len());
        self.losses.extend(entries.iter().take(room).map(line));
        self.unlisted_losses += entries.len().saturating_sub(room);
    }

    /// Counts bytes of the response that are being sent.
    pub fn count_sent_bytes(&mut self, bytes: usize) {
        if self.first_byte.is_none() {
            self.first_byte = Some(self.began.elapsed());
        }
        self.response_bytes = self
            .response_bytes
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Whether the line has been written.
    pub fn is_finished(&self) -> bool {
        self.written
    }

    /// Writes the line, unless it was written before.
    pub fn finish(&mut self, end: ResponseEnd) {
        if std::mem::replace(&mut self.written, true) {
            return;
        }
        let status = match (end, self.status) {
            (ResponseEnd::ClientGone, _) | (ResponseEnd::Complete | ResponseEnd::Failed, None) => {
                CLIENT_CLOSED_REQUEST
            }
            (ResponseEnd::Complete | ResponseEnd::Failed, Some(status)) => status.as_u16(),
        };
        let dialects = self
            .dialects
            .map(|(client, upstream)| format!("{client} -> {upstream}"));
        if self.unlisted_losses > 0 {
            self.losses.push(format!("and {} more", self.unlisted_losses));
        }
        let losses = (!self.losses.is_empty()).then(|| self.losses.join(", "));
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: "llm_proxy::access",
                    $level,
                    request_id = self.request_id,
                    method = self.method.as_str(),
                    path = self.path,
                    prefix = self.prefix,
                    model = self.client_model,
                    backend_model = self.backend_model,
                    dialects,
                    status,
                    error = self.error.map(ErrorClass::as_str),
                    end = end.as_str(),
                    duration_ms = to_milliseconds(self.began.elapsed()),
                    first_byte_ms = self.first_byte.map(to_milliseconds),
                    request_bytes = self.request_bytes,
                    response_bytes = self.response_bytes,
                    input_tokens = self.usage.map(|usage| usage.input_total()),
                    cached_tokens = self.usage.map(|usage| usage.cache_read),
                    output_tokens = self.usage.map(|usage| usage.output),
                    losses,
                    "request"
                )
            };
        }
        if self.quiet {
            line!(tracing::Level::DEBUG);
        } else if end == ResponseEnd::Failed || status >= 500 {
            line!(tracing::Level::WARN);
        } else {
            line!(tracing::Level::INFO);
        }
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        self.finish(ResponseEnd::ClientGone);
    }
}

/// Converts to milliseconds with three decimals.
fn to_milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
