//! Tool definitions.

use serde_json::Value;

use super::choice;
use super::types::*;
use crate::canonical::{
    FreeformTool, FunctionTool, Grammar, Losses, Path, Request, Tool, ToolChoice as CanonicalChoice,
    UserLocation, WebSearchTool,
};
use crate::capability::Capabilities;
use crate::dialect::shared::legacy::{drop_some, drop_unknown, refuse_no_object, refuse_variant};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::{freeform, json_schema};

/// Reads the tools of a request.
pub fn read(tools: Vec<ChatCompletionToolUnionParam>, losses: &mut Losses) -> Vec<Tool> {
    let list = Path::Root.field("tools");
    let tools = tools.into_iter().enumerate();
    tools
        .filter_map(|(index, tool)| read_one(tool, index, &list.index(index), losses))
        .collect()
}

fn read_one(
    tool: ChatCompletionToolUnionParam,
    index: usize,
    at: &Path<'_>,
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
            let at = at.field("function");
            drop_unknown(&extra, &at, losses);
            refuse_no_object(parameters.as_ref(), at.field("parameters"), losses);
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
    at: &Path<'_>,
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
    let list = Path::Root.field("functions");
    let functions = functions.into_iter().enumerate();
    functions
        .map(|(index, function)| {
            let CompletionCreateParamsFunction {
                description,
                name,
                parameters,
                extra,
            } = function;
            let at = list.index(index);
            drop_unknown(&extra, &at, losses);
            refuse_no_object(parameters.as_ref(), at.field("parameters"), losses);
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

/// Reads the options of web search, whose presence asks for it.
pub fn read_web_search(options: WebSearchOptions, index: usize, losses: &mut Losses) -> WebSearchTool {
    let at = Path::Root.field("web_search_options");
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
        out.tool_choice = choice::write(request, names, capabilities, losses);
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
    let mut out = FunctionDefinition::new(names.wire_name(name, namespace.as_deref()));
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
        _ => to_raw_json(&json_schema::empty_object()),
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
    let wire = names.wire_name(name, namespace.as_deref());
    if !capabilities.freeform_tools {
        let mut out = FunctionDefinition::new(wire);
        out.description = Some(freeform::describe(description.as_deref(), grammar.as_ref()).into());
        out.parameters = Some(to_raw_json(&json_schema::freeform_wrapper()));
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
    let tools = Path::Root.field("tools");
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
