//! The choice among the tools.

use serde::Deserialize;

use super::types::*;
use crate::canonical::{Losses, Path, Request, Tool, ToolChoice as CanonicalChoice};
use crate::capability::Capabilities;
use crate::dialect::shared::legacy::{drop_unknown, refuse_variant};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;
use crate::wire::json::RawJson;

/// Reads the choice.
pub fn read(choice: ToolChoice, losses: &mut Losses) -> Option<CanonicalChoice> {
    let at = Path::Root.field("tool_choice");
    let named = |name: String| CanonicalChoice::Named {
        name,
        namespace: None,
    };
    Some(match choice {
        ToolChoice::String(ToolChoiceString::Auto) => CanonicalChoice::Auto,
        ToolChoice::String(ToolChoiceString::None) => CanonicalChoice::None,
        ToolChoice::String(ToolChoiceString::Required) => CanonicalChoice::Any,
        ToolChoice::String(ToolChoiceString::Other(_)) => {
            losses.refuse(at, "a choice that the translation does not know");
            return None;
        }
        ToolChoice::Object(ToolChoiceObject::Function(ToolChoiceFunctionParam { name, extra })) => {
            drop_unknown(&extra, &at, losses);
            named(name)
        }
        ToolChoice::Object(ToolChoiceObject::Custom(ToolChoiceCustomParam { name, extra })) => {
            drop_unknown(&extra, &at, losses);
            named(name)
        }
        ToolChoice::Object(ToolChoiceObject::AllowedTools(choice)) => {
            let ToolChoiceAllowedParam { mode, tools, extra } = choice;
            drop_unknown(&extra, &at, losses);
            let names = tools.iter().filter_map(allowed_name).collect();
            CanonicalChoice::Subset {
                required: mode == ToolChoiceAllowedParamMode::Required,
                names,
            }
        }
        ToolChoice::Object(ToolChoiceObject::Unknown(unknown)) => {
            refuse_variant(&unknown, "tool choice", &at, losses);
            return None;
        }
    })
}

/// The name of an allowed tool; the vendor's own tools have their type only.
fn allowed_name(tool: &RawJson) -> Option<String> {
    #[derive(Deserialize)]
    struct Allowed {
        #[serde(rename = "type")]
        kind: Option<String>,
        name: Option<String>,
    }
    let Allowed { kind, name } = serde_json::from_str(tool.get()).ok()?;
    name.or(kind)
}

/// Writes the choice.
pub fn write(
    choice: &CanonicalChoice,
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> ToolChoice {
    let is_forced = match choice {
        CanonicalChoice::Any | CanonicalChoice::Named { .. } => true,
        CanonicalChoice::Subset { required, .. } => *required,
        CanonicalChoice::Auto | CanonicalChoice::None => false,
    };
    let cannot_force = is_forced && !capabilities.forced_tool;
    if cannot_force {
        losses.approximate("tool_choice", "this model cannot be forced to call a tool");
    }
    match choice {
        CanonicalChoice::None => ToolChoice::String(ToolChoiceString::None),
        CanonicalChoice::Any if !cannot_force => ToolChoice::String(ToolChoiceString::Required),
        CanonicalChoice::Named { name, namespace } if !cannot_force => {
            let wire = match namespace {
                Some(_) => names.wire(name, namespace.as_deref()),
                None => names.wire_of(name),
            };
            if is_custom(name, request, capabilities) {
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
                let kind = if is_custom(name, request, capabilities) {
                    "custom"
                } else {
                    "function"
                };
                to_raw_json(&serde_json::json!({"type": kind, "name": names.wire_of(name)}))
            });
            let allowed = ToolChoiceAllowedParam::new(mode, allowed.collect());
            ToolChoice::Object(allowed.into())
        }
        CanonicalChoice::Auto | CanonicalChoice::Any | CanonicalChoice::Named { .. } => {
            ToolChoice::String(ToolChoiceString::Auto)
        }
    }
}

/// Whether a tool is written as a freeform one.
fn is_custom(name: &str, request: &Request, capabilities: &Capabilities) -> bool {
    let is_named = |tool: &Tool| matches!(tool, Tool::Freeform(tool) if tool.name == name);
    capabilities.freeform_tools && request.tools.iter().any(is_named)
}
