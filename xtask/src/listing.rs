//! What the code generator makes of a dialect: its listing (`api.txt`) and its Rust.

use llm_proxy_codegen::{Ir, Spec, api_listing, generate_file};
use serde_json::Value;
use std::path::Path;

use crate::regen::sources::{Source, Sources};

/// The lines of `api.txt`.
///
/// # Errors
/// An overlay operation that matches nothing, a union without a tag that the overlay does not list, or no schema.
pub fn api_txt(specs: &Path, sources: &Sources, dialect: &str) -> Result<String, String> {
    Ok(api_listing(&ir(specs, sources, dialect)?))
}

/// The Rust of a dialect's types.
///
/// # Errors
/// As [`api_txt`].
pub fn rust(specs: &Path, sources: &Sources, dialect: &str) -> Result<String, String> {
    generate_file(dialect, &ir(specs, sources, dialect)?).map_err(|error| format!("{dialect}: {error}"))
}

fn ir(specs: &Path, sources: &Sources, dialect: &str) -> Result<Ir, String> {
    spec(specs, sources, dialect)?
        .ir()
        .map_err(|error| format!("{dialect}: {error}"))
}

/// The schema of a dialect with its overlay; of one that extends another, that one's schema with both overlays.
fn spec(specs: &Path, sources: &Sources, dialect: &str) -> Result<Spec, String> {
    let dir = specs.join(dialect);
    let made = match sources.get(dialect) {
        None => {
            let known: Vec<&str> = sources.keys().map(String::as_str).collect();
            return Err(format!(
                "no dialect `{dialect}` in sources.toml (there are {})",
                known.join(", ")
            ));
        }
        Some(Source::Extends(base)) => {
            let schema = spec(specs, sources, &base.extends)?
                .applied()
                .map_err(|error| format!("{}: {error}", base.extends))?;
            let path = dir.join("overlay.json");
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let overlay: Value =
                serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            Spec::from_json(schema, overlay)
        }
        Some(_) => Spec::load(&dir),
    };
    made.map_err(|error| format!("{dialect}: {error}"))
}
