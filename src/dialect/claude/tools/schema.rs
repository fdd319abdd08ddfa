//! The schema of a tool's input, an object without a union at its top: the API accepts no other.

use serde_json::value::RawValue;

use crate::canonical::Scope;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::shared::json_schema;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::wire::json::{self, RawJson};

/// Writes the schema of a tool's input: as it is, or fitted to what the API accepts. `scope` is that of the tool.
pub fn write_schema(scope: &mut Scope<'_>, schema: &RawValue) -> RawJson {
    if let Ok(SchemaTopLevel {
        is_object: true,
        is_union: false,
    }) = json::parse_text(schema.get())
    {
        return schema.to_owned();
    }
    let parsed = serde_json::from_str(schema.get()).unwrap_or_default();
    let (fitted, has_lost_union) = json_schema::for_claude_tool(&parsed);
    if has_lost_union {
        scope
            .field("parameters")
            .approximate(ClaudeReason::SchemaUnionInWords);
    }
    to_raw_json(&fitted)
}

/// The members at the top of a schema that decide whether the API accepts it as it is.
///
/// Agents send dozens of tools in every request, nearly all of them acceptable. Reading only these members costs a
/// fraction of parsing the schemas.
#[derive(Default)]
struct SchemaTopLevel {
    is_object: bool,
    is_union: bool,
}

impl json::ReadObject for SchemaTopLevel {
    const NAME: &'static str = "schema";

    fn read(mut members: json::ObjectMembers<'_, '_>) -> Result<Self, json::JsonFault> {
        fn lookup(name: &str) -> u16 {
            match name {
                "type" => 0,
                "anyOf" | "oneOf" | "allOf" => 1,
                _ => json::NOT_KNOWN,
            }
        }
        let mut top = Self::default();
        while let Some(key) = members.next(lookup)? {
            let mut value: Option<RawJson> = None;
            match key {
                json::JsonKey::Known(0) => {
                    members.read_nullable("type", &mut value)?;
                    top.is_object = value.is_some_and(|kind| kind.get() == "\"object\"");
                }
                json::JsonKey::Known(_) => {
                    members.read_nullable("anyOf", &mut value)?;
                    top.is_union |= value.is_some();
                }
                json::JsonKey::Other(_) => members.skip()?,
            }
        }
        Ok(top)
    }
}

impl json::ReadJson for SchemaTopLevel {
    fn read(scanner: &mut json::Scanner<'_>) -> Result<Self, json::JsonFault> {
        json::read_object(scanner)
    }
}
