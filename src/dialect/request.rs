//! A request on its way through a dialect: as the client sent it, as it was read, as it was written.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::canonical::{RawJson, Request, Restoration};
use crate::capability::Capabilities;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A response of a model: the requests that are translated.
    Generate {
        /// The model, if the path names it.
        model: Option<String>,
        /// Whether the response streams, if the path determines it.
        stream: Option<bool>,
    },
    /// The number of tokens of a request.
    CountTokens {
        /// The model, if the path names it.
        model: Option<String>,
    },
    /// The list of models.
    Models,
    /// One entry of that list.
    Model(String),
    /// Anything else.
    Other,
}

impl Endpoint {
    /// The model that the request is for, if the path names it.
    pub fn model(self) -> Option<String> {
        match self {
            Self::Generate { model, .. } | Self::CountTokens { model } => model,
            Self::Models | Self::Model(_) | Self::Other => None,
        }
    }
}

/// A client's request for a response, as it arrived.
#[derive(Debug)]
pub struct ClientRequest<'a> {
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// The model, if the path names it.
    pub model: Option<&'a str>,
    /// Whether the response streams, if the path determines it.
    pub stream: Option<bool>,
    /// The body.
    pub body: &'a Bytes,
}

/// A request as it was read, with what the writer of its response needs.
#[derive(Debug)]
pub struct ReadRequest {
    /// The request.
    pub request: Request,
    /// The form that the client wants its response in.
    pub preferences: Preferences,
}

/// The form that a client wants its response in.
#[derive(Clone, Debug, Default)]
pub struct Preferences {
    /// Chat Completions: a streamed response ends with a chunk of token counts.
    pub include_usage: bool,
    /// Chat Completions: the request used `functions`, so the response uses `function_call`.
    pub legacy_functions: bool,
    /// Responses: members of the request that the response repeats.
    pub echo: Option<Arc<RequestEcho>>,
    /// Responses: the identifiers of the response in the response store.
    pub links: ResponseLinks,
}

/// The identifiers that a response in the response store has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseLinks {
    /// The identifier under which it is kept; `None` if it is not kept.
    pub id: Option<String>,
    /// The identifier of the response that it continues.
    pub previous: Option<String>,
}

/// What a response repeats of its request.
#[derive(Clone, Debug, Default)]
pub struct RequestEcho {
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
    /// The length of the client's request, in bytes; 0 if it says nothing about the length of the written one.
    pub length: usize,
}

impl Target<'_> {
    /// A buffer for the body. A translated request is about as long as the client's, with some room for longer names.
    pub fn buffer(&self) -> Vec<u8> {
        Vec::with_capacity(self.length + self.length / 16 + 128)
    }
}

/// A request as the upstream accepts it.
#[derive(Debug)]
pub struct WrittenRequest {
    /// Path below the upstream's base URL, with `/v1` if the dialect has it.
    pub path: Cow<'static, str>,
    /// Headers of the dialect, such as `anthropic-version`; credentials are not among them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The JSON body.
    pub body: Vec<u8>,
    /// What has to be undone in the response.
    pub restoration: Restoration,
}
