//! Amazon Bedrock's InvokeModel and InvokeModelWithResponseStream with Anthropic bodies.
//!
//! The messages, the answers and the events are those of the Messages API and are read and written there. Here is what
//! is around them: the model and the mode in the URL, the version and the betas in the body, events as messages of an
//! AWS event stream, errors as AWS has them. See
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>.

mod count;
mod endpoints;
mod error;
mod fit;
mod request;
mod stream;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::claude::{Claude, stream as claude_stream};
use super::envelope::{Envelope, EventReader, EventWriter, Letter};
use super::{
    Dialect, DialectName, Endpoint, Inbound, ReadRequest, Reply, StreamReader, StreamWriter, Target,
    WrittenError, WrittenRequest,
};
use crate::canonical::{Error, Family, Losses, Request, Response, Usage};
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

    fn framing(&self) -> Framing {
        Framing::EventStream
    }

    fn envelope(&self) -> Option<&'static dyn Envelope> {
        Some(&Bedrock)
    }

    fn endpoint(&self, method: &Method, path: &str) -> Endpoint {
        endpoints::classify(method, path)
    }

    fn rename_in_path(&self, path: &str, model: &str) -> Option<String> {
        endpoints::rename(path, model)
    }

    fn is_foreign_path(&self, method: &Method, path: &str) -> bool {
        endpoints::is_control_plane(method, path)
    }

    fn read_request(&self, inbound: &Inbound<'_>, losses: &mut Losses) -> Result<ReadRequest, Error> {
        request::read(inbound, losses)
    }

    fn open_count(&self, body: &Bytes) -> Result<Option<Bytes>, Error> {
        count::open(body).map(Some)
    }

    fn seal_count(&self, written: WrittenRequest, model: &str) -> Result<Option<WrittenRequest>, Error> {
        count::seal(written, model)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        count::read(body)
    }

    fn write_count(&self, input_tokens: u64) -> Vec<u8> {
        count::write(input_tokens)
    }

    fn write_request(
        &self,
        request: &Request,
        target: &Target<'_>,
        losses: &mut Losses,
    ) -> Result<WrittenRequest, Error> {
        request::write(request, target, losses)
    }

    fn edit_system(&self, body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
        request::edit_system(body, edits)
    }

    fn read_response(&self, body: &[u8], losses: &mut Losses) -> Result<Response, Error> {
        Claude.read_response(body, losses)
    }

    fn write_response(&self, response: Response, reply: &Reply, losses: &mut Losses) -> Vec<u8> {
        Claude.write_response(response, reply, losses)
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

    fn stream_headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        vec![(
            HeaderName::from_static("x-amzn-bedrock-content-type"),
            HeaderValue::from_static("application/json"),
        )]
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream::Reader::default())
    }

    fn stream_writer(&self, reply: &Reply) -> Box<dyn StreamWriter> {
        Box::new(claude_stream::Writer::new(reply, self.event_writer(reply)))
    }

    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        error::read(status, headers, body)
    }

    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError {
        error::write(error, request_id)
    }

    fn write_models(&self, models: &[&str], _: Option<&str>) -> Vec<u8> {
        endpoints::write_models(models)
    }

    fn write_model(&self, model: &str) -> Vec<u8> {
        endpoints::write_model(model)
    }
}

impl Envelope for Bedrock {
    fn open<'a>(&self, inbound: &Inbound<'a>, losses: &mut Losses) -> Result<Letter<'a>, Error> {
        request::check_tier(inbound.headers, losses);
        request::open(inbound, losses)
    }

    fn seal(
        &self,
        letter: Letter<'_>,
        target: &Target<'_>,
        losses: &mut Losses,
    ) -> Result<WrittenRequest, Error> {
        request::seal(letter, target, losses)
    }

    fn event_reader(&self) -> Box<dyn EventReader> {
        Box::new(stream::PassingEvents::default())
    }

    fn event_writer(&self, _: &Reply) -> Box<dyn EventWriter> {
        Box::new(stream::ChunkEvents::default())
    }
}

#[cfg(test)]
mod tests;
