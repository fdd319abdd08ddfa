//! The result of one case on one pair of dialects.

use std::fmt::Write as _;

use http::{HeaderName, HeaderValue};
use llm_proxy::canonical::Losses;
use llm_proxy::dialect::{Dialect, DialectName};

use super::common::{Case, Failure, begin, exchange, listed, pretty, stream};

/// The translation of a case for one target, in up to three parts. An empty part is not printed.
pub struct Section {
    pub target: DialectName,
    /// Whether only the envelope of a document changes for this target.
    pub same_family: bool,
    /// The path or the status with the headers, or the reason for a missing document.
    head: String,
    /// The translated document.
    pub document: String,
    /// The losses, one a line.
    losses: String,
}

impl Section {
    fn new(source: &dyn Dialect, target: &dyn Dialect) -> Self {
        Self {
            target: target.name(),
            same_family: source.family() == target.family(),
            head: String::new(),
            document: String::new(),
            losses: String::new(),
        }
    }

    pub fn of_request(client: &'static dyn Dialect, upstream: &'static dyn Dialect, case: &Case) -> Self {
        let mut section = Self::new(client, upstream);
        let body = case.document("request.json").unwrap();
        let mut losses = Losses::new();
        match begin(client, upstream, &case.facts, &body, &mut losses) {
            Ok((_, written)) => {
                section.head = format!("POST {}{}", written.path, print_headers(&written.headers));
                section.document = pretty(&written.body);
            }
            Err(error) => {
                let path = error.param.as_deref().unwrap_or("-");
                section.head = format!("refused at {path}: {error}");
            }
        }
        section.losses = listed(&losses);
        section
    }

    pub fn of_response(client: &'static dyn Dialect, upstream: &'static dyn Dialect, case: &Case) -> Self {
        let mut section = Self::new(upstream, client);
        let body = case.document("response.json").unwrap();
        let mut losses = Losses::new();
        match exchange(client, upstream, case).translate_response(&mut losses, &body) {
            Ok(written) => section.document = pretty(&written.body),
            Err(error) => section.head = format!("failed: {error}"),
        }
        section.losses = listed(&losses);
        section
    }

    pub fn of_stream(client: &'static dyn Dialect, upstream: &'static dyn Dialect, case: &Case) -> Self {
        let mut section = Self::new(upstream, client);
        let body = case.document("stream.sse").unwrap();
        let (text, losses) = stream(&exchange(client, upstream, case), [body]);
        assert!(
            text.is_empty() || text.ends_with("\n\n"),
            "{text:?} ends too early"
        );
        section.document = text;
        section.losses = listed(&losses);
        section
    }

    pub fn of_error(client: &'static dyn Dialect, upstream: &'static dyn Dialect, case: &Case) -> Self {
        let mut section = Self::new(upstream, client);
        let body = case.document("error.json").unwrap();
        let failure: Failure = serde_json::from_slice(&body).unwrap();
        let (error, written) = failure.translate(&exchange(client, upstream, case));
        let headers = print_headers(&written.headers);
        section.head = format!("{error}\n\n{}{headers}", written.status);
        section.document = pretty(&written.body);
        section
    }

    /// The full content.
    pub fn content(&self) -> String {
        self.content_with(&self.document)
    }

    /// The content with this text instead of the document.
    pub fn content_with(&self, document: &str) -> String {
        let parts = [&self.head, document, &self.losses].map(str::trim_end);
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n\n")
    }
}

fn print_headers(headers: &[(HeaderName, HeaderValue)]) -> String {
    headers.iter().fold(String::new(), |mut out, (name, value)| {
        write!(out, "\n{name}: {}", value.to_str().unwrap()).unwrap();
        out
    })
}
