//! The choice among the tools: `tool_choice`. The scope is at that member.

use serde::Deserialize;

use crate::canonical::{Request, Scope, Tool, ToolChoice as CanonicalChoice};
use crate::capability::Capabilities;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai::tools::{is_forced, is_freeform, write_chosen_name};
use crate::dialect::openai_responses::types::*;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};
use crate::wire::json::RawJson;

/// Reads the choice.
pub fn read(scope: &mut Scope<'_>, choice: ToolChoice) -> Option<CanonicalChoice> {
    let named = |name: String| CanonicalChoice::Named {
        name,
        namespace: None,
    };
    Some(match choice {
        ToolChoice::String(ToolChoiceString::Auto) => CanonicalChoice::Auto,
        ToolChoice::String(ToolChoiceString::None) => CanonicalChoice::None,
        ToolChoice::String(ToolChoiceString::Required) => CanonicalChoice::Any,
        ToolChoice::String(ToolChoiceString::Other(_)) => {
            scope.refuse(OpenAiReason::UnknownToolChoice);
            return None;
        }
        ToolChoice::Object(ToolChoiceObject::Function(ToolChoiceFunctionParam { name, extra })) => {
            drop_unknown(scope, &extra);
            named(name)
        }
        ToolChoice::Object(ToolChoiceObject::Custom(ToolChoiceCustomParam { name, extra })) => {
            drop_unknown(scope, &extra);
            named(name)
        }
        ToolChoice::Object(ToolChoiceObject::AllowedTools(choice)) => {
            let ToolChoiceAllowedParam { mode, tools, extra } = choice;
            drop_unknown(scope, &extra);
            let names = tools.iter().filter_map(read_allowed_name).collect();
            CanonicalChoice::Subset {
                required: mode == ToolChoiceAllowedParamMode::Required,
                names,
            }
        }
        ToolChoice::Object(ToolChoiceObject::Unknown(unknown)) => {
            refuse_variant(scope, &unknown, "tool choice");
            return None;
        }
    })
}

/// Reads the name of an allowed tool. The vendor's own tools have no name but their type.
fn read_allowed_name(tool: &RawJson) -> Option<String> {
    #[derive(Deserialize)]
    struct AllowedToolEntry {
        #[serde(rename = "type")]
        kind: Option<String>,
        name: Option<String>,
    }
    let AllowedToolEntry { kind, name } = serde_json::from_str(tool.get()).ok()?;
    name.or(kind)
}

/// Writes the choice. A model that cannot be forced to call a tool gets `auto` instead.
pub fn write(
    scope: &mut Scope<'_>,
    choice: &CanonicalChoice,
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
) -> ToolChoice {
    let cannot_force = is_forced(choice) && !capabilities.forced_tool;
    if cannot_force {
        scope.approximate(OpenAiReason::NoForcedTool);
    }
    match choice {
        CanonicalChoice::None => ToolChoice::String(ToolChoiceString::None),
        CanonicalChoice::Any if !cannot_force => ToolChoice::String(ToolChoiceString::Required),
        CanonicalChoice::Named { name, namespace } if !cannot_force => {
            let wire = write_chosen_name(names, name, namespace.as_deref());
            if is_freeform(request, capabilities, name) {
                ToolChoice::Object(ToolChoiceCustomParam::new(wire).into())
            } else {
                ToolChoice::Object(ToolChoiceFunctionParam::new(wire).into())
            }
        }
        CanonicalChoice::Subset {
            required,
            names: allowed,
        } => {
            let mode = if *required && !cannot_force {
                ToolChoiceAllowedParamMode::Required
            } else {
                ToolChoiceAllowedParamMode::Auto
            };
            let allowed = allowed.iter().map(|name| {
                let is_search = |tool: &Tool| matches!(tool, Tool::WebSearch(_));
                if name == "web_search" && request.tools.iter().any(is_search) {
                    return to_raw_json(&serde_json::json!({"type": "web_search"}));
                }
                let kind = if is_freeform(request, capabilities, name) {
                    "custom"
                } else {
                    "function"
                };
                to_raw_json(&serde_json::json!({"type": kind, "name": names.wire_name_of_choice(name)}))
            });
            let allowed = ToolChoiceAllowedParam::new(mode, allowed.collect());
            ToolChoice::Object(allowed.into())
        }
        CanonicalChoice::Auto | CanonicalChoice::Any | CanonicalChoice::Named { .. } => {
            ToolChoice::String(ToolChoiceString::Auto)
        }
    }
}
