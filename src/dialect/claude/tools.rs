//! Tool definitions and the choice among them.

use serde_json::Value;
use serde_json::value::RawValue;

use super::content::{read_cache, write_cache};
use super::types::*;
use crate::canonical::{
    Block, FreeformTool, FunctionTool, Losses, OutputFormat, Path, Request, Tool, ToolChoice, UserLocation,
    WebSearchTool,
};
use crate::capability::Capabilities;
use crate::dialect::shared::legacy::{
    drop_some, drop_unknown, ignore_some, refuse_no_object, refuse_variant,
};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::{freeform, json_schema};
use crate::wire::json::{self, RawJson};

/// Reads the tools of a request.
pub fn read(tools: Vec<ToolUnionParam>, losses: &mut Losses) -> Vec<Tool> {
    let list = Path::Root.field("tools");
    let tools = tools.into_iter().enumerate();
    tools
        .filter_map(|(index, tool)| read_one(tool, index, &list.index(index), losses))
        .collect()
}

fn read_one(tool: ToolUnionParam, index: usize, at: &Path<'_>, losses: &mut Losses) -> Option<Tool> {
    Some(match tool {
        ToolUnionParam::Custom(tool) => Tool::Function(read_custom(*tool, index, at, losses)),
        ToolUnionParam::WebSearch20250305(tool) => {
            let WebSearchTool20250305Param {
                allowed_callers: _,
                allowed_domains,
                blocked_domains,
                cache_control: _,
                defer_loading: _,
                max_uses,
                strict: _,
                user_location,
                extra,
            } = *tool;
            drop_unknown(&extra, at, losses);
            Tool::WebSearch(web_search(
                max_uses,
                allowed_domains,
                blocked_domains,
                user_location,
                index,
            ))
        }
        ToolUnionParam::WebSearch20260209(tool) => {
            let WebSearchTool20260209Param {
                allowed_callers: _,
                allowed_domains,
                blocked_domains,
                cache_control: _,
                defer_loading: _,
                max_uses,
                strict: _,
                user_location,
                extra,
            } = *tool;
            drop_unknown(&extra, at, losses);
            Tool::WebSearch(web_search(
                max_uses,
                allowed_domains,
                blocked_domains,
                user_location,
                index,
            ))
        }
        ToolUnionParam::WebSearch20260318(tool) => {
            let WebSearchTool20260318Param {
                allowed_callers: _,
                allowed_domains,
                blocked_domains,
                cache_control: _,
                defer_loading: _,
                max_uses,
                response_inclusion,
                strict: _,
                user_location,
                extra,
            } = *tool;
            drop_unknown(&extra, at, losses);
            drop_some(
                response_inclusion.as_ref(),
                at.field("response_inclusion"),
                "not known elsewhere",
                losses,
            );
            Tool::WebSearch(web_search(
                max_uses,
                allowed_domains,
                blocked_domains,
                user_location,
                index,
            ))
        }
        ToolUnionParam::ToolSearchToolBm2520251119param(_)
        | ToolUnionParam::ToolSearchToolRegex20251119Param(_) => {
            losses.drop_field(
                *at,
                "every tool is defined from the start, so that none has to be searched for",
            );
            return None;
        }
        ToolUnionParam::Unknown(unknown) => {
            refuse_variant(&unknown, "tool", at, losses);
            return None;
        }
    })
}

fn web_search(
    max_uses: Option<i64>,
    allowed_domains: Option<Vec<String>>,
    blocked_domains: Option<Vec<String>>,
    user_location: Option<UserLocationParam>,
    index: usize,
) -> WebSearchTool {
    let user_location = user_location.map(
        |UserLocationParam {
             city,
             country,
             region,
             timezone,
             extra: _,
         }| {
            UserLocation {
                city,
                country,
                region,
                timezone,
            }
        },
    );
    let max_uses = max_uses.and_then(|uses| u64::try_from(uses).ok());
    WebSearchTool {
        max_uses,
        allowed_domains,
        blocked_domains,
        user_location,
        context_size: None,
        index,
    }
}

