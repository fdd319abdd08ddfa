//! The trait of a dialect of the demo upstream, and functions that all dialects use.

use bytes::Bytes;
use http::request;
use serde_json::Value;

use super::script::{DemoFailure, DemoRequest, DemoTurn, DemoUsage};

/// The creation time of every response, in seconds since 1970. It is constant, so tests can compare responses.
pub(super) const CREATED: u64 = 1_790_000_000;

/// A dialect: reads requests and writes responses.
pub(super) trait DemoDialect: Sync {
    /// Its name in the configuration.
    fn name(&self) -> &'static str;

    /// Reads a request. A failure is the vendor's error for a wrong request.
    fn read_request(&self, head: &request::Parts, body: &Value) -> Result<DemoRequest, DemoFailure>;

    /// Writes a complete response.
    fn write_response(&self, ids: &ResponseIds, ask: &DemoRequest, turn: &DemoTurn) -> Value;

    /// Writes a streamed response, one piece at a time.
    fn write_stream(&self, ids: ResponseIds, ask: &DemoRequest, turn: DemoTurn) -> DemoPieces;

    /// Writes the event that ends a stream which fails after `sent` pieces.
    fn write_stream_error(&self, sent: usize) -> Bytes;

    /// Writes the status and body of an error.
    fn write_failure(&self, ids: &ResponseIds, failure: &DemoFailure) -> (u16, Value);

    /// The response header with the identifier of the request.
    fn request_id_header(&self) -> &'static str;
}

/// A part of a stream that is sent separately.
#[derive(Debug)]
pub(super) struct DemoPiece {
    pub bytes: Bytes,
    /// Whether it contains model output. Only such pieces count for pauses and faults.
    pub output: bool,
}

impl DemoPiece {
    /// A piece of model output.
    pub fn output(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            output: true,
        }
    }

    /// A piece of the protocol around the output.
    pub fn framing(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            output: false,
        }
    }
}

pub(super) type DemoPieces = Box<dyn Iterator<Item = DemoPiece> + Send>;

/// Makes the identifiers of one response. They are unique in a server and the same in every run.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseIds(pub u64);

impl ResponseIds {
    pub fn of(self, prefix: &str) -> String {
        format!("{prefix}demo{:06}", self.0)
    }

    pub fn at(self, prefix: &str, index: usize) -> String {
        format!("{prefix}demo{:06}n{index}", self.0)
    }
}

/// Splits tool arguments as vendors do in streams: JSON text, cut between any two characters.
pub(super) fn split_arguments(arguments: &Value) -> Vec<String> {
    let text: Vec<char> = arguments.to_string().chars().collect();
    text.chunks(7).map(|part| part.iter().collect()).collect()
}

/// The texts in a content that is a string or a list of text parts.
pub(super) fn find_texts(content: Option<&Value>) -> Vec<&str> {
    match content {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(parts)) => parts
            .iter()
            .filter(|part| {
                part.get("type")
                    .and_then(Value::as_str)
                    .is_some_and(|kind| kind.ends_with("text"))
            })
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        _ => Vec::new(),
    }
}

/// Reads a required string.
pub(super) fn read_string<'a>(body: &'a Value, name: &str) -> Result<&'a str, DemoFailure> {
    let text = body
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    text.ok_or_else(|| DemoFailure::new(400, format!("{name}: a string is required")))
}

/// Reads a required list that is not empty.
pub(super) fn read_list<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], DemoFailure> {
    let list = body
        .get(name)
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty());
    list.map(Vec::as_slice)
        .ok_or_else(|| DemoFailure::new(400, format!("{name}: a list with at least one entry is required")))
}

impl DemoUsage {
    /// The number of input tokens as OpenAI counts them.
    pub fn input(&self) -> u64 {
        self.fresh + self.cache_read + self.cache_write
    }
}
