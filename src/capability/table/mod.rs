//! Reads the data file and finds the row of a model by its name.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_yaml::{Mapping, Value};

use super::Capabilities;
use crate::canonical::DialectName;

/// The table. The data file is part of the program, and the test `every_row_is_reachable` parses it: the `expect`
/// cannot fail.
static TABLE: LazyLock<CapabilityTable> = LazyLock::new(|| {
    CapabilityTable::parse(include_str!("../models.yaml"))
        .expect("models.yaml is part of the program and tested")
});

/// What a model accepts, as far as its name shows.
///
/// The name may contain a vendor's prefix, a region, a date or a revision, or be an ARN. A Claude that is not in the
/// data counts as one of the current generation. On `claude`, a name that is not Claude's gets the defaults of a server
/// that imitates the Messages API: budget thinking, all sampling parameters, 8192 output tokens, and nothing that such
/// servers commonly ignore while the caller relies on it (structured output, strict tools, instructions in the middle).
/// On `bedrock` every name is Claude's, since Anthropic bodies are for Claude alone. On `openai-chat` and
/// `openai-responses`, an unknown name gets permissive defaults.
pub fn lookup(dialect: DialectName, model: &str) -> Capabilities {
    TABLE.models_of(dialect).find(model).clone()
}

/// The rows of all dialects.
#[derive(Debug)]
struct CapabilityTable {
    openai_chat: DialectModels,
    openai_responses: DialectModels,
    claude: DialectModels,
    bedrock: DialectModels,
}

/// The rows of one dialect, with every layer applied.
#[derive(Debug)]
struct DialectModels {
    /// In the order of the file: the first match wins.
    rows: Vec<ModelEntry>,
    /// For a model without a row.
    defaults: Capabilities,
}

#[derive(Debug)]
struct ModelEntry {
    patterns: Vec<ModelNamePattern>,
    capabilities: Capabilities,
}

impl CapabilityTable {
    fn parse(yaml: &str) -> Result<Self, serde_yaml::Error> {
        let file: DataFile = serde_yaml::from_str(yaml)?;
        Ok(Self {
            openai_chat: file.models_of(DialectName::OpenAiChat)?,
            openai_responses: file.models_of(DialectName::OpenAiResponses)?,
            claude: file.models_of(DialectName::Claude)?,
            bedrock: file.models_of(DialectName::Bedrock)?,
        })
    }

    fn models_of(&self, dialect: DialectName) -> &DialectModels {
        match dialect {
            DialectName::OpenAiChat => &self.openai_chat,
            DialectName::OpenAiResponses => &self.openai_responses,
            DialectName::Claude => &self.claude,
            DialectName::Bedrock => &self.bedrock,
        }
    }
}

impl DialectModels {
    fn position(&self, model: &str) -> Option<usize> {
        let words = normalize(model);
        let starts: Vec<&str> = words
            .match_indices('-')
            .filter_map(|(at, _)| words.get(at..))
            .collect();
        let matches = |entry: &ModelEntry| entry.patterns.iter().any(|pattern| pattern.matches(&starts));
        self.rows.iter().position(matches)
    }

    fn find(&self, model: &str) -> &Capabilities {
        let row = self.position(model).and_then(|position| self.rows.get(position));
        row.map_or(&self.defaults, |row| &row.capabilities)
    }
}

/// The data file as it is written. `models.yaml` explains its layers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DataFile {
    /// Values that the rest of the file refers to by YAML anchors.
    #[serde(rename = "shared")]
    _shared: Mapping,
    dialects: DataFileDialects,
    models: DataFileModels,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DataFileDialects {
    openai_chat: DialectLayers,
    openai_responses: DialectLayers,
    claude: DialectLayers,
    bedrock: DialectLayers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DialectLayers {
    models: ModelVendor,
    defaults: Mapping,
    #[serde(default)]
    always: Mapping,
}

/// The vendor whose models the upstreams of a dialect serve, as far as they are known.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModelVendor {
    Claude,
    Openai,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DataFileModels {
    claude: Vec<DataFileRow>,
    openai: Vec<DataFileRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DataFileRow {
    names: Vec<String>,
    set: Mapping,
    #[serde(default)]
    bedrock: Mapping,
}

impl DataFile {
    fn models_of(&self, dialect: DialectName) -> Result<DialectModels, serde_yaml::Error> {
        let layers = match dialect {
            DialectName::OpenAiChat => &self.dialects.openai_chat,
            DialectName::OpenAiResponses => &self.dialects.openai_responses,
            DialectName::Claude => &self.dialects.claude,
            DialectName::Bedrock => &self.dialects.bedrock,
        };
        let empty = Mapping::new();
        let rows = match layers.models {
            ModelVendor::Claude => &self.models.claude,
            ModelVendor::Openai => &self.models.openai,
        };
        let entry = |row: &DataFileRow| {
            let of_dialect = match dialect {
                DialectName::Bedrock => &row.bedrock,
                DialectName::OpenAiChat | DialectName::OpenAiResponses | DialectName::Claude => &empty,
            };
            Ok(ModelEntry {
                patterns: row
                    .names
                    .iter()
                    .map(|name| ModelNamePattern::parse(name))
                    .collect(),
                capabilities: merge_layers([&layers.defaults, &row.set, of_dialect, &layers.always])?,
            })
        };
        Ok(DialectModels {
            rows: rows.iter().map(entry).collect::<Result<_, serde_yaml::Error>>()?,
            defaults: merge_layers([&layers.defaults, &layers.always])?,
        })
    }
}

/// The capabilities of the layers; a later layer wins.
fn merge_layers<const N: usize>(layers: [&Mapping; N]) -> Result<Capabilities, serde_yaml::Error> {
    let mut merged = Mapping::new();
    for layer in layers {
        merged.extend(layer.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    serde_yaml::from_value(Value::Mapping(merged))
}

/// A part of a model's name.
#[derive(Debug)]
struct ModelNamePattern {
    /// The part as [`normalize`] writes it.
    text: String,
    /// Whether any text may follow.
    open: bool,
}

impl ModelNamePattern {
    fn parse(name: &str) -> Self {
        let (name, open) = match name.strip_suffix('*') {
            Some(name) => (name, true),
            None => (name, false),
        };
        Self {
            text: normalize(name),
            open,
        }
    }

    /// Whether a name contains the pattern. `starts` are the rests of the normalized name from each word on.
    fn matches(&self, starts: &[&str]) -> bool {
        let mut rests = starts.iter().filter_map(|start| start.strip_prefix(&*self.text));
        rests.any(|rest| self.open || (ends_word(rest) && !continues_version(rest)))
    }
}

/// The name in lower case, with one hyphen before each word and no other punctuation.
fn normalize(name: &str) -> String {
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

/// Whether a number of one or two digits follows: that is the minor version of another model. A date is longer.
fn continues_version(rest: &str) -> bool {
    let word = rest.split('-').nth(1).unwrap_or_default();
    matches!(word.len(), 1 | 2) && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
