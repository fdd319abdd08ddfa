//! Reads tool definitions. The scope of a `read_` function is at the value that it reads.

use super::TOOL_SEARCH;
use crate::canonical::{FreeformTool, FunctionTool, Grammar, Scope, Tool, UserLocation, WebSearchTool};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};
use crate::wire::json::RawJson;

/// The tools of a request.
#[derive(Debug, Default)]
pub struct ReadTools {
    /// The tools; those of a namespace are in the position of the namespace.
    pub tools: Vec<Tool>,
    /// Whether the client searches for tools itself, so that calls of that search go back as items of their own type.
    pub has_client_search: bool,
}

/// Reads the tools of a request.
pub fn read(scope: &mut Scope<'_>, tools: Vec<ToolParam>) -> ReadTools {
    let mut out = ReadTools::default();
    for (index, tool) in tools.into_iter().enumerate() {
        read_tool(&mut scope.index(index), tool, index, &mut out);
    }
    out
}

/// Reads a tool of the request or of an input item. `index` is the position that the model keeps of it; tools of a
/// namespace have that of the namespace.
pub fn read_tool(scope: &mut Scope<'_>, tool: ToolParam, index: usize, out: &mut ReadTools) {
    match tool {
        ToolParam::Function(tool) => {
            let tool = read_function(scope, tool, None, index);
            out.tools.push(Tool::Function(tool));
        }
        ToolParam::Custom(tool) => {
            let tool = read_freeform(scope, tool, None, index);
            out.tools.push(Tool::Freeform(tool));
        }
        ToolParam::Namespace(namespace) => read_namespace(scope, namespace, index, out),
        ToolParam::ToolSearch(tool) => read_search(scope, tool, index, out),
        ToolParam::WebSearchToolParam(tool) => {
            let tool = read_web_search(scope, *tool, index);
            out.tools.push(Tool::WebSearch(tool));
        }
        ToolParam::Unknown(unknown) => refuse_variant(scope, &unknown, "tool"),
    }
}

fn read_namespace(scope: &mut Scope<'_>, namespace: NamespaceToolParam, index: usize, out: &mut ReadTools) {
    let NamespaceToolParam {
        description,
        name,
        tools,
        extra,
    } = namespace;
    drop_unknown(scope, &extra);
    let description = description.filter(|text| !text.is_empty());
    scope.drop_member("description", &description, ResponsesReason::NamespaceDescription);
    let mut list = scope.field("tools");
    for (position, member) in tools.into_iter().enumerate() {
        let mut scope = list.index(position);
        match member {
            NamespaceMemberParam::Function(tool) => {
                let tool = read_function(&mut scope, tool, Some(name.clone()), index);
                out.tools.push(Tool::Function(tool));
            }
            NamespaceMemberParam::Custom(tool) => {
                let tool = read_freeform(&mut scope, tool, Some(name.clone()), index);
                out.tools.push(Tool::Freeform(tool));
            }
            NamespaceMemberParam::Unknown(unknown) => refuse_variant(&mut scope, &unknown, "tool"),
        }
    }
}

fn read_function(
    scope: &mut Scope<'_>,
    tool: FunctionToolParam,
    namespace: Option<String>,
    index: usize,
) -> FunctionTool {
    let FunctionToolParam {
        allowed_callers,
        async_,
        defer_loading,
        description,
        name,
        output_schema,
        parameters,
        strict,
        extra,
    } = tool;
    drop_unknown(scope, &extra);
    if allowed_callers.is_some_and(|callers| !callers.contains(&FunctionToolParamAllowedCallersItem::Direct))
    {
        scope
            .field("allowed_callers")
            .refuse(ResponsesReason::IndirectCallers);
    }
    read_hints(scope, async_, defer_loading);
    scope.ignore_member("output_schema", &output_schema, ResponsesReason::OutputSchema);
    if let Some(schema) = &parameters {
        refuse_schema_unless_object(&mut scope.field("parameters"), schema);
    }
    FunctionTool {
        name,
        namespace,
        description,
        parameters,
        strict,
        cache: None,
        index,
    }
}

/// Refuses a schema that is no object, which no vendor accepts.
pub fn refuse_schema_unless_object(scope: &mut Scope<'_>, schema: &RawJson) {
    if !schema.get().starts_with('{') {
        scope.refuse(ResponsesReason::SchemaIsNoObject);
    }
}

