//! JSON Schemas of tools and structured output, reduced to what vendors accept.

use serde_json::{Map, Value, json};

use super::reasons::SharedReason;
use super::tool_names::PARAMETER;
use crate::canonical::{RawJson, Scope};

/// String formats that Anthropic's structured output knows.
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];

/// The most optional properties in a whole schema: Anthropic refuses to compile a schema with more.
const MOST_OPTIONAL: usize = 24;

/// Refuses a schema that is present and no object. Every vendor refuses it too, but names its own field and not the
/// client's.
pub fn refuse_unless_object(scope: &mut Scope<'_>, schema: Option<&RawJson>) {
    let is_object = |schema: &RawJson| matches!(schema.get().trim_start().get(..1), Some("{"));
    if schema.is_some_and(|schema| schema.get() != "null" && !is_object(schema)) {
        scope.refuse(SharedReason::SchemaIsNoObject);
    }
}

/// The schema of a function without parameters.
pub fn empty_object() -> Value {
    json!({"type": "object", "properties": {}})
}

/// The schema of a function that wraps a freeform tool.
pub fn freeform_wrapper() -> Value {
    json!({
        "type": "object",
        "properties": {PARAMETER: {"type": "string"}},
        "required": [PARAMETER],
        "additionalProperties": false
    })
}

/// The schema as Anthropic's structured output accepts it: objects are closed, and keywords that it does not know
/// become words in the description. The flag is set if there were such keywords.
///
/// `None` if the schema would change its meaning: an object with open members, a reference to itself, too many optional
/// properties.
pub fn for_claude_output(schema: &Value) -> Option<(Value, bool)> {
    let mut counts = SchemaCounts::default();
    let sanitized = sanitize(schema, &mut counts)?;
    if counts.optional_properties > MOST_OPTIONAL || is_recursive(schema) {
        return None;
    }
    Some((sanitized, counts.has_worded_keywords))
}

/// What is collected of a whole schema while it is sanitized.
#[derive(Default)]
struct SchemaCounts {
    optional_properties: usize,
    /// Whether a keyword became words in a description.
    has_worded_keywords: bool,
}

fn sanitize(schema: &Value, counts: &mut SchemaCounts) -> Option<Value> {
    let Value::Object(source) = schema else {
        return None;
    };
    let mut out = Map::new();
    let mut notes = Vec::new();
    let is_object =
        source.get("type").and_then(Value::as_str) == Some("object") || source.contains_key("properties");
    for (key, value) in source {
        match key.as_str() {
            "type" | "required" | "enum" | "const" | "$ref" | "title" | "default" | "description" => {
                out.insert(key.clone(), value.clone());
            }
            "properties" | "$defs" | "definitions" => {
                let members = value.as_object()?;
                let sanitized: Option<Map<String, Value>> = members
                    .iter()
                    .map(|(name, schema)| Some((name.clone(), sanitize(schema, counts)?)))
                    .collect();
                out.insert(key.clone(), Value::Object(sanitized?));
            }
            "items" => {
                out.insert(key.clone(), sanitize(value, counts)?);
            }
            "anyOf" | "allOf" | "oneOf" => {
                let sanitized: Option<Vec<Value>> = value
                    .as_array()?
                    .iter()
                    .map(|schema| sanitize(schema, counts))
                    .collect();
                let name = if key == "oneOf" { "anyOf" } else { key.as_str() };
                out.insert(name.to_owned(), Value::Array(sanitized?));
            }
            "additionalProperties" if value == &Value::Bool(false) => {}
            // An object with other members than the named ones cannot be expressed.
            "additionalProperties" | "patternProperties" => return None,
            "format" if value.as_str().is_some_and(|format| FORMATS.contains(&format)) => {
                out.insert(key.clone(), value.clone());
            }
            "minItems" if value.as_u64().is_some_and(|items| items <= 1) => {
                out.insert(key.clone(), value.clone());
            }
            "$schema" | "$id" | "$comment" | "examples" => {}
            _ => notes.push(format!("{key}: {value}")),
        }
    }
    if is_object {
        let named = source
            .get("properties")
            .and_then(Value::as_object)
            .map_or(0, Map::len);
        // An object without named members is an open map, unless the schema closes it.
        if named == 0 && source.get("additionalProperties") != Some(&Value::Bool(false)) {
            return None;
        }
        let required = source
            .get("required")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        counts.optional_properties += named.saturating_sub(required);
        out.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if !notes.is_empty() {
        counts.has_worded_keywords = true;
        let notes = notes.join(", ");
        let text = match out.get("description").and_then(Value::as_str) {
            Some(text) => format!("{text} ({notes})"),
            None => notes,
        };
        out.insert("description".to_owned(), Value::String(text));
    }
    Some(Value::Object(out))
}

/// Whether a definition refers to itself, directly or through others.
fn is_recursive(schema: &Value) -> bool {
    let mut edges: Vec<(String, Vec<String>)> = Vec::new();
    for key in ["$defs", "definitions"] {
        for (name, body) in schema.get(key).and_then(Value::as_object).into_iter().flatten() {
            let mut references = Vec::new();
            collect_references(body, &mut references);
            edges.push((format!("#/{key}/{name}"), references));
        }
    }
    let mut to_root = Vec::new();
    collect_references(schema, &mut to_root);
    if to_root.iter().any(|reference| reference == "#") {
        return true;
    }
    edges.iter().any(|(name, _)| {
        let (mut pending, mut seen) = (vec![name], Vec::new());
        while let Some(definition) = pending.pop() {
            for (_, references) in edges.iter().filter(|(from, _)| from == definition) {
                for reference in references {
                    if reference == name {
                        return true;
                    }
                    if !seen.contains(&reference) {
                        seen.push(reference);
                        pending.push(reference);
                    }
                }
            }
        }
        false
    })
}

fn collect_references(schema: &Value, out: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                out.push(reference.clone());
            }
            members.values().for_each(|value| collect_references(value, out));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_references(value, out)),
        _ => {}
    }
}

