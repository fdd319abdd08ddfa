//! Reads how much a client asks the model to think.

use crate::canonical::{Effort as CanonicalEffort, ReasoningControl, ReasoningDisplay, Scope, Thinking};
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};

/// Reads `thinking` and `output_config.effort` of a request. `scope` is that of the request.
pub fn read_control(
    scope: &mut Scope<'_>,
    thinking: Option<ThinkingConfigParam>,
    effort: Option<Effort>,
) -> ReasoningControl {
    let (thinking, display) = match thinking {
        None => (None, None),
        Some(thinking) => read_thinking_config(&mut scope.field("thinking"), thinking),
    };
    let mut config_scope = scope.field("output_config");
    ReasoningControl {
        effort: effort.and_then(|effort| read_effort(&mut config_scope.field("effort"), effort)),
        thinking,
        display,
    }
}

fn read_thinking_config(
    scope: &mut Scope<'_>,
    thinking: ThinkingConfigParam,
) -> (Option<Thinking>, Option<ReasoningDisplay>) {
    match thinking {
        ThinkingConfigParam::Enabled(ThinkingConfigEnabledParam {
            block_binding: _,
            budget_tokens,
            display,
            extra,
        }) => {
            drop_unknown(scope, &extra);
            let budget = u64::try_from(budget_tokens).unwrap_or_default();
            (Some(Thinking::Enabled { budget }), display.and_then(read_display))
        }
        ThinkingConfigParam::Adaptive(ThinkingConfigAdaptiveParam {
            block_binding: _,
            display,
            extra,
        }) => {
            drop_unknown(scope, &extra);
            (Some(Thinking::Adaptive), display.and_then(read_display))
        }
        ThinkingConfigParam::Disabled(ThinkingConfigDisabledParam { extra: _ }) => {
            (Some(Thinking::Disabled), None)
        }
        ThinkingConfigParam::BetweenTools(ThinkingConfigBetweenToolsParam { extra: _ }) => {
            (Some(Thinking::BetweenTools), None)
        }
        ThinkingConfigParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "thinking");
            (None, None)
        }
    }
}

fn read_display(display: ThinkingDisplay) -> Option<ReasoningDisplay> {
    match display {
        ThinkingDisplay::Summarized | ThinkingDisplay::Updates => Some(ReasoningDisplay::Summarized),
        ThinkingDisplay::Omitted => Some(ReasoningDisplay::Omitted),
        ThinkingDisplay::Other(_) => None,
    }
}

fn read_effort(scope: &mut Scope<'_>, effort: Effort) -> Option<CanonicalEffort> {
    match effort {
        Effort::Low => Some(CanonicalEffort::Low),
        Effort::Medium => Some(CanonicalEffort::Medium),
        Effort::High => Some(CanonicalEffort::High),
        Effort::Xhigh => Some(CanonicalEffort::Xhigh),
        Effort::Max => Some(CanonicalEffort::Max),
        Effort::Other(effort) => {
            scope.drop(ClaudeReason::UnknownEffort { effort });
            None
        }
    }
}
