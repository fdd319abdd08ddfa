//! What OpenAI's models get to see of a function: not its JSON, but a declaration in another form, which is not
//! documented. The costs of its parts are those of OpenAI's cookbook, for GPT-4o:
//! <https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken>.

use serde_json::Value;

use super::tokenizer::Tally;
use crate::canonical::FunctionTool;

/// What frames a function, and what ends the list of its arguments.
const FUNCTION: u64 = 7;
const FUNCTION_END: u64 = 12;
/// What frames an object's properties, and each of them.
const PROPERTIES: u64 = 3;
const PROPERTY: u64 = 3;
/// Each value of an enumeration; the list itself saves as much.
const ENUM_VALUE: u64 = 3;

/// Adds a function's text and gives what it costs beside that.
pub fn function(tool: &FunctionTool, tally: &mut Tally) -> u64 {
    tally.add(&format!(
        "{}:{}",
        tool.name,
        sentence(tool.description.as_deref().unwrap_or_default())
    ));
    let parameters = tool.parameters.as_ref();
    let parsed = parameters.and_then(|json| serde_json::from_str(json.get()).ok());
    FUNCTION + parsed.map_or(0, |schema| properties(&schema, tally)) + FUNCTION_END
}

/// The properties of a schema, of its items and of its alternatives.
fn properties(schema: &Value, tally: &mut Tally) -> u64 {
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
                sentence(text("description"))
            ));
            fixed += values(property, tally);
            fixed += properties(property, tally);
        }
    }
    if let Some(items) = schema.get("items") {
        fixed += values(items, tally) + properties(items, tally);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for alternative in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
            fixed += values(alternative, tally) + properties(alternative, tally);
        }
    }
    for key in ["$defs", "definitions"] {
        let definitions = schema.get(key).and_then(Value::as_object).into_iter();
        for (_, definition) in definitions.flatten() {
            fixed += values(definition, tally) + properties(definition, tally);
        }
    }
    fixed
}

fn values(schema: &Value, tally: &mut Tally) -> u64 {
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

/// A description without the full stop at its end, which the declaration does not have.
fn sentence(text: &str) -> &str {
    text.strip_suffix('.').unwrap_or(text)
}
