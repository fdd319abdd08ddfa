//! Writes the tools of a request for an upstream.

use serde_json::Value;

use super::choice;
use crate::canonical::{
    FreeformTool, FunctionTool, Grammar, Path, Request, Scope, Tool, ToolChoice as CanonicalChoice,
    UserLocation, WebSearchTool,
};
use crate::capability::Capabilities;
use crate::dialect::Target;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::{freeform, json_schema};

/// Writes tools, the choice among them, and web search. `scope` is that of the client's body.
pub fn write(
    scope: &mut Scope<'_>,
    request: &Request,
    names: &ToolNames,
    target: &Target<'_>,
    out: &mut CompletionCreateParams,
) {
    let Target {
        model, capabilities, ..
    } = *target;
    let mut tools = Vec::with_capacity(request.tools.len());
    let subset = match &request.tool_choice {
        // Compatible servers do not know `allowed_tools`; a list of the allowed tools alone means the same.
        Some(CanonicalChoice::Subset { required: _, names }) if !capabilities.max_completion_tokens => {
            scope
                .field("tool_choice")
                .approximate(ChatReason::DisallowedToolsLeftOut);
            Some(names)
        }
        _ => None,
    };
    let is_allowed = |name: &String| subset.is_none_or(|subset| subset.contains(name));
    for tool in &request.tools {
        match tool {
            Tool::Function(tool) if is_allowed(&tool.name) => {
                let mut scope = scope.at(Path::element("tools", tool.index));
                tools.push(write_function(&mut scope, tool, names, capabilities).into());
            }
            Tool::Freeform(tool) if is_allowed(&tool.name) => {
                tools.push(write_freeform(tool, names, capabilities));
            }
            Tool::Function(_) | Tool::Freeform(_) => {}
            Tool::WebSearch(tool) => {
                let mut scope = scope.at(Path::element("tools", tool.index));
                out.web_search_options = write_web_search(&mut scope, tool, model);
            }
        }
    }
    // Without tools, the API refuses the fields that are about them.
    if tools.is_empty() {
        return;
    }
    out.tool_choice = choice::write(scope, request, names, capabilities);
    if request.parallel_tool_calls == Some(false) {
        if capabilities.parallel_tool_calls {
            out.parallel_tool_calls = Some(false);
        } else {
            scope
                .at(request.fields.parallel_tool_calls)
                .drop(ChatReason::ParallelCalls);
        }
    }
    out.tools = Some(tools);
}

fn write_function(
    scope: &mut Scope<'_>,
    tool: &FunctionTool,
    names: &ToolNames,
    capabilities: &Capabilities,
) -> ChatCompletionFunctionToolParam {
    let FunctionTool {
        name,
        namespace,
        description,
        parameters,
        strict,
        cache,
        index: _,
    } = tool;
    if cache.is_some() {
        scope.ignore(ChatReason::NoBreakpointOnTool);
    }
    let mut out = FunctionDefinition::new(names.wire_name(name, namespace.as_deref()));
    out.description = description.clone().filter(|text| !text.is_empty());
    if *strict == Some(true) {
        let is_enforceable = || {
            let parsed: Option<Value> = parameters
                .as_ref()
                .and_then(|schema| serde_json::from_str(schema.get()).ok());
            parsed.as_ref().is_some_and(json_schema::is_openai_strict)
        };
        let mut scope = scope.field("strict");
        if !capabilities.strict_tools {
            scope.drop(ChatReason::ToolNotStrict);
        } else if is_enforceable() {
            out.strict = Some(true);
        } else {
            scope.approximate(OpenAiReason::SchemaNotEnforceable);
            out.strict = Some(false);
        }
    }
    out.parameters = Some(match parameters {
        Some(schema) if schema.get() != "null" => schema.clone(),
        _ => to_raw_json(&json_schema::empty_object()),
    });
    ChatCompletionFunctionToolParam::new(out)
}

/// A freeform tool becomes a function with one parameter if the model accepts functions only.
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
fn write_web_search(scope: &mut Scope<'_>, tool: &WebSearchTool, model: &str) -> Option<WebSearchOptions> {
    let WebSearchTool {
        max_uses,
        allowed_domains,
        blocked_domains,
        user_location,
        context_size,
        index: _,
    } = tool;
    if !model.contains("-search") {
        scope.drop(ChatReason::NoWebSearch);
        return None;
    }
    scope.drop_member("max_uses", max_uses, OpenAiReason::SearchesNotCounted);
    scope.drop_member("allowed_domains", allowed_domains, ChatReason::SearchOfAllDomains);
    scope.drop_member("blocked_domains", blocked_domains, ChatReason::SearchOfAllDomains);
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
