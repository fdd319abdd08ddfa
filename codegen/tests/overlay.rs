//! Checks the effect of each overlay operation, and that stale operations are errors.

mod common;

use common::{document, ir};
use llm_proxy_codegen::{Spec, api_listing, generate};
use serde_json::{Value, json};

fn sample() -> Value {
    let block = |tag: &str| json!({ "type": "object", "properties": { "type": { "const": tag }, "text": { "type": "string" } }, "required": ["text", "type"] });
    document(json!({
        "Root": {
            "type": "object",
            "properties": {
                "betas": { "type": "string" },
                "model": { "enum": ["a", "b"] },
                "first": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "anyOf": [{ "$ref": "#/$defs/Text" }, { "$ref": "#/$defs/Image" }] } }] },
                "second": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "anyOf": [{ "$ref": "#/$defs/Text" }, { "$ref": "#/$defs/Image" }] } }] },
                "system": { "type": "array", "items": { "$ref": "#/$defs/Text" } },
            },
            "required": ["betas", "model"],
        },
        "Text": block("text"),
        "Image": block("image"),
    }))
}

fn with(operation: Value) -> Result<String, String> {
    let mut operation = operation;
    operation["reason"] = json!("test");
    ir(sample(), json!([operation])).map(|ir| api_listing(&ir))
}

#[track_caller]
fn gives(operation: Value, lines: &[&str], gone: &[&str]) {
    let listing = with(operation).expect("applies");
    for line in lines {
        assert!(
            listing.lines().any(|have| have == *line),
            "no {line} in\n{listing}"
        );
    }
    for prefix in gone {
        assert!(
            !listing.lines().any(|have| have.starts_with(prefix)),
            "{prefix} in\n{listing}"
        );
    }
}

#[test]
fn drop_property() {
    gives(
        json!({ "op": "drop", "at": "Root.betas" }),
        &["Root.model: RootModel"],
        &["Root.betas"],
    );
}

#[test]
fn drop_definition_keeps_the_union() {
    gives(
        json!({ "op": "drop", "at": "Image" }),
        &["RootFirstItem::Text(Text) where type = \"text\""],
        &["Image", "RootFirstItem::Image"],
    );
}

#[test]
fn add_and_set() {
    gives(
        json!({ "op": "add", "at": "Root.top_k", "schema": { "type": "integer" } }),
        &["Root.top_k?: integer"],
        &[],
    );
    gives(
        json!({ "op": "add", "at": "Root.top_k", "schema": { "type": "integer" }, "required": true }),
        &["Root.top_k: integer"],
        &[],
    );
    gives(
        json!({ "op": "set", "at": "Root.model", "schema": { "type": "string" } }),
        &["Root.model: string"],
        &["RootModel"],
    );
}

#[test]
fn rename_everywhere() {
    gives(
        json!({ "op": "rename", "at": "Text", "to": "Words" }),
        &[
            "RootFirstItem::Text(Words) where type = \"text\"",
            "Root.system?: [Words]",
        ],
        &["Text."],
    );
    gives(
        json!({ "op": "rename", "at": "Root", "to": "Call" }),
        &["Request = Call"],
        &["Root"],
    );
}

#[test]
fn variants() {
    let union = "Root.first[]";
    gives(
        json!({ "op": "drop_variants", "at": union, "variants": ["Image"] }),
        &[
            "RootFirstItem::Text(Text) where type = \"text\"",
            "RootSecondItem::Image(Image) where type = \"image\"",
        ],
        &["RootFirstItem::Image"],
    );
    gives(
        json!({ "op": "keep_variants", "at": union, "variants": ["Image"] }),
        &[],
        &["RootFirstItem::Text"],
    );
    let stranger = with(json!({ "op": "drop_variants", "at": union, "variants": ["Audio"] }));
    assert!(stranger.is_err_and(|error| error.contains("matches nothing: Audio is no member")));
}

#[test]
fn add_variants() {
    let overlay = json!([
        { "op": "add", "at": "Ping", "schema": { "type": "object", "properties": { "type": { "const": "ping" } }, "required": ["type"] }, "reason": "test" },
        { "op": "add_variants", "at": "Root.first[]", "variants": ["Ping"], "reason": "test" },
    ]);
    let listing = api_listing(&ir(sample(), overlay).expect("applies"));
    assert!(
        listing.contains("RootFirstItem::Ping(Ping) where type = \"ping\""),
        "{listing}"
    );
}

#[test]
fn require_and_relax() {
    gives(
        json!({ "op": "require", "at": "Root.first" }),
        &["Root.first: RootFirst"],
        &[],
    );
    gives(
        json!({ "op": "relax", "at": "Root.betas" }),
        &["Root.betas?: string"],
        &[],
    );
    gives(
        json!({ "op": "relax", "roots": ["Request"] }),
        &["Root.betas?: string", "Text.text?: string", "Text.type: \"text\""],
        &[],
    );
}

