//! Which tools the model may or must call.

use serde::Deserialize;

use crate::canonical::{Request, Scope, ToolChoice as CanonicalChoice};
use crate::capability::Capabilities;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai::tools::{is_forced, is_freeform, write_chosen_name};
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};

/// Reads the deprecated `function_call`.
pub fn read_function_call(
    scope: &mut Scope<'_>,
    choice: CompletionCreateParamsFunctionCall,
) -> Option<CanonicalChoice> {
    match choice {
        CompletionCreateParamsFunctionCall::String(CompletionCreateParamsFunctionCallString::None) => {
            Some(CanonicalChoice::None)
        }
        CompletionCreateParamsFunctionCall::String(CompletionCreateParamsFunctionCallString::Auto) => {
            Some(CanonicalChoice::Auto)
        }
        CompletionCreateParamsFunctionCall::String(CompletionCreateParamsFunctionCallString::Other(_)) => {
            scope.refuse(OpenAiReason::UnknownToolChoice);
            None
        }
        CompletionCreateParamsFunctionCall::Object(ChatCompletionFunctionCallOptionParam { name, extra }) => {
            drop_unknown(scope, &extra);
            Some(named_choice(name))
        }
    }
}

fn named_choice(name: String) -> CanonicalChoice {
    CanonicalChoice::Named {
        name,
        namespace: None,
    }
}

/// Reads `tool_choice`.
pub fn read(scope: &mut Scope<'_>, choice: ToolChoice) -> Option<CanonicalChoice> {
    let choice = match choice {
        ToolChoice::String(ToolChoiceString::None) => return Some(CanonicalChoice::None),
        ToolChoice::String(ToolChoiceString::Auto) => return Some(CanonicalChoice::Auto),
        ToolChoice::String(ToolChoiceString::Required) => return Some(CanonicalChoice::Any),
        ToolChoice::String(ToolChoiceString::Other(_)) => {
            scope.refuse(OpenAiReason::UnknownToolChoice);
            return None;
        }
        ToolChoice::Object(choice) => choice,
    };
    match choice {
        ToolChoiceObject::Function(ChatCompletionNamedToolChoiceParam { function, extra }) => {
            drop_unknown(scope, &extra);
            let ChatCompletionNamedToolChoiceParamFunction { name, extra } = function;
            drop_unknown(&mut scope.field("function"), &extra);
            Some(named_choice(name))
        }
        ToolChoiceObject::Custom(ChatCompletionNamedToolChoiceCustomParam { custom, extra }) => {
            drop_unknown(scope, &extra);
            let ChatCompletionNamedToolChoiceCustomParamCustom { name, extra } = custom;
            drop_unknown(&mut scope.field("custom"), &extra);
            Some(named_choice(name))
        }
        ToolChoiceObject::AllowedTools(ChatCompletionAllowedToolChoiceParam { allowed_tools, extra }) => {
            drop_unknown(scope, &extra);
            read_allowed_tools(&mut scope.field("allowed_tools"), allowed_tools)
        }
        ToolChoiceObject::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "tool choice");
            None
        }
    }
}

/// An entry of the list of allowed tools.
#[derive(Default, Deserialize)]
struct AllowedTool {
    function: Option<AllowedToolName>,
    custom: Option<AllowedToolName>,
}

#[derive(Deserialize)]
struct AllowedToolName {
    name: String,
}

fn read_allowed_tools(
    scope: &mut Scope<'_>,
    allowed: ChatCompletionAllowedToolsParam,
) -> Option<CanonicalChoice> {
    let ChatCompletionAllowedToolsParam { mode, tools, extra } = allowed;
    drop_unknown(scope, &extra);
    let required = match mode {
        ChatCompletionAllowedToolsParamMode::Auto => false,
        ChatCompletionAllowedToolsParamMode::Required => true,
        ChatCompletionAllowedToolsParamMode::Other(_) => {
            scope.field("mode").refuse(OpenAiReason::UnknownToolChoice);
            return None;
        }
    };
    let mut scope = scope.field("tools");
    let mut names = Vec::with_capacity(tools.len());
    for (index, tool) in tools.iter().enumerate() {
        let tool: AllowedTool = serde_json::from_str(tool.get()).unwrap_or_default();
        match tool.function.or(tool.custom) {
            Some(AllowedToolName { name }) => names.push(name),
            None => scope.index(index).refuse(ChatReason::AllowedToolWithoutName),
        }
    }
    Some(CanonicalChoice::Subset { required, names })
}

/// Writes the choice among the tools that are declared. `scope` is that of the client's body.
pub fn write(
    scope: &mut Scope<'_>,
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
) -> Option<ToolChoice> {
    let choice = request.tool_choice.as_ref()?;
    if is_forced(choice) && !capabilities.forced_tool {
        scope.field("tool_choice").approximate(OpenAiReason::NoForcedTool);
        return Some(ToolChoice::String(ToolChoiceString::Auto));
    }
    Some(match choice {
        CanonicalChoice::Auto => ToolChoice::String(ToolChoiceString::Auto),
        CanonicalChoice::None => ToolChoice::String(ToolChoiceString::None),
        CanonicalChoice::Any => ToolChoice::String(ToolChoiceString::Required),
        CanonicalChoice::Named { name, namespace } => {
            let wire = write_chosen_name(names, name, namespace.as_deref());
            ToolChoice::Object(if is_freeform(request, capabilities, name) {
                let custom = ChatCompletionNamedToolChoiceCustomParamCustom::new(wire);
                ChatCompletionNamedToolChoiceCustomParam::new(custom).into()
            } else {
                let function = ChatCompletionNamedToolChoiceParamFunction::new(wire);
                ChatCompletionNamedToolChoiceParam::new(function).into()
            })
        }
        // The list of tools contains only the allowed ones; see `tools::write`.
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
                let kind = if is_freeform(request, capabilities, name) {
                    "custom"
                } else {
                    "function"
                };
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
