//! What a response or an error for a client is written from, and an error as it was written.

use http::{HeaderName, HeaderValue, StatusCode};

use super::Preferences;

/// What a response is written from besides the upstream's response.
#[derive(Clone, Debug)]
pub struct ResponseContext {
    /// The model, as the client named it; responses repeat that name.
    pub model: String,
    /// The form that the client wants its response in.
    pub preferences: Preferences,
    /// When the response began, in seconds since 1970.
    pub created: u64,
    /// The proxy's identifier of this request, used if the upstream gives none.
    pub request_id: String,
    /// A rough number of input tokens, for clients that expect one before the upstream has counted.
    pub input_estimate: u64,
}

/// An error as a response.
#[derive(Debug)]
pub struct WrittenError {
    /// Its status.
    pub status: StatusCode,
    /// Headers of the dialect, with `retry-after` if a delay is known; `content-type` included.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Its body.
    pub body: Vec<u8>,
}
