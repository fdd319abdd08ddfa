//! Reduces a vendor's description to the committed schema: only definitions that the roots reach, only keywords that
//! describe the wire format, in a fixed order. The same release gives the same bytes.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::names;

/// Keywords that describe the wire format. All others are removed: prose, titles, defaults, formats, bounds, `x-`
/// notes, and discriminators, which repeat the constants of the members.
const KEPT: [&str; 8] = [
    "$ref",
    "type",
    "const",
    "enum",
    "properties",
    "required",
    "items",
    "additionalProperties",
];
const UNIONS: [&str; 2] = ["anyOf", "oneOf"];

/// The positions at which documents contain their definitions.
const HOMES: [&str; 3] = ["/$defs", "/definitions", "/components/schemas"];

/// Generates the committed schema from a vendor's description.
///
/// `roots` maps `Request`, `Response` and `Event` to definitions of the document. `strip` is the prefix that is removed
/// from names.
///
/// # Errors
/// A root or a reference does not exist, two definitions get the same name, or the two request types (streaming and
/// non-streaming) differ in more than `stream`.
pub fn prune(document: &Value, roots: &BTreeMap<String, String>, strip: &str) -> Result<Value, String> {
    let definitions = HOMES
        .iter()
        .find_map(|home| document.pointer(home)?.as_object())
        .ok_or_else(|| format!("the document has no definitions in any of {}", HOMES.join(", ")))?;
    let mut roots = resolve(definitions, roots)?;
    let mut definitions = definitions.clone();
    if let Some(request) = roots.get_mut("Request") {
        *request = fold_streaming(&mut definitions, request)?;
    }
    let reached = closure(&definitions, roots.values())?;
    let renamed = names::shorten(reached.iter(), strip)?;
    let defs: BTreeMap<&String, Value> = reached
        .iter()
        .map(|name| (&renamed[name], clean(&definitions[name], &renamed)))
        .collect();
    let roots: BTreeMap<String, &String> = roots
        .into_iter()
        .map(|(root, name)| (root, &renamed[&name]))
        .collect();
    Ok(json!({
        "$defs": defs,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "roots": roots,
    }))
}

/// Formats `schema.json`: two spaces, sorted keys, one line feed at the end.
pub fn canonical_text(schema: &Value) -> String {
    format!("{:#}\n", sorted(schema))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<&String, Value> =
                map.iter().map(|(key, value)| (key, sorted(value))).collect();
            json!(ordered)
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// Resolves roots that are only references to another definition.
fn resolve(
    definitions: &Map<String, Value>,
    roots: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let mut resolved = BTreeMap::new();
    for (root, name) in roots {
        let mut name = name.as_str();
        let mut steps = 0;
        loop {
            let schema = definitions
                .get(name)
                .ok_or_else(|| format!("root {root}: no definition `{name}`"))?;
            match reference(schema) {
                Some(next) if steps < definitions.len() => name = next,
                _ => break,
            }
            steps += 1;
        }
        resolved.insert(root.clone(), name.to_owned());
    }
    Ok(resolved)
}

/// Merges the two request types of an SDK. The SDKs have one type for `stream: true` and one for all other requests; on
/// the wire they are one type with a boolean. Returns the name of the merged definition. A single request type stays
/// unchanged.
fn fold_streaming(definitions: &mut Map<String, Value>, request: &str) -> Result<String, String> {
    let alone = json!([{"$ref": request}]);
    let members = definitions
        .get(request)
        .and_then(union_members)
        .or(alone.as_array())
        .into_iter()
        .flatten();
    let Some(members) = members
        .map(|member| reference(member).filter(|name| name.ends_with("Streaming")))
        .collect()
    else {
        return Ok(request.to_owned());
    };
    let members: Vec<&str> = members;
    let mut folded: Option<Value> = None;
    for &name in &members {
        let mut schema = definitions
            .get(name)
            .cloned()
            .ok_or_else(|| format!("no definition `{name}`"))?;
        if let Some(stream) = schema.pointer_mut("/properties/stream") {
            *stream = json!({"type": "boolean"});
        }
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|field| field != "stream");
        }
        let schema = clean(&schema, &BTreeMap::new());
        match &folded {
            Some(other) if *other != schema => {
                return Err(format!(
                    "the request types {} differ in more than `stream`",
                    members.join(" and ")
                ));
            }
            _ => folded = Some(schema),
        }
    }
    let name = request
        .strip_suffix("NonStreaming")
        .or_else(|| request.strip_suffix("Streaming"))
        .unwrap_or(request);
    definitions.insert(
        name.to_owned(),
        folded.ok_or_else(|| format!("`{request}` is an empty union"))?,
    );
    Ok(name.to_owned())
}

