//! Envelopes: what differs between the dialects of one family.
//!
//! Such dialects have the same messages, tools and events. They differ in where they have the rest of a request, and in
//! the frames of a stream. Between them, the client's dialect unwraps a request and the upstream's wraps it again; the
//! upstream's dialect reads an event and the client's writes it. The bytes inside stay as they are.

use std::borrow::Cow;
use std::fmt;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::canonical::{Error, Scope, Usage};
use crate::dialect::{ClientRequest, ResponseContext, Target, WrittenRequest};
use crate::wire::splice::Index;

/// A request out of its envelope.
#[derive(Debug)]
pub struct UnwrappedRequest<'a> {
    /// The model.
    pub model: String,
    /// Whether the response is streamed.
    pub stream: bool,
    /// The API's version, as the family's first dialect names it; `None` if the client named none.
    pub version: Option<String>,
    /// Features that are not part of that version.
    pub betas: Vec<String>,
    /// On whose behalf the request is made.
    pub user_profile: Option<String>,
    /// The JSON body. It may still contain the model, the mode and other members of the envelope; wrapping replaces
    /// them.
    pub body: Cow<'a, [u8]>,
    /// The positions of the body's values.
    pub index: Index,
    /// Further members of the body that belong to the client's envelope, and must not reach the upstream.
    pub of_envelope: &'static [&'static str],
}

/// The envelope of a dialect.
pub trait Envelope: Send + Sync {
    /// Takes a client's request out of its envelope.
    ///
    /// # Errors
    /// A body that is no JSON object, or one that names no model where it should.
    fn unwrap_request<'a>(
        &self,
        scope: &mut Scope<'_>,
        request: &ClientRequest<'a>,
    ) -> Result<UnwrappedRequest<'a>, Error>;

    /// Puts a request into an envelope for an upstream, without what that upstream does not accept.
    ///
    /// # Errors
    /// A body that is no JSON object.
    fn wrap_request(
        &self,
        scope: &mut Scope<'_>,
        request: UnwrappedRequest<'_>,
        target: &Target<'_>,
    ) -> Result<WrittenRequest, Error>;

    /// A reader of one stream's events.
    fn event_reader(&self) -> Box<dyn RawEventReader>;

    /// A writer of one stream's events.
    fn event_writer(&self, context: &ResponseContext) -> Box<dyn RawEventWriter>;
}

/// The position of an event in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPosition {
    /// The first.
    Start,
    /// One in between.
    Middle,
    /// The last.
    End,
    /// None: it only shows that the upstream is alive.
    Ping,
}

/// An event that passes between the dialects of a family with its bytes unchanged.
#[derive(Debug, PartialEq, Eq)]
pub struct RawEvent {
    /// Its position in the stream.
    pub position: EventPosition,
    /// The `type` of its JSON.
    pub name: String,
    /// Its JSON.
    pub json: Bytes,
}

/// Reads the events of one stream without a translation.
pub trait RawEventReader: Send {
    /// Reads a frame; `None` if it contains no event.
    ///
    /// # Errors
    /// The failure that the frame reports, or an upstream error for a frame that is none of this dialect.
    fn read(&mut self, name: Option<&str>, data: &Bytes) -> Result<Option<RawEvent>, Error>;

    /// The token counts in the events that have been read.
    fn usage(&self) -> Option<Usage>;
}

/// Whether the first event of a stream has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamPhase {
    /// It has not. A client does not expect any other event before it.
    NotStarted,
    /// It has.
    Started,
}

/// Writes the events of one stream in the frames of a dialect.
pub trait RawEventWriter: Send + fmt::Debug {
    /// Sets the time at which the request arrived, from which dialects that report the latency count.
    fn set_start(&mut self, at: Instant);

    /// Writes an event from its JSON.
    fn write_event(&mut self, name: &str, json: &[u8], out: &mut BytesMut);

    /// Writes the last event. `usage` is for dialects that add the token counts to it.
    fn write_last_event(&mut self, name: &str, json: &[u8], usage: Option<&Usage>, out: &mut BytesMut);

    /// Writes a failure, which ends the stream.
    fn write_failure(&mut self, failure: &Error, out: &mut BytesMut);

    /// Writes a frame that keeps an idle connection open.
    fn write_keep_alive(&mut self, phase: StreamPhase, out: &mut BytesMut);
}
