//! Reads and updates `specs/sources.toml`, which records the source of each dialect's description.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// All dialects by name.
pub type SpecSources = BTreeMap<String, SpecSource>;

/// The source of a dialect. The comment in the file explains the fields.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SpecSource {
    PypiSdk(Sdk),
    Openapi(OpenApi),
    Extends(Extends),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sdk {
    pub package: String,
    pub version: String,
    pub sha256: String,
    pub date: String,
    pub licence: String,
    pub pydantic: String,
    #[serde(default)]
    pub copy: String,
    #[serde(default)]
    pub strip_prefix: String,
    pub roots: BTreeMap<String, String>,
    pub schema_sha256: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenApi {
    pub url: String,
    pub version: String,
    pub sha256: String,
    pub date: String,
    pub licence: String,
    #[serde(default)]
    pub strip_prefix: String,
    pub roots: BTreeMap<String, String>,
    pub schema_sha256: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extends {
    pub extends: String,
}

impl SpecSource {
    /// The release that was last taken. `None` for a dialect that extends another one.
    pub fn recorded(&self) -> Option<RecordedRelease<'_>> {
        let (version, sha256, date) = match self {
            SpecSource::PypiSdk(sdk) => (&sdk.version, &sdk.sha256, &sdk.date),
            SpecSource::Openapi(document) => (&document.version, &document.sha256, &document.date),
            SpecSource::Extends(_) => return None,
        };
        Some(RecordedRelease {
            version,
            sha256,
            date,
        })
    }

    /// The recorded hash of `schema.json`. `None` for a dialect that extends another one.
    pub fn schema_sha256(&self) -> Option<&str> {
        match self {
            SpecSource::PypiSdk(sdk) => Some(&sdk.schema_sha256),
            SpecSource::Openapi(document) => Some(&document.schema_sha256),
            SpecSource::Extends(_) => None,
        }
    }
}

/// The recorded release of a source.
pub struct RecordedRelease<'a> {
    pub version: &'a str,
    pub sha256: &'a str,
    pub date: &'a str,
}

/// Reads the file.
///
/// # Errors
/// A syntax error (with its line), or a dialect that extends one without a schema.
pub fn read(path: &Path) -> Result<SpecSources, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let sources: SpecSources =
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    for (dialect, source) in &sources {
        if let SpecSource::Extends(Extends { extends }) = source
            && sources
                .get(extends)
                .is_none_or(|base| base.schema_sha256().is_none())
        {
            return Err(format!(
                "{}: {dialect} extends `{extends}`, which has no schema",
                path.display()
            ));
        }
    }
    Ok(sources)
}

/// Writes values into the table of one dialect. All other bytes, including comments, stay unchanged.
///
/// # Errors
/// The table or one of the keys does not exist.
pub fn record(text: &str, dialect: &str, values: &[(&str, &str)]) -> Result<String, String> {
    let header = format!("[{dialect}]");
    let mut missing: Vec<&str> = values.iter().map(|(key, _)| *key).collect();
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.starts_with('[') {
            inside = line.trim_end() == header;
        }
        let key = line.split('=').next().unwrap_or_default().trim();
        match values.iter().find(|(name, _)| inside && *name == key) {
            Some((name, value)) => {
                missing.retain(|key| key != name);
                out.push_str(&format!(
                    "{name} = {}\n",
                    toml::Value::String((*value).to_owned())
                ));
            }
            None => out.push_str(line),
        }
    }
    if missing.is_empty() {
        Ok(out)
    } else {
        Err(format!("sources.toml: [{dialect}] lacks {}", missing.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# why\n[a]\nversion = \"1\" # pinned\nsha256 = \"\"\n\n[a.roots]\nversion = \"M:N\"\n[b]\nversion = \"1\"\n";

    #[test]
    fn recording_touches_one_table_only() {
        let text = record(TEXT, "a", &[("version", "2"), ("sha256", "ff")]).unwrap();
        let expected = "# why\n[a]\nversion = \"2\"\nsha256 = \"ff\"\n\n[a.roots]\nversion = \"M:N\"\n[b]\nversion = \"1\"\n";
        assert_eq!(text, expected);
        assert_eq!(
            record(&text, "a", &[("version", "2"), ("sha256", "ff")]).unwrap(),
            expected
        );
    }

    #[test]
    fn a_key_that_is_not_there_is_an_error() {
        assert!(
            record(TEXT, "b", &[("sha256", "ff")])
                .unwrap_err()
                .contains("[b] lacks sha256")
        );
    }
}