#[test]
fn union_of_one() {
    gives(
        json!({ "op": "union", "at": "Root.system[]", "as": "SystemBlock" }),
        &[
            "Root.system?: [SystemBlock]",
            "SystemBlock::Text(Text) where type = \"text\"",
        ],
        &[],
    );
}

#[test]
fn name_for_equal_places() {
    gives(
        json!({ "op": "name", "at": ["Root.first", "Root.second"], "as": "Content" }),
        &[
            "Root.first?: Content",
            "Root.second?: Content",
            "Content::String(string)",
        ],
        &["RootFirst", "RootSecond"],
    );
    let unequal = with(json!({ "op": "name", "at": ["Root.first", "Root.model"], "as": "Content" }));
    assert!(unequal.is_err_and(|error| error.contains("Root.model differs from the first position")));
}

#[test]
fn tag_and_default() {
    gives(
        json!({ "op": "default", "at": "Root.first[]", "variant": "Text" }),
        &["RootFirstItem::Text(Text) where type = \"text\" | absent"],
        &[],
    );
    let impossible = with(json!({ "op": "tag", "at": "Root.first[]", "tag": "text" }));
    assert!(impossible.is_err_and(|error| error.contains("no property distinguishes the variants")));
}

#[test]
fn lenient() {
    let rust = |overlay: Value| generate(&ir(sample(), overlay).expect("applies")).expect("Rust");
    let other = "Other(rt::RawJson)";
    assert!(!rust(json!([])).contains(other));
    assert!(rust(json!([{ "op": "lenient", "at": "Root", "reason": "test" }])).contains(other));
}

#[test]
fn operations_that_change_nothing_are_errors() {
    for operation in [
        json!({ "op": "drop", "at": "Gone" }),
        json!({ "op": "drop", "at": "Root.gone" }),
        json!({ "op": "drop", "at": ["Root.betas", "Root.gone"] }),
        json!({ "op": "set", "at": "Root.gone", "schema": {} }),
        json!({ "op": "set", "at": "Root.betas", "schema": { "type": "string" } }),
        json!({ "op": "set", "at": "Root.betas[]", "schema": {} }),
        json!({ "op": "rename", "at": "Gone", "to": "New" }),
        json!({ "op": "add_variants", "at": "Root.first[]", "variants": ["Text"] }),
        json!({ "op": "keep_variants", "at": "Root.first[]", "variants": ["Text", "Image"] }),
        json!({ "op": "drop_variants", "at": "Root.betas", "variants": ["Text"] }),
        json!({ "op": "opaque", "at": "Root.gone" }),
        json!({ "op": "require", "at": "Root.betas" }),
        json!({ "op": "relax", "at": "Root.first" }),
        json!({ "op": "relax", "roots": ["Response"] }),
        json!({ "op": "default", "at": "Root.first[]", "variant": "Gone" }),
        json!({ "op": "lenient", "at": "Gone" }),
        json!({ "op": "union", "at": "Root.gone[]", "as": "New" }),
        json!({ "op": "name", "at": [], "as": "New" }),
    ] {
        let outcome = with(operation.clone());
        let error = outcome.expect_err(&operation.to_string());
        assert!(error.starts_with("overlay: operation 1 (test)"), "{error}");
        assert!(error.contains("matches nothing"), "{operation}: {error}");
    }
}

#[test]
fn taken_names_are_errors() {
    for operation in [
        json!({ "op": "add", "at": "Text", "schema": {} }),
        json!({ "op": "add", "at": "Root.betas", "schema": {} }),
        json!({ "op": "rename", "at": "Text", "to": "Image" }),
        json!({ "op": "name", "at": "Root.first", "as": "Text" }),
    ] {
        let outcome = with(operation.clone());
        assert!(
            outcome.as_ref().is_err_and(|error| error.contains("already")),
            "{operation}: {outcome:?}"
        );
    }
}

#[test]
fn every_operation_needs_a_reason() {
    let parse = |overlay: Value| {
        Spec::from_json(sample(), overlay)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert!(parse(json!([{ "op": "drop", "at": "Text" }])).is_err_and(|error| error.contains("reason")));
    assert!(
        parse(json!([{ "op": "drop", "at": "Text", "reason": " " }]))
            .is_err_and(|error| error.contains("the reason is empty"))
    );
    assert!(
        parse(json!([{ "op": "invent", "at": "Text", "reason": "x" }]))
            .is_err_and(|error| error.contains("unknown variant `invent`"))
    );
    assert!(parse(json!({})).is_err());
}
