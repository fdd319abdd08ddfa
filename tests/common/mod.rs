//! The fixtures, and what the tests do with each.
//!
//! `tests/fixtures/<dialect>/<case>/` holds what that dialect's parties say: `request.json` a client,
//! `response.json`, `stream.sse` and `error.json` an upstream. `case.json` says what else belongs to the case. Where
//! streams are no text, `stream.eventstream.json` lists their events, and other [`Message`]s.
//!
//! `tests/fixtures/clients/<client>-<version>/<case>/` holds what released clients sent, in the same form, as
//! `cargo xtask record` writes it.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod frames;
pub mod grammar;
pub mod schema;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use llm_proxy::canonical::{Error, ErrorClass, Fold, Losses, OnLoss, Response, Scope};
use llm_proxy::capability;
use llm_proxy::dialect::{self, ClientRequest, Dialect, DialectName, Endpoint, WrittenError, WrittenRequest};
use llm_proxy::prompt::SystemEdits;
use llm_proxy::translate::{Carriers, Exchange, ExchangeConfig, ExchangeIdentity};
use llm_proxy::wire::event_stream;
use llm_proxy::wire::framing::{FrameDecoder, Framing};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// When every test's responses begin.
pub const CREATED: u64 = 1_790_000_000;
/// The proxy's identifier of every test's request.
pub const REQUEST_ID: &str = "req_test";

/// The dialects that are translated and have cases.
pub fn dialects() -> Vec<&'static dyn Dialect> {
    let all = DialectName::ALL.into_iter().map(dialect::find);
    let fixtures = root().join("tests/fixtures");
    all.filter(|dialect| fixtures.join(dialect.name().as_str()).is_dir())
        .collect()
}

/// The pairs of a client's and an upstream's dialect that are translated.
pub fn pairs() -> Vec<(&'static dyn Dialect, &'static dyn Dialect)> {
    let all = dialects();
    let pairs = all
        .iter()
        .flat_map(|client| all.iter().map(move |upstream| (*client, *upstream)));
    pairs
        .filter(|(client, upstream)| client.name() != upstream.name())
        .collect()
}

/// Those of the pairs in which more than the envelope changes.
pub fn translated_pairs() -> Vec<(&'static dyn Dialect, &'static dyn Dialect)> {
    let mut pairs = pairs();
    pairs.retain(|(client, upstream)| client.family() != upstream.family());
    pairs
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// What a case says besides its documents.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The reason for the case, in one sentence. Recorded clients have none.
    #[serde(default)]
    pub why: String,
    /// What a recorded client speaks; other cases are below the name of their dialect.
    #[serde(default)]
    pub dialect: Option<String>,
    /// Headers of the client.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The path that the client asks for, in a dialect whose paths differ.
    #[serde(default)]
    pub path: Option<String>,
    /// The upstream's model by the upstream's dialect, where the case is about one.
    #[serde(default)]
    pub models: BTreeMap<String, String>,
    /// The client's case whose request a response belongs to, where it matters; a plain one where that client has none.
    #[serde(default)]
    pub asked_by: Option<String>,
    /// Why the stream does not amount to the complete response, where it does not.
    #[serde(default)]
    pub stream_differs: Option<String>,
}

/// A fixture.
#[derive(Debug)]
pub struct Case {
    pub dialect: String,
    pub name: String,
    pub folder: PathBuf,
    pub facts: Facts,
}

impl Case {
    pub fn document(&self, file: &str) -> Option<Bytes> {
        let found = fs::read(self.folder.join(file)).ok().map(Bytes::from);
        if file == "stream.sse" && found.is_none() {
            let events = fs::read(self.folder.join("stream.eventstream.json")).ok()?;
            return Some(framed(&events));
        }
        found
    }
}

/// What an event stream holds besides events of the Messages API. One kind of these has its members set.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Message<'a> {
    /// A failure that the service's API describes, with its payload.
    exception: Option<&'a str>,
    /// An event of any type, with its payload.
    event: Option<&'a str>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    /// Another failure, by its code.
    error: Option<&'a str>,
    message: &'a str,
    /// A chunk that holds what is no JSON.
    text: Option<String>,
    /// A chunk whose second half is missing.
    cut: Option<String>,
}

