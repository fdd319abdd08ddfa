//! The input of a snapshot: a document of a case.

use std::fmt::Write as _;
use std::fs;

use http::StatusCode;
use serde_json::Value;

use super::common::{Case, Failure, list_events, pretty};

/// The part of a case that is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseKind {
    Request,
    Response,
    Stream,
    Error,
}

impl CaseKind {
    pub const ALL: [Self; 4] = [Self::Request, Self::Response, Self::Stream, Self::Error];

    /// The name of the folder of its snapshots.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Stream => "stream",
            Self::Error => "error",
        }
    }

    /// The files that may hold it. A case has at most one of them.
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Request => &["request.json"],
            Self::Response => &["response.json"],
            Self::Stream => &["stream.sse", "stream.eventstream.json"],
            Self::Error => &["error.json"],
        }
    }
}

/// A document of a case.
pub struct Input {
    pub kind: CaseKind,
    /// The name of its file.
    pub file: &'static str,
    /// Its text in the form in which sections print theirs, without a newline at its end.
    pub text: String,
}

impl Input {
    pub fn read(case: &Case, kind: CaseKind) -> Option<Self> {
        let mut found = kind
            .files()
            .iter()
            .filter_map(|file| Some((*file, fs::read(case.folder.join(file)).ok()?)));
        let (file, bytes) = found.next()?;
        let text = match kind {
            CaseKind::Request | CaseKind::Response => pretty(&bytes).trim_end().to_owned(),
            CaseKind::Stream if file == "stream.sse" => print_sse(&bytes),
            CaseKind::Stream => list_events(&bytes).trim_end().to_owned(),
            CaseKind::Error => print_failure(&bytes),
        };
        Some(Self { kind, file, text })
    }
}

/// Server-sent events unchanged, except that carriage returns are visible and a note follows an unfinished last line.
fn print_sse(bytes: &[u8]) -> String {
    let text = str::from_utf8(bytes).unwrap().replace('\r', "␍");
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    if text.ends_with('\n') {
        return text.trim_end().to_owned();
    }
    format!("{text}\n\\ No newline at end of file")
}

/// A failed response, in the form in which sections print theirs.
fn print_failure(bytes: &[u8]) -> String {
    let failure: Failure = serde_json::from_slice(bytes).unwrap();
    let mut out = format!("{}\n", StatusCode::from_u16(failure.status).unwrap());
    for (name, value) in &failure.headers {
        writeln!(out, "{name}: {value}").unwrap();
    }
    let body = match &failure.body {
        Value::String(text) => text.clone(),
        json => pretty(json.to_string().as_bytes()),
    };
    write!(out, "\n{body}").unwrap();
    out.trim_end().to_owned()
}
