//! Helpers for JSON Schema documents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::SpecError;

/// The definitions of a document, by name.
pub(crate) type Defs = Map<String, Value>;

const PREFIX: &str = "#/$defs/";

pub(crate) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{PREFIX}{name}") })
}

/// The name of the definition that a `$ref` refers to.
pub(crate) fn ref_name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(PREFIX)
}

pub(crate) fn defs(document: &Value) -> Result<&Defs, SpecError> {
    document
        .get("$defs")
        .and_then(Value::as_object)
        .ok_or_else(|| SpecError::new("schema: no `$defs`"))
}

pub(crate) fn defs_mut(document: &mut Value) -> Result<&mut Defs, SpecError> {
    document
        .get_mut("$defs")
        .and_then(Value::as_object_mut)
        .ok_or_else(|| SpecError::new("schema: no `$defs`"))
}

/// Maps each role (`Request`, `Response`, `Event`) to its definition.
pub(crate) fn roots(document: &Value) -> Result<BTreeMap<String, String>, SpecError> {
    let roots = document
        .get("roots")
        .and_then(Value::as_object)
        .ok_or_else(|| SpecError::new("schema: no `roots`"))?;
    roots
        .iter()
        .map(|(role, def)| match def.as_str() {
            Some(def) => Ok((role.clone(), def.to_owned())),
            None => Err(SpecError::new(format!("schema: root {role} is not a name"))),
        })
        .collect()
}

/// The members of `anyOf` or `oneOf`.
pub(crate) fn members(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()
}

pub(crate) fn members_mut(schema: &mut Value) -> Option<&mut Vec<Value>> {
    let key = if schema.get("anyOf").is_some() {
        "anyOf"
    } else {
        "oneOf"
    };
    schema.get_mut(key)?.as_array_mut()
}

/// Calls `visit` for a schema and every schema inside it, inner ones first. Does not follow `$ref`s.
pub(crate) fn visit_mut(schema: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    if let Some(object) = schema.as_object_mut() {
        for (keyword, value) in object {
            match (keyword.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    properties
                        .values_mut()
                        .for_each(|property| visit_mut(property, visit));
                }
                ("anyOf" | "oneOf" | "allOf", Value::Array(members)) => {
                    members.iter_mut().for_each(|member| visit_mut(member, visit));
                }
                ("items" | "additionalProperties", inner) => visit_mut(inner, visit),
                _ => {}
            }
        }
    }
    visit(schema);
}

/// Adds the names of all definitions that `def` refers to, directly or indirectly, and `def` itself.
pub(crate) fn closure(document: &Value, def: &str, reached: &mut BTreeSet<String>) -> Result<(), SpecError> {
    fn walk(schema: &Value, found: &mut Vec<String>) {
        if let Some(name) = ref_name(schema) {
            found.push(name.to_owned());
        }
        match schema {
            Value::Object(object) => object.values().for_each(|value| walk(value, found)),
            Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let defs = defs(document)?;
    let mut open = vec![def.to_owned()];
    while let Some(name) = open.pop() {
        if reached.contains(&name) {
            continue;
        }
        let schema = defs
            .get(&name)
            .ok_or_else(|| SpecError::new(format!("schema: no definition {name}")))?;
        walk(schema, &mut open);
        reached.insert(name);
    }
    Ok(())
}
