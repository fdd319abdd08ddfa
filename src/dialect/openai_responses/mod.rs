//! The OpenAI Responses API.
//!
//! - `request`, `response`, `stream`: the three documents, each with `read` and `write`
//! - `messages`, `content`: the items of the input and the parts of their content
//! - `tools`, `reasoning`: definitions, choice, effort, and the items that carry reasoning state
//! - `usage`: token counts, and why a response ended
//! - `error`, `endpoints`, `count_tokens`, `system_edit`: one subject each
//! - `response_store`: the documents about responses that the response store keeps; it keeps nothing itself
//! - `types`: the generated types; `reasons`: why values are lost

mod content;
mod count_tokens;
mod endpoints;
mod error;
mod messages;
mod reasoning;
pub(crate) mod reasons;
mod request;
mod response;
pub mod response_store;
mod stream;
mod system_edit;
mod tools;
pub mod types;
mod usage;

#[cfg(test)]
mod tests;

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{
    ClientRequest, Dialect, DialectName, Endpoint, Endpoints, ErrorCodec, ModelList, RateLimitHeaders,
    ReadRequest, RequestCodec, ResponseCodec, ResponseContext, StreamCodec, StreamReader, StreamWriter,
    Target, TokenCounting, WrittenError, WrittenRequest,
};
use crate::canonical::{Error, Family, RateLimits, Request, Response, Scope};
use crate::dialect::openai::{self, rate_limits};
use crate::prompt::SystemEdits;

/// The OpenAI Responses API.
#[derive(Clone, Copy, Debug)]
pub struct OpenAiResponses;

impl Dialect for OpenAiResponses {
    fn name(&self) -> DialectName {
        DialectName::OpenAiResponses
    }

    fn family(&self) -> Family {
        Family::OpenaiResponses
    }

    fn replays_reasoning(&self) -> bool {
        true
    }
}

impl Endpoints for OpenAiResponses {
    fn endpoint(&self, method: &Method, path: &str) -> Endpoint {
        endpoints::classify(method, path)
    }
}

impl RequestCodec for OpenAiResponses {
    fn read_request(&self, scope: &mut Scope<'_>, inbound: &ClientRequest<'_>) -> Result<ReadRequest, Error> {
        request::read(scope, inbound)
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

impl ResponseCodec for OpenAiResponses {
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

impl StreamCodec for OpenAiResponses {
    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream::ResponsesStreamReader::default())
    }

    fn stream_writer(&self, context: &ResponseContext) -> Box<dyn StreamWriter> {
        Box::new(stream::ResponsesStreamWriter::new(context))
    }
}

impl ErrorCodec for OpenAiResponses {
    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        error::read(status, headers, body)
    }

    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError {
        error::write(error, request_id)
    }
}

impl TokenCounting for OpenAiResponses {
    fn unwrap_count(&self, body: &Bytes) -> Result<Option<Bytes>, Error> {
        Ok(Some(body.clone()))
    }

    fn wrap_count(&self, written: WrittenRequest, _: &str) -> Result<Option<WrittenRequest>, Error> {
        count_tokens::wrap(written).map(Some)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        count_tokens::read(body)
    }

    fn write_count(&self, input_tokens: u64) -> Vec<u8> {
        count_tokens::write(input_tokens)
    }
}

impl RateLimitHeaders for OpenAiResponses {
    fn read_rate_limits(&self, headers: &HeaderMap, _: SystemTime) -> RateLimits {
        rate_limits::read(headers)
    }

    fn write_rate_limits(&self, limits: &RateLimits, _: SystemTime) -> Vec<(HeaderName, HeaderValue)> {
        rate_limits::write(limits)
    }
}

impl ModelList for OpenAiResponses {
    fn write_models(&self, models: &[&str], _query: Option<&str>) -> Vec<u8> {
        openai::endpoints::write_models(models)
    }

    fn write_model(&self, model: &str) -> Vec<u8> {
        openai::endpoints::write_model(model)
    }
}
