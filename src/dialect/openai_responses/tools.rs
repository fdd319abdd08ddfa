//! Tool definitions and the choice among them.

use serde_json::Value;

use super::types::*;
use super::{choice, content};
use crate::canonical::{
    FreeformTool, FunctionTool, Grammar, Losses, Path, Request, Tool, UserLocation, WebSearchTool,
};
use crate::capability::Capabilities;
use crate::dialect::shared::legacy::{drop_some, drop_unknown, ignore_some, refuse_variant};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::{freeform, json_schema};
use crate::wire::json::RawJson;

/// Name of the function that stands for the client's search for tools.
pub const TOOL_SEARCH: &str = "tool_search";

/// The tools of a request.
#[derive(Debug, Default)]
pub struct Tools {
    /// The tools, those of namespaces in the place of their namespace.
    pub tools: Vec<Tool>,
    /// Whether the client searches for tools itself.
    pub searches: bool,
}

/// Reads the tools of a request.
pub fn read(tools: Vec<ToolParam>, losses: &mut Losses) -> Tools {
    let list = Path::Root.field("tools");
    let mut out = Tools::default();
    for (index, tool) in tools.into_iter().enumerate() {
        read_one(tool, index, &list.index(index), &mut out, losses);
    }
    out
}

/// Reads a tool, wherever one is declared.
pub fn read_one(tool: ToolParam, index: usize, at: &Path<'_>, out: &mut Tools, losses: &mut Losses) {
    match tool {
        ToolParam::Function(tool) => out
            .tools
            .push(Tool::Function(read_function(tool, None, index, at, losses))),
        ToolParam::Custom(tool) => out
            .tools
            .push(Tool::Freeform(read_freeform(tool, None, index, at, losses))),
        ToolParam::Namespace(namespace) => {
            let NamespaceToolParam {
                description,
                name,
                tools,
                extra,
            } = namespace;
            drop_unknown(&extra, at, losses);
            let described = description.filter(|text| !text.is_empty());
            drop_some(
                described.as_ref(),
                at.field("description"),
                "a namespace becomes the beginning of its tools' names",
                losses,
            );
            let list = at.field("tools");
            for (position, member) in tools.into_iter().enumerate() {
                let at = list.index(position);
                match member {
                    NamespaceMemberParam::Function(tool) => {
                        let tool = read_function(tool, Some(name.clone()), index, &at, losses);
                        out.tools.push(Tool::Function(tool));
                    }
                    NamespaceMemberParam::Custom(tool) => {
                        let tool = read_freeform(tool, Some(name.clone()), index, &at, losses);
                        out.tools.push(Tool::Freeform(tool));
                    }
                    NamespaceMemberParam::Unknown(unknown) => refuse_variant(&unknown, "tool", &at, losses),
                }
            }
        }
        ToolParam::ToolSearch(tool) => read_search(tool, index, at, out, losses),
        ToolParam::WebSearchToolParam(tool) => {
            out.tools
                .push(Tool::WebSearch(read_web_search(*tool, index, at, losses)));
        }
        ToolParam::Unknown(unknown) => refuse_variant(&unknown, "tool", at, losses),
    }
}

