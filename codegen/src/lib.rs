//! Generates Rust types from JSON Schema.
//!
//! A dialect is a folder with `schema.json` (generated from the vendor's description) and `overlay.json` (our
//! corrections). [`Spec`] reads both. [`Spec::ir`] applies the corrections and converts the schema to [`Ir`], a simple
//! form without JSON Schema's many spellings. [`generate`] prints Rust code from the [`Ir`], and [`api_listing`] prints
//! a listing that shows the differences between two versions as a readable diff.

mod atoms;
mod emit;
mod error;
mod ir;
mod lazy_strings;
mod lenient;
mod listing;
mod names;
mod normalize;
mod overlay;
mod schema;
mod tags;

use std::fs;
use std::path::Path;

use serde_json::Value;

pub use emit::{generate, generate_file};
pub use error::SpecError;
pub use ir::Ir;
pub use listing::{api_listing, opaque_unions};

/// The description of one dialect.
#[derive(Debug)]
pub struct Spec {
    schema: Value,
    overlay: Vec<overlay::OverlayEntry>,
}

impl Spec {
    /// Reads `schema.json` and, if it exists, `overlay.json` of a folder.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, or an overlay operation that is unknown or has no reason.
    pub fn load(dir: &Path) -> Result<Self, SpecError> {
        let schema = read_json(&dir.join("schema.json"))?;
        let overlay = dir.join("overlay.json");
        let overlay = if overlay.exists() {
            read_json(&overlay)?
        } else {
            Value::Array(Vec::new())
        };
        Self::from_json(schema, overlay).map_err(|error| error.within(&dir.display().to_string()))
    }

    /// Creates a description from the two parsed documents.
    ///
    /// # Errors
    /// An overlay operation that is unknown or has no reason.
    pub fn from_json(schema: Value, overlay: Value) -> Result<Self, SpecError> {
        Ok(Self {
            schema,
            overlay: overlay::parse(overlay)?,
        })
    }

    /// Applies the overlay to the schema.
    ///
    /// # Errors
    /// An overlay operation that matches nothing.
    pub fn applied(&self) -> Result<Value, SpecError> {
        let mut document = self.schema.clone();
        overlay::apply(&mut document, &self.overlay)?;
        Ok(document)
    }

    /// Applies the overlay and converts the schema to types.
    ///
    /// # Errors
    /// As [`Spec::applied`], and a schema that the generator does not support, such as a union without a tag.
    pub fn ir(&self) -> Result<Ir, SpecError> {
        normalize::normalize(&self.applied()?)
    }
}

/// Generates `<out>/<dialect>.rs` (with `_` in place of `-`) from `<specs>/<dialect>` for each dialect, and prints the
/// `cargo::rerun-if-changed` lines for its sources. For build scripts.
///
/// # Errors
/// As [`Spec::load`] and [`Spec::ir`], or a file that cannot be written.
pub fn build(specs: &Path, out: &Path, dialects: &[&str]) -> Result<(), SpecError> {
    for dialect in dialects {
        let dir = specs.join(dialect);
        for file in ["schema.json", "overlay.json"] {
            println!("cargo::rerun-if-changed={}", dir.join(file).display());
        }
        let rust = Spec::load(&dir)
            .and_then(|spec| spec.ir())
            .and_then(|ir| generate_file(dialect, &ir))
            .map_err(|error| error.within(dialect))?;
        let path = out.join(format!("{}.rs", dialect.replace('-', "_")));
        fs::write(&path, rust)
            .map_err(|error| SpecError::new(error.to_string()).within(&path.display().to_string()))?;
    }
    Ok(())
}

fn read_json(path: &Path) -> Result<Value, SpecError> {
    let position = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|error| SpecError::new(error.to_string()).within(&position))?;
    serde_json::from_str(&text).map_err(|error| SpecError::new(error.to_string()).within(&position))
}
