//! Writes how much an upstream's model has to think.
//!
//! Models differ: older ones think up to a budget in tokens, newer ones decide themselves, guided by an effort
//! (`adaptive`). `capability/models.yaml` has which model is which.

use crate::canonical::{
    Effort as CanonicalEffort, ReasoningControl, ReasoningDisplay, Request, Scope, Thinking,
};
use crate::capability::{Capabilities, DisabledThinking};
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;

/// The least budget that the API accepts, in tokens.
const LEAST_BUDGET: u64 = 1024;

/// The members of a request that control thinking.
#[derive(Debug, Default)]
pub struct ClaudeThinking {
    /// `thinking`
    pub thinking: Option<ThinkingConfigParam>,
    /// `output_config.effort`
    pub effort: Option<Effort>,
}

impl ClaudeThinking {
    /// Whether the model thinks up to a budget, which rules out some sampling parameters.
    pub fn has_budget(&self) -> bool {
        matches!(self.thinking, Some(ThinkingConfigParam::Enabled(_)))
    }
}

/// What the rest of the request means for thinking.
#[derive(Clone, Copy, Debug)]
pub struct ThinkingContext {
    /// `max_tokens`
    pub max_tokens: u64,
    /// Whether a tool call is forced.
    pub forced_tool: bool,
    /// Whether the last turn that called tools has lost its thinking.
    pub lost_thinking: bool,
}

/// Writes thinking and effort as far as the model accepts them.
pub fn write_control(
    scope: &mut Scope<'_>,
    request: &Request,
    capabilities: &Capabilities,
    context: ThinkingContext,
) -> ClaudeThinking {
    let ReasoningControl {
        effort,
        thinking,
        display,
    } = &request.reasoning;
    let mut writer = ThinkingWriter {
        scope: scope.at(request.fields.effort),
        request,
        capabilities,
        context,
        display: *display,
    };
    match (thinking, effort) {
        (None, None) => ClaudeThinking::default(),
        (Some(Thinking::Disabled), _) | (None, Some(CanonicalEffort::None)) => writer.write_off(),
        (Some(Thinking::BetweenTools), effort) => writer.write_between_tools(*effort),
        (Some(Thinking::Enabled { budget }), _) if capabilities.thinking.budget => {
            writer.write_budget(*budget)
        }
        (Some(Thinking::Enabled { budget }), effort) => {
            writer.write_effort(effort.unwrap_or(effort_of_budget(*budget)))
        }
        (Some(Thinking::Adaptive), None) if capabilities.thinking.adaptive => writer.write_adaptive(None),
        (Some(Thinking::Adaptive), None) => writer.write_effort(CanonicalEffort::Medium),
        (Some(Thinking::Adaptive) | None, Some(effort)) => writer.write_effort(*effort),
    }
}

struct ThinkingWriter<'a> {
    /// At the client's field for the effort, which nearly all losses of this writer concern.
    scope: Scope<'a>,
    request: &'a Request,
    capabilities: &'a Capabilities,
    context: ThinkingContext,
    display: Option<ReasoningDisplay>,
}