/// An event stream of the events in a JSON list, each as it is spelled there.
pub fn framed(events: &[u8]) -> Bytes {
    let events: Vec<&RawValue> = serde_json::from_slice(events).unwrap();
    let mut out = BytesMut::new();
    for event in events {
        let Ok(message) = serde_json::from_str::<Message<'_>>(event.get()) else {
            write_chunk(&mut out, event.get());
            continue;
        };
        let payload = message.payload.map(RawValue::get).unwrap_or_default();
        if let Some(exception) = message.exception {
            event_stream::write_exception(&mut out, exception, payload.as_bytes());
        } else if let Some(event) = message.event {
            event_stream::write_event(&mut out, event, |out| out.extend_from_slice(payload.as_bytes()));
        } else if let Some(code) = message.error {
            write_error(&mut out, code, message.message);
        } else if let Some(text) = message.text {
            write_chunk(&mut out, &text);
        } else {
            let start = out.len();
            write_chunk(&mut out, &message.cut.expect("a message"));
            out.truncate(start + (out.len() - start) / 2);
        }
    }
    out.freeze()
}

/// Prints the events in a JSON list in the form of [`shown`], so that both can be compared line by line. The other
/// messages begin with the name of their member.
pub fn list_events(events: &[u8]) -> String {
    let events: Vec<&RawValue> = serde_json::from_slice(events).unwrap();
    let mut out = String::new();
    for event in events {
        let Ok(message) = serde_json::from_str::<Message<'_>>(event.get()) else {
            let json: Value = serde_json::from_str(event.get()).unwrap();
            let name = json["type"].as_str().unwrap_or_default();
            write!(out, "event: {name}\ndata: {}\n\n", event.get()).unwrap();
            continue;
        };
        let payload = message.payload.map(RawValue::get).unwrap_or_default();
        if let Some(exception) = message.exception {
            write!(out, "exception: {exception}\ndata: {payload}\n\n").unwrap();
        } else if let Some(event) = message.event {
            write!(out, "event: {event}\ndata: {payload}\n\n").unwrap();
        } else if let Some(code) = message.error {
            write!(out, "error: {code}\nmessage: {}\n\n", message.message).unwrap();
        } else if let Some(text) = message.text {
            write!(out, "text: {text}\n\n").unwrap();
        } else {
            write!(out, "cut: {}\n\n", message.cut.expect("a message")).unwrap();
        }
    }
    out
}

