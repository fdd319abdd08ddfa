//! What a dialect is, and the registry of those that exist.
//!
//! Every dialect folder has the same files: `types` (generated), `request`, `response`, `stream`, `error`,
//! `endpoints`; the reader and the writer of one thing stand beside each other. No dialect knows another.

pub mod bedrock;
pub mod carrier;
pub mod claude;
pub mod data_url;
pub mod edit;
pub mod effort;
pub mod end_user;
pub mod envelope;
pub mod extras;
pub mod failure;
pub mod freeform;
pub mod ids;
pub mod json_schema;
mod name;
pub mod names;
pub mod openai_chat;
pub mod openai_error;
pub mod openai_limits;
pub mod openai_responses;
pub mod partial_json;
pub mod path;
pub mod rate_limits;
pub mod repeat;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::canonical::{
    Error, Event, Family, Losses, RateLimits, RawJson, Request, Response, Restoration, Usage,
};
use crate::capability::Capabilities;
use crate::prompt::SystemEdits;
use crate::wire::framing::Framing;
use envelope::Envelope;

pub use name::{DialectName, UnknownDialect};

/// A reader and a writer of one API dialect.
pub trait Dialect: Send + Sync {
    /// Its name.
    fn name(&self) -> DialectName;

    /// Whose content and reasoning state it speaks.
    fn family(&self) -> Family;

    /// Whether its clients send a vendor's reasoning state back by themselves.
    fn replays_reasoning(&self) -> bool;

    /// How the events of its streams travel.
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    /// Its envelope, where other dialects of its family say the same in another one.
    fn envelope(&self) -> Option<&'static dyn Envelope> {
        None
    }

    /// What a request asks for. `path` starts with `/` and has neither the route's prefix nor a query; `/v1` in front
    /// is optional.
    fn endpoint(&self, method: &Method, path: &str) -> Endpoint;

    /// The path with another model in it, where it names one.
    fn rename_in_path(&self, _path: &str, _model: &str) -> Option<String> {
        None
    }

    /// Whether a path belongs to another API of the vendor that clients expect at the same address, so that no
    /// upstream of this dialect answers it.
    fn is_foreign_path(&self, _method: &Method, _path: &str) -> bool {
        false
    }

    /// Reads a request for an answer.
    ///
    /// # Errors
    /// An invalid request, naming the field by its JSON path.
    fn read_request(&self, inbound: &Inbound<'_>, losses: &mut Losses) -> Result<ReadRequest, Error>;

    /// Takes the request for an answer out of a request for the number of its tokens: the body that the former would
    /// have. `None` where the dialect has no such requests.
    ///
    /// # Errors
    /// An invalid request, naming the field by its JSON path.
    fn open_count(&self, _body: &Bytes) -> Result<Option<Bytes>, Error> {
        Ok(None)
    }

    /// Makes a request for the number of tokens from one for an answer. `None` where the dialect has no such requests,
    /// or not for this model.
    ///
    /// # Errors
    /// A body that is no JSON object.
    fn seal_count(&self, _written: WrittenRequest, _model: &str) -> Result<Option<WrittenRequest>, Error> {
        Ok(None)
    }

    /// Reads the number of tokens of a request; `None` where the body does not tell it.
    fn read_count(&self, _body: &[u8]) -> Option<u64> {
        None
    }

    /// Writes the number of tokens of a request.
    fn write_count(&self, _input_tokens: u64) -> Vec<u8> {
        Vec::new()
    }

    /// Writes a request for an answer. A pure function of its arguments; a longer history is written as an extension
    /// of the shorter one.
    ///
    /// # Errors
    /// Where the request cannot be said in this dialect at all.
    fn write_request(
        &self,
        request: &Request,
        target: &Target<'_>,
        losses: &mut Losses,
    ) -> Result<WrittenRequest, Error>;

    /// The body with its system text edited and every other byte as it was.
    ///
    /// # Errors
    /// An invalid request.
    fn edit_system(&self, body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error>;

    /// Reads a complete answer.
    ///
    /// # Errors
    /// [`crate::canonical::ErrorClass::Upstream`] where the body is no answer of this dialect.
    fn read_response(&self, body: &[u8], losses: &mut Losses) -> Result<Response, Error>;

    /// Writes a complete answer.
    fn write_response(&self, response: Response, reply: &Reply, losses: &mut Losses) -> Vec<u8>;

    /// Headers of a complete answer, besides its type and the request's identifier.
    fn response_headers(
        &self,
        _usage: Option<&Usage>,
        _took: Option<Duration>,
    ) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }

    /// Headers of a streamed answer, besides its type and the request's identifier.
    fn stream_headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }

    /// A reader of one streamed answer.
    fn stream_reader(&self) -> Box<dyn StreamReader>;

    /// A writer of one streamed answer.
    fn stream_writer(&self, reply: &Reply) -> Box<dyn StreamWriter>;

    /// Reads the answer of an upstream whose status is not a success.
    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error;

    /// Writes an error as an answer.
    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError;

    /// Reads what an answer's headers tell of the account's limits.
    fn read_rate_limits(&self, _headers: &HeaderMap, _now: SystemTime) -> RateLimits {
        RateLimits::default()
    }

    /// Writes headers that tell of them.
    fn write_rate_limits(&self, _limits: &RateLimits, _now: SystemTime) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }

    /// Writes the list of a prefix's models, or a page of it as the query asks.
    fn write_models(&self, models: &[&str], query: Option<&str>) -> Vec<u8>;

    /// Writes one entry of that list.
    fn write_model(&self, model: &str) -> Vec<u8>;
}

