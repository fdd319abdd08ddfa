//! Tool definitions and the choice among them.

use serde::Deserialize;
use serde_json::Value;

use super::types::*;
use crate::canonical::{
    FreeformTool, FunctionTool, Grammar, Losses, Request, Tool, ToolChoice as CanonicalChoice, UserLocation,
    WebSearchTool,
};
use crate::capability::Capabilities;
use crate::dialect::extras::{drop_some, drop_unknown, raw, refuse_variant};
use crate::dialect::json_schema;
use crate::dialect::names::{PARAMETER, ToolNames};
use crate::dialect::path::At;

/// Reads the tools of a request.
pub fn read(tools: Vec<ChatCompletionToolUnionParam>, losses: &mut Losses) -> Vec<Tool> {
    let list = At::Root.field("tools");
    let tools = tools.into_iter().enumerate();
    tools
        .filter_map(|(index, tool)| read_one(tool, index, &list.index(index), losses))
        .collect()
}

fn read_one(
    tool: ChatCompletionToolUnionParam,
    index: usize,
    at: &At<'_>,
    losses: &mut Losses,
) -> Option<Tool> {
    match tool {
        ChatCompletionToolUnionParam::Function(tool) => {
            let ChatCompletionFunctionToolParam { function, extra } = tool;
            drop_unknown(&extra, at, losses);
            let FunctionDefinition {
                description,
                name,
                parameters,
                strict,
                extra,
            } = function;
            drop_unknown(&extra, &at.field("function"), losses);
            Some(Tool::Function(FunctionTool {
                name,
                namespace: None,
                description,
                parameters,
                strict,
                cache: None,
                index,
            }))
        }
        ChatCompletionToolUnionParam::Custom(tool) => {
            let ChatCompletionCustomToolParam { custom, extra } = tool;
            drop_unknown(&extra, at, losses);
            let at = at.field("custom");
            let ChatCompletionCustomToolParamCustom {
                description,
                format,
                name,
                extra,
            } = custom;
            drop_unknown(&extra, &at, losses);
            Some(Tool::Freeform(FreeformTool {
                name,
                namespace: None,
                description,
                grammar: format.and_then(|format| read_grammar(format, &at.field("format"), losses)),
                index,
            }))
        }
        ChatCompletionToolUnionParam::Unknown(unknown) => {
            refuse_variant(&unknown, "tool", at, losses);
            None
        }
    }
}

fn read_grammar(
    format: ChatCompletionCustomToolParamCustomFormat,
    at: &At<'_>,
    losses: &mut Losses,
) -> Option<Grammar> {
    match format {
        ChatCompletionCustomToolParamCustomFormat::Text(CustomFormatText { extra }) => {
            drop_unknown(&extra, at, losses);
            None
        }
        ChatCompletionCustomToolParamCustomFormat::Grammar(CustomFormatGrammar { grammar, extra }) => {
            drop_unknown(&extra, at, losses);
            let CustomFormatGrammarGrammar {
                definition,
                syntax,
                extra,
            } = grammar;
            drop_unknown(&extra, &at.field("grammar"), losses);
            Some(Grammar {
                syntax: syntax.as_str().to_owned(),
                definition,
            })
        }
        ChatCompletionCustomToolParamCustomFormat::Unknown(_) => {
            losses.drop_field(*at, "a format that the translation does not know");
            None
        }
    }
}