/// Whether a schema is in OpenAI's strict subset: every object is closed and requires each of its properties.
pub fn is_openai_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let properties = members.get("properties").and_then(Value::as_object);
            let is_object = members.get("type").and_then(Value::as_str) == Some("object");
            if is_object || properties.is_some() {
                let required: Vec<&str> = members
                    .get("required")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                let closed = members.get("additionalProperties") == Some(&Value::Bool(false));
                let complete = properties
                    .into_iter()
                    .flat_map(Map::keys)
                    .all(|name| required.contains(&name.as_str()));
                if !closed || !complete {
                    return false;
                }
            }
            members.iter().all(|(key, value)| match key.as_str() {
                "properties" | "$defs" | "definitions" => value
                    .as_object()
                    .is_none_or(|map| map.values().all(is_openai_strict)),
                "items" | "anyOf" => match value {
                    Value::Array(items) => items.iter().all(is_openai_strict),
                    other => is_openai_strict(other),
                },
                "allOf" | "oneOf" | "not" | "if" | "then" | "else" | "patternProperties" => false,
                _ => true,
            })
        }
        _ => true,
    }
}

/// The schema as Anthropic accepts it for a tool's input: an object at the top, and no union there. A union becomes
/// words in the description. The flag is set if there was one.
pub fn for_claude_tool(schema: &Value) -> (Value, bool) {
    let Value::Object(source) = schema else {
        return (empty_object(), false);
    };
    let mut out = source.clone();
    let mut dropped = Vec::new();
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(value) = out.shift_remove(key) {
            dropped.push(format!("{key}: {value}"));
        }
    }
    if out.get("type").and_then(Value::as_str) != Some("object") {
        out.insert("type".to_owned(), Value::String("object".to_owned()));
    }
    if !dropped.is_empty() {
        let notes = dropped.join(", ");
        let text = match out.get("description").and_then(Value::as_str) {
            Some(text) => format!("{text} ({notes})"),
            None => notes,
        };
        out.insert("description".to_owned(), Value::String(text));
    }
    (Value::Object(out), !dropped.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_schema_is_closed_and_its_unknown_keywords_become_words() {
        let schema = json!({
            "type": "object",
            "properties": {"n": {"type": "integer", "minimum": 3, "description": "count"}, "d": {"type": "string", "format": "date"}},
            "required": ["n"]
        });
        let expected = json!({
            "type": "object",
            "properties": {"n": {"type": "integer", "description": "count (minimum: 3)"}, "d": {"type": "string", "format": "date"}},
            "required": ["n"],
            "additionalProperties": false
        });
        assert_eq!(for_claude_output(&schema), Some((expected.clone(), true)));
        assert_eq!(for_claude_output(&expected), Some((expected, false)));
    }

    #[test]
    fn an_output_schema_that_would_change_its_meaning_gives_none() {
        let open = json!({"type": "object", "properties": {"m": {"type": "object", "additionalProperties": {"type": "string"}}}});
        assert_eq!(for_claude_output(&open), None);
        assert_eq!(for_claude_output(&json!({"type": "object"})), None);
        let recursive = json!({
            "type": "object", "properties": {"n": {"$ref": "#/$defs/Node"}}, "additionalProperties": false,
            "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}}
        });
        assert_eq!(for_claude_output(&recursive), None);
        let many: Map<String, Value> = (0..25)
            .map(|n| (format!("p{n}"), json!({"type": "string"})))
            .collect();
        assert_eq!(
            for_claude_output(&json!({"type": "object", "properties": many})),
            None
        );
    }

    #[test]
    fn the_strict_subset_is_recognised() {
        let strict = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
        assert!(is_openai_strict(&strict));
        assert!(!is_openai_strict(
            &json!({"type": "object", "properties": {"a": {}}, "additionalProperties": false})
        ));
        assert!(!is_openai_strict(&json!({"type": "object", "properties": {}})));
        assert!(!is_openai_strict(
            &json!({"type": "array", "items": {"type": "object"}})
        ));
    }

    #[test]
    fn a_tool_schema_becomes_an_object_without_a_union() {
        assert_eq!(for_claude_tool(&json!({})), (json!({"type": "object"}), false));
        let (sanitized, changed) =
            for_claude_tool(&json!({"type": "object", "anyOf": [{"required": ["a"]}]}));
        assert!(changed);
        assert_eq!(
            sanitized,
            json!({"type": "object", "description": "anyOf: [{\"required\":[\"a\"]}]"})
        );
    }
}
