//! The input of a tool call. The API accepts only a JSON object.

use crate::canonical::{Scope, ToolInput};
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::PARAMETER;
use crate::wire::json::RawJson;

/// The object that an input is wrapped in if it is no JSON at all.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaudeRawInput {
    #[serde(rename = "_raw")]
    text: String,
}

/// Reads the input of a call. A text that [`write_input`] wrapped in an object is unwrapped again, so that the other
/// vendor gets its own model's call back as it was.
pub fn read_input(input: RawJson) -> ToolInput {
    if !input.get().starts_with('{') {
        return ToolInput::Malformed {
            text: input.get().into(),
        };
    }
    // Hardly any input has such a member; without this search each would be parsed twice.
    if input.get().contains("\"_raw\"")
        && let Ok(ClaudeRawInput { text }) = serde_json::from_str(input.get())
    {
        return ToolInput::Malformed { text: text.into() };
    }
    ToolInput::Object { json: input }
}

/// Writes the input of a call. An input that is no object is wrapped in one: if it were refused, one broken call in the
/// history would end the session.
pub fn write_input(scope: &mut Scope<'_>, input: &ToolInput) -> RawJson {
    match input {
        ToolInput::Object { json } => json.clone(),
        ToolInput::Malformed { text } => match serde_json::from_str::<RawJson>(text) {
            Ok(value) => {
                scope.approximate(ClaudeReason::InputIsNoObject);
                to_raw_json(&serde_json::json!({ "value": value }))
            }
            Err(_) => {
                scope.approximate(ClaudeReason::InputIsNoJson);
                to_raw_json(&ClaudeRawInput {
                    text: text.as_str().to_owned(),
                })
            }
        },
        ToolInput::Freeform { text } => to_raw_json(&serde_json::json!({ PARAMETER: text })),
    }
}
