use super::*;
use serde_json::json;

fn changes(old: &Value, new: &Value) -> String {
    Changes::between(old, new).to_string()
}

fn schema(defs: Value) -> Value {
    json!({"$defs": defs, "roots": {"Request": "R"}})
}

#[test]
fn removals_come_first_and_whole_types_are_one_line() {
    let old = schema(json!({
        "R": {"type": "object", "required": ["f"], "properties": {
            "f": {"type": "integer"},
            "gone": {"type": "string"},
            "mode": {"enum": ["a", "b"], "type": "string"},
        }},
        "U": {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]},
        "A": {"type": "object", "properties": {"x": {"type": "string"}}},
        "B": {"type": "object"},
    }));
    let new = schema(json!({
        "R": {"type": "object", "properties": {
            "f": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "mode": {"enum": ["b", "c"], "type": "string"},
            "tools": {"items": {"$ref": "#/$defs/U"}, "type": "array"},
        }},
        "U": {"anyOf": [{"$ref": "#/$defs/B"}, {"$ref": "#/$defs/C"}]},
        "B": {"type": "object"},
        "C": {"type": "object", "properties": {"y": {"type": "string"}, "z": {"type": "string"}}},
    }));
    let expected = "\
Removed (4):

```diff
- type `A` (object: x)
- field `R.gone`: string
- variant `A` from `U`
- value \"a\" from `R.mode`
```

Changed (1):

```diff
~ `R.f`: integer, required -> number?
```

Added (4):

```diff
+ type `C` (object: y, z)
+ field `R.tools`: [U]
+ variant `C` to `U`
+ value \"c\" to `R.mode`
```

";
    assert_eq!(changes(&old, &new), expected);
    let touched = Changes::between(&old, &new);
    assert_eq!(touched.touched().into_iter().collect::<Vec<_>>(), ["A", "R", "U"]);
}

#[test]
fn a_renamed_type_is_one_line_and_its_uses_none() {
    let with = |name: &str| {
        schema(json!({
            "R": {"type": "object", "properties": {"e": {"$ref": format!("#/$defs/{name}")}}},
            name: {"type": "object", "properties": {"code": {"type": "string"}}},
        }))
    };
    let text = changes(&with("Error"), &with("ErrorObject"));
    assert_eq!(
        text,
        "Changed (1):\n\n```diff\n~ type `Error` is called `ErrorObject`\n```\n\n"
    );
}

#[test]
fn one_value_in_many_places_is_one_line() {
    let with = |values: Value| schema(json!({"A": {"enum": values}, "B": {"enum": values}}));
    let text = changes(&with(json!(["x"])), &with(json!(["x", "y"])));
    assert!(
        text.contains("Added (1)") && text.contains("+ value \"y\" to `A`, `B`"),
        "{text}"
    );
}

#[test]
fn nothing_changed_says_nothing() {
    let one = schema(json!({"R": {"type": "object"}}));
    assert_eq!(changes(&one, &one), "");
}

#[test]
fn a_change_inside_an_array_or_a_map_is_seen() {
    let field = |inner: Value| schema(json!({"R": {"properties": {"f": inner}, "type": "object"}}));
    let array = |of: &str| field(json!({"type": "array", "items": {"type": of}}));
    assert!(changes(&array("string"), &array("integer")).contains("~ `R.f`: [string] -> [integer]"));
    let map = |of: &str| field(json!({"type": "object", "additionalProperties": {"type": of}}));
    assert!(changes(&map("string"), &map("integer")).contains("~ `R.f`: {string} -> {integer}"));
}

#[test]
fn a_root_that_moves_is_a_change() {
    let old = json!({"$defs": {}, "roots": {"Request": "A"}});
    let new = json!({"$defs": {}, "roots": {"Request": "B", "Event": "E"}});
    let text = changes(&old, &new);
    assert!(
        text.contains("~ root `Request`: A -> B") && text.contains("+ root `Event`: E"),
        "{text}"
    );
}
