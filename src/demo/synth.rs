//! Makes arguments for a tool call from the tool's JSON Schema, without a model.

use serde_json::{Map, Value, json};

const DEEPEST: usize = 8;

/// Arguments that are valid for `schema`, if the schema is simple. They contain the required members only, or all if
/// none is required.
pub(super) fn make_arguments(schema: &Value) -> Value {
    match make_value(schema, schema, "value", 0) {
        arguments @ Value::Object(_) => arguments,
        _ => json!({}),
    }
}

fn make_value(root: &Value, schema: &Value, name: &str, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    let schema = resolve_reference(root, schema);
    for key in ["const", "default"] {
        if let Some(given) = schema.get(key) {
            return given.clone();
        }
    }
    for key in ["enum", "examples"] {
        if let Some(first) = schema.get(key).and_then(|list| list.get(0)) {
            return first.clone();
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        let options = schema.get(key).and_then(Value::as_array);
        if let Some(option) =
            options.and_then(|list| list.iter().find(|option| find_type(option) != Some("null")))
        {
            return make_value(root, option, name, depth + 1);
        }
    }
    match find_type(schema) {
        Some("string") => make_string(schema, name).into(),
        Some("integer") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1.5)),
        Some("boolean") => json!(true),
        Some("null") => Value::Null,
        Some("array") => match schema.get("items") {
            Some(items) => json!([make_value(root, items, name, depth + 1)]),
            None => json!([]),
        },
        _ => make_object(root, schema, depth),
    }
}

fn make_object(root: &Value, schema: &Value, depth: usize) -> Value {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return json!({});
    };
    let required = schema
        .get("required")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty());
    let wanted = |name: &String| required.is_none_or(|list| list.iter().any(|one| one == name));
    let members = properties.iter().filter(|(name, _)| wanted(name));
    Value::Object(
        members
            .map(|(name, schema)| (name.clone(), make_value(root, schema, name, depth + 1)))
            .collect::<Map<_, _>>(),
    )
}

/// The type of the schema; if there are several, the first that is not `null`.
fn find_type(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(one) => Some(one),
        Value::Array(many) => many.iter().filter_map(Value::as_str).find(|one| *one != "null"),
        _ => None,
    }
}

fn resolve_reference<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|path| path.strip_prefix('#'));
    target.and_then(|path| root.pointer(path)).unwrap_or(schema)
}

fn make_string(schema: &Value, name: &str) -> String {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-31".to_owned(),
        Some("time") => "12:00:00Z".to_owned(),
        Some("date-time") => "2026-01-31T12:00:00Z".to_owned(),
        Some("email") => "demo@example.com".to_owned(),
        Some("uri" | "url") => "https://example.com/demo".to_owned(),
        Some("uuid") => "00000000-0000-4000-8000-000000000000".to_owned(),
        _ => format!("demo {name}"),
    };
    match schema
        .get("maxLength")
        .and_then(Value::as_u64)
        .and_then(|most| usize::try_from(most).ok())
    {
        Some(most) => text.chars().take(most).collect(),
        None => text,
    }
}