fn read_function(
    tool: FunctionToolParam,
    namespace: Option<String>,
    index: usize,
    at: &Path<'_>,
    losses: &mut Losses,
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
    drop_unknown(&extra, at, losses);
    if allowed_callers.is_some_and(|callers| !callers.contains(&FunctionToolParamAllowedCallersItem::Direct))
    {
        losses.refuse(at.field("allowed_callers"), NOT_DIRECT);
    }
    read_hints(async_, defer_loading, at, losses);
    ignore_some(
        output_schema.as_ref(),
        at.field("output_schema"),
        "results are not held to a schema",
        losses,
    );
    if let Some(schema) = &parameters {
        check_schema(schema, at.field("parameters"), losses);
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

/// Refuses a schema that is none.
pub fn check_schema(schema: &RawJson, at: Path<'_>, losses: &mut Losses) {
    if !schema.get().starts_with('{') {
        losses.refuse(at, "a schema is an object");
    }
}

const NOT_DIRECT: &str = "a tool that the model may not call directly";

fn read_freeform(
    tool: CustomToolParam,
    namespace: Option<String>,
    index: usize,
    at: &Path<'_>,
    losses: &mut Losses,
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
    drop_unknown(&extra, at, losses);
    if allowed_callers.is_some_and(|callers| !callers.contains(&CustomToolParamAllowedCallersItem::Direct)) {
        losses.refuse(at.field("allowed_callers"), NOT_DIRECT);
    }
    read_hints(async_, defer_loading, at, losses);
    let grammar = format.and_then(|format| match format {
        CustomToolInputFormatParam::Text(CustomToolInputFormatTextParam { extra }) => {
            drop_unknown(&extra, &at.field("format"), losses);
            None
        }
        CustomToolInputFormatParam::Grammar(format) => {
            let CustomToolInputFormatGrammarParam {
                definition,
                syntax,
                extra,
            } = format;
            drop_unknown(&extra, &at.field("format"), losses);
            Some(Grammar {
                syntax: syntax.as_str().to_owned(),
                definition,
            })
        }
        CustomToolInputFormatParam::Unknown(_) => {
            losses.drop_field(at.field("format"), "a format that the translation does not know");
            None
        }
    });
    FreeformTool {
        name,
        namespace,
        description,
        grammar,
        index,
    }
}

fn read_hints(is_async: Option<bool>, deferred: Option<bool>, at: &Path<'_>, losses: &mut Losses) {
    let is_async = is_async.filter(|set| *set);
    ignore_some(is_async.as_ref(), at.field("async"), "a hint for speed", losses);
    let deferred = deferred.filter(|set| *set);
    let eager = "every tool is defined from the start";
    ignore_some(deferred.as_ref(), at.field("defer_loading"), eager, losses);
}

/// A search that the client runs is a function like any other; one of the vendor's has nothing left to find.
fn read_search(tool: ToolSearchToolParam, index: usize, at: &Path<'_>, out: &mut Tools, losses: &mut Losses) {
    let ToolSearchToolParam {
        description,
        execution,
        parameters,
        extra,
    } = tool;
    drop_unknown(&extra, at, losses);
    match execution {
        Some(ToolSearchToolParamExecution::Client) => {
            out.searches = true;
            if let Some(schema) = &parameters {
                check_schema(schema, at.field("parameters"), losses);
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
            let reason = "every tool is defined from the start, so that none has to be searched for";
            losses.drop_field(*at, reason);
        }
    }
}

fn read_web_search(
    tool: WebSearchToolParam,
    index: usize,
    at: &Path<'_>,
    losses: &mut Losses,
) -> WebSearchTool {
    let WebSearchToolParam {
        external_web_access,
        filters,
        search_content_types,
        search_context_size,
        type_: _,
        user_location,
        extra,
    } = tool;
    drop_unknown(&extra, at, losses);
    if external_web_access == Some(false) {
        let reason = "a search of pages that the vendor has stored already cannot be asked for";
        losses.drop_field(at.field("external_web_access"), reason);
    }
    ignore_some(
        search_content_types.as_ref(),
        at.field("search_content_types"),
        "the kinds of content that are searched are the vendor's choice",
        losses,
    );
    let allowed_domains = filters.and_then(|filters| {
        let WebSearchToolParamFilters {
            allowed_domains,
            extra,
        } = filters;
        drop_unknown(&extra, &at.field("filters"), losses);
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

/// Writes tools and choice.
pub fn write(
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
    out: &mut ResponseCreateParams,
    losses: &mut Losses,
) {
    let tools: Vec<ToolParam> = request
        .tools
        .iter()
        .map(|tool| match tool {
            Tool::Function(tool) => write_function(tool, names, capabilities, losses).into(),
            Tool::Freeform(tool) if capabilities.freeform_tools => write_custom(tool, names, losses).into(),
            Tool::Freeform(tool) => write_wrapped(tool, names).into(),
            Tool::WebSearch(tool) => write_web_search(tool, losses).into(),
        })
        .collect();
    if tools.is_empty() {
        return;
    }
    out.tools = Some(tools);
    out.tool_choice = request
        .tool_choice
        .as_ref()
        .map(|choice| choice::write(choice, request, names, capabilities, losses));
    if let Some(parallel) = request.parallel_tool_calls {
        if capabilities.parallel_tool_calls {
            out.parallel_tool_calls = Some(parallel);
        } else if !parallel {
            losses.drop_field(
                request.fields.parallel_tool_calls,
                "this model takes no such setting",
            );
        }
    }
}

fn write_function(
    tool: &FunctionTool,
    names: &ToolNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
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
    content::ignore_cache(*cache, Path::element("tools", *index), losses);
    let parameters = match parameters {
        Some(schema) => schema.clone(),
        None => to_raw_json(&json_schema::empty_object()),
    };
    let mut is_strict = strict.unwrap_or_default();
    if is_strict {
        let parsed: Value = serde_json::from_str(parameters.get()).unwrap_or_default();
        if !capabilities.strict_tools || !json_schema::is_openai_strict(&parsed) {
            is_strict = false;
            losses.drop_field(
                format!("tools[{index}].strict"),
                "arguments are not held to this schema",
            );
        }
    }
    let mut out = FunctionToolParam::new(names.wire(name, namespace.as_deref()));
    out.description = description.clone().filter(|text| !text.is_empty());
    out.parameters = Some(parameters);
    // Left out it would mean strict wherever the schema allows it.
    out.strict = Some(is_strict);
    out
}

fn write_custom(tool: &FreeformTool, names: &ToolNames, losses: &mut Losses) -> CustomToolParam {
    let FreeformTool {
        name,
        namespace,
        description,
        grammar,
        index,
    } = tool;
    let mut out = CustomToolParam::new(names.wire(name, namespace.as_deref()));
    out.description = description.clone().filter(|text| !text.is_empty());
    out.format = grammar.as_ref().and_then(|Grammar { syntax, definition }| {
        let syntax = CustomToolInputFormatGrammarParamSyntax::from(syntax.as_str());
        if let CustomToolInputFormatGrammarParamSyntax::Other(_) = syntax {
            losses.drop_field(
                format!("tools[{index}].format"),
                "a grammar in a syntax that is not known",
            );
            return None;
        }
        Some(CustomToolInputFormatGrammarParam::new(definition, syntax).into())
    });
    out
}

/// A freeform tool for a model that has functions only.
fn write_wrapped(tool: &FreeformTool, names: &ToolNames) -> FunctionToolParam {
    let FreeformTool {
        name,
        namespace,
        description,
        grammar,
        index: _,
    } = tool;
    let mut out = FunctionToolParam::new(names.wire(name, namespace.as_deref()));
    out.description = Some(freeform::description(description.as_deref(), grammar.as_ref()).into());
    out.parameters = Some(to_raw_json(&json_schema::freeform_wrapper()));
    out.strict = Some(false);
    out
}

fn write_web_search(tool: &WebSearchTool, losses: &mut Losses) -> WebSearchToolParam {
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
    drop_some(
        max_uses.as_ref(),
        at.field("max_uses"),
        "searches are not counted",
        losses,
    );
    let blocked = blocked_domains.as_ref().filter(|domains| !domains.is_empty());
    drop_some(
        blocked,
        at.field("blocked_domains"),
        "domains can be allowed, not blocked",
        losses,
    );
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
