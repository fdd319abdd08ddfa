//! Writes tool definitions.

use serde_json::Value;

use super::choice;
use crate::canonical::{
    FreeformTool, FunctionTool, Grammar, Path, Request, Scope, Tool, UserLocation, WebSearchTool,
};
use crate::capability::Capabilities;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_responses::content;
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::{freeform, json_schema};

/// Writes tools and choice.
pub fn write(
    scope: &mut Scope<'_>,
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
    out: &mut ResponseCreateParams,
) {
    let tools: Vec<ToolParam> = request
        .tools
        .iter()
        .map(|tool| match tool {
            Tool::Function(tool) => write_function(scope, tool, names, capabilities).into(),
            Tool::Freeform(tool) if capabilities.freeform_tools => write_custom(scope, tool, names).into(),
            Tool::Freeform(tool) => write_wrapped(tool, names).into(),
            Tool::WebSearch(tool) => write_web_search(scope, tool).into(),
        })
        .collect();
    // Without tools, a choice among them and a setting for their calls have no meaning.
    if tools.is_empty() {
        return;
    }
    out.tools = Some(tools);
    out.tool_choice = request
        .tool_choice
        .as_ref()
        .map(|choice| choice::write(&mut scope.at("tool_choice"), choice, request, names, capabilities));
    if let Some(parallel) = request.parallel_tool_calls {
        if capabilities.parallel_tool_calls {
            out.parallel_tool_calls = Some(parallel);
        } else if !parallel {
            scope
                .at(request.fields.parallel_tool_calls)
                .drop(ResponsesReason::NoParallelSetting);
        }
    }
}

fn write_function(
    scope: &mut Scope<'_>,
    tool: &FunctionTool,
    names: &ToolNames,
    capabilities: &Capabilities,
) -> FunctionToolParam {
    let FunctionTool {
        name,
        namespace,
        description,
        parameters,
        strict,
        cache,
        index,
    } = tool;
    let mut scope = scope.at(Path::element("tools", *index));
    content::ignore_cache(&mut scope, *cache);
    let parameters = match parameters {
        Some(schema) => schema.clone(),
        None => to_raw_json(&json_schema::empty_object()),
    };
    let mut is_strict = strict.unwrap_or_default();
    if is_strict {
        let parsed: Value = serde_json::from_str(parameters.get()).unwrap_or_default();
        if !capabilities.strict_tools || !json_schema::is_openai_strict(&parsed) {
            is_strict = false;
            scope.field("strict").drop(ResponsesReason::NotStrict);
        }
    }
    let mut out = FunctionToolParam::new(names.wire_name(name, namespace.as_deref()));
    out.description = description.clone().filter(|text| !text.is_empty());
    out.parameters = Some(parameters);
    // If it is left out, the API makes every schema strict that allows it, which the client did not ask for.
    out.strict = Some(is_strict);
    out
}

fn write_custom(scope: &mut Scope<'_>, tool: &FreeformTool, names: &ToolNames) -> CustomToolParam {
    let FreeformTool {
        name,
        namespace,
        description,
        grammar,
        index,
    } = tool;
    let mut scope = scope.at(Path::element("tools", *index));
    let mut out = CustomToolParam::new(names.wire_name(name, namespace.as_deref()));
    out.description = description.clone().filter(|text| !text.is_empty());
    out.format = grammar.as_ref().and_then(|Grammar { syntax, definition }| {
        let syntax = CustomToolInputFormatGrammarParamSyntax::from(syntax.as_str());
        if let CustomToolInputFormatGrammarParamSyntax::Other(_) = syntax {
            scope.field("format").drop(ResponsesReason::UnknownGrammarSyntax);
            return None;
        }
        Some(CustomToolInputFormatGrammarParam::new(definition, syntax).into())
    });
    out
}

/// Writes a freeform tool for a model that has functions only: as a function with one string.
fn write_wrapped(tool: &FreeformTool, names: &ToolNames) -> FunctionToolParam {
    let FreeformTool {
        name,
        namespace,
        description,
        grammar,
        index: _,
    } = tool;
    let mut out = FunctionToolParam::new(names.wire_name(name, namespace.as_deref()));
    out.description = Some(freeform::describe(description.as_deref(), grammar.as_ref()).into());
    out.parameters = Some(to_raw_json(&json_schema::freeform_wrapper()));
    out.strict = Some(false);
    out
}

fn write_web_search(scope: &mut Scope<'_>, tool: &WebSearchTool) -> WebSearchToolParam {
    let WebSearchTool {
        max_uses,
        allowed_domains,
        blocked_domains,
        user_location,
        context_size,
        index,
    } = tool;
    let mut scope = scope.at(Path::element("tools", *index));
    scope.drop_member("max_uses", max_uses, OpenAiReason::SearchesNotCounted);
    if blocked_domains
        .as_ref()
        .is_some_and(|domains| !domains.is_empty())
    {
        scope
            .field("blocked_domains")
            .drop(ResponsesReason::BlockedDomains);
    }
    let mut out = WebSearchToolParam::new(WebSearchToolParamType::WebSearch);
    out.filters = allowed_domains.clone().map(|domains| WebSearchToolParamFilters {
        allowed_domains: Some(domains),
        ..WebSearchToolParamFilters::new()
    });
    out.search_context_size.clone_from(context_size);
    out.user_location = user_location.clone().map(|location| {
        let UserLocation {
            city,
            country,
            region,
            timezone,
        } = location;
        WebSearchToolParamUserLocation {
            city,
            country,
            region,
            timezone,
            type_: Some(WebSearchToolParamUserLocationType::Approximate),
            ..WebSearchToolParamUserLocation::new()
        }
    });
    out
}
