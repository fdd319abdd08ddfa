//! Writes tool definitions.

use serde_json::Value;

use super::choice::write_choice;
use super::output_format::write_format;
use super::schema::write_schema;
use crate::canonical::{
    Block, FreeformTool, FunctionTool, Path, Request, Scope, Tool, ToolChoice, UserLocation, WebSearchTool,
};
use crate::capability::Capabilities;
use crate::dialect::claude::content::write_cache;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::{freeform, json_schema};

/// Tools, choice and output format of a request; the three depend on each other.
#[derive(Debug, Default)]
pub struct ClaudeTools {
    /// The definitions.
    pub tools: Vec<ToolUnionParam>,
    /// The choice.
    pub choice: Option<ToolChoiceParam>,
    /// The format of the response's text.
    pub format: Option<JsonOutputFormatParam>,
    /// The name of the tool whose input is the response's text.
    pub json_tool: Option<String>,
}

/// Writes tools, choice and output format.
pub fn write(
    scope: &mut Scope<'_>,
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
) -> ClaudeTools {
    let mut out = ClaudeTools::default();
    let subset = match &request.tool_choice {
        Some(ToolChoice::Subset { names, .. }) => Some(names),
        _ => None,
    };
    for tool in &request.tools {
        let (name, index) = match tool {
            Tool::Function(tool) => (tool.name.as_str(), tool.index),
            Tool::Freeform(tool) => (tool.name.as_str(), tool.index),
            Tool::WebSearch(tool) => ("web_search", tool.index),
        };
        if subset.is_some_and(|subset| !subset.iter().any(|allowed| allowed == name)) {
            continue;
        }
        let scope = &mut scope.at(Path::element("tools", index));
        out.tools.push(match tool {
            Tool::Function(tool) => write_function(scope, tool, names, capabilities).into(),
            Tool::Freeform(tool) => write_freeform(tool, names).into(),
            Tool::WebSearch(_) if !capabilities.web_search => {
                leave_out_search(scope, request);
                continue;
            }
            Tool::WebSearch(tool) => write_web_search(scope, tool).into(),
        });
    }
    if out.tools.is_empty() && subset.is_none() {
        declare_called(scope, request, names, &mut out.tools);
    }
    if !out.tools.is_empty() {
        out.choice = write_choice(scope, request, names, capabilities);
    }
    write_format(scope, request, capabilities, &mut out);
    out
}

/// Leaves out the search of a model that has none. Agents offer a search in every request, whether they need it or not,
/// so it is dropped beside other tools. A request that is for nothing but a search is refused.
fn leave_out_search(scope: &mut Scope<'_>, request: &Request) {
    let has_others = request
        .tools
        .iter()
        .any(|tool| !matches!(tool, Tool::WebSearch(_)));
    let is_forced =
        matches!(&request.tool_choice, Some(ToolChoice::Named { name, .. }) if name == "web_search");
    if has_others && !is_forced {
        scope.drop(ClaudeReason::SearchLeftOut);
    } else {
        scope.refuse(ClaudeReason::NoServerTools);
    }
}

fn write_function(
    scope: &mut Scope<'_>,
    tool: &FunctionTool,
    names: &ToolNames,
    capabilities: &Capabilities,
) -> ToolParam {
    let FunctionTool {
        name,
        namespace,
        description,
        parameters,
        strict,
        cache,
        index: _,
    } = tool;
    let mut schema = match parameters {
        Some(schema) => write_schema(scope, schema),
        None => to_raw_json(&json_schema::empty_object()),
    };
    let mut is_strict = None;
    if *strict == Some(true) {
        let parsed = serde_json::from_str::<Value>(schema.get()).ok();
        match parsed
            .as_ref()
            .and_then(json_schema::for_claude_output)
            .filter(|_| capabilities.strict_tools)
        {
            Some((strict_schema, is_worded)) => {
                if is_worded {
                    scope.field("parameters").approximate(ClaudeReason::SchemaInWords);
                }
                schema = to_raw_json(&strict_schema);
                is_strict = Some(true);
            }
            None => scope.field("strict").drop(ClaudeReason::UnenforcedArguments),
        }
    }
    let mut out = ToolParam::new(schema, names.wire_name(name, namespace.as_deref()));
    out.description = description.clone().filter(|text| !text.is_empty());
    out.strict = is_strict;
    out.cache_control = write_cache(*cache);
    out
}

/// Writes a freeform tool as a function with one string: the API has no tools whose input is text.
fn write_freeform(tool: &FreeformTool, names: &ToolNames) -> ToolParam {
    let FreeformTool {
        name,
        namespace,
        description,
        grammar,
        index: _,
    } = tool;
    let schema = to_raw_json(&json_schema::freeform_wrapper());
    let mut out = ToolParam::new(schema, names.wire_name(name, namespace.as_deref()));
    out.description = Some(freeform::describe(description.as_deref(), grammar.as_ref()).into());
    out
}

/// Writes the web search in its first version: the later ones add nothing that another dialect could ask for.
fn write_web_search(scope: &mut Scope<'_>, tool: &WebSearchTool) -> WebSearchTool20250305Param {
    let WebSearchTool {
        max_uses,
        allowed_domains,
        blocked_domains,
        user_location,
        context_size,
        index: _,
    } = tool;
    scope.ignore_member(
        "search_context_size",
        context_size,
        ClaudeReason::SearchContextSize,
    );
    let mut out = WebSearchTool20250305Param::new();
    out.max_uses = max_uses.and_then(|uses| i64::try_from(uses).ok());
    out.allowed_domains.clone_from(allowed_domains);
    out.blocked_domains.clone_from(blocked_domains);
    out.user_location = user_location.clone().map(
        |UserLocation {
             city,
             country,
             region,
             timezone,
         }| {
            UserLocationParam {
                city,
                country,
                region,
                timezone,
                ..UserLocationParam::new()
            }
        },
    );
    out
}

/// Declares the tools that the history calls if the request declares none: the API demands a definition of each, even
/// if no more calls are wanted.
fn declare_called(
    scope: &mut Scope<'_>,
    request: &Request,
    names: &ToolNames,
    tools: &mut Vec<ToolUnionParam>,
) {
    let mut declared: Vec<String> = Vec::new();
    for block in request.messages.iter().flat_map(|message| &message.content) {
        let Block::ToolCall(call) = block else { continue };
        let name = names.wire_name(&call.name, call.namespace.as_deref());
        if !declared.contains(&name) {
            let tool = ToolParam::new(to_raw_json(&serde_json::json!({"type": "object"})), name.clone());
            tools.push(tool.into());
            declared.push(name);
        }
    }
    if !declared.is_empty() {
        scope.field("tools").approximate(ClaudeReason::UndeclaredTools);
    }
}
