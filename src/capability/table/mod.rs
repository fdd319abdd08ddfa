//! The data file, and how a model's name finds its row.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_yaml::{Mapping, Value};

use super::Capabilities;
use crate::canonical::DialectName;

/// The data file. It is a constant, and the test `every_row_is_reachable` proves that it parses.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    Table::parse(include_str!("../models.yaml")).expect("models.yaml is part of the program and tested")
});

/// What a model accepts, as far as its name tells.
///
/// The name may carry a vendor's prefix, a region, a date, a revision, or be an ARN. A Claude that is not in the data is
/// taken for one of the current generation. On `claude`, a name that is not Claude's gets the defaults of a server that
/// imitates the Messages API: budget thinking, all sampling parameters, 8192 output tokens, and nothing that such servers
/// commonly ignore while the caller relies on it (structured output, strict tools, instructions in the middle). On
/// `bedrock` every name is Claude's, since Anthropic bodies are for Claude alone. On `openai-chat` and
/// `openai-responses`, an unknown name gets permissive defaults.
pub fn lookup(dialect: DialectName, model: &str) -> Capabilities {
    TABLE.entries(dialect).find(model).clone()
}

/// All dialects' rows.
#[derive(Debug)]
struct Table {
    openai_chat: Entries,
    openai_responses: Entries,
    claude: Entries,
    bedrock: Entries,
}

/// One dialect's rows, every layer already applied.
#[derive(Debug)]
struct Entries {
    rows: Vec<Entry>,
    defaults: Capabilities,
}

#[derive(Debug)]
struct Entry {
    patterns: Vec<Pattern>,
    capabilities: Capabilities,
}

impl Table {
    fn parse(yaml: &str) -> Result<Self, serde_yaml::Error> {
        let file: File = serde_yaml::from_str(yaml)?;
        Ok(Self {
            openai_chat: file.entries(DialectName::OpenAiChat)?,
            openai_responses: file.entries(DialectName::OpenAiResponses)?,
            claude: file.entries(DialectName::Claude)?,
            bedrock: file.entries(DialectName::Bedrock)?,
        })
    }

    fn entries(&self, dialect: DialectName) -> &Entries {
        match dialect {
            DialectName::OpenAiChat => &self.openai_chat,
            DialectName::OpenAiResponses => &self.openai_responses,
            DialectName::Claude => &self.claude,
            DialectName::Bedrock => &self.bedrock,
        }
    }
}

impl Entries {
    fn position(&self, model: &str) -> Option<usize> {
        let words = words(model);
        let starts: Vec<&str> = words
            .match_indices('-')
            .filter_map(|(at, _)| words.get(at..))
            .collect();
        let matches = |entry: &Entry| entry.patterns.iter().any(|pattern| pattern.matches(&starts));
        self.rows.iter().position(matches)
    }

    fn find(&self, model: &str) -> &Capabilities {
        let row = self.position(model).and_then(|position| self.rows.get(position));
        row.map_or(&self.defaults, |row| &row.capabilities)
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Values that the rest refers to by YAML anchors.
    #[serde(rename = "shared")]
    _shared: Mapping,
    dialects: Dialects,
    models: Models,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Dialects {
    openai_chat: DialectLayers,
    openai_responses: DialectLayers,
    claude: DialectLayers,
    bedrock: DialectLayers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DialectLayers {
    models: Vendor,
    defaults: Mapping,
    #[serde(default)]
    always: Mapping,
}

/// Whose models a dialect's upstreams are known to serve.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Vendor {
    Claude,
    Openai,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Models {
    claude: Vec<Row>,
    openai: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    names: Vec<String>,
    set: Mapping,
    #[serde(default)]
    bedrock: Mapping,
}

impl File {
    fn entries(&self, dialect: DialectName) -> Result<Entries, serde_yaml::Error> {
        let layers = match dialect {
            DialectName::OpenAiChat => &self.dialects.openai_chat,
            DialectName::OpenAiResponses => &self.dialects.openai_responses,
            DialectName::Claude => &self.dialects.claude,
            DialectName::Bedrock => &self.dialects.bedrock,
        };
        let nothing = Mapping::new();
        let rows = match layers.models {
            Vendor::Claude => &self.models.claude,
            Vendor::Openai => &self.models.openai,
        };
        let entry = |row: &Row| {
            let own = match dialect {
                DialectName::Bedrock => &row.bedrock,
                DialectName::OpenAiChat | DialectName::OpenAiResponses | DialectName::Claude => &nothing,
            };
            Ok(Entry {
                patterns: row.names.iter().map(|name| Pattern::parse(name)).collect(),
                capabilities: layered([&layers.defaults, &row.set, own, &layers.always])?,
            })
        };
        Ok(Entries {
            rows: rows.iter().map(entry).collect::<Result<_, serde_yaml::Error>>()?,
            defaults: layered([&layers.defaults, &layers.always])?,
        })
    }
}

fn layered<const N: usize>(layers: [&Mapping; N]) -> Result<Capabilities, serde_yaml::Error> {
    let mut merged = Mapping::new();
    for layer in layers {
        merged.extend(layer.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    serde_yaml::from_value(Value::Mapping(merged))
}

/// Part of a model's name.
#[derive(Debug)]
struct Pattern {
    /// As [`words`] writes it, with a hyphen in front.
    text: String,
    /// Whether anything may follow.
    open: bool,
}

impl Pattern {
    fn parse(name: &str) -> Self {
        let (name, open) = match name.strip_suffix('*') {
            Some(name) => (name, true),
            None => (name, false),
        };
        Self {
            text: words(name),
            open,
        }
    }

    /// Whether the pattern stands in a name, given the rests of it, as [`words`] has written them, from each word on.
    fn matches(&self, starts: &[&str]) -> bool {
        let mut rests = starts.iter().filter_map(|start| start.strip_prefix(&*self.text));
        rests.any(|rest| self.open || (ends_word(rest) && !continues_version(rest)))
    }
}

/// The name in lower case, every run of punctuation a hyphen, one hyphen in front.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 1);
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    for part in parts.filter(|part| !part.is_empty()) {
        words.push('-');
        words.extend(part.chars().map(|c| c.to_ascii_lowercase()));
    }
    words
}

fn ends_word(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('-')
}

/// Whether a number of one or two digits follows: the minor version of another model. Dates are longer.
fn continues_version(rest: &str) -> bool {
    let word = rest.split('-').nth(1).unwrap_or_default();
    matches!(word.len(), 1 | 2) && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
