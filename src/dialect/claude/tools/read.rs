//! Reads tool definitions.

use crate::canonical::{FunctionTool, Scope, Tool, UserLocation, WebSearchTool};
use crate::dialect::claude::content::read_cache;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::shared::json_schema::refuse_unless_object;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};

/// Reads the tools of a request. A tool keeps its position in the client's list, which loss paths name.
pub fn read(scope: &mut Scope<'_>, tools: Vec<ToolUnionParam>) -> Vec<Tool> {
    tools
        .into_iter()
        .enumerate()
        .filter_map(|(index, tool)| read_one(&mut scope.index(index), tool, index))
        .collect()
}

fn read_one(scope: &mut Scope<'_>, tool: ToolUnionParam, index: usize) -> Option<Tool> {
    Some(match tool {
        ToolUnionParam::Custom(tool) => Tool::Function(read_custom(scope, *tool, index)),
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
            drop_unknown(scope, &extra);
            Tool::WebSearch(WebSearchTool {
                max_uses: read_max_uses(max_uses),
                allowed_domains,
                blocked_domains,
                user_location: user_location.map(read_location),
                context_size: None,
                index,
            })
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
            drop_unknown(scope, &extra);
            Tool::WebSearch(WebSearchTool {
                max_uses: read_max_uses(max_uses),
                allowed_domains,
                blocked_domains,
                user_location: user_location.map(read_location),
                context_size: None,
                index,
            })
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
            drop_unknown(scope, &extra);
            scope.drop_member(
                "response_inclusion",
                &response_inclusion,
                ClaudeReason::SearchResponseInclusion,
            );
            Tool::WebSearch(WebSearchTool {
                max_uses: read_max_uses(max_uses),
                allowed_domains,
                blocked_domains,
                user_location: user_location.map(read_location),
                context_size: None,
                index,
            })
        }
        ToolUnionParam::ToolSearchToolBm2520251119param(_)
        | ToolUnionParam::ToolSearchToolRegex20251119Param(_) => {
            scope.drop(ClaudeReason::ToolSearch);
            return None;
        }
        ToolUnionParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "tool");
            return None;
        }
    })
}

fn read_max_uses(max_uses: Option<i64>) -> Option<u64> {
    max_uses.and_then(|uses| u64::try_from(uses).ok())
}

fn read_location(location: UserLocationParam) -> UserLocation {
    let UserLocationParam {
        city,
        country,
        region,
        timezone,
        extra: _,
    } = location;
    UserLocation {
        city,
        country,
        region,
        timezone,
    }
}

/// Reads a tool that the client runs. `index` is the position that the tool gets in the request's list.
pub fn read_custom(scope: &mut Scope<'_>, tool: ToolParam, index: usize) -> FunctionTool {
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
    drop_unknown(scope, &extra);
    scope.ignore_member(
        "eager_input_streaming",
        &eager_input_streaming,
        ClaudeReason::EagerInput,
    );
    scope.ignore_member("input_examples", &input_examples, ClaudeReason::InputExamples);
    scope.ignore_member("defer_loading", &defer_loading, ClaudeReason::DeferredTool);
    if let Some(callers) = &allowed_callers
        && !callers.contains(&AllowedCaller::Direct)
    {
        scope.field("allowed_callers").refuse(ClaudeReason::IndirectTool);
    }
    refuse_unless_object(&mut scope.field("input_schema"), Some(&input_schema));
    FunctionTool {
        name,
        namespace: None,
        description,
        parameters: Some(input_schema),
        strict,
        cache: read_cache(scope, cache_control),
        index,
    }
}
