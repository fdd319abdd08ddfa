//! Reads how much the model is asked to think.

use crate::canonical::{
    Effort as CanonicalEffort, Losses, Path, ReasoningControl, ReasoningDisplay, Thinking,
};
use crate::dialect::claude::types::*;
use crate::dialect::shared::legacy::{drop_unknown, refuse_variant};

/// Reads what is asked of the model's thinking.
pub fn read_control(
    thinking: Option<ThinkingConfigParam>,
    effort: Option<Effort>,
    losses: &mut Losses,
) -> ReasoningControl {
    let at = Path::Root.field("thinking");
    let (thinking, display) = match thinking {
        None => (None, None),
        Some(ThinkingConfigParam::Enabled(ThinkingConfigEnabledParam {
            block_binding: _,
            budget_tokens,
            display,
            extra,
        })) => {
            drop_unknown(&extra, &at, losses);
            (
                Some(Thinking::Enabled {
                    budget: u64::try_from(budget_tokens).unwrap_or_default(),
                }),
                display,
            )
        }
        Some(ThinkingConfigParam::Adaptive(ThinkingConfigAdaptiveParam {
            block_binding: _,
            display,
            extra,
        })) => {
            drop_unknown(&extra, &at, losses);
            (Some(Thinking::Adaptive), display)
        }
        Some(ThinkingConfigParam::Disabled(ThinkingConfigDisabledParam { extra: _ })) => {
            (Some(Thinking::Disabled), None)
        }
        Some(ThinkingConfigParam::BetweenTools(ThinkingConfigBetweenToolsParam { extra: _ })) => {
            (Some(Thinking::BetweenTools), None)
        }
        Some(ThinkingConfigParam::Unknown(unknown)) => {
            refuse_variant(&unknown, "thinking", &at, losses);
            (None, None)
        }
    };
    let display = display.and_then(|display| match display {
        ThinkingDisplay::Summarized | ThinkingDisplay::Updates => Some(ReasoningDisplay::Summarized),
        ThinkingDisplay::Omitted => Some(ReasoningDisplay::Omitted),
        ThinkingDisplay::Other(_) => None,
    });
    let effort = effort.and_then(|effort| match effort {
        Effort::Low => Some(CanonicalEffort::Low),
        Effort::Medium => Some(CanonicalEffort::Medium),
        Effort::High => Some(CanonicalEffort::High),
        Effort::Xhigh => Some(CanonicalEffort::Xhigh),
        Effort::Max => Some(CanonicalEffort::Max),
        Effort::Other(other) => {
            losses.drop_field(
                "output_config.effort",
                format!("the effort `{other}` is not known"),
            );
            None
        }
    });
    ReasoningControl {
        effort,
        thinking,
        display,
    }
}
