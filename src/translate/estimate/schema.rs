//! The tokens of a function. OpenAI's models do not see its JSON but a declaration in another form, which is not
//! documented. The tokens of its parts are those of OpenAI's cookbook, for GPT-4o:
//! <https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken>.

use serde_json::Value;

use super::tokenizer::TokenTally;
use crate::canonical::FunctionTool;

/// The tokens around a function, and at the end of the list of its arguments.
const FUNCTION: u64 = 7;
const FUNCTION_END: u64 = 12;
/// The tokens around an object's properties, and around each of them.
const PROPERTIES: u64 = 3;
const PROPERTY: u64 = 3;
/// The tokens of each value of an enumeration. The first value has none.
const ENUM_VALUE: u64 = 3;

/// Adds a function's text and returns its other tokens.
pub fn add_function(tool: &FunctionTool, tally: &mut TokenTally) -> u64 {
    tally.add(&format!(
        "{}:{}",
        tool.name,
        strip_full_stop(tool.description.as_deref().unwrap_or_default())
    ));
    let parameters = tool.parameters.as_ref();
    let parsed = parameters.and_then(|json| serde_json::from_str(json.get()).ok());
    FUNCTION + parsed.map_or(0, |schema| add_properties(&schema, tally)) + FUNCTION_END
}

/// Adds the properties of a schema, of its items, its alternatives and its definitions.
fn add_properties(schema: &Value, tally: &mut TokenTally) -> u64 {
    let mut fixed = 0;
    if let Some(all) = schema.get("properties").and_then(Value::as_object)
        && !all.is_empty()
    {
        fixed += PROPERTIES;
        for (name, property) in all {
            fixed += PROPERTY;
            let text = |key: &str| property.get(key).and_then(Value::as_str).unwrap_or_default();
            tally.add(&format!(
                "{name}:{}:{}",
                text("type"),
                strip_full_stop(text("description"))
            ));
            fixed += add_enum_values(property, tally);
            fixed += add_properties(property, tally);
        }
    }
    if let Some(items) = schema.get("items") {
        fixed += add_enum_values(items, tally) + add_properties(items, tally);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for alternative in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
            fixed += add_enum_values(alternative, tally) + add_properties(alternative, tally);
        }
    }
    for key in ["$defs", "definitions"] {
        let definitions = schema.get(key).and_then(Value::as_object).into_iter();
        for (_, definition) in definitions.flatten() {
            fixed += add_enum_values(definition, tally) + add_properties(definition, tally);
        }
    }
    fixed
}

fn add_enum_values(schema: &Value, tally: &mut TokenTally) -> u64 {
    let values = schema.get("enum").and_then(Value::as_array);
    let mut fixed = 0_u64;
    for value in values.into_iter().flatten() {
        fixed += ENUM_VALUE;
        match value {
            Value::String(text) => tally.add(text),
            other => tally.add(&other.to_string()),
        }
    }
    fixed.saturating_sub(ENUM_VALUE)
}

/// A description without the full stop at its end: the declaration has none.
fn strip_full_stop(text: &str) -> &str {
    text.strip_suffix('.').unwrap_or(text)
}
