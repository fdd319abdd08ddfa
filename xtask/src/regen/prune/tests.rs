use super::*;

fn roots(name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("Request".to_owned(), name.to_owned())])
}

fn pruned(definitions: Value, root: &str) -> Value {
    prune(&json!({"definitions": definitions}), &roots(root), "").unwrap()
}

#[test]
fn only_what_the_roots_reach_is_kept() {
    let schema = pruned(
        json!({
            "RootRequest": {"$ref": "#/definitions/A"},
            "A": {"type": "object", "properties": {"b": {"type": "array", "items": {"$ref": "#/definitions/B"}}}},
            "B": {"anyOf": [{"$ref": "#/definitions/A"}, {"$ref": "#/definitions/C"}]},
            "C": {"type": "object", "additionalProperties": {"$ref": "#/definitions/D"}},
            "D": {"type": "string"},
            "Unreached": {"type": "object", "properties": {"a": {"$ref": "#/definitions/A"}}},
        }),
        "RootRequest",
    );
    let names: Vec<&String> = schema["$defs"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["A", "B", "C", "D"]);
    assert_eq!(schema["roots"], json!({"Request": "A"}));
    assert_eq!(
        schema["$defs"]["A"]["properties"]["b"]["items"],
        json!({"$ref": "#/$defs/B"})
    );
}

#[test]
fn prose_and_everything_else_beside_the_wire_is_stripped() {
    let schema = pruned(
        json!({
            "A": {
                "type": "object", "title": "A", "description": "words", "x-note": 1, "examples": [{}],
                "additionalProperties": true, "required": [],
                "properties": {
                    "description": {"type": "string", "default": "", "format": "date-time", "minLength": 1, "title": "T"},
                    "default": {"type": "object", "additionalProperties": true},
                },
            },
        }),
        "A",
    );
    let expected = json!({
        "properties": {
            "default": {"additionalProperties": true, "type": "object"},
            "description": {"type": "string"},
        },
        "type": "object",
    });
    assert_eq!(schema["$defs"]["A"], expected);
}

#[test]
fn a_discriminator_neither_stays_nor_leads_anywhere() {
    let schema = pruned(
        json!({
            "A": {
                "oneOf": [{"$ref": "#/definitions/C"}, {"$ref": "#/definitions/B"}],
                "discriminator": {"mapping": {"old": {"$ref": "#/definitions/Old"}}, "propertyName": "type"},
            },
            "B": {"type": "object"}, "C": {"type": "object"}, "Old": {"type": "object"},
        }),
        "A",
    );
    assert_eq!(
        schema["$defs"]["A"],
        json!({"anyOf": [{"$ref": "#/$defs/B"}, {"$ref": "#/$defs/C"}]})
    );
    assert!(schema["$defs"].get("Old").is_none());
}

#[test]
fn the_vendors_order_does_not_show() {
    let one = json!({
        "A": {"type": "object", "required": ["y", "x"], "properties": {
            "y": {"enum": ["b", "a"], "type": "string"},
            "x": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        }},
    });
    let other = json!({
        "A": {"properties": {
            "x": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "y": {"type": "string", "enum": ["a", "b"]},
        }, "required": ["x", "y"], "type": "object"},
    });
    assert_eq!(
        canonical_text(&pruned(one, "A")),
        canonical_text(&pruned(other, "A"))
    );
}

#[test]
fn streaming_and_other_requests_are_one_type() {
    let half = |stream: Value, required: Value| json!({"type": "object", "properties": {"n": {"type": "integer"}, "stream": stream}, "required": required});
    let definitions = json!({
        "ParamsStreaming": half(json!({"const": true, "type": "boolean"}), json!(["n", "stream"])),
        "ParamsNonStreaming": half(json!({"anyOf": [{"const": false}, {"type": "null"}]}), json!(["n"])),
        "Params": {"anyOf": [{"$ref": "#/definitions/ParamsNonStreaming"}, {"$ref": "#/definitions/ParamsStreaming"}]},
    });
    let both = pruned(definitions.clone(), "Params");
    assert_eq!(both["roots"]["Request"], "Params");
    assert_eq!(both["$defs"].as_object().unwrap().len(), 1);
    assert_eq!(
        both["$defs"]["Params"],
        json!({"properties": {"n": {"type": "integer"}, "stream": {"type": "boolean"}}, "required": ["n"], "type": "object"})
    );
    assert_eq!(pruned(definitions, "ParamsStreaming"), both);
}

#[test]
fn requests_that_differ_elsewhere_are_not_folded() {
    let definitions = json!({"definitions": {
        "P": {"anyOf": [{"$ref": "#/definitions/PStreaming"}, {"$ref": "#/definitions/PNonStreaming"}]},
        "PStreaming": {"type": "object", "properties": {"x": {"type": "string"}}},
        "PNonStreaming": {"type": "object", "properties": {"x": {"type": "integer"}}},
    }});
    let error = prune(&definitions, &roots("P"), "").unwrap_err();
    assert_eq!(
        error,
        "the request types PStreaming and PNonStreaming differ in more than `stream`"
    );
}

#[test]
fn a_request_that_is_another_union_stays_one() {
    let definitions = json!({
        "P": {"anyOf": [{"$ref": "#/definitions/A"}, {"type": "string"}]},
        "A": {"type": "object", "properties": {"stream": {"type": "integer"}}},
    });
    let schema = pruned(definitions, "P");
    assert_eq!(schema["$defs"]["P"]["anyOf"].as_array().unwrap().len(), 2);
    assert_eq!(
        schema["$defs"]["A"]["properties"]["stream"],
        json!({"type": "integer"})
    );
}

#[test]
fn missing_definitions_are_errors() {
    let document = json!({"definitions": {"A": {"items": {"$ref": "#/definitions/B"}, "type": "array"}}});
    assert_eq!(
        prune(&document, &roots("A"), "").unwrap_err(),
        "no definition `B`"
    );
    assert_eq!(
        prune(&document, &roots("C"), "").unwrap_err(),
        "root Request: no definition `C`"
    );
    assert!(
        prune(&json!({}), &roots("A"), "")
            .unwrap_err()
            .contains("no definitions")
    );
    let circle = json!({"definitions": {"A": {"$ref": "#/definitions/A"}}});
    assert!(prune(&circle, &roots("A"), "").is_ok());
}

#[test]
fn pruning_twice_is_pruning_once() {
    let document = json!({"components": {"schemas": {
        "BetaP": {"anyOf": [{"$ref": "#/components/schemas/BetaPStreaming"}, {"$ref": "#/components/schemas/BetaPNonStreaming"}]},
        "BetaPStreaming": {"type": "object", "properties": {"m": {"$ref": "#/components/schemas/BetaM"}}},
        "BetaPNonStreaming": {"type": "object", "properties": {"m": {"$ref": "#/components/schemas/BetaM"}}},
        "BetaM": {"allOf": [{"type": "object", "title": "M"}, {"$ref": "#/components/schemas/N"}]},
        "N": {"type": ["string", "null"]},
    }}});
    let once = prune(&document, &roots("BetaP"), "Beta").unwrap();
    assert_eq!(
        once["$defs"]["M"],
        json!({"allOf": [{"type": "object"}, {"$ref": "#/$defs/N"}]})
    );
    let twice = prune(&once, &roots("P"), "").unwrap();
    assert_eq!(canonical_text(&once), canonical_text(&twice));
}
