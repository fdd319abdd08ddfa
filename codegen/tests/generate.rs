//! Checks the Rust code for each construct of the vendors' schemas.

mod common;

use common::{document, ir, rust, rust_of};
use insta::assert_snapshot;
use llm_proxy_codegen::{api_listing, generate, opaque_unions};
use serde_json::{Value, json};

fn text() -> Value {
    json!({ "type": "string" })
}

fn tagged(tag: &str) -> Value {
    json!({ "type": "object", "properties": { "type": { "const": tag }, tag: text() }, "required": ["type"] })
}

fn refs(names: &[&str]) -> Value {
    let members: Vec<Value> = names
        .iter()
        .map(|name| json!({ "$ref": format!("#/$defs/{name}") }))
        .collect();
    json!({ "anyOf": members })
}

#[test]
fn struct_fields() {
    assert_snapshot!(rust(json!({
        "Root": {
            "type": "object",
            "properties": {
                "type": { "const": "root" },
                "id": text(),
                "count": { "type": "integer" },
                "score": { "type": "number" },
                "self": { "type": "boolean" },
                "schema": { "type": "object" },
                "labels": { "type": "object", "additionalProperties": text() },
                "counts": { "type": "array", "items": { "type": "integer" } },
                "limit": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
                "reason": { "anyOf": [text(), { "type": "null" }] },
            },
            "required": ["type", "id", "count", "schema", "reason"],
        },
    })));
}

/// Long texts of requests keep their JSON spelling: members with certain names, and strings in place of a list of
/// parts.
#[test]
fn long_texts_are_lazy() {
    let part =
        json!({ "type": "object", "properties": { "text": text(), "id": text() }, "required": ["text"] });
    let content = |part: &str| {
        let parts = json!({ "type": "array", "items": { "$ref": format!("#/$defs/{part}") } });
        json!({ "anyOf": [text(), parts] })
    };
    let rust = rust_of(json!({
        "roots": { "Request": "Root", "Response": "Answer" },
        "$defs": {
            "Root": {
                "type": "object",
                "properties": {
                    "content": content("Part"),
                    "stop": { "anyOf": [text(), { "type": "array", "items": text() }] },
                },
            },
            "Answer": { "type": "object", "properties": { "content": content("Said") } },
            "Part": part,
            "Said": part,
        },
    }));
    let fields = rust.lines().map(str::trim);
    let fields = fields.filter(|line| line.contains("String") || line.contains("LazyStr"));
    let fields = fields.filter(|line| line.starts_with("pub ") || line.starts_with("String("));
    assert_snapshot!(fields.collect::<Vec<_>>().join("\n"));
}

#[test]
fn nullable_in_every_spelling() {
    let spellings = json!({
        "any_of": { "anyOf": [text(), { "type": "null" }] },
        "one_of": { "oneOf": [{ "type": "null" }, text()] },
        "type_list": { "type": ["string", "null"] },
        "keyword": { "type": "string", "nullable": true },
        "enum": { "enum": ["a", null] },
        "named": { "$ref": "#/$defs/Maybe" },
        "items": { "type": "array", "items": { "type": ["string", "null"] } },
    });
    let ir = ir(
        document(json!({
            "Root": { "type": "object", "properties": spellings },
            "Maybe": { "anyOf": [{ "enum": ["x", "y"] }, { "type": "null" }] },
        })),
        json!([]),
    );
    assert_snapshot!(api_listing(&ir.expect("a good schema")));
}

#[test]
fn optional_constant_is_stored() {
    assert_snapshot!(rust(json!({
        "Root": { "type": "object", "properties": { "type": { "const": "custom" } } },
    })));
}

#[test]
fn open_enum_of_odd_names() {
    assert_snapshot!(rust(json!({
        "Root": {
            "type": "object",
            "properties": {
                "value": { "anyOf": [text(), { "enum": ["5m", "gpt-5.1", "gpt-51", "", "other", "self"] }, { "const": "auto" }] },
            },
        },
    })));
}

#[test]
fn union_by_tag() {
    assert_snapshot!(rust(json!({
        "Root": refs(&["Text", "Image"]),
        "Text": tagged("text"),
        "Image": tagged("image"),
    })));
}

#[test]
fn nested_unions_are_flattened() {
    assert_snapshot!(listing(json!({
        "Root": refs(&["Inner", "Image"]),
        "Inner": refs(&["Text", "Audio"]),
        "Text": tagged("text"),
        "Audio": tagged("audio"),
        "Image": tagged("image"),
    })));
}

