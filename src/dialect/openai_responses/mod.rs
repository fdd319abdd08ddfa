//! The OpenAI Responses API.

mod answer;
mod choice;
mod content;
mod count;
mod endpoints;
mod envelope;
mod error;
mod history;
mod items;
mod parameters;
mod reasoning;
mod request;
mod response;
pub mod stored;
mod stream;
mod system;
mod tools;
pub mod types;

#[cfg(test)]
mod tests;

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{
    Dialect, DialectName, Endpoint, Inbound, ReadRequest, Reply, StreamReader, StreamWriter, Target,
    WrittenError, WrittenRequest, openai_limits,
};
use crate::canonical::{Error, Family, Losses, RateLimits, Request, Response};
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

    fn endpoint(&self, method: &Method, path: &str) -> Endpoint {
        endpoints::classify(method, path)
    }

    fn read_request(&self, inbound: &Inbound<'_>, losses: &mut Losses) -> Result<ReadRequest, Error> {
        request::read(inbound, losses)
    }

    fn open_count(&self, body: &Bytes) -> Result<Option<Bytes>, Error> {
        Ok(Some(body.clone()))
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
        Ok(parameters::write(request, target, losses))
    }

    fn edit_system(&self, body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
        system::edit(body, edits)
    }

    fn read_response(&self, body: &[u8], losses: &mut Losses) -> Result<Response, Error> {
        response::read(body, losses)
    }

    fn write_response(&self, response: Response, reply: &Reply, losses: &mut Losses) -> Vec<u8> {
        answer::write(response, reply, losses)
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream::Reader::default())
    }

    fn stream_writer(&self, reply: &Reply) -> Box<dyn StreamWriter> {
        Box::new(stream::Writer::new(reply))
    }

    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        error::read(status, headers, body)
    }

    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError {
        error::write(error, request_id)
    }

    fn read_rate_limits(&self, headers: &HeaderMap, _: SystemTime) -> RateLimits {
        openai_limits::read(headers)
    }

    fn write_rate_limits(&self, limits: &RateLimits, _: SystemTime) -> Vec<(HeaderName, HeaderValue)> {
        openai_limits::write(limits)
    }

    fn write_models(&self, models: &[&str], _query: Option<&str>) -> Vec<u8> {
        endpoints::write_models(models)
    }

    fn write_model(&self, model: &str) -> Vec<u8> {
        endpoints::write_model(model)
    }
}
