//! The Anthropic Messages API.

mod content;
pub(super) mod count;
pub(super) mod endpoints;
pub(super) mod envelope;
pub(super) mod error;
pub(super) mod events;
mod limits;
mod reasoning;
pub(super) mod request;
pub(super) mod response;
pub(super) mod stream;
pub(super) mod system;
pub(super) mod tools;
mod turns;
pub mod types;

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::envelope::Envelope;
use super::{
    Dialect, DialectName, Endpoint, Inbound, ReadRequest, Reply, StreamReader, StreamWriter, Target,
    WrittenError, WrittenRequest,
};
use crate::canonical::{Error, Family, Losses, RateLimits, Request, Response};
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

    fn endpoint(&self, method: &Method, path: &str) -> Endpoint {
        endpoints::classify(method, path)
    }

    fn read_request(&self, inbound: &Inbound<'_>, losses: &mut Losses) -> Result<ReadRequest, Error> {
        request::read(inbound, losses)
    }

    fn open_count(&self, body: &Bytes) -> Result<Option<Bytes>, Error> {
        count::open(body).map(Some)
    }

    fn seal_count(&self, written: WrittenRequest, _: &str) -> Result<Option<WrittenRequest>, Error> {
        count::seal(written).map(Some)
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
        Ok(request::write(request, target, losses))
    }

    fn edit_system(&self, body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
        system::edit(body, edits)
    }

    fn read_response(&self, body: &[u8], losses: &mut Losses) -> Result<Response, Error> {
        response::read(body, losses)
    }

    fn write_response(&self, response: Response, reply: &Reply, losses: &mut Losses) -> Vec<u8> {
        response::write(response, reply, losses)
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream::Reader::default())
    }

    fn stream_writer(&self, reply: &Reply) -> Box<dyn StreamWriter> {
        Box::new(stream::Writer::new(
            reply,
            Box::new(events::SseEvents::new(reply)),
        ))
    }

    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        error::read(status, headers, body)
    }

    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError {
        error::write(error, request_id)
    }

    fn read_rate_limits(&self, headers: &HeaderMap, now: SystemTime) -> RateLimits {
        limits::read(headers, now)
    }

    fn write_rate_limits(&self, limits: &RateLimits, now: SystemTime) -> Vec<(HeaderName, HeaderValue)> {
        limits::write(limits, now)
    }

    fn write_models(&self, models: &[&str], query: Option<&str>) -> Vec<u8> {
        endpoints::write_models(models, query)
    }

    fn write_model(&self, model: &str) -> Vec<u8> {
        endpoints::write_model(model)
    }
}
