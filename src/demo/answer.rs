//! What a dialect has to do, and what all of them share.

use bytes::Bytes;
use http::request;
use serde_json::Value;

use super::script::{Ask, Failure, Turn, Usage};

/// The time at which every answer was made, in seconds since 1970, so that answers can be compared.
pub(super) const CREATED: u64 = 1_790_000_000;

/// One dialect: requests read, answers written.
pub(super) trait Dialect: Sync {
    /// Its name, as in the configuration.
    fn name(&self) -> &'static str;

    /// Reads a request. A failure is what the vendor would answer to a bad one.
    fn ask(&self, head: &request::Parts, body: &Value) -> Result<Ask, Failure>;

    /// The answer as one object.
    fn answer(&self, ids: &Ids, ask: &Ask, turn: &Turn) -> Value;

    /// The answer as the pieces of a stream, made one at a time.
    fn stream(&self, ids: Ids, ask: &Ask, turn: Turn) -> Pieces;

    /// What ends a stream that fails after so many pieces.
    fn stream_error(&self, sent: usize) -> Bytes;

    /// The status and body of an error.
    fn failure(&self, ids: &Ids, failure: &Failure) -> (u16, Value);

    /// The header that carries the request's id.
    fn request_id_header(&self) -> &'static str;
}

/// A part of a stream that leaves on its own.
#[derive(Debug)]
pub(super) struct Piece {
    pub bytes: Bytes,
    /// Whether it carries model output: pace and faults count only those.
    pub output: bool,
}

impl Piece {
    pub fn new(bytes: impl Into<Bytes>, output: bool) -> Self {
        Self {
            bytes: bytes.into(),
            output,
        }
    }
}

pub(super) type Pieces = Box<dyn Iterator<Item = Piece> + Send>;

/// Makes the ids of one answer: unique within a server, and the same in every run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids(pub u64);

impl Ids {
    pub fn of(self, prefix: &str) -> String {
        format!("{prefix}demo{:06}", self.0)
    }

    pub fn at(self, prefix: &str, index: usize) -> String {
        format!("{prefix}demo{:06}n{index}", self.0)
    }
}

/// Tool arguments as vendors stream them: JSON text, cut anywhere between two characters.
pub(super) fn fragments(arguments: &Value) -> Vec<String> {
    let text: Vec<char> = arguments.to_string().chars().collect();
    text.chunks(7).map(|part| part.iter().collect()).collect()
}

/// The text in a content that is a string or a list of parts of type `text`, one entry a part.
pub(super) fn texts(content: Option<&Value>) -> Vec<&str> {
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
pub(super) fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Failure> {
    let text = body
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    text.ok_or_else(|| Failure::new(400, format!("{name}: a string is required")))
}

/// A required list that is not empty.
pub(super) fn required_list<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], Failure> {
    let list = body
        .get(name)
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty());
    list.map(Vec::as_slice)
        .ok_or_else(|| Failure::new(400, format!("{name}: a list with at least one entry is required")))
}

impl Usage {
    /// All input tokens, as OpenAI counts them.
    pub fn input(&self) -> u64 {
        self.fresh + self.cache_read + self.cache_write
    }
}
