//! Reads tool definitions.

use crate::canonical::{FunctionTool, Losses, Path, Tool, UserLocation, WebSearchTool};
use crate::dialect::claude::content::read_cache;
use crate::dialect::claude::types::*;
use crate::dialect::shared::legacy::{
    drop_some, drop_unknown, ignore_some, refuse_no_object, refuse_variant,
};

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
