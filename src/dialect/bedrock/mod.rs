//! Amazon Bedrock's InvokeModel and InvokeModelWithResponseStream with Anthropic bodies.
//!
//! Messages, responses and events are those of the Messages API; `claude` reads and writes them. This folder has what
//! is around them: the model and the mode in the URL, the version and the betas in the body, events in messages of an
//! AWS event stream, errors in AWS's form. See
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>.
//!
//! - `request`: reads and writes requests through the canonical model
//! - `envelope`: puts a body of the Messages API into Bedrock's envelope and takes it out
//! - `sanitize`: removes from such a body what Bedrock does not accept
//! - `stream`: reads and writes streams
//! - `headers`: the headers of the service
//! - `endpoints`, `error`, `count_tokens`, `system_edit`, `reasons`: one subject each
//!
//! There is no `response`, `messages`, `content`, `tools`, `usage` or `types`: those of `claude` are used.

mod count_tokens;
mod endpoints;
mod envelope;
mod error;
mod headers;
pub(super) mod reasons;
mod request;
mod sanitize;
mod stream;
mod system_edit;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::claude::{Claude, stream as claude_stream};
use super::shared::envelope::Envelope;
use super::{
    ClientRequest, Dialect, DialectName, Endpoint, Endpoints, ErrorCodec, ModelList, RateLimitHeaders,
    ReadRequest, RequestCodec, ResponseCodec, ResponseContext, StreamCodec, StreamReader, StreamWriter,
    Target, TokenCounting, WrittenError, WrittenRequest,
};
use crate::canonical::{Error, Family, Request, Response, Scope, Usage};
use crate::prompt::SystemEdits;
use crate::wire::framing::Framing;

/// Amazon Bedrock's InvokeModel with Anthropic bodies.
#[derive(Clone, Copy, Debug)]
pub struct Bedrock;

impl Dialect for Bedrock {
    fn name(&self) -> DialectName {
        DialectName::Bedrock
    }

    fn family(&self) -> Family {
        Family::Claude
    }

    fn replays_reasoning(&self) -> bool {
        true
    }

    fn envelope(&self) -> Option<&'static dyn Envelope> {
        Some(&Bedrock)
    }
}

impl Endpoints for Bedrock {
    fn endpoint(&self, method: &Method, path: &str) -> Endpoint {
        endpoints::classify(method, path)
    }

    fn rename_in_path(&self, path: &str, model: &str) -> Option<String> {
        endpoints::rename(path, model)
    }

    fn is_foreign_path(&self, method: &Method, path: &str) -> bool {
        endpoints::is_control_plane(method, path)
    }
}

impl RequestCodec for Bedrock {
    fn read_request(&self, scope: &mut Scope<'_>, request: &ClientRequest<'_>) -> Result<ReadRequest, Error> {
        request::read_request(scope, request)
    }

    fn write_request(
        &self,
        scope: &mut Scope<'_>,
        request: &Request,
        target: &Target<'_>,
    ) -> Result<WrittenRequest, Error> {
        request::write_request(scope, request, target)
    }

    fn edit_system(&self, body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
        system_edit::edit_system(body, edits)
    }
}

impl ResponseCodec for Bedrock {
    fn read_response(&self, scope: &mut Scope<'_>, body: &[u8]) -> Result<Response, Error> {
        Claude.read_response(scope, body)
    }

    fn write_response(
        &self,
        scope: &mut Scope<'_>,
        response: Response,
        context: &ResponseContext,
    ) -> Vec<u8> {
        Claude.write_response(scope, response, context)
    }

    fn response_headers(
        &self,
        usage: Option<&Usage>,
        took: Option<Duration>,
    ) -> Vec<(HeaderName, HeaderValue)> {
        headers::write_response_headers(usage, took)
    }
}

impl StreamCodec for Bedrock {
    fn framing(&self) -> Framing {
        Framing::EventStream
    }

    fn stream_headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        vec![(
            HeaderName::from_static("x-amzn-bedrock-content-type"),
            HeaderValue::from_static("application/json"),
        )]
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream::BedrockStreamReader::default())
    }

    fn stream_writer(&self, context: &ResponseContext) -> Box<dyn StreamWriter> {
        // The events are those of the Messages API; only what writes their frames differs.
        Box::new(claude_stream::ClaudeStreamWriter::new(
            context,
            self.event_writer(context),
        ))
    }
}

impl ErrorCodec for Bedrock {
    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        error::read_error(status, headers, body)
    }

    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError {
        error::write_error(error, request_id)
    }
}

impl TokenCounting for Bedrock {
    fn unwrap_count(&self, body: &Bytes) -> Result<Option<Bytes>, Error> {
        count_tokens::unwrap_request(body).map(Some)
    }

    fn wrap_count(&self, written: WrittenRequest, model: &str) -> Result<Option<WrittenRequest>, Error> {
        Ok(count_tokens::wrap_request(written, model))
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        count_tokens::read_count(body)
    }

    fn write_count(&self, input_tokens: u64) -> Vec<u8> {
        count_tokens::write_count(input_tokens)
    }
}

impl RateLimitHeaders for Bedrock {}

impl ModelList for Bedrock {
    fn write_models(&self, models: &[&str], _: Option<&str>) -> Vec<u8> {
        endpoints::write_models(models)
    }

    fn write_model(&self, model: &str) -> Vec<u8> {
        endpoints::write_model(model)
    }
}

#[cfg(test)]
mod tests;