/// Reads the deprecated `functions`.
pub fn read_functions(functions: Vec<CompletionCreateParamsFunction>, losses: &mut Losses) -> Vec<Tool> {
    let list = At::Root.field("functions");
    let functions = functions.into_iter().enumerate();
    functions
        .map(|(index, function)| {
            let CompletionCreateParamsFunction {
                description,
                name,
                parameters,
                extra,
            } = function;
            drop_unknown(&extra, &list.index(index), losses);
            Tool::Function(FunctionTool {
                name,
                namespace: None,
                description,
                parameters,
                strict: None,
                cache: None,
                index,
            })
        })
        .collect()
}

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
            drop_unknown(&extra, &At::Root.field("function_call"), losses);
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
pub fn read_choice(choice: ToolChoice, losses: &mut Losses) -> Option<CanonicalChoice> {
    let at = At::Root.field("tool_choice");
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

/// Reads the options of web search, whose presence asks for it.
pub fn read_web_search(options: WebSearchOptions, index: usize, losses: &mut Losses) -> WebSearchTool {
    let at = At::Root.field("web_search_options");
    let WebSearchOptions {
        search_context_size,
        user_location,
        extra,
    } = options;
    drop_unknown(&extra, &at, losses);
    let user_location = user_location.map(|location| {
        let WebSearchOptionsUserLocation { approximate, extra } = location;
        drop_unknown(&extra, &at.field("user_location"), losses);
        let WebSearchOptionsUserLocationApproximate {
            city,
            country,
            region,
            timezone,
            extra,
        } = approximate;
        let location = at.field("user_location");
        drop_unknown(&extra, &location.field("approximate"), losses);
        UserLocation {
            city,
            country,
            region,
            timezone,
        }
    });
    WebSearchTool {
        user_location,
        context_size: search_context_size.map(|size| size.as_str().to_owned()),
        index,
        ..WebSearchTool::default()
    }
}

/// Writes tools, choice and web search.
pub fn write(
    request: &Request,
    names: &ToolNames,
    model: &str,
    capabilities: &Capabilities,
    out: &mut CompletionCreateParams,
    losses: &mut Losses,
) {
    let mut tools = Vec::with_capacity(request.tools.len());
    let subset = match &request.tool_choice {
        // Compatible servers do not know this choice; a shorter list says the same.
        Some(CanonicalChoice::Subset { required: _, names }) if !capabilities.max_completion_tokens => {
            losses.approximate("tool_choice", "tools that may not be called were left out");
            Some(names)
        }
        _ => None,
    };
    let is_allowed = |name: &String| subset.is_none_or(|subset| subset.contains(name));
    for tool in &request.tools {
        match tool {
            Tool::Function(tool) if is_allowed(&tool.name) => {
                tools.push(write_function(tool, names, capabilities, losses).into());
            }
            Tool::Freeform(tool) if is_allowed(&tool.name) => {
                tools.push(write_freeform(tool, names, capabilities));
            }
            Tool::Function(_) | Tool::Freeform(_) => {}
            Tool::WebSearch(tool) => out.web_search_options = write_web_search(tool, model, losses),
        }
    }
    if !tools.is_empty() {
        out.tool_choice = write_choice(request, names, capabilities, losses);
        if request.parallel_tool_calls == Some(false) {
            if capabilities.parallel_tool_calls {
                out.parallel_tool_calls = Some(false);
            } else {
                let path = request.fields.parallel_tool_calls;
                losses.drop_field(path, "this model may call several tools at once");
            }
        }
        out.tools = Some(tools);
    }
}

fn write_function(
    tool: &FunctionTool,
    names: &ToolNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> ChatCompletionFunctionToolParam {
    let FunctionTool {
        name,
        namespace,
        description,
        parameters,
        strict,
        cache,
        index,
    } = tool;
    if cache.is_some() {
        losses.ignore(
            format!("tools[{index}]"),
            "a definition takes no cache breakpoint here",
        );
    }
    let mut out = FunctionDefinition::new(names.wire(name, namespace.as_deref()));
    out.description = description.clone().filter(|text| !text.is_empty());
    if *strict == Some(true) {
        let path = || format!("tools[{index}].strict");
        let is_strict = || {
            let parsed: Option<Value> = parameters
                .as_ref()
                .and_then(|schema| serde_json::from_str(schema.get()).ok());
            parsed.as_ref().is_some_and(json_schema::is_openai_strict)
        };
        if !capabilities.strict_tools {
            losses.drop_field(path(), "this model does not hold arguments to their schema");
        } else if is_strict() {
            out.strict = Some(true);
        } else {
            losses.approximate(path(), "the schema is outside the subset that can be enforced");
            out.strict = Some(false);
        }
    }
    out.parameters = Some(match parameters {
        Some(schema) if schema.get() != "null" => schema.clone(),
        _ => raw(&json_schema::empty_object()),
    });
    ChatCompletionFunctionToolParam::new(out)
}

fn write_freeform(
    tool: &FreeformTool,
    names: &ToolNames,
    capabilities: &Capabilities,
) -> ChatCompletionToolUnionParam {
    let FreeformTool {
        name,
        namespace,
        description,
        grammar,
        index: _,
    } = tool;
    let wire = names.wire(name, namespace.as_deref());
    if !capabilities.freeform_tools {
        let mut out = FunctionDefinition::new(wire);
        out.description = Some(wrapped_description(description.as_deref(), grammar.as_ref()));
        out.parameters = Some(raw(&json_schema::freeform_wrapper()));
        return ChatCompletionFunctionToolParam::new(out).into();
    }
    let mut out = ChatCompletionCustomToolParamCustom::new(wire);
    out.description = description.clone().filter(|text| !text.is_empty());
    out.format = grammar.as_ref().map(|Grammar { syntax, definition }| {
        let syntax = CustomFormatGrammarGrammarSyntax::from(syntax.as_str());
        CustomFormatGrammar::new(CustomFormatGrammarGrammar::new(definition, syntax)).into()
    });
    ChatCompletionCustomToolParam::new(out).into()
}

/// What a model has to know of a freeform tool that it sees as a function.
fn wrapped_description(description: Option<&str>, grammar: Option<&Grammar>) -> String {
    let mut text = description.unwrap_or_default().to_owned();
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str("Put the raw text of the input into `");
    text.push_str(PARAMETER);
    text.push_str("`, unescaped apart from what JSON needs.");
    if let Some(Grammar { syntax, definition }) = grammar {
        text.push_str(&format!(" It has to follow this {syntax} grammar:\n{definition}"));
    }
    text
}

/// Only models made for it search the web in Chat Completions (`gpt-5-search-api`, `gpt-4o-search-preview`); others
/// refuse the field.
fn write_web_search(tool: &WebSearchTool, model: &str, losses: &mut Losses) -> Option<WebSearchOptions> {
    let WebSearchTool {
        max_uses,
        allowed_domains,
        blocked_domains,
        user_location,
        context_size,
        index,
    } = tool;
    let tools = At::Root.field("tools");
    let at = tools.index(*index);
    if !model.contains("-search") {
        losses.drop_field(at, "this model does not search the web");
        return None;
    }
    drop_some(
        max_uses.as_ref(),
        at.field("max_uses"),
        "searches are not counted",
        losses,
    );
    let reason = "a search is not confined to domains";
    drop_some(
        allowed_domains.as_ref(),
        at.field("allowed_domains"),
        reason,
        losses,
    );
    drop_some(
        blocked_domains.as_ref(),
        at.field("blocked_domains"),
        reason,
        losses,
    );
    let mut out = WebSearchOptions::new();
    out.search_context_size = context_size
        .as_deref()
        .map(WebSearchOptionsSearchContextSize::from);
    out.user_location = user_location.clone().map(|location| {
        let UserLocation {
            city,
            country,
            region,
            timezone,
        } = location;
        WebSearchOptionsUserLocation::new(WebSearchOptionsUserLocationApproximate {
            city,
            country,
            region,
            timezone,
            ..WebSearchOptionsUserLocationApproximate::new()
        })
    });
    Some(out)
}

fn write_choice(
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
                Some(namespace) => names.wire(name, Some(namespace)),
                None => names.wire_of(name),
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
                raw(&serde_json::json!({"type": kind, kind: {"name": names.wire_of(name)}}))
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