impl ThinkingWriter<'_> {
    /// Thinking with an effort, in the form that the model has.
    fn write_effort(&mut self, effort: CanonicalEffort) -> ClaudeThinking {
        if self.capabilities.thinking.adaptive {
            return self.write_adaptive(Some(effort));
        }
        if self.capabilities.thinking.budget {
            return self.write_budget(budget_of_effort(effort));
        }
        self.scope.drop(ClaudeReason::NoThinking);
        ClaudeThinking::default()
    }

    fn write_adaptive(&mut self, effort: Option<CanonicalEffort>) -> ClaudeThinking {
        let thinking = ThinkingConfigAdaptiveParam {
            display: self.write_display(),
            ..ThinkingConfigAdaptiveParam::new()
        };
        ClaudeThinking {
            thinking: Some(thinking.into()),
            effort: effort.and_then(|effort| self.write_nearest_effort(effort)),
        }
    }

    /// The nearest effort that this model accepts: the next lower one, else its lowest. The API has no `minimal`.
    fn write_nearest_effort(&mut self, wanted: CanonicalEffort) -> Option<Effort> {
        let efforts = self
            .capabilities
            .efforts
            .iter()
            .filter(|effort| **effort > CanonicalEffort::Minimal);
        let nearest = efforts
            .clone()
            .filter(|effort| **effort <= wanted)
            .max()
            .or(efforts.min())?;
        if *nearest != wanted {
            let nearest = nearest.as_str();
            self.scope.approximate(ClaudeReason::NearestEffort { nearest });
        }
        Some(Effort::from(nearest.as_str()))
    }

    /// Thinking up to a budget, which has to be below `max_tokens`. The client's limit is a promise about cost and is
    /// never raised: the budget is cut instead.
    fn write_budget(&mut self, wanted: u64) -> ClaudeThinking {
        if self.context.forced_tool {
            self.scope.drop(ClaudeReason::ForcedCallExcludesThinking);
            return ClaudeThinking::default();
        }
        if self.context.lost_thinking {
            self.scope.drop(ClaudeReason::LostThinking);
            return ClaudeThinking::default();
        }
        let max_tokens = self.context.max_tokens;
        let wanted = wanted.max(LEAST_BUDGET);
        let budget = if wanted < max_tokens {
            wanted
        } else {
            // As much is left for the response as the least budget.
            max_tokens.saturating_sub(LEAST_BUDGET)
        };
        if budget < LEAST_BUDGET {
            self.scope.drop(ClaudeReason::NoRoomForThinking);
            return ClaudeThinking::default();
        }
        if budget < wanted {
            self.scope.approximate(ClaudeReason::ThinkingBudgetCut);
        }
        let budget = i64::try_from(budget).unwrap_or(i64::MAX);
        let thinking = ThinkingConfigEnabledParam {
            display: self.write_display(),
            ..ThinkingConfigEnabledParam::new(budget)
        };
        ClaudeThinking {
            thinking: Some(thinking.into()),
            effort: None,
        }
    }

    fn write_off(&mut self) -> ClaudeThinking {
        let support = self.capabilities.thinking;
        if !support.adaptive {
            // Models that think up to a budget do not think unless asked.
            return ClaudeThinking::default();
        }
        match support.disabled {
            DisabledThinking::Always | DisabledThinking::UpToHigh => {
                let thinking = ThinkingConfigDisabledParam::new();
                ClaudeThinking {
                    thinking: Some(thinking.into()),
                    effort: None,
                }
            }
            DisabledThinking::Never => {
                self.scope.approximate(ClaudeReason::AlwaysThinks);
                self.write_least()
            }
        }
    }

    fn write_between_tools(&mut self, effort: Option<CanonicalEffort>) -> ClaudeThinking {
        if self.capabilities.thinking.between_tools {
            let thinking = ThinkingConfigBetweenToolsParam::new();
            return ClaudeThinking {
                thinking: Some(thinking.into()),
                effort: effort.and_then(|effort| self.write_nearest_effort(effort)),
            };
        }
        self.scope
            .at(self.request.fields.thinking)
            .approximate(ClaudeReason::NoThinkingBetweenTools);
        self.write_effort(CanonicalEffort::Low)
    }

    /// The least thinking of a model that cannot stop thinking.
    fn write_least(&mut self) -> ClaudeThinking {
        if self.capabilities.thinking.between_tools {
            let thinking = ThinkingConfigBetweenToolsParam::new();
            return ClaudeThinking {
                thinking: Some(thinking.into()),
                effort: None,
            };
        }
        ClaudeThinking {
            thinking: None,
            effort: self.write_nearest_effort(CanonicalEffort::Low),
        }
    }

    fn write_display(&self) -> Option<ThinkingDisplay> {
        // Models that think up to a budget show their thinking without being asked.
        let shows_by_itself = !self.capabilities.thinking.adaptive;
        self.display
            .filter(|_| !shows_by_itself)
            .map(|display| match display {
                ReasoningDisplay::Summarized => ThinkingDisplay::Summarized,
                ReasoningDisplay::Omitted => ThinkingDisplay::Omitted,
            })
    }
}

/// The thinking budget for an effort, in tokens. No vendor publishes a table; `docs/translation.md` has ours.
fn budget_of_effort(effort: CanonicalEffort) -> u64 {
    match effort {
        CanonicalEffort::None | CanonicalEffort::Minimal => LEAST_BUDGET,
        CanonicalEffort::Low => 4096,
        CanonicalEffort::Medium => 10_000,
        CanonicalEffort::High => 24_000,
        CanonicalEffort::Xhigh => 32_000,
        CanonicalEffort::Max => 64_000,
    }
}

fn effort_of_budget(budget: u64) -> CanonicalEffort {
    match budget {
        0..=4096 => CanonicalEffort::Low,
        4097..=16_000 => CanonicalEffort::Medium,
        16_001..=32_000 => CanonicalEffort::High,
        _ => CanonicalEffort::Xhigh,
    }
}
