//! The schemas of tools' inputs.

use serde_json::value::RawValue;

use crate::canonical::Losses;
use crate::dialect::shared::json_schema;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::wire::json::{self, Raw};

pub fn fitted_schema(schema: &RawValue, path: &str, losses: &mut Losses) -> Raw {
    if let Ok(TopLevel {
        is_object: true,
        is_union: false,
    }) = json::parse_text(schema.get())
    {
        return schema.to_owned();
    }
    let parsed = serde_json::from_str(schema.get()).unwrap_or_default();
    let (fitted, changed) = json_schema::for_claude_tool(&parsed);
    if changed {
        losses.approximate(
            format!("{path}.parameters"),
            "a union at the top of the schema became words",
        );
    }
    to_raw_json(&fitted)
}

/// The members of a schema's top level that decide whether it is taken as it is.
#[derive(Default)]
struct TopLevel {
    is_object: bool,
    is_union: bool,
}

impl json::Object for TopLevel {
    const NAME: &'static str = "schema";

    fn read(mut members: json::Members<'_, '_>) -> Result<Self, json::Fault> {
        fn lookup(name: &str) -> u16 {
            match name {
                "type" => 0,
                "anyOf" | "oneOf" | "allOf" => 1,
                _ => json::NOT_KNOWN,
            }
        }
        let mut top = Self::default();
        while let Some(key) = members.next(lookup)? {
            let mut value: Option<Raw> = None;
            match key {
                json::Key::Known(0) => {
                    members.nullable("type", &mut value)?;
                    top.is_object = value.is_some_and(|kind| kind.get() == "\"object\"");
                }
                json::Key::Known(_) => {
                    members.nullable("anyOf", &mut value)?;
                    top.is_union |= value.is_some();
                }
                json::Key::Other(_) => members.skip()?,
            }
        }
        Ok(top)
    }
}

impl json::Read for TopLevel {
    fn read(scanner: &mut json::Scanner<'_>) -> Result<Self, json::Fault> {
        json::read_object(scanner)
    }
}
