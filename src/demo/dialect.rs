//! What a dialect has to do, and what all of them share.

use bytes::Bytes;
use http::request;
use serde_json::Value;

use super::script::{DemoFailure, DemoRequest, DemoTurn, DemoUsage};

/// The time at which every answer was made, in seconds since 1970, so that answers can be compared.
pub(super) const CREATED: u64 = 1_790_000_000;

/// One dialect: requests read, answers written.
pub(super) trait DemoDialect: Sync {
    /// Its name, as in the configuration.
    fn name(&self) -> &'static str;

    /// Reads a request. A failure is what the vendor would answer to a bad one.
    fn read_request(&self, head: &request::Parts, body: &Value) -> Result<DemoRequest, DemoFailure>;

    /// The answer as one object.
    fn write_response(&self, ids: &ResponseIds, ask: &DemoRequest, turn: &DemoTurn) -> Value;

    /// The answer as the pieces of a stream, made one at a time.
    fn write_stream(&self, ids: ResponseIds, ask: &DemoRequest, turn: DemoTurn) -> DemoPieces;

    /// What ends a stream that fails after so many pieces.
    fn write_stream_error(&self, sent: usize) -> Bytes;

    /// The status and body of an error.
    fn write_failure(&self, ids: &ResponseIds, failure: &DemoFailure) -> (u16, Value);

    /// The header that carries the request's id.
    fn request_id_header(&self) -> &'static str;
}

/// A part of a stream that leaves on its own.
#[derive(Debug)]
pub(super) struct DemoPiece {
    pub bytes: Bytes,
    /// Whether it carries model output: pace and faults count only those.
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

/// Makes the ids of one answer: unique within a server, and the same in every run.
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

/// Tool arguments as vendors stream them: JSON text, cut anywhere between two characters.
pub(super) fn split_arguments(arguments: &Value) -> Vec<String> {
    let text: Vec<char> = arguments.to_string().chars().collect();
    text.chunks(7).map(|part| part.iter().collect()).collect()
}

/// The text in a content that is a string or a list of parts of type `text`, one entry a part.
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

/// A required string member.
pub(super) fn read_string<'a>(body: &'a Value, name: &str) -> Result<&'a str, DemoFailure> {
    let text = body
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    text.ok_or_else(|| DemoFailure::new(400, format!("{name}: a string is required")))
}

/// A required list that is not empty.
pub(super) fn read_list<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], DemoFailure> {
    let list = body
        .get(name)
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty());
    list.map(Vec::as_slice)
        .ok_or_else(|| DemoFailure::new(400, format!("{name}: a list with at least one entry is required")))
}

impl DemoUsage {
    /// All input tokens, as OpenAI counts them.
    pub fn input(&self) -> u64 {
        self.fresh + self.cache_read + self.cache_write
    }
}
