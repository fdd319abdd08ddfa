//! What is expected: the losses with their reasons, and the members that are no part of a vendor's own API.

use std::fs;

use llm_proxy::canonical::Loss;
use llm_proxy::dialect::DialectName;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::common::root;

/// Losses about one thing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    pub topic: String,
    pub losses: Vec<Expected>,
}

/// A loss that may occur.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// As the ledger names it.
    pub kind: String,
    /// As the ledger records it; `*` represents any text.
    pub reason: String,
    /// Why the value cannot be translated.
    pub why: String,
}

impl Expected {
    pub fn is(&self, loss: &Loss) -> bool {
        self.kind == loss.kind.as_str() && matches(&self.reason, loss.reason.text())
    }
}

/// The direction of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Document {
    Request,
    Response,
}

/// A member that carries what a vendor's own API has no place for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// The dialects that it is written in.
    to: Vec<String>,
    document: Document,
    /// What is found in a document that has it.
    text: String,
    pub reason: String,
}

impl Extension {
    pub fn is_in(&self, to: DialectName, document: Document, written: &str) -> bool {
        self.to.iter().any(|known| known == to.as_str())
            && self.document == document
            && written.contains(&self.text)
    }

    /// Where it is written, for people.
    pub fn place(&self) -> String {
        format!("{} in {:?} of {}", self.text, self.document, self.to.join(", "))
    }
}

/// Everything that is expected.
#[derive(Debug)]
pub struct Data {
    pub topics: Vec<Topic>,
    pub extensions: Vec<Extension>,
}

impl Data {
    pub fn load() -> Self {
        Self {
            topics: read("tests/losses.yaml"),
            extensions: read("tests/fidelity.yaml"),
        }
    }

    /// All losses, in the order of the file: what numbers of losses count.
    pub fn losses(&self) -> impl Iterator<Item = &Expected> {
        self.topics.iter().flat_map(|topic| &topic.losses)
    }
}

fn read<T: DeserializeOwned>(file: &str) -> T {
    let text = fs::read_to_string(root().join(file)).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Whether a text is as a pattern with at most one `*` says.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            let rest = text.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
            rest.is_some_and(|rest| !rest.is_empty())
        }
    }
}
