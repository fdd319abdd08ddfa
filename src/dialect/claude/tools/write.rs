//! Writes tool definitions.

use serde_json::Value;

use super::choice::write_choice;
use super::output_format::write_format;
use super::schema::fitted_schema;
use crate::canonical::{
    Block, FreeformTool, FunctionTool, Losses, Path, Request, Tool, ToolChoice, UserLocation, WebSearchTool,
};
use crate::capability::Capabilities;
use crate::dialect::claude::content::write_cache;
use crate::dialect::claude::types::*;
use crate::dialect::shared::legacy::ignore_some;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::{freeform, json_schema};

/// Tools, choice and output format as they go into a request; the three depend on each other.
#[derive(Debug, Default)]
pub struct Written {
    /// The definitions.
    pub tools: Vec<ToolUnionParam>,
    /// The choice.
    pub choice: Option<ToolChoiceParam>,
    /// The format of the answer's text.
    pub format: Option<JsonOutputFormatParam>,
    /// The name of the tool that stands for the answer's text.
    pub json_tool: Option<String>,
}

/// Writes tools, choice and output format.
pub fn write(
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Written {
    let mut out = Written::default();
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
        if matches!(tool, Tool::WebSearch(_)) && !capabilities.web_search {
            leave_search(request, index, losses);
            continue;
        }
        out.tools.push(write_one(
            tool,
            &format!("tools[{index}]"),
            names,
            capabilities,
            losses,
        ));
    }
    if out.tools.is_empty() && subset.is_none() {
        declare_called(request, names, &mut out.tools, losses);
    }
    out.choice = write_choice(request, names, capabilities, out.tools.is_empty(), losses);
    write_format(request, capabilities, &mut out, losses);
    out
}

/// Why a request that is for a search is refused.
pub const NO_SERVER_TOOLS: &str = "Bedrock runs no tools of its own";

/// What becomes of a search that is offered beside other tools.
pub const SEARCH_LEFT_OUT: &str = "Bedrock does not search the web; the other tools remain";

/// Agents offer a search in every request, whether it will be wanted or not: beside other tools it is left out. What is
/// for nothing but a search is refused.
fn leave_search(request: &Request, index: usize, losses: &mut Losses) {
    let path = format!("tools[{index}]");
    let has_others = request
        .tools
        .iter()
        .any(|tool| !matches!(tool, Tool::WebSearch(_)));
    let is_forced =
        matches!(&request.tool_choice, Some(ToolChoice::Named { name, .. }) if name == "web_search");
    if has_others && !is_forced {
        losses.drop_field(path, SEARCH_LEFT_OUT);
    } else {
        losses.refuse(path, NO_SERVER_TOOLS);
    }
}

fn write_one(
    tool: &Tool,
    path: &str,
    names: &ToolNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> ToolUnionParam {
    match tool {
        Tool::Function(tool) => write_function(tool, path, names, capabilities, losses).into(),
        Tool::Freeform(tool) => write_freeform(tool, names).into(),
        Tool::WebSearch(tool) => write_web_search(tool, path, losses).into(),
    }
}

fn write_function(
    tool: &FunctionTool,
    path: &str,
    names: &ToolNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
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
        Some(schema) => fitted_schema(schema, path, losses),
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
            Some((strict_schema, worded)) => {
                if worded {
                    losses.approximate(format!("{path}.parameters"), WORDED);
                }
                schema = to_raw_json(&strict_schema);
                is_strict = Some(true);
            }
            None => losses.drop_field(format!("{path}.strict"), "arguments are not held to this schema"),
        }
    }
    let mut out = ToolParam::new(schema, names.wire(name, namespace.as_deref()));
    out.description = description.clone().filter(|text| !text.is_empty());
    out.strict = is_strict;
    out.cache_control = write_cache(*cache);
    out
}

/// Says that a schema was fitted to what is enforced.
pub const WORDED: &str = "constraints of the schema that cannot be enforced became words";

fn write_freeform(tool: &FreeformTool, names: &ToolNames) -> ToolParam {
    let FreeformTool {
        name,
        namespace,
        description,
        grammar,
        index: _,
    } = tool;
    let schema = to_raw_json(&json_schema::freeform_wrapper());
    let mut out = ToolParam::new(schema, names.wire(name, namespace.as_deref()));
    out.description = Some(freeform::description(description.as_deref(), grammar.as_ref()).into());
    out
}

fn write_web_search(tool: &WebSearchTool, path: &str, losses: &mut Losses) -> WebSearchTool20250305Param {
    let WebSearchTool {
        max_uses,
        allowed_domains,
        blocked_domains,
        user_location,
        context_size,
        index: _,
    } = tool;
    ignore_some(
        context_size.as_ref(),
        Path::Root.field(path).field("search_context_size"),
        "a hint for cost",
        losses,
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

/// The API wants a definition for every tool that the history calls, even when no more calls are wanted.
fn declare_called(
    request: &Request,
    names: &ToolNames,
    tools: &mut Vec<ToolUnionParam>,
    losses: &mut Losses,
) {
    let mut declared: Vec<String> = Vec::new();
    for block in request.messages.iter().flat_map(|message| &message.content) {
        let Block::ToolCall(call) = block else { continue };
        let name = names.wire(&call.name, call.namespace.as_deref());
        if !declared.contains(&name) {
            let tool = ToolParam::new(to_raw_json(&serde_json::json!({"type": "object"})), name.clone());
            tools.push(tool.into());
            declared.push(name);
        }
    }
    if !declared.is_empty() {
        losses.approximate(
            "tools",
            "tools that the history calls were declared without a schema",
        );
    }
}
