//! The JSON Schema of the configuration file.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::file::{FileKeys, MAX_WORKERS};
use super::response_store;
use crate::canonical::DialectName;
use crate::canonical::OnLoss;

/// The JSON Schema (draft 2020-12) of the configuration file, for editors and other tools.
///
/// It describes the keys, their kinds, and the rules for a single value. Only [`super::parse`] checks the rules that
/// depend on the environment or on several keys.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(FileKeys).to_value()
}

/// A `T`, or text with a variable that gives a `T`.
pub(super) struct OrVariable<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for OrVariable<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}OrVariable", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [value, { "type": "string", "pattern": r"\$\{" }] })
    }
}

/// A number of threads.
pub(super) struct WorkersSchema;

impl JsonSchema for WorkersSchema {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Workers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX_WORKERS })
    }
}

/// The name of a dialect, or the empty text.
pub(super) struct DialectSchema;

impl JsonSchema for DialectSchema {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Dialect".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = std::iter::once("")
            .chain(DialectName::ALL.map(DialectName::as_str))
            .collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

/// A value of `on_loss`.
pub(super) struct OnLossSchema;

impl JsonSchema for OnLossSchema {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OnLoss".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": OnLoss::ALL.map(OnLoss::as_str) })
    }
}

/// A kind of response store.
pub(super) struct StoreKindSchema;

impl JsonSchema for StoreKindSchema {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StoreKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": response_store::KINDS })
    }
}

/// A number, or text with a number and a unit.
pub(super) struct MeasureSchema;

impl JsonSchema for MeasureSchema {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Measure".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string" }] })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::document::{YamlNode, YamlPath};
    use super::super::file::{AwsCredentialKeys, ModelKeys, ResponseStoreKeys, ServerKeys};
    use super::super::parse;
    use super::super::reader::{ConfigReader, MappingKeys, UnsetSecrets};
    use super::json_schema;

    fn names<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
        names.map(str::to_owned).collect()
    }

    /// The schema is derived from the fields, and the reader uses names in its code. This test compares the two.
    #[test]
    fn the_schema_has_the_keys_that_are_read() {
        let schema = json_schema();
        let empty = YamlNode::Map(Vec::new());
        let mut reader = ConfigReader::new(&|_| None, UnsetSecrets::Refuse);
        for definition in [
            "ServerKeys",
            "ModelKeys",
            "AwsCredentialKeys",
            "ResponseStoreKeys",
        ] {
            let mut keys = MappingKeys::of(&mut reader, &empty, YamlPath::default()).unwrap();
            match definition {
                "ServerKeys" => drop(ServerKeys::take(&mut reader, &mut keys)),
                "ResponseStoreKeys" => drop(ResponseStoreKeys::take(&mut reader, &mut keys)),
                "ModelKeys" => drop(ModelKeys::take(&mut reader, &mut keys, YamlPath::default())),
                _ => drop(AwsCredentialKeys::take(&mut reader, &mut keys)),
            }
            let (known, required) = keys.asked_for();
            let definition = &schema["$defs"][definition];
            let properties = definition["properties"].as_object().unwrap();
            assert_eq!(
                names(known.iter().copied()),
                names(properties.keys().map(String::as_str))
            );
            let listed = definition["required"].as_array();
            let listed = listed.into_iter().flatten().filter_map(Value::as_str);
            assert_eq!(names(required.iter().copied()), names(listed));
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{name} is not described");
            }
        }
    }

    #[test]
    fn the_schema_has_the_keys_of_the_whole_file() {
        let schema = json_schema();
        let properties = schema["properties"].as_object().unwrap();
        for name in properties.keys() {
            let problems = parse(&format!("{name}: 1\n"), &|_| None).unwrap_err();
            assert!(
                !problems
                    .iter()
                    .any(|problem| problem.message.contains("unknown key")),
                "{problems:?}"
            );
        }
        let unknown = parse("x: 1\nmodels: 1\n", &|_| None).unwrap_err();
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        assert!(unknown[0].message.ends_with(&known.join(", ")), "{unknown:?}");
    }
}