/// The names of all definitions that `roots` reach, including the roots.
fn closure<'a>(
    definitions: &Map<String, Value>,
    roots: impl Iterator<Item = &'a String>,
) -> Result<BTreeSet<String>, String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<String> = roots.cloned().collect();
    while let Some(name) = open.pop() {
        let schema = definitions
            .get(&name)
            .ok_or_else(|| format!("no definition `{name}`"))?;
        if reached.insert(name) {
            // Clean first: a removed keyword, such as a discriminator's mapping, also contains references.
            references(&clean(schema, &BTreeMap::new()), &mut open);
        }
    }
    Ok(reached)
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(reference(value).map(str::to_owned));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// The definition that a schema refers to. `None` for a property with the name `$ref`, whose value is not a string.
fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

fn union_members(schema: &Value) -> Option<&Vec<Value>> {
    UNIONS.iter().find_map(|key| schema.get(key)?.as_array())
}

/// Removes the keywords that do not describe the wire format, renames references, and sorts lists without a meaningful
/// order.
fn clean(schema: &Value, renamed: &BTreeMap<String, String>) -> Value {
    let Some(map) = schema.as_object() else {
        return schema.clone();
    };
    let mut cleaned = Map::new();
    for (key, value) in map.iter().filter(|(key, _)| KEPT.contains(&key.as_str())) {
        let value = match key.as_str() {
            "$ref" => {
                let name = reference(schema).unwrap_or_default();
                json!(format!(
                    "#/$defs/{}",
                    renamed.get(name).map_or(name, String::as_str)
                ))
            }
            "properties" => value
                .as_object()
                .map(|properties| {
                    properties
                        .iter()
                        .map(|(name, field)| (name.clone(), clean(field, renamed)))
                        .collect()
                })
                .unwrap_or_default(),
            "enum" | "required" => in_order(value.as_array().cloned().unwrap_or_default()),
            "additionalProperties" if map.contains_key("properties") && !value.is_object() => {
                continue;
            }
            "items" | "additionalProperties" => clean(value, renamed),
            _ => value.clone(),
        };
        cleaned.insert(key.clone(), value);
    }
    if cleaned
        .get("required")
        .is_some_and(|required| required.as_array().is_some_and(Vec::is_empty))
    {
        cleaned.remove("required");
    }
    if let Some(parts) = map.get("allOf").and_then(Value::as_array) {
        cleaned.insert(
            "allOf".into(),
            parts.iter().map(|part| clean(part, renamed)).collect(),
        );
    }
    if let Some(members) = union_members(schema) {
        let Value::Array(mut members) =
            in_order(members.iter().map(|member| clean(member, renamed)).collect())
        else {
            return Value::Object(cleaned);
        };
        members.dedup();
        match members.pop() {
            Some(Value::Object(only)) if members.is_empty() => cleaned.extend(only),
            Some(last) => {
                members.push(last);
                cleaned.insert("anyOf".into(), Value::Array(members));
            }
            None => {}
        }
    }
    sorted(&Value::Object(cleaned))
}

/// Sorts values by their text. A vendor's order of union members and values has no meaning, and it changes between
/// releases.
fn in_order(mut values: Vec<Value>) -> Value {
    values.sort_by_cached_key(Value::to_string);
    Value::Array(values)
}

#[cfg(test)]
mod tests;