/// Reads a tool that the client runs.
pub fn read_custom(tool: ToolParam, index: usize, at: &Path<'_>, losses: &mut Losses) -> FunctionTool {
    let ToolParam {
        allowed_callers,
        cache_control,
        defer_loading,
        description,
        eager_input_streaming,
        input_examples,
        input_schema,
        name,
        strict,
        type_: _,
        extra,
    } = tool;
    drop_unknown(&extra, at, losses);
    ignore_some(
        eager_input_streaming.as_ref(),
        at.field("eager_input_streaming"),
        "a hint for speed",
        losses,
    );
    ignore_some(
        input_examples.as_ref(),
        at.field("input_examples"),
        "examples of inputs",
        losses,
    );
    ignore_some(
        defer_loading.as_ref(),
        at.field("defer_loading"),
        "every tool is defined from the start",
        losses,
    );
    if let Some(callers) = &allowed_callers
        && !callers.contains(&AllowedCaller::Direct)
    {
        losses.refuse(
            at.field("allowed_callers"),
            "a tool that the model may not call directly",
        );
    }
    refuse_no_object(Some(&input_schema), at.field("input_schema"), losses);
    let cache = read_cache(cache_control, at, losses);
    FunctionTool {
        name,
        namespace: None,
        description,
        parameters: Some(input_schema),
        strict,
        cache,
        index,
    }
}

/// Reads the choice, and whether several calls may stand in one answer.
pub fn read_choice(choice: ToolChoiceParam, losses: &mut Losses) -> (Option<ToolChoice>, Option<bool>) {
    let at = Path::Root.field("tool_choice");
    let (choice, disable_parallel) = match choice {
        ToolChoiceParam::Auto(ToolChoiceAutoParam {
            disable_parallel_tool_use,
            extra,
        }) => {
            drop_unknown(&extra, &at, losses);
            (ToolChoice::Auto, disable_parallel_tool_use)
        }
        ToolChoiceParam::Any(ToolChoiceAnyParam {
            disable_parallel_tool_use,
            extra,
        }) => {
            drop_unknown(&extra, &at, losses);
            (ToolChoice::Any, disable_parallel_tool_use)
        }
        ToolChoiceParam::Tool(ToolChoiceToolParam {
            disable_parallel_tool_use,
            name,
            extra,
        }) => {
            drop_unknown(&extra, &at, losses);
            (
                ToolChoice::Named {
                    name,
                    namespace: None,
                },
                disable_parallel_tool_use,
            )
        }
        ToolChoiceParam::None(ToolChoiceNoneParam { extra }) => {
            drop_unknown(&extra, &at, losses);
            (ToolChoice::None, None)
        }
        ToolChoiceParam::Unknown(unknown) => {
            refuse_variant(&unknown, "tool choice", &at, losses);
            return (None, None);
        }
    };
    // Several calls are the default, so that only their absence says something.
    (
        Some(choice),
        disable_parallel.filter(|disabled| *disabled).map(|_| false),
    )
}

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
const WORDED: &str = "constraints of the schema that cannot be enforced became words";

/// The members of a schema's top level that decide whether it is taken as it is.
#[derive(Default)]
struct TopLevel {
    is_object: bool,
    is_union: bool,
}

impl json::ReadObject for TopLevel {
    const NAME: &'static str = "schema";

    fn read(mut members: json::ObjectMembers<'_, '_>) -> Result<Self, json::JsonFault> {
        fn lookup(name: &str) -> u16 {
            match name {
                "type" => 0,
                "anyOf" | "oneOf" | "allOf" => 1,
                _ => json::NOT_KNOWN,
            }
        }
        let mut top = Self::default();
        while let Some(key) = members.next(lookup)? {
            let mut value: Option<RawJson> = None;
            match key {
                json::JsonKey::Known(0) => {
                    members.read_nullable("type", &mut value)?;
                    top.is_object = value.is_some_and(|kind| kind.get() == "\"object\"");
                }
                json::JsonKey::Known(_) => {
                    members.read_nullable("anyOf", &mut value)?;
                    top.is_union |= value.is_some();
                }
                json::JsonKey::Other(_) => members.skip()?,
            }
        }
        Ok(top)
    }
}

impl json::ReadJson for TopLevel {
    fn read(scanner: &mut json::Scanner<'_>) -> Result<Self, json::JsonFault> {
        json::read_object(scanner)
    }
}

