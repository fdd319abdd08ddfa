//! JSON Schema to Rust types.
//!
//! A dialect is a folder with `schema.json` (made from the vendor's description) and `overlay.json` (our
//! corrections). [`Spec`] reads both, [`Spec::ir`] applies the corrections and brings the schema into one simple
//! form, in which strings that carry text in bulk are told from others; [`generate`] prints Rust from it, and
//! [`api_listing`] a text to compare versions by.

mod atoms;
mod bulk;
mod emit;
mod error;
mod ir;
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

pub use emit::generate;
pub use error::Error;
pub use ir::Ir;
pub use listing::{api_listing, opaque_unions};

/// The description of one dialect.
#[derive(Debug)]
pub struct Spec {
    schema: Value,
    overlay: Vec<overlay::Entry>,
}

impl Spec {
    /// Reads `schema.json` and, if there is one, `overlay.json` of a folder.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        let schema = read_json(&dir.join("schema.json"))?;
        let overlay = dir.join("overlay.json");
        let overlay = if overlay.exists() {
            read_json(&overlay)?
        } else {
            Value::Array(Vec::new())
        };
        Self::from_json(schema, overlay).map_err(|error| error.within(&dir.display().to_string()))
    }

    /// Takes the two documents as they are.
    pub fn from_json(schema: Value, overlay: Value) -> Result<Self, Error> {
        Ok(Self {
            schema,
            overlay: overlay::parse(overlay)?,
        })
    }

    /// The schema with the overlay applied.
    pub fn applied(&self) -> Result<Value, Error> {
        let mut document = self.schema.clone();
        overlay::apply(&mut document, &self.overlay)?;
        Ok(document)
    }

    /// The types, ready to be generated or listed.
    pub fn ir(&self) -> Result<Ir, Error> {
        normalize::normalize(&self.applied()?)
    }
}

/// Generates `<out>/<dialect>.rs` (with `_` for `-`) from `<specs>/<dialect>` for each dialect, and tells cargo
/// which files that depends on. For build scripts.
pub fn build(specs: &Path, out: &Path, dialects: &[&str]) -> Result<(), Error> {
    for dialect in dialects {
        let dir = specs.join(dialect);
        for file in ["schema.json", "overlay.json"] {
            println!("cargo::rerun-if-changed={}", dir.join(file).display());
        }
        let rust = Spec::load(&dir)
            .and_then(|spec| spec.ir())
            .and_then(|ir| generate(&ir))
            .map_err(|error| error.within(dialect))?;
        let path = out.join(format!("{}.rs", dialect.replace('-', "_")));
        fs::write(&path, rust)
            .map_err(|error| Error::new(error.to_string()).within(&path.display().to_string()))?;
    }
    Ok(())
}

fn read_json(path: &Path) -> Result<Value, Error> {
    let place = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Error::new(error.to_string()).within(&place))?;
    serde_json::from_str(&text).map_err(|error| Error::new(error.to_string()).within(&place))
}
