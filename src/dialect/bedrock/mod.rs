//! Amazon Bedrock's InvokeModel and InvokeModelWithResponseStream with Anthropic bodies.
//!
//! The messages, the answers and the events are those of the Messages API and are read and written there. Here is what
//! is around them: the model and the mode in the URL, the version and the betas in the body, events as messages of an
//! AWS event stream, errors as AWS has them. See
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>.

mod count_tokens;
mod endpoints;
mod error;
mod fit;
mod request;
mod stream;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::claude::{Claude, stream as claude_stream};
use super::shared::envelope::{Envelope, RawEventReader, RawEventWriter, UnwrappedRequest};
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
    fn read_request(&self, scope: &mut Scope<'_>, inbound: &ClientRequest<'_>) -> Result<ReadRequest, Error> {
        let losses = scope.losses();
        request::read(inbound, losses)
    }

    fn write_request(
        &self,
        scope: &mut Scope<'_>,
        request: &Request,
        target: &Target<'_>,
    ) -> Result<WrittenRequest, Error> {
        let losses = scope.losses();
        request::write(request, target, losses)
    }

    fn edit_system(&self, body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
        request::edit_system(body, edits)
    }
}

impl ResponseCodec for Bedrock {
    fn read_response(&self, scope: &mut Scope<'_>, body: &[u8]) -> Result<Response, Error> {
        Claude.read_response(scope, body)
    }

    fn write_response(&self, scope: &mut Scope<'_>, response: Response, reply: &ResponseContext) -> Vec<u8> {
        Claude.write_response(scope, response, reply)
    }

    fn response_headers(
        &self,
        usage: Option<&Usage>,
        took: Option<Duration>,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let count = |name, count: u64| (HeaderName::from_static(name), HeaderValue::from(count));
        let mut headers = Vec::new();
        if let Some(usage) = usage {
            headers.push(count("x-amzn-bedrock-input-token-count", usage.fresh));
            headers.push(count("x-amzn-bedrock-output-token-count", usage.output));
            if usage.cache_read > 0 || usage.cache_write > 0 {
                headers.push(count(
                    "x-amzn-bedrock-cache-read-input-token-count",
                    usage.cache_read,
                ));
                headers.push(count(
                    "x-amzn-bedrock-cache-write-input-token-count",
                    usage.cache_write,
                ));
            }
        }
        if let Some(took) = took {
            headers.push(count("x-amzn-bedrock-invocation-latency", stream::millis(took)));
        }
        headers
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
        Box::new(stream::Reader::default())
    }

    fn stream_writer(&self, reply: &ResponseContext) -> Box<dyn StreamWriter> {
        Box::new(claude_stream::ClaudeStreamWriter::new(
            reply,
            self.event_writer(reply),
        ))
    }
}

impl ErrorCodec for Bedrock {
    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        error::read(status, headers, body)
    }

    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError {
        error::write(error, request_id)
    }
}

impl TokenCounting for Bedrock {
    fn unwrap_count(&self, body: &Bytes) -> Result<Option<Bytes>, Error> {
        count_tokens::open(body).map(Some)
    }

    fn wrap_count(&self, written: WrittenRequest, model: &str) -> Result<Option<WrittenRequest>, Error> {
        count_tokens::seal(written, model)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        count_tokens::read(body)
    }

    fn write_count(&self, input_tokens: u64) -> Vec<u8> {
        count_tokens::write(input_tokens)
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

impl Envelope for Bedrock {
    fn unwrap_request<'a>(
        &self,
        scope: &mut Scope<'_>,
        inbound: &ClientRequest<'a>,
    ) -> Result<UnwrappedRequest<'a>, Error> {
        let losses = scope.losses();
        request::check_tier(inbound.headers, losses);
        request::open(inbound, losses)
    }

    fn wrap_request(
        &self,
        scope: &mut Scope<'_>,
        letter: UnwrappedRequest<'_>,
        target: &Target<'_>,
    ) -> Result<WrittenRequest, Error> {
        let losses = scope.losses();
        request::seal(letter, target, losses)
    }

    fn event_reader(&self) -> Box<dyn RawEventReader> {
        Box::new(stream::RawEvents::default())
    }

    fn event_writer(&self, _: &ResponseContext) -> Box<dyn RawEventWriter> {
        Box::new(stream::ChunkEvents::default())
    }
}

#[cfg(test)]
mod tests;
