//! The OpenAI Chat Completions API, and what compatible servers and routers made of it.
//!
//! - `request`, `messages`, `content`, `tools`: requests
//! - `response`, `stream`: responses
//! - `reasoning`, `usage`: subjects of both
//! - `text_joiner`: how several texts become one
//! - `endpoints`, `system_edit`, `reasons`, `types`: see [`crate::dialect`]
//!
//! Errors, rate limits and the list of models are the same in both of OpenAI's dialects: see
//! [`crate::dialect::openai`].

mod content;
mod endpoints;
mod messages;
mod reasoning;
pub(crate) mod reasons;
mod request;
mod response;
mod stream;
mod system_edit;
#[cfg(test)]
mod tests;
mod text_joiner;
mod tools;
pub mod types;
mod usage;

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{
    ClientRequest, Dialect, DialectName, Endpoint, Endpoints, ErrorCodec, ModelList, RateLimitHeaders,
    ReadRequest, RequestCodec, ResponseCodec, ResponseContext, StreamCodec, StreamReader, StreamWriter,
    Target, TokenCounting, WrittenError, WrittenRequest,
};
use crate::canonical::{Error, Family, RateLimits, Request, Response, Scope};
use crate::dialect::openai::{self, error, rate_limits};
use crate::prompt::SystemEdits;

/// The dialect of the Chat Completions API.
#[derive(Clone, Copy, Debug)]
pub struct OpenAiChat;

impl Dialect for OpenAiChat {
    fn name(&self) -> DialectName {
        DialectName::OpenAiChat
    }

    fn family(&self) -> Family {
        Family::OpenaiChat
    }

    fn replays_reasoning(&self) -> bool {
        false
    }
}

impl Endpoints for OpenAiChat {
    fn endpoint(&self, method: &Method, path: &str) -> Endpoint {
        endpoints::classify(method, path)
    }
}

impl RequestCodec for OpenAiChat {
    fn read_request(&self, scope: &mut Scope<'_>, client: &ClientRequest<'_>) -> Result<ReadRequest, Error> {
        request::read(scope, client)
    }

    fn write_request(
        &self,
        scope: &mut Scope<'_>,
        request: &Request,
        target: &Target<'_>,
    ) -> Result<WrittenRequest, Error> {
        Ok(request::write(scope, request, target))
    }

    fn edit_system(&self, body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
        system_edit::edit(body, edits)
    }
}

impl ResponseCodec for OpenAiChat {
    fn read_response(&self, scope: &mut Scope<'_>, body: &[u8]) -> Result<Response, Error> {
        response::read(scope, body)
    }

    fn write_response(
        &self,
        scope: &mut Scope<'_>,
        response: Response,
        context: &ResponseContext,
    ) -> Vec<u8> {
        response::write(scope, response, context)
    }
}

impl StreamCodec for OpenAiChat {
    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream::ChatStreamReader::default())
    }

    fn stream_writer(&self, context: &ResponseContext) -> Box<dyn StreamWriter> {
        Box::new(stream::ChatStreamWriter::new(context))
    }
}

impl ErrorCodec for OpenAiChat {
    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        error::read(status, headers, body)
    }

    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError {
        error::write(error, request_id)
    }
}

impl TokenCounting for OpenAiChat {}

impl RateLimitHeaders for OpenAiChat {
    fn read_rate_limits(&self, headers: &HeaderMap, _: SystemTime) -> RateLimits {
        rate_limits::read(headers)
    }

    fn write_rate_limits(&self, limits: &RateLimits, _: SystemTime) -> Vec<(HeaderName, HeaderValue)> {
        rate_limits::write(limits)
    }
}

impl ModelList for OpenAiChat {
    fn write_models(&self, models: &[&str], _query: Option<&str>) -> Vec<u8> {
        openai::endpoints::write_models(models)
    }

    fn write_model(&self, model: &str) -> Vec<u8> {
        openai::endpoints::write_model(model)
    }
}
