//! The choice among the tools.

use crate::canonical::{Request, Scope, ToolChoice};
use crate::capability::Capabilities;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};

/// Reads the choice, and whether one response may hold several calls.
pub fn read_choice(scope: &mut Scope<'_>, choice: ToolChoiceParam) -> (Option<ToolChoice>, Option<bool>) {
    let (choice, disable_parallel) = match choice {
        ToolChoiceParam::Auto(ToolChoiceAutoParam {
            disable_parallel_tool_use,
            extra,
        }) => {
            drop_unknown(scope, &extra);
            (ToolChoice::Auto, disable_parallel_tool_use)
        }
        ToolChoiceParam::Any(ToolChoiceAnyParam {
            disable_parallel_tool_use,
            extra,
        }) => {
            drop_unknown(scope, &extra);
            (ToolChoice::Any, disable_parallel_tool_use)
        }
        ToolChoiceParam::Tool(ToolChoiceToolParam {
            disable_parallel_tool_use,
            name,
            extra,
        }) => {
            drop_unknown(scope, &extra);
            (
                ToolChoice::Named {
                    name,
                    namespace: None,
                },
                disable_parallel_tool_use,
            )
        }
        ToolChoiceParam::None(ToolChoiceNoneParam { extra }) => {
            drop_unknown(scope, &extra);
            (ToolChoice::None, None)
        }
        ToolChoiceParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "tool choice");
            return (None, None);
        }
    };
    // Several calls are the default everywhere, so only `true` has to be carried over.
    (
        Some(choice),
        disable_parallel.filter(|disabled| *disabled).map(|_| false),
    )
}

/// Writes the choice of a request that declares tools. A choice that the model cannot be forced to becomes `auto`.
pub fn write_choice(
    scope: &mut Scope<'_>,
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
) -> Option<ToolChoiceParam> {
    let one_at_a_time = (request.parallel_tool_calls == Some(false)).then_some(true);
    let auto = || ToolChoiceAutoParam {
        disable_parallel_tool_use: one_at_a_time,
        ..ToolChoiceAutoParam::new()
    };
    let any = || ToolChoiceAnyParam {
        disable_parallel_tool_use: one_at_a_time,
        ..ToolChoiceAnyParam::new()
    };
    let mut scope = scope.at("tool_choice");
    Some(match &request.tool_choice {
        None => one_at_a_time.map(|_| auto())?.into(),
        Some(ToolChoice::Auto) => auto().into(),
        Some(ToolChoice::None) => ToolChoiceNoneParam::new().into(),
        Some(ToolChoice::Any) if check_forced(&mut scope, capabilities) => any().into(),
        Some(ToolChoice::Named { name, namespace }) if check_forced(&mut scope, capabilities) => {
            let name = match namespace {
                Some(_) => names.wire_name(name, namespace.as_deref()),
                None => names.wire_name_of_choice(name),
            };
            let mut choice = ToolChoiceToolParam::new(name);
            choice.disable_parallel_tool_use = one_at_a_time;
            choice.into()
        }
        Some(ToolChoice::Subset { required, names: _ }) => {
            // The list of tools has been reduced to the subset.
            scope.approximate(ClaudeReason::ToolSubset);
            if *required && check_forced(&mut scope, capabilities) {
                any().into()
            } else {
                auto().into()
            }
        }
        Some(ToolChoice::Any | ToolChoice::Named { .. }) => auto().into(),
    })
}

/// Whether the model can be forced to call a tool. If not, that is recorded.
fn check_forced(scope: &mut Scope<'_>, capabilities: &Capabilities) -> bool {
    if !capabilities.forced_tool {
        scope.approximate(ClaudeReason::NoForcedCall);
    }
    capabilities.forced_tool
}
