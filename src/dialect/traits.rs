//! The traits of a dialect, one for each concern.

use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::shared::envelope::Envelope;
use super::{ClientRequest, Endpoint, ReadRequest, ResponseContext, Target, WrittenError, WrittenRequest};
use crate::canonical::{DialectName, Error, Event, Family, RateLimits, Request, Response, Scope, Usage};
use crate::prompt::SystemEdits;
use crate::wire::framing::Framing;

/// An API dialect: reads and writes everything that a client and an upstream exchange in it.
pub trait Dialect:
    Endpoints
    + RequestCodec
    + ResponseCodec
    + StreamCodec
    + ErrorCodec
    + TokenCounting
    + RateLimitHeaders
    + ModelList
    + Send
    + Sync
{
    /// Its name.
    fn name(&self) -> DialectName;

    /// The vendor whose content and reasoning state it carries.
    fn family(&self) -> Family;

    /// Whether its clients send the vendor's reasoning state back without help.
    fn replays_reasoning(&self) -> bool;

    /// Its envelope, if other dialects of its family carry the same content in another one.
    fn envelope(&self) -> Option<&'static dyn Envelope> {
        None
    }
}

/// The paths of a dialect's API.
pub trait Endpoints {
    /// What a request asks for. `path` starts with `/` and has neither the route's prefix nor a query; a leading `/v1`
    /// is optional.
    fn endpoint(&self, method: &Method, path: &str) -> Endpoint;

    /// The path with another model in it; `None` if the path names no model.
    fn rename_in_path(&self, _path: &str, _model: &str) -> Option<String> {
        None
    }

    /// Whether a path belongs to another API of the vendor that clients expect at the same address, which no
    /// upstream of this dialect serves.
    fn is_foreign_path(&self, _method: &Method, _path: &str) -> bool {
        false
    }
}

/// Reads and writes requests for a response of a model.
pub trait RequestCodec {
    /// Reads a client's request.
    ///
    /// # Errors
    /// An invalid request, naming the field by its JSON path.
    fn read_request(&self, scope: &mut Scope<'_>, request: &ClientRequest<'_>) -> Result<ReadRequest, Error>;

    /// Writes a request for an upstream. A pure function of its arguments; a longer history is written as an extension
    /// of the shorter one, since prompt caches depend on that.
    ///
    /// # Errors
    /// A request that cannot be expressed in this dialect at all.
    fn write_request(
        &self,
        scope: &mut Scope<'_>,
        request: &Request,
        target: &Target<'_>,
    ) -> Result<WrittenRequest, Error>;

    /// The body with its system text edited and every other byte as it was.
    ///
    /// # Errors
    /// An invalid request.
    fn edit_system(&self, body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error>;
}

/// Reads and writes complete responses.
pub trait ResponseCodec {
    /// Reads an upstream's complete response.
    ///
    /// # Errors
    /// [`crate::canonical::ErrorClass::Upstream`] if the body is no response of this dialect.
    fn read_response(&self, scope: &mut Scope<'_>, body: &[u8]) -> Result<Response, Error>;

    /// Writes a complete response for a client.
    fn write_response(&self, scope: &mut Scope<'_>, response: Response, context: &ResponseContext)
    -> Vec<u8>;

    /// Headers of a complete response, besides its type and the request's identifier.
    fn response_headers(
        &self,
        _usage: Option<&Usage>,
        _took: Option<Duration>,
    ) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }
}

/// Reads and writes streamed responses.
pub trait StreamCodec {
    /// How the events of its streams are framed.
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    /// Headers of a streamed response, besides its type and the request's identifier.
    fn stream_headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }

    /// A reader of one streamed response.
    fn stream_reader(&self) -> Box<dyn StreamReader>;

    /// A writer of one streamed response.
    fn stream_writer(&self, context: &ResponseContext) -> Box<dyn StreamWriter>;
}

/// Reads one streamed response, frame by frame.
pub trait StreamReader: Send {
    /// Reads one frame: its name, if it has one, and its data; see [`crate::wire::framing::StreamFrame`].
    fn read(&mut self, scope: &mut Scope<'_>, name: Option<&str>, data: &[u8], out: &mut Vec<Event>);

    /// Reads the end of the upstream's stream. A response that is not finished by then has failed.
    fn end(&mut self, scope: &mut Scope<'_>, out: &mut Vec<Event>);
}

/// Writes one streamed response, event by event, in the order that [`crate::canonical::Sequencer`] ensures.
pub trait StreamWriter: Send {
    /// Writes the frames of an event, any number of them, ready for the wire.
    fn write(&mut self, scope: &mut Scope<'_>, event: Event, out: &mut BytesMut);

    /// Writes a frame that keeps an idle connection open.
    fn write_keep_alive(&mut self, out: &mut BytesMut);

    /// Sets when the request arrived, for dialects that report how long the response took.
    fn set_start(&mut self, _at: Instant) {}
}

/// Reads and writes errors.
pub trait ErrorCodec {
    /// Reads the response of an upstream whose status is not a success.
    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error;

    /// Writes an error as a response.
    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError;
}

/// Requests for the number of tokens of a request, where a dialect has them.
pub trait TokenCounting {
    /// Takes the request for a response out of a request for the number of its tokens. `None` if the dialect has no
    /// such requests.
    ///
    /// # Errors
    /// An invalid request, naming the field by its JSON path.
    fn unwrap_count(&self, _body: &Bytes) -> Result<Option<Bytes>, Error> {
        Ok(None)
    }

    /// Makes a request for the number of tokens from one for a response. `None` if the dialect has no such requests, or
    /// not for this model.
    ///
    /// # Errors
    /// A body that is no JSON object.
    fn wrap_count(&self, _request: WrittenRequest, _model: &str) -> Result<Option<WrittenRequest>, Error> {
        Ok(None)
    }

    /// Reads the number of tokens of a request; `None` if the body does not contain it.
    fn read_count(&self, _body: &[u8]) -> Option<u64> {
        None
    }

    /// Writes the number of tokens of a request.
    fn write_count(&self, _input_tokens: u64) -> Vec<u8> {
        Vec::new()
    }
}

/// The headers that report rate limits, where a dialect has them.
pub trait RateLimitHeaders {
    /// Reads what a response's headers report of the account's limits.
    fn read_rate_limits(&self, _headers: &HeaderMap, _now: SystemTime) -> RateLimits {
        RateLimits::default()
    }

    /// Writes the headers that report these limits.
    fn write_rate_limits(&self, _limits: &RateLimits, _now: SystemTime) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }
}

/// The list of models.
pub trait ModelList {
    /// Writes the list of a prefix's models, or the page of it that the query asks for.
    fn write_models(&self, models: &[&str], query: Option<&str>) -> Vec<u8>;

    /// Writes one entry of that list.
    fn write_model(&self, model: &str) -> Vec<u8>;
}
