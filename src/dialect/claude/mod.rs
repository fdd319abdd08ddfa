//! The Anthropic Messages API. See <https://platform.claude.com/docs/en/api/messages>.
//!
//! - `request`, `response`, `stream`: the three things that are translated, each with `read` and `write`.
//! - `messages`: the conversation, and the shape that the API demands of it. `content`: the blocks of its messages.
//! - `tools`: definitions, the choice among them, and the format of the response's text. `reasoning`: thinking.
//! - `usage`: token counts, and why a response ended.
//! - `error`, `endpoints`, `count_tokens`, `rate_limits`: one part of the API each.
//! - `envelope`: requests that only change their transport, to or from Bedrock; `stream::events` has their events.
//! - `system_edit`: the system prompt edited in place.
//! - `types`: the generated types. `reasons`: the texts of losses.
//! - `tests`: the rules of the mappings, one test each.

mod content;
pub(super) mod count_tokens;
mod endpoints;
pub(super) mod envelope;
pub(super) mod error;
mod messages;
mod rate_limits;
mod reasoning;
pub(crate) mod reasons;
pub(super) mod request;
mod response;
pub(super) mod stream;
pub(super) mod system_edit;
mod tools;
pub mod types;
mod usage;

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::shared::envelope::Envelope;
use super::{
    ClientRequest, Dialect, DialectName, Endpoint, Endpoints, ErrorCodec, ModelList, RateLimitHeaders,
    ReadRequest, RequestCodec, ResponseCodec, ResponseContext, StreamCodec, StreamReader, StreamWriter,
    Target, TokenCounting, WrittenError, WrittenRequest,
};
use crate::canonical::{Error, Family, RateLimits, Request, Response, Scope};
use crate::prompt::SystemEdits;

/// The Anthropic Messages API.
#[derive(Clone, Copy, Debug)]
pub struct Claude;

impl Dialect for Claude {
    fn name(&self) -> DialectName {
        DialectName::Claude
    }

    fn family(&self) -> Family {
        Family::Claude
    }

    fn replays_reasoning(&self) -> bool {
        true
    }

    fn envelope(&self) -> Option<&'static dyn Envelope> {
        Some(&Claude)
    }
}

impl Endpoints for Claude {
    fn endpoint(&self, method: &Method, path: &str) -> Endpoint {
        endpoints::classify(method, path)
    }
}

impl RequestCodec for Claude {
    fn read_request(&self, scope: &mut Scope<'_>, request: &ClientRequest<'_>) -> Result<ReadRequest, Error> {
        request::read(scope, request)
    }

    fn write_request(
        &self,
        scope: &mut Scope<'_>,
        request: &Request,
        target: &Target<'_>,
    ) -> Result<WrittenRequest, Error> {
        Ok(request::write(scope, request, target, request.service_tier))
    }

    fn edit_system(&self, body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
        system_edit::edit(body, edits)
    }
}

impl ResponseCodec for Claude {
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

impl StreamCodec for Claude {
    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream::ClaudeStreamReader::default())
    }

    fn stream_writer(&self, context: &ResponseContext) -> Box<dyn StreamWriter> {
        Box::new(stream::ClaudeStreamWriter::new(
            context,
            Box::new(stream::events::ClaudeSseWriter::new(context)),
        ))
    }
}

impl ErrorCodec for Claude {
    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        error::read(status, headers, body)
    }

    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError {
        error::write(error, request_id)
    }
}

impl TokenCounting for Claude {
    fn unwrap_count(&self, body: &Bytes) -> Result<Option<Bytes>, Error> {
        count_tokens::unwrap_request(body).map(Some)
    }

    fn wrap_count(&self, request: WrittenRequest, _: &str) -> Result<Option<WrittenRequest>, Error> {
        count_tokens::wrap_request(request).map(Some)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        count_tokens::read(body)
    }

    fn write_count(&self, input_tokens: u64) -> Vec<u8> {
        count_tokens::write(input_tokens)
    }
}

impl RateLimitHeaders for Claude {
    fn read_rate_limits(&self, headers: &HeaderMap, now: SystemTime) -> RateLimits {
        rate_limits::read(headers, now)
    }

    fn write_rate_limits(&self, limits: &RateLimits, now: SystemTime) -> Vec<(HeaderName, HeaderValue)> {
        rate_limits::write(limits, now)
    }
}

impl ModelList for Claude {
    fn write_models(&self, models: &[&str], query: Option<&str>) -> Vec<u8> {
        endpoints::write_models(models, query)
    }

    fn write_model(&self, model: &str) -> Vec<u8> {
        endpoints::write_model(model)
    }
}

#[cfg(test)]
mod tests;