#[test]
fn tag_that_is_not_called_type() {
    let message = |role: &str| {
        json!({
            "type": "object",
            "properties": { "role": { "const": role }, "type": { "const": "message" } },
            "required": ["role"],
        })
    };
    assert_snapshot!(listing(json!({
        "Root": refs(&["User", "System"]),
        "User": message("user"),
        "System": message("system"),
    })));
}

#[test]
fn variant_without_required_tag_is_the_default() {
    assert_snapshot!(rust(json!({
        "Root": refs(&["Custom", "Search"]),
        "Custom": { "type": "object", "properties": { "type": { "const": "custom" }, "name": text() }, "required": ["name"] },
        "Search": tagged("search"),
    })));
}

#[test]
fn tag_with_several_values_stays_a_field() {
    assert_snapshot!(listing(json!({
        "Root": refs(&["Comparison", "All"]),
        "Comparison": { "type": "object", "properties": { "type": { "enum": ["eq", "ne"] }, "key": text() }, "required": ["type"] },
        "All": tagged("all"),
    })));
}

#[test]
fn variants_that_share_a_value_are_merged() {
    assert_snapshot!(listing(json!({
        "Root": refs(&["Short", "Long", "Call"]),
        "Short": {
            "type": "object",
            "properties": { "type": { "const": "message" }, "content": text() },
            "required": ["type", "content"],
        },
        "Long": {
            "type": "object",
            "properties": {
                "type": { "const": "message" },
                "id": text(),
                "content": { "type": "array", "items": text() },
            },
            "required": ["type", "content", "id"],
        },
        "Call": tagged("call"),
    })));
}

#[test]
fn union_by_kind() {
    assert_snapshot!(rust(json!({
        "Root": { "type": "object", "properties": { "value": { "anyOf": [
            text(),
            { "type": "integer" },
            { "type": "boolean" },
            { "type": "array", "items": text() },
            { "type": "object", "properties": { "name": text() } },
        ] } } },
    })));
}

#[test]
fn responses_are_read_leniently() {
    assert_snapshot!(rust_of(json!({
        "roots": { "Response": "Root" },
        "$defs": {
            "Root": { "type": "object", "properties": {
                "created": { "type": "integer" },
                "content": { "anyOf": [text(), { "type": "array", "items": refs(&["Text", "Image"]) }] },
            } },
            "Text": tagged("text"),
            "Image": tagged("image"),
        },
    })));
}

#[test]
fn objects_beside_strings_become_a_separate_union() {
    assert_snapshot!(listing(json!({
        "Root": { "type": "object", "properties": { "choice": {
            "anyOf": [{ "enum": ["auto", "none"] }, { "$ref": "#/$defs/Text" }, { "$ref": "#/$defs/Image" }],
        } } },
        "Text": tagged("text"),
        "Image": tagged("image"),
    })));
}

#[test]
fn all_of_is_merged() {
    assert_snapshot!(listing(json!({
        "Root": { "allOf": [
            { "$ref": "#/$defs/Base" },
            { "type": "object", "properties": { "b": text() }, "required": ["b"] },
        ] },
        "Base": { "type": "object", "properties": { "a": text() }, "required": ["a"] },
    })));
}

#[test]
fn free_objects_and_maps() {
    assert_snapshot!(listing(json!({
        "Root": { "type": "object", "properties": {
            "free": { "type": "object" },
            "open": { "type": "object", "additionalProperties": true },
            "either": { "anyOf": [{ "$ref": "#/$defs/Text" }, { "type": "object", "additionalProperties": true }] },
            "map": { "type": "object", "additionalProperties": { "type": "array", "items": { "enum": ["a"] } } },
            "anything": {},
        } },
        "Text": tagged("text"),
    })));
}

#[test]
fn recursive_types_are_finite() {
    let rust = rust(json!({
        "Root": { "type": "object", "properties": {
            "next": { "$ref": "#/$defs/Root" },
            "filter": { "$ref": "#/$defs/Filter" },
        } },
        "Filter": refs(&["Not", "Leaf"]),
        "Not": { "type": "object", "properties": { "type": { "const": "not" }, "of": { "$ref": "#/$defs/Filter" } }, "required": ["type", "of"] },
        "Leaf": tagged("leaf"),
    }));
    assert!(rust.contains("pub next: Option<Box<Root>>"), "{rust}");
    assert!(rust.contains("Not(Box<Not>)"), "{rust}");
    assert!(rust.contains("Leaf(Leaf)"), "{rust}");
}