fn read_freeform(
    scope: &mut Scope<'_>,
    tool: CustomToolParam,
    namespace: Option<String>,
    index: usize,
) -> FreeformTool {
    let CustomToolParam {
        allowed_callers,
        async_,
        defer_loading,
        description,
        format,
        name,
        extra,
    } = tool;
    drop_unknown(scope, &extra);
    if allowed_callers.is_some_and(|callers| !callers.contains(&CustomToolParamAllowedCallersItem::Direct)) {
        scope
            .field("allowed_callers")
            .refuse(ResponsesReason::IndirectCallers);
    }
    read_hints(scope, async_, defer_loading);
    let grammar = format.and_then(|format| read_grammar(&mut scope.field("format"), format));
    FreeformTool {
        name,
        namespace,
        description,
        grammar,
        index,
    }
}

/// Reads the format of a freeform tool's input; `None` is any text.
fn read_grammar(scope: &mut Scope<'_>, format: CustomToolInputFormatParam) -> Option<Grammar> {
    match format {
        CustomToolInputFormatParam::Text(CustomToolInputFormatTextParam { extra }) => {
            drop_unknown(scope, &extra);
            None
        }
        CustomToolInputFormatParam::Grammar(format) => {
            let CustomToolInputFormatGrammarParam {
                definition,
                syntax,
                extra,
            } = format;
            drop_unknown(scope, &extra);
            Some(Grammar {
                syntax: syntax.as_str().to_owned(),
                definition,
            })
        }
        CustomToolInputFormatParam::Unknown(_) => {
            scope.drop(OpenAiReason::UnknownToolFormat);
            None
        }
    }
}

/// Reads the members of a tool that only concern how fast it is called or found.
fn read_hints(scope: &mut Scope<'_>, is_async: Option<bool>, is_deferred: Option<bool>) {
    let is_async = is_async.filter(|set| *set);
    scope.ignore_member("async", &is_async, OpenAiReason::SpeedHint);
    let is_deferred = is_deferred.filter(|set| *set);
    scope.ignore_member("defer_loading", &is_deferred, ResponsesReason::DeferredLoading);
}

/// Reads a search for tools. One that the client runs is a function like any other. One that the vendor runs is left
/// out: since all tools are defined from the start, it would find nothing.
fn read_search(scope: &mut Scope<'_>, tool: ToolSearchToolParam, index: usize, out: &mut ReadTools) {
    let ToolSearchToolParam {
        description,
        execution,
        parameters,
        extra,
    } = tool;
    drop_unknown(scope, &extra);
    match execution {
        Some(ToolSearchToolParamExecution::Client) => {
            out.has_client_search = true;
            if let Some(schema) = &parameters {
                refuse_schema_unless_object(&mut scope.field("parameters"), schema);
            }
            out.tools.push(Tool::Function(FunctionTool {
                name: TOOL_SEARCH.to_owned(),
                namespace: None,
                description,
                parameters,
                strict: None,
                cache: None,
                index,
            }));
        }
        None | Some(ToolSearchToolParamExecution::Server | ToolSearchToolParamExecution::Other(_)) => {
            scope.drop(ResponsesReason::VendorToolSearch);
        }
    }
}

fn read_web_search(scope: &mut Scope<'_>, tool: WebSearchToolParam, index: usize) -> WebSearchTool {
    let WebSearchToolParam {
        external_web_access,
        filters,
        search_content_types,
        search_context_size,
        type_: _,
        user_location,
        extra,
    } = tool;
    drop_unknown(scope, &extra);
    if external_web_access == Some(false) {
        scope
            .field("external_web_access")
            .drop(ResponsesReason::StoredPagesOnly);
    }
    scope.ignore_member(
        "search_content_types",
        &search_content_types,
        ResponsesReason::SearchContentTypes,
    );
    let allowed_domains = filters.and_then(|filters| {
        let WebSearchToolParamFilters {
            allowed_domains,
            extra,
        } = filters;
        drop_unknown(&mut scope.field("filters"), &extra);
        allowed_domains
    });
    let user_location = user_location.map(|location| {
        let WebSearchToolParamUserLocation {
            city,
            country,
            region,
            timezone,
            type_: _,
            extra: _,
        } = location;
        UserLocation {
            city,
            country,
            region,
            timezone,
        }
    });
    WebSearchTool {
        max_uses: None,
        allowed_domains,
        blocked_domains: None,
        user_location,
        context_size: search_context_size,
        index,
    }
}
