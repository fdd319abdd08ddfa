//! The choice among the tools.

use crate::canonical::{Losses, Path, Request, ToolChoice};
use crate::capability::Capabilities;
use crate::dialect::claude::types::*;
use crate::dialect::shared::legacy::{drop_unknown, refuse_variant};
use crate::dialect::shared::tool_names::ToolNames;

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

pub fn write_choice(
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
