//! The output of the code generator for a dialect: its listing (`api.txt`) and its Rust code.

use llm_proxy_codegen::{Ir, Spec, api_listing, generate_file};
use serde_json::Value;
use std::path::Path;

use crate::regen::sources::{SpecSource, SpecSources};

/// Generates the contents of `api.txt`.
///
/// # Errors
/// An overlay operation that matches nothing, a union without a tag that the overlay does not mark as opaque, or a
/// missing schema.
pub fn api_txt(specs: &Path, sources: &SpecSources, dialect: &str) -> Result<String, String> {
    Ok(api_listing(&ir(specs, sources, dialect)?))
}

/// Generates the Rust code of a dialect's types.
///
/// # Errors
/// As [`api_txt`].
pub fn rust(specs: &Path, sources: &SpecSources, dialect: &str) -> Result<String, String> {
    generate_file(dialect, &ir(specs, sources, dialect)?).map_err(|error| format!("{dialect}: {error}"))
}

fn ir(specs: &Path, sources: &SpecSources, dialect: &str) -> Result<Ir, String> {
    spec(specs, sources, dialect)?
        .ir()
        .map_err(|error| format!("{dialect}: {error}"))
}

/// Reads the schema and the overlay of a dialect. For a dialect that extends another one, reads the other's schema with
/// both overlays.
fn spec(specs: &Path, sources: &SpecSources, dialect: &str) -> Result<Spec, String> {
    let dir = specs.join(dialect);
    let made = match sources.get(dialect) {
        None => {
            let known: Vec<&str> = sources.keys().map(String::as_str).collect();
            return Err(format!(
                "no dialect `{dialect}` in sources.toml; it has {}",
                known.join(", ")
            ));
        }
        Some(SpecSource::Extends(base)) => {
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
