//! Which tools the model may or must call.

use serde::Deserialize;

use super::types::*;
use crate::canonical::{Losses, Path, Request, Tool, ToolChoice as CanonicalChoice};
use crate::capability::Capabilities;
use crate::dialect::shared::legacy::{drop_unknown, refuse_variant};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;

/// Reads the deprecated `function_call`.
pub fn read_function_call(
    choice: CompletionCreateParamsFunctionCall,
    losses: &mut Losses,
) -> Option<CanonicalChoice> {
    match choice {
        CompletionCreateParamsFunctionCall::String(CompletionCreateParamsFunctionCallString::None) => {
            Some(CanonicalChoice::None)
        }
        CompletionCreateParamsFunctionCall::String(CompletionCreateParamsFunctionCallString::Auto) => {
            Some(CanonicalChoice::Auto)
        }
        CompletionCreateParamsFunctionCall::String(CompletionCreateParamsFunctionCallString::Other(_)) => {
            losses.refuse("function_call", UNKNOWN_CHOICE);
            None
        }
        CompletionCreateParamsFunctionCall::Object(ChatCompletionFunctionCallOptionParam { name, extra }) => {
            drop_unknown(&extra, &Path::Root.field("function_call"), losses);
            Some(named(name))
        }
    }
}

const UNKNOWN_CHOICE: &str = "a choice that the translation does not know";

fn named(name: String) -> CanonicalChoice {
    CanonicalChoice::Named {
        name,
        namespace: None,
    }
}

/// Reads the choice.
pub fn read(choice: ToolChoice, losses: &mut Losses) -> Option<CanonicalChoice> {
    let at = Path::Root.field("tool_choice");
    let choice = match choice {
        ToolChoice::String(ToolChoiceString::None) => return Some(CanonicalChoice::None),
        ToolChoice::String(ToolChoiceString::Auto) => return Some(CanonicalChoice::Auto),
        ToolChoice::String(ToolChoiceString::Required) => return Some(CanonicalChoice::Any),
        ToolChoice::String(ToolChoiceString::Other(_)) => {
            losses.refuse(at, UNKNOWN_CHOICE);
            return None;
        }
        ToolChoice::Object(choice) => choice,
    };
    match choice {
        ToolChoiceObject::Function(ChatCompletionNamedToolChoiceParam { function, extra }) => {
            drop_unknown(&extra, &at, losses);
            let ChatCompletionNamedToolChoiceParamFunction { name, extra } = function;
            drop_unknown(&extra, &at.field("function"), losses);
            Some(named(name))
        }
        ToolChoiceObject::Custom(ChatCompletionNamedToolChoiceCustomParam { custom, extra }) => {
            drop_unknown(&extra, &at, losses);
            let ChatCompletionNamedToolChoiceCustomParamCustom { name, extra } = custom;
            drop_unknown(&extra, &at.field("custom"), losses);
            Some(named(name))
        }
        ToolChoiceObject::AllowedTools(ChatCompletionAllowedToolChoiceParam { allowed_tools, extra }) => {
            drop_unknown(&extra, &at, losses);
            let at = at.field("allowed_tools");
            let ChatCompletionAllowedToolsParam { mode, tools, extra } = allowed_tools;
            drop_unknown(&extra, &at, losses);
            let required = match mode {
                ChatCompletionAllowedToolsParamMode::Auto => false,
                ChatCompletionAllowedToolsParamMode::Required => true,
                ChatCompletionAllowedToolsParamMode::Other(_) => {
                    losses.refuse(at.field("mode"), UNKNOWN_CHOICE);
                    return None;
                }
            };
            let list = at.field("tools");
            let mut names = Vec::with_capacity(tools.len());
            for (index, tool) in tools.iter().enumerate() {
                let reference: Reference = serde_json::from_str(tool.get()).unwrap_or_default();
                match reference.function.or(reference.custom) {
                    Some(Named { name }) => names.push(name),
                    None => losses.refuse(list.index(index), "a tool without a name"),
                }
            }
            Some(CanonicalChoice::Subset { required, names })
        }
        ToolChoiceObject::Unknown(unknown) => {
            refuse_variant(&unknown, "tool choice", &at, losses);
            None
        }
    }
}

/// An entry of the list of allowed tools.
#[derive(Default, Deserialize)]
struct Reference {
    function: Option<Named>,
    custom: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Writes the choice among the tools that are declared.
pub fn write(
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Option<ToolChoice> {
    let choice = request.tool_choice.as_ref()?;
    let forced = match choice {
        CanonicalChoice::Any | CanonicalChoice::Named { .. } => true,
        CanonicalChoice::Subset { required, names: _ } => *required,
        CanonicalChoice::Auto | CanonicalChoice::None => false,
    };
    if forced && !capabilities.forced_tool {
        losses.approximate("tool_choice", "this model cannot be made to call a tool");
        return Some(ToolChoice::String(ToolChoiceString::Auto));
    }
    let is_freeform = |name: &str| {
        let declared = |tool: &Tool| matches!(tool, Tool::Freeform(tool) if tool.name == name);
        capabilities.freeform_tools && request.tools.iter().any(declared)
    };
    Some(match choice {
        CanonicalChoice::Auto => ToolChoice::String(ToolChoiceString::Auto),
        CanonicalChoice::None => ToolChoice::String(ToolChoiceString::None),
        CanonicalChoice::Any => ToolChoice::String(ToolChoiceString::Required),
        CanonicalChoice::Named { name, namespace } => {
            let wire = match namespace {
                Some(namespace) => names.wire_name(name, Some(namespace)),
                None => names.wire_name_of_choice(name),
            };
            ToolChoice::Object(if is_freeform(name) {
                let custom = ChatCompletionNamedToolChoiceCustomParamCustom::new(wire);
                ChatCompletionNamedToolChoiceCustomParam::new(custom).into()
            } else {
                let function = ChatCompletionNamedToolChoiceParamFunction::new(wire);
                ChatCompletionNamedToolChoiceParam::new(function).into()
            })
        }
        CanonicalChoice::Subset { required, names: _ } if !capabilities.max_completion_tokens => {
            ToolChoice::String(if *required {
                ToolChoiceString::Required
            } else {
                ToolChoiceString::Auto
            })
        }
        CanonicalChoice::Subset {
            required,
            names: allowed,
        } => {
            let tools = allowed.iter().map(|name| {
                let kind = if is_freeform(name) { "custom" } else { "function" };
                to_raw_json(
                    &serde_json::json!({"type": kind, kind: {"name": names.wire_name_of_choice(name)}}),
                )
            });
            let mode = if *required {
                ChatCompletionAllowedToolsParamMode::Required
            } else {
                ChatCompletionAllowedToolsParamMode::Auto
            };
            let allowed = ChatCompletionAllowedToolsParam::new(mode, tools.collect());
            ToolChoice::Object(ChatCompletionAllowedToolChoiceParam::new(allowed).into())
        }
    })
}
