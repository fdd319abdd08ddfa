use serde_json::{Value, json};

use crate::demo::script::strip_reminders;
use crate::demo::synth::make_arguments;

#[test]
fn reminders_are_removed() {
    for (text, expected) in [
        ("hello", "hello"),
        (
            "<system-reminder>a</system-reminder> hello <system-reminder>b</system-reminder>",
            "hello",
        ),
        ("<system-reminder>a</system-reminder>\n", ""),
        ("hello <system-reminder>never closed", "hello"),
    ] {
        assert_eq!(strip_reminders(text), expected);
    }
}

#[test]
fn arguments_fit_their_schema() {
    let schema = json!({
        "type": "object",
        "$defs": {"node": {"type": "object", "properties": {"child": {"$ref": "#/$defs/node"}}}},
        "properties": {
            "plain": {"type": "string"},
            "short": {"type": "string", "maxLength": 3},
            "day": {"type": "string", "format": "date"},
            "unit": {"enum": ["c", "f"]},
            "fixed": {"const": 5},
            "many": {"type": "array", "items": {"type": "integer", "minimum": 3}},
            "maybe": {"type": ["null", "boolean"]},
            "either": {"anyOf": [{"type": "null"}, {"type": "number"}]},
            "optional": {"type": "string"},
            "inner": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            "tree": {"$ref": "#/$defs/node"},
        },
        "required": ["plain", "short", "day", "unit", "fixed", "many", "maybe", "either", "inner", "tree"],
    });
    let made = make_arguments(&schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let nested = made.pointer("/tree/child/child").is_some();
    let mut shallow = made.clone();
    shallow["tree"] = json!({});
    assert!(nested && validator.is_valid(&shallow), "{made}");
    assert!(made.get("optional").is_none());
    assert_eq!(made["short"], "dem");
}

#[test]
fn arguments_are_always_an_object() {
    for schema in [
        Value::Null,
        json!(true),
        json!({}),
        json!({"type": "string"}),
        json!({"$ref": "#"}),
        json!([]),
    ] {
        assert_eq!(make_arguments(&schema), json!({}), "{schema}");
    }
}