pub fn write_chunk(out: &mut BytesMut, event: &str) {
    let bytes = STANDARD.encode(event);
    event_stream::write_event(out, "chunk", |out| {
        out.extend_from_slice(format!(r#"{{"bytes":"{bytes}","p":"abc"}}"#).as_bytes());
    });
}

/// A message of the type that the proxy reads and never writes.
fn write_error(out: &mut BytesMut, code: &str, message: &str) {
    let mut headers = BytesMut::new();
    let pairs = [
        (":message-type", "error"),
        (":error-code", code),
        (":error-message", message),
    ];
    for (name, value) in pairs {
        headers.put_u8(name.len().try_into().unwrap());
        headers.put_slice(name.as_bytes());
        headers.put_u8(7);
        headers.put_u16(value.len().try_into().unwrap());
        headers.put_slice(value.as_bytes());
    }
    let start = out.len();
    out.put_u32((16 + headers.len()).try_into().unwrap());
    out.put_u32(headers.len().try_into().unwrap());
    out.put_u32(crc32fast::hash(&out[start..]));
    out.put_slice(&headers);
    out.put_u32(crc32fast::hash(&out[start..]));
}

/// A stream as text: as it is, or as the server-sent events that the messages of an event stream represent.
pub fn shown(framing: Framing, bytes: BytesMut) -> String {
    if framing == Framing::Sse {
        return String::from_utf8(bytes.to_vec()).unwrap();
    }
    let mut decoder = framing.decoder();
    decoder.push(bytes.freeze());
    decoder.finish();
    let mut out = String::new();
    while let Some(frame) = decoder.next().unwrap() {
        let payload: Value = serde_json::from_slice(&frame.data).unwrap();
        let event = payload["bytes"]
            .as_str()
            .map(|text| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap());
        let (name, text) = match event {
            Some(event) => {
                // What an upstream spelled wrongly passes as it is where nothing is translated.
                let json: Value = serde_json::from_str(&event).unwrap_or_default();
                (json["type"].as_str().unwrap_or_default().to_owned(), event)
            }
            None => (frame.name().unwrap_or_default().to_owned(), payload.to_string()),
        };
        write!(out, "event: {name}\ndata: {text}\n\n").unwrap();
    }
    out
}

/// The cases of a dialect, by name.
pub fn cases(dialect: &dyn Dialect) -> Vec<Case> {
    let folder = root().join("tests/fixtures").join(dialect.name().as_str());
    let cases = folders(&folder)
        .into_iter()
        .map(|folder| case(folder, dialect.name().as_str()));
    cases.collect()
}

/// What released clients sent, by client, version and case.
pub fn recorded() -> Vec<Case> {
    let clients = folders(&root().join("tests/fixtures/clients"));
    let cases = clients
        .iter()
        .flat_map(|client| folders(client).into_iter().map(|folder| case(folder, "")));
    cases
        .map(|mut case| {
            let client = case
                .folder
                .parent()
                .unwrap()
                .file_name()
                .unwrap()
                .to_str()
                .unwrap();
            case.name = format!("{client}/{}", case.name);
            case.dialect = case.facts.dialect.clone().expect("a recorded client's dialect");
            case
        })
        .collect()
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(of) else {
        return Vec::new();
    };
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn case(folder: PathBuf, dialect: &str) -> Case {
    let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let facts = fs::read(folder.join("case.json")).ok();
    let facts = facts.map(|text| serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{name}: {e}")));
    Case {
        dialect: dialect.to_owned(),
        name,
        folder,
        facts: facts.unwrap_or_default(),
    }
}

pub fn find(dialect: &dyn Dialect, name: &str) -> Option<Case> {
    cases(dialect).into_iter().find(|case| case.name == name)
}

/// The upstream's model where a case names none.
pub fn default_model(upstream: DialectName) -> &'static str {
    match upstream {
        DialectName::OpenAiChat | DialectName::OpenAiResponses => "acme-large",
        DialectName::Claude | DialectName::Bedrock => "claude-sonnet-4-5",
    }
}

fn headers(facts: &Facts) -> HeaderMap {
    let pair = |(name, value): (&String, &String)| {
        (
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        )
    };
    facts.headers.iter().map(pair).collect()
}

/// Translates a client's request.
pub fn begin(
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    facts: &Facts,
    body: &[u8],
    losses: &mut Losses,
) -> Result<(Exchange, WrittenRequest), Error> {
    let model = facts.models.get(upstream.name().as_str()).cloned();
    let model = model.unwrap_or_else(|| default_model(upstream.name()).to_owned());
    let route = ExchangeConfig {
        client,
        upstream,
        upstream_model: &|_| model.clone(),
        capabilities: &|model| capability::lookup(upstream.name(), model),
        edits: &SystemEdits::default(),
        on_loss: OnLoss::Warn,
        carriers: &Carriers::default(),
        memory: None,
    };
    let mut headers = headers(facts);
    if client.name() == DialectName::Claude {
        // Every client of the API sends a version; an empty one in a case's facts means none.
        let version = headers
            .entry("anthropic-version")
            .or_insert(HeaderValue::from_static("2023-06-01"));
        if version.is_empty() {
            headers.remove("anthropic-version");
        }
    }
    let path = facts.path.as_deref().unwrap_or(match client.name() {
        DialectName::Bedrock => "/model/claude-sonnet-4-5/invoke",
        _ => "",
    });
    let (model, stream) = match client.endpoint(&Method::POST, path) {
        Endpoint::Generate { model, stream } => (model, stream),
        _ => (None, None),
    };
    let inbound = ClientRequest {
        headers: &headers,
        model: model.as_deref(),
        stream,
        body: &bytes::Bytes::copy_from_slice(body),
    };
    Exchange::begin(
        losses,
        &route,
        &inbound,
        ExchangeIdentity {
            created: CREATED,
            request_id: REQUEST_ID,
        },
    )
}

/// The exchange that an upstream's case belongs to: of the request that it names, or a plain one.
pub fn exchange(client: &'static dyn Dialect, upstream: &'static dyn Dialect, case: &Case) -> Exchange {
    let request = |name: &str| find(client, name)?.document("request.json");
    let asked = case.facts.asked_by.as_deref().and_then(request);
    let body = asked.or_else(|| request("text")).expect("a plain request");
    let facts = Facts {
        models: case.facts.models.clone(),
        ..Facts::default()
    };
    let begun = begin(client, upstream, &facts, &body, &mut Losses::new());
    begun.unwrap_or_else(|error| panic!("{}: {error}", case.name)).0
}

/// What a stream of this dialect amounts to, as its reader sees it.
pub fn fold(upstream: &dyn Dialect, body: Bytes) -> Result<Response, Error> {
    let mut reader = upstream.stream_reader();
    let (mut fold, mut events, mut losses) = (Fold::default(), Vec::new(), Losses::new());
    let mut decoder = upstream.framing().decoder();
    decoder.push(body);
    decoder.finish();
    // What cannot be read is an end that comes too early.
    while let Ok(Some(frame)) = decoder.next() {
        reader.read(
            &mut Scope::root(&mut losses),
            frame.name(),
            &frame.data,
            &mut events,
        );
    }
    reader.end(&mut Scope::root(&mut losses), &mut events);
    events.into_iter().for_each(|event| fold.push(event));
    fold.finish()
}

/// Translates a stream whose bytes arrive in these chunks.
pub fn stream(exchange: &Exchange, chunks: impl IntoIterator<Item = Bytes>) -> (String, Losses) {
    let mut translated = exchange.start_stream();
    translated.commit();
    let mut decoder = exchange.decoder();
    let mut out = BytesMut::new();
    let mut pull = |decoder: &mut FrameDecoder, out: &mut BytesMut| {
        loop {
            match decoder.next() {
                Ok(Some(frame)) => translated.push(frame.name(), &frame.data, out),
                Ok(None) => break,
                Err(error) => {
                    translated.fail(Error::new(ErrorClass::Upstream, error.to_string()), out);
                    break;
                }
            }
        }
    };
    for chunk in chunks {
        decoder.push(chunk);
        pull(&mut decoder, &mut out);
    }
    decoder.finish();
    pull(&mut decoder, &mut out);
    translated.end(&mut out);
    (
        shown(exchange.client().framing(), out),
        translated.losses().clone(),
    )
}

/// An upstream's failure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// JSON, or a text that is none.
    pub body: Value,
}

impl Failure {
    pub fn translate(&self, exchange: &Exchange) -> (Error, WrittenError) {
        let facts = Facts {
            headers: self.headers.clone(),
            ..Facts::default()
        };
        let body = match &self.body {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        exchange.translate_error(
            StatusCode::from_u16(self.status).unwrap(),
            &headers(&facts),
            body.as_bytes(),
        )
    }
}

/// JSON with indentation, keys in their order, strings and numbers as they are spelled.
pub fn pretty(json: &[u8]) -> String {
    let text = String::from_utf8_lossy(json);
    if serde_json::from_slice::<Value>(json).is_err() {
        return text.into_owned();
    }
    let mut out = String::new();
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if in_string {
            out.push(char);
            in_string = escaped || char != '"';
            escaped = !escaped && char == '\\';
            continue;
        }
        match char {
            '{' | '[' => {
                out.push(char);
                while chars.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut out, depth);
                out.push(char);
            }
            ',' => {
                out.push(char);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            _ => {
                in_string = char == '"';
                out.push(char);
            }
        }
    }
    out
}

/// JSON with indentation where it does not fit on a line.
pub fn folded(json: &Value) -> String {
    fn write(out: &mut String, value: &Value, depth: usize) {
        const WIDTH: usize = 120;
        let line = |out: &mut String, depth: usize| {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        };
        let whole = value.to_string();
        match value {
            Value::Array(items) if 2 * depth + whole.len() > WIDTH => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    line(out, depth + 1);
                    write(out, item, depth + 1);
                }
                line(out, depth);
                out.push(']');
            }
            Value::Object(members) if 2 * depth + whole.len() > WIDTH => {
                out.push('{');
                for (index, (name, member)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    line(out, depth + 1);
                    out.push_str(&format!("{}: ", Value::from(name.as_str())));
                    write(out, member, depth + 1);
                }
                line(out, depth);
                out.push('}');
            }
            _ => out.push_str(&whole),
        }
    }
    let mut out = String::new();
    write(&mut out, json, 0);
    out
}

pub fn listed(losses: &Losses) -> String {
    if losses.is_empty() {
        return "nothing is lost\n".to_owned();
    }
    losses.entries().iter().fold(String::new(), |mut out, loss| {
        writeln!(out, "{loss}").unwrap();
        out
    })
}