#[test]
fn big_variants_are_boxed() {
    let big: serde_json::Map<String, Value> =
        (0..8).map(|number| (format!("field_{number}"), text())).collect();
    let mut big = json!({ "type": "object", "properties": big, "required": ["type"] });
    big["properties"]["type"] = json!({ "const": "big" });
    let rust = rust(json!({ "Root": refs(&["Small", "Big"]), "Small": tagged("small"), "Big": big }));
    assert!(rust.contains("Big(Box<Big>)"), "{rust}");
    assert!(rust.contains("Small(Small)"), "{rust}");
}

#[test]
fn names_that_clash_are_numbered() {
    let ir = ir(
        document(json!({
            "Root": { "type": "object", "properties": { "a": { "$ref": "#/$defs/FooBar" }, "b": { "$ref": "#/$defs/foo_bar" }, "c": { "$ref": "#/$defs/String" } } },
            "FooBar": tagged("x"),
            "foo_bar": tagged("y"),
            "String": tagged("z"),
        })),
        json!([]),
    );
    let listing = api_listing(&ir.expect("a good schema"));
    assert!(
        listing.contains("Root.a?: FooBar\nRoot.b?: FooBar2\nRoot.c?: String2\n"),
        "{listing}"
    );
}

#[test]
fn union_without_tag_is_an_error() {
    let plain = |field: &str| json!({ "type": "object", "properties": { field: text() } });
    let defs = json!({
        "Root": { "type": "object", "properties": { "value": refs(&["A", "B"]) } },
        "A": plain("a"),
        "B": plain("b"),
    });
    let error = ir(document(defs.clone()), json!([])).expect_err("no tag");
    assert_eq!(
        error,
        "no property distinguishes the variants; add a `tag` or `opaque` operation to the overlay for: RootValue"
    );

    let overlay = json!([{ "op": "opaque", "at": "Root.value", "reason": "test" }]);
    let allowed = ir(document(defs), overlay).expect("opaque now");
    assert_eq!(opaque_unions(&allowed), ["RootValue"]);
    assert!(api_listing(&allowed).contains("Root.value?: any\n"));
}

#[test]
fn broken_schemas_are_errors() {
    let broken = |root: Value| ir(document(json!({ "Root": root })), json!([])).expect_err("broken");
    assert_eq!(
        broken(json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/Gone" } } })),
        "schema: no definition Gone"
    );
    assert_eq!(
        broken(json!({ "type": "string" })),
        "root Request (Root) is neither an object nor a union"
    );
    assert_eq!(
        broken(json!({ "type": "object", "properties": { "a": { "type": "date" } } })),
        "Root: type not understood: date"
    );
    let looping = json!({ "type": "array", "items": { "$ref": "#/$defs/Root" } });
    assert_eq!(broken(looping), "Root: Root refers only to itself");
}

#[test]
fn output_does_not_depend_on_order() {
    let one: Value = serde_json::from_str(
        r##"{"roots":{"Request":"Root"},"$defs":{
            "Root":{"type":"object","properties":{"a":{"type":"string"},"b":{"$ref":"#/$defs/B"}},"required":["a","b"]},
            "B":{"type":"object","properties":{"x":{"enum":["p","q"]},"y":{"type":"integer"}}}}}"##,
    )
    .expect("JSON");
    let other: Value = serde_json::from_str(
        r##"{"$defs":{
            "B":{"properties":{"y":{"type":"integer"},"x":{"enum":["p","q"]}},"type":"object"},
            "Root":{"required":["b","a"],"properties":{"b":{"$ref":"#/$defs/B"},"a":{"type":"string"}},"type":"object"}},
            "roots":{"Request":"Root"}}"##,
    )
    .expect("JSON");
    let rust =
        |document: &Value| generate(&ir(document.clone(), json!([])).expect("a good schema")).expect("Rust");
    assert_eq!(rust(&one), rust(&one));
    assert_eq!(rust(&one), rust(&other));
}

fn listing(defs: Value) -> String {
    api_listing(&ir(document(defs), json!([])).expect("a good schema"))
}
