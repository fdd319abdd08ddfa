//! The input of a tool call.

use crate::canonical::{Losses, Path, ToolInput};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::PARAMETER;
use crate::wire::json::Raw;

/// The input of a call. A text that stood in for an object (see [`write_input`]) comes out again.
pub fn read_input(input: Raw) -> ToolInput {
    if !input.get().starts_with('{') {
        return ToolInput::Malformed {
            text: input.get().into(),
        };
    }
    // A cheap look first: hardly any input begins like this.
    if input.get().contains("\"_raw\"")
        && let Ok(StandIn { text }) = serde_json::from_str(input.get())
    {
        return ToolInput::Malformed { text: text.into() };
    }
    ToolInput::Object { json: input }
}

/// Writes a call's input, which has to be an object. What is none is wrapped, so that one broken call does not end the
/// session.
pub fn write_input(input: &ToolInput, path: Path<'static>, losses: &mut Losses) -> Raw {
    match input {
        ToolInput::Object { json } => json.clone(),
        ToolInput::Malformed { text } => match serde_json::from_str::<Raw>(text) {
            Ok(value) => {
                losses.approximate(
                    path,
                    "arguments that are no object were wrapped in one, as `value`",
                );
                to_raw_json(&serde_json::json!({ "value": value }))
            }
            Err(_) => {
                losses.approximate(
                    path,
                    "arguments that are no JSON were wrapped in an object, as `_raw`",
                );
                to_raw_json(&StandIn {
                    text: text.as_str().to_owned(),
                })
            }
        },
        ToolInput::Freeform { text } => to_raw_json(&serde_json::json!({ PARAMETER: text })),
    }
}

/// What stands for an input that is not an object: the API takes nothing else.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct StandIn {
    #[serde(rename = "_raw")]
    text: String,
}