/// The dialect of a name; `None` for those that can only be passed through so far.
pub fn find(name: DialectName) -> Option<&'static dyn Dialect> {
    match name {
        DialectName::Claude => Some(&claude::Claude),
        DialectName::OpenAiChat => Some(&openai_chat::OpenAiChat),
        DialectName::OpenAiResponses => Some(&openai_responses::OpenAiResponses),
        DialectName::Bedrock => Some(&bedrock::Bedrock),
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// An answer of a model: what is translated.
    Generate {
        /// The model, where the path names it.
        model: Option<String>,
        /// Whether the answer streams, where the path tells.
        stream: Option<bool>,
    },
    /// The number of tokens of a request.
    CountTokens {
        /// The model, where the path names it.
        model: Option<String>,
    },
    /// The list of models.
    Models,
    /// One entry of it.
    Model(String),
    /// Anything else.
    Other,
}

impl Endpoint {
    /// The model that is to work, where the path names it.
    pub fn model(self) -> Option<String> {
        match self {
            Self::Generate { model, .. } | Self::CountTokens { model } => model,
            Self::Models | Self::Model(_) | Self::Other => None,
        }
    }
}

/// A client's request for an answer.
#[derive(Debug)]
pub struct Inbound<'a> {
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// The model, where the path names it.
    pub model: Option<&'a str>,
    /// Whether the answer streams, where the path tells.
    pub stream: Option<bool>,
    /// The body.
    pub body: &'a Bytes,
}

/// A request as it was read, with what its answer needs to know.
#[derive(Debug)]
pub struct ReadRequest {
    /// The request.
    pub request: Request,
    /// How the client wants its answer.
    pub preferences: Preferences,
}

/// How a client wants its answer.
#[derive(Clone, Debug, Default)]
pub struct Preferences {
    /// Chat: a streamed answer ends with a chunk of token counts.
    pub include_usage: bool,
    /// Chat: the request used `functions`, so the answer uses `function_call`.
    pub legacy_functions: bool,
    /// Responses: what an answer repeats of its request.
    pub echo: Option<Arc<Echo>>,
    /// Responses: what an answer says of a store.
    pub stored: Stored,
}

/// What an answer says of a store of answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The identifier under which it is kept; `None` where it is not.
    pub id: Option<String>,
    /// The answer that it goes on from.
    pub previous: Option<String>,
}

/// What an answer repeats of its request.
#[derive(Clone, Debug, Default)]
pub struct Echo {
    /// Members of the request, as the client wrote them.
    pub members: Vec<(&'static str, RawJson)>,
    /// Whether the client searches for tools itself, with a tool of the API's own kind.
    pub tool_search: bool,
}

/// The upstream that a request is written for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The upstream's name of the model.
    pub model: &'a str,
    /// What that model accepts.
    pub capabilities: &'a Capabilities,
    /// How long the client's request is, in bytes; 0 where that says nothing.
    pub length: usize,
}

impl Target<'_> {
    /// A buffer for the body: what is translated is about as long as before, with some room for other names.
    pub fn buffer(&self) -> Vec<u8> {
        Vec::with_capacity(self.length + self.length / 16 + 128)
    }
}

/// A request as the upstream wants it.
#[derive(Debug)]
pub struct WrittenRequest {
    /// Path below the upstream's base URL, with `/v1` where the dialect has it.
    pub path: Cow<'static, str>,
    /// Headers of the dialect, such as `anthropic-version`; credentials are not among them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The JSON body.
    pub body: Vec<u8>,
    /// What has to be undone in the answer.
    pub restoration: Restoration,
}

/// What the answer to a client is written from, besides the upstream's answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The model, as the client named it; answers repeat it.
    pub model: String,
    /// How the client wants its answer.
    pub preferences: Preferences,
    /// When the answer began, in seconds since 1970.
    pub created: u64,
    /// The proxy's identifier of this request; stands in where the upstream gives none.
    pub request_id: String,
    /// A rough number of input tokens, for clients that want one before the upstream has counted.
    pub input_estimate: u64,
}

/// An error as an answer.
#[derive(Debug)]
pub struct WrittenError {
    /// Its status.
    pub status: StatusCode,
    /// Headers of the dialect, with `retry-after` where known; `content-type` included.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Reads one streamed answer, frame by frame.
pub trait StreamReader: Send {
    /// Reads one frame: its name, where there is one, and its data; see [`crate::wire::framing::Frame`].
    fn read(&mut self, event: Option<&str>, data: &[u8], out: &mut Vec<Event>, losses: &mut Losses);

    /// Reads the end of the upstream's stream; what was not finished by then has failed.
    fn end(&mut self, out: &mut Vec<Event>, losses: &mut Losses);
}

/// Writes one streamed answer, event by event, in an order that [`crate::canonical::Sequencer`] has put.
pub trait StreamWriter: Send {
    /// Writes what an event amounts to: any number of frames, ready for the wire.
    fn write(&mut self, event: Event, out: &mut BytesMut, losses: &mut Losses);

    /// Writes what keeps an idle connection open.
    fn keep_alive(&mut self, out: &mut BytesMut);

    /// Says when the request arrived, for those who tell their client how long the answer took.
    fn began(&mut self, _at: Instant) {}
}
