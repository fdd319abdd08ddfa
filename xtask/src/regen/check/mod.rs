//! `cargo xtask regen --check`: checks that the committed files in `specs/` match each other. Needs no network.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

use super::sources::SpecSources;
use super::{fetch, prune};
use crate::listing;

/// Lists the problems of one dialect, one message each.
pub fn problems(specs: &Path, sources: &SpecSources, dialect: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(recorded) = sources.get(dialect).and_then(|source| source.schema_sha256())
        && let Err(problem) = schema(&specs.join(dialect).join("schema.json"), recorded)
    {
        problems.push(problem);
    }
    // Generating the listing also checks the overlay and the unions: a stale operation, and a union without a tag that
    // is not marked as opaque, are errors.
    let path = specs.join(dialect).join("api.txt");
    match listing::api_txt(specs, sources, dialect) {
        Err(problem) => problems.push(problem),
        Ok(listing) => {
            if std::fs::read_to_string(&path).unwrap_or_default() != listing {
                problems.push(format!(
                    "{}: not up to date; run `cargo xtask regen --offline`",
                    path.display()
                ));
            }
        }
    }
    problems
}

/// Checks hash and form of a schema. The form is canonical if pruning the schema again changes no byte.
fn schema(path: &Path, recorded: &str) -> Result<(), String> {
    let fail = |problem: String| format!("{}: {problem}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    let found = fetch::sha256(text.as_bytes());
    if found != recorded {
        return Err(fail(format!(
            "sha256 is {found}, sources.toml records {recorded}: was the file edited by hand? Put corrections into overlay.json"
        )));
    }
    let schema: Value = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
    let roots: BTreeMap<String, String> =
        serde_json::from_value(schema["roots"].clone()).map_err(|error| fail(format!("roots: {error}")))?;
    let again = prune::prune(&schema, &roots, "").map_err(fail)?;
    if prune::canonical_text(&again) != text {
        return Err(fail(
            "not in canonical form; run `cargo xtask regen --update`".to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
