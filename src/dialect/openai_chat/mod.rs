//! The OpenAI Chat Completions API.

mod answer;
mod choice;
mod content;
mod endpoints;
mod history;
mod joiner;
mod messages;
mod parameters;
mod request;
mod response;
mod results;
mod stream;
mod system;
#[cfg(test)]
mod tests;
mod tools;
pub mod types;
mod usage;

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{
    Dialect, DialectName, Endpoint, Inbound, ReadRequest, Reply, StreamReader, StreamWriter, Target,
    WrittenError, WrittenRequest, openai_error, openai_limits,
};
use crate::canonical::{Error, Family, Losses, RateLimits, Request, Response};
use crate::prompt::SystemEdits;

/// The reader and writer of Chat Completions.
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

    fn endpoint(&self, method: &Method, path: &str) -> Endpoint {
        endpoints::classify(method, path)
    }

    fn read_request(&self, inbound: &Inbound<'_>, losses: &mut Losses) -> Result<ReadRequest, Error> {
        request::read(inbound, losses)
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
        response::write(response, reply, losses)
    }

    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(stream::Reader::default())
    }

    fn stream_writer(&self, reply: &Reply) -> Box<dyn StreamWriter> {
        Box::new(stream::Writer::new(reply))
    }

    fn read_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        openai_error::read(status, headers, body)
    }

    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError {
        openai_error::write(error, request_id)
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