fn fitted_schema(schema: &RawValue, path: &str, losses: &mut Losses) -> RawJson {
    if let Ok(TopLevel {
        is_object: true,
        is_union: false,
    }) = json::parse_text(schema.get())
    {
        return schema.to_owned();
    }
    let parsed = serde_json::from_str(schema.get()).unwrap_or_default();
    let (fitted, changed) = json_schema::for_claude_tool(&parsed);
    if changed {
        losses.approximate(
            format!("{path}.parameters"),
            "a union at the top of the schema became words",
        );
    }
    to_raw_json(&fitted)
}

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

fn write_choice(
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
    no_tools: bool,
    losses: &mut Losses,
) -> Option<ToolChoiceParam> {
    let one_at_a_time = (request.parallel_tool_calls == Some(false)).then_some(true);
    if no_tools {
        return None;
    }
    let forced = |losses: &mut Losses| {
        if !capabilities.forced_tool {
            losses.approximate("tool_choice", "this model cannot be forced to call a tool");
        }
        capabilities.forced_tool
    };
    let auto = || ToolChoiceAutoParam {
        disable_parallel_tool_use: one_at_a_time,
        ..ToolChoiceAutoParam::new()
    };
    let any = || ToolChoiceAnyParam {
        disable_parallel_tool_use: one_at_a_time,
        ..ToolChoiceAnyParam::new()
    };
    Some(match &request.tool_choice {
        None => one_at_a_time.map(|_| auto())?.into(),
        Some(ToolChoice::Auto) => auto().into(),
        // Without tools of its own a request only replays its history.
        Some(ToolChoice::None) => ToolChoiceNoneParam::new().into(),
        Some(ToolChoice::Any) if forced(losses) => any().into(),
        Some(ToolChoice::Named { name, namespace }) if forced(losses) => {
            let name = match namespace {
                Some(_) => names.wire(name, namespace.as_deref()),
                None => names.wire_of(name),
            };
            let mut choice = ToolChoiceToolParam::new(name);
            choice.disable_parallel_tool_use = one_at_a_time;
            choice.into()
        }
        Some(ToolChoice::Subset { required, names: _ }) => {
            losses.approximate(
                "tool_choice",
                "the tools outside of the allowed ones were left out",
            );
            if *required && forced(losses) {
                any().into()
            } else {
                auto().into()
            }
        }
        Some(ToolChoice::Any | ToolChoice::Named { .. }) => auto().into(),
    })
}

/// Writes the format of the answer's text; where the API cannot express the schema, a tool that the model has to call
/// stands for the answer.
fn write_format(request: &Request, capabilities: &Capabilities, out: &mut Written, losses: &mut Losses) {
    let schema = match &request.output_format {
        None => return,
        Some(OutputFormat::JsonObject) => {
            losses.drop_field(
                request.fields.output_format,
                "JSON without a schema cannot be asked for",
            );
            return;
        }
        Some(OutputFormat::JsonSchema {
            name: _,
            description: _,
            schema,
            strict: _,
        }) => schema,
    };
    let parsed: Value = serde_json::from_str(schema.get()).unwrap_or_default();
    let native = json_schema::for_claude_output(&parsed).filter(|_| capabilities.structured_output);
    if let Some((schema, worded)) = native {
        if worded {
            losses.approximate(request.fields.output_format, WORDED);
        }
        out.format = Some(JsonOutputFormatParam::new(to_raw_json(&schema)));
        return;
    }
    if !capabilities.forced_tool {
        losses.refuse(
            request.fields.output_format,
            "this schema cannot be expressed for this model",
        );
        return;
    }
    let (fitted, _) = json_schema::for_claude_tool(&parsed);
    let mut name = "json".to_owned();
    while out
        .tools
        .iter()
        .any(|tool| matches!(tool, ToolUnionParam::Custom(tool) if tool.name == name))
    {
        name.push('_');
    }
    let mut tool = ToolParam::new(to_raw_json(&fitted), name.clone());
    tool.description = Some("Answer with the JSON that is asked for.".into());
    let alone = out.tools.is_empty();
    out.tools.push(tool.into());
    out.choice = Some(if alone {
        let mut choice = ToolChoiceToolParam::new(name.clone());
        choice.disable_parallel_tool_use = Some(true);
        choice.into()
    } else {
        ToolChoiceAnyParam {
            disable_parallel_tool_use: Some(true),
            ..ToolChoiceAnyParam::new()
        }
        .into()
    });
    losses.approximate(
        request.fields.output_format,
        "the answer is played with a tool that the model has to call",
    );
    out.json_tool = Some(name);
}
