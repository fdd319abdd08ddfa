//! What the dialects of one family have in common, so that between them only the envelope changes.
//!
//! Such dialects have the same messages, tools and events, and differ in where the rest of a request stands and in how
//! an event travels. A request is opened by the client's dialect and sealed by the upstream's, an event is read by one
//! and written by the other; what is in between passes as the bytes it came in.

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
    /// Whether the answer streams.
    pub stream: bool,
    /// The API's version, as the family's first dialect calls it; `None` where the client named none.
    pub version: Option<String>,
    /// Features that are not part of that version.
    pub betas: Vec<String>,
    /// On whose behalf the request is made.
    pub user_profile: Option<String>,
    /// The JSON body. It may still hold what stands above; whoever seals it replaces that.
    pub body: Cow<'a, [u8]>,
    /// Where the values of the body lie.
    pub index: Index,
    /// Other members of the body that belong to the envelope it came in, and must not go on.
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

    /// Puts a request into an envelope for an upstream, with what that upstream does not take left out.
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
    fn event_writer(&self, reply: &ResponseContext) -> Box<dyn RawEventWriter>;
}

/// What an event means for the stream that it is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPosition {
    /// The first.
    Start,
    /// One in between.
    Middle,
    /// The last.
    End,
    /// Only a sign of life.
    Ping,
}

/// An event as it travels between the dialects of a family.
#[derive(Debug, PartialEq, Eq)]
pub struct RawEvent {
    /// What it means.
    pub part: EventPosition,
    /// The `type` of its JSON.
    pub name: String,
    /// Its JSON.
    pub json: Bytes,
}

/// Reads the events of one stream without translating them.
pub trait RawEventReader: Send {
    /// Reads a frame; `None` where it holds no event.
    ///
    /// # Errors
    /// The failure that the frame tells of, or one that says that it is no frame of this dialect.
    fn read(&mut self, name: Option<&str>, data: &Bytes) -> Result<Option<RawEvent>, Error>;

    /// Token counts, as far as the events have told them.
    fn usage(&self) -> Option<Usage>;
}

/// Writes the events of one stream the way they travel in a dialect.
pub trait RawEventWriter: Send + fmt::Debug {
    /// Says when the request arrived, for those who tell their client how long the answer took.
    fn set_start(&mut self, at: Instant);

    /// Writes an event from its JSON.
    fn write_event(&mut self, name: &str, json: &[u8], out: &mut BytesMut);

    /// Writes the last event.
    fn write_last_event(&mut self, name: &str, json: &[u8], usage: Option<&Usage>, out: &mut BytesMut);

    /// Writes a failure, which ends the stream.
    fn write_failure(&mut self, failure: &Error, out: &mut BytesMut);

    /// Writes what keeps an idle connection open. `started` says whether the first event has been written.
    fn write_keep_alive(&mut self, started: bool, out: &mut BytesMut);
}
