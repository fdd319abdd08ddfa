//! Writes how much the model is asked to think.

use crate::canonical::{
    Effort as CanonicalEffort, Losses, ReasoningControl, ReasoningDisplay, Request, Thinking,
};
use crate::capability::{Capabilities, DisabledThinking};
use crate::dialect::claude::types::*;

/// The least budget that the API takes, in tokens.
const LEAST_BUDGET: u64 = 1024;

/// What a request says of thinking.
#[derive(Debug, Default)]
pub struct Control {
    /// The `thinking` member.
    pub thinking: Option<ThinkingConfigParam>,
    /// `output_config.effort`
    pub effort: Option<Effort>,
}

impl Control {
    /// Whether the model thinks up to a budget, which rules out other settings.
    pub fn has_budget(&self) -> bool {
        matches!(self.thinking, Some(ThinkingConfigParam::Enabled(_)))
    }
}

/// What the rest of the request means for thinking.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// `max_tokens`
    pub max_tokens: u64,
    /// Whether a tool call is forced.
    pub forced_tool: bool,
    /// Whether the last turn that called tools has lost its thinking.
    pub lost_thinking: bool,
}

/// Writes what is asked of the model's thinking, as far as this model takes it.
pub fn write_control(
    request: &Request,
    capabilities: &Capabilities,
    circumstances: Circumstances,
    losses: &mut Losses,
) -> Control {
    let ReasoningControl {
        effort,
        thinking,
        display,
    } = &request.reasoning;
    let mut writer = Writer {
        request,
        capabilities,
        circumstances,
        display: *display,
        losses,
    };
    match (thinking, effort) {
        (None, None) => Control::default(),
        (Some(Thinking::Disabled), _) | (None, Some(CanonicalEffort::None)) => writer.off(),
        (Some(Thinking::BetweenTools), effort) => writer.between_tools(*effort),
        (Some(Thinking::Enabled { budget }), _) if capabilities.thinking.budget => writer.budget(*budget),
        (Some(Thinking::Enabled { budget }), effort) => {
            writer.on(effort.unwrap_or(effort_of_budget(*budget)))
        }
        (Some(Thinking::Adaptive), None) if capabilities.thinking.adaptive => writer.adaptive(None),
        (Some(Thinking::Adaptive), None) => writer.on(CanonicalEffort::Medium),
        (Some(Thinking::Adaptive) | None, Some(effort)) => writer.on(*effort),
    }
}

struct Writer<'a> {
    request: &'a Request,
    capabilities: &'a Capabilities,
    circumstances: Circumstances,
    display: Option<ReasoningDisplay>,
    losses: &'a mut Losses,
}

impl Writer<'_> {
    fn on(&mut self, effort: CanonicalEffort) -> Control {
        if self.capabilities.thinking.adaptive {
            return self.adaptive(Some(effort));
        }
        if self.capabilities.thinking.budget {
            return self.budget(budget_of_effort(effort));
        }
        self.drop_effort("this model does not reason");
        Control::default()
    }

    fn adaptive(&mut self, effort: Option<CanonicalEffort>) -> Control {
        let thinking = ThinkingConfigAdaptiveParam {
            display: self.display(),
            ..ThinkingConfigAdaptiveParam::new()
        };
        Control {
            thinking: Some(thinking.into()),
            effort: effort.and_then(|effort| self.effort(effort)),
        }
    }

    /// The nearest effort that this model takes: the next lower one, else its lowest.
    fn effort(&mut self, wanted: CanonicalEffort) -> Option<Effort> {
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
            let reason = format!("this model takes effort `{}` at nearest", nearest.as_str());
            self.losses.approximate(self.request.fields.effort, reason);
        }
        Some(Effort::from(nearest.as_str()))
    }

    fn budget(&mut self, wanted: u64) -> Control {
        if self.circumstances.forced_tool {
            self.drop_effort("a forced tool call and thinking exclude each other on this model");
            return Control::default();
        }
        if self.circumstances.lost_thinking {
            self.drop_effort(
                "the last tool call's turn came back without its thinking, which this model demands",
            );
            return Control::default();
        }
        let room = self.circumstances.max_tokens.saturating_sub(LEAST_BUDGET);
        let wanted = wanted.max(LEAST_BUDGET);
        let budget = if wanted < self.circumstances.max_tokens {
            wanted
        } else {
            room
        };
        if budget < LEAST_BUDGET {
            self.drop_effort("the output limit leaves no room for thinking");
            return Control::default();
        }
        if budget < wanted {
            self.losses.approximate(
                self.request.fields.effort,
                "the thinking budget was cut to the output limit",
            );
        }
        let budget = i64::try_from(budget).unwrap_or(i64::MAX);
        let thinking = ThinkingConfigEnabledParam {
            display: self.display(),
            ..ThinkingConfigEnabledParam::new(budget)
        };
        Control {
            thinking: Some(thinking.into()),
            effort: None,
        }
    }

    fn off(&mut self) -> Control {
        let support = self.capabilities.thinking;
        if !support.adaptive {
            // Models that think up to a budget do not think unless asked.
            return Control::default();
        }
        match support.disabled {
            DisabledThinking::Always | DisabledThinking::UpToHigh => {
                let thinking = ThinkingConfigDisabledParam::new();
                Control {
                    thinking: Some(thinking.into()),
                    effort: None,
                }
            }
            DisabledThinking::Never => {
                let reason = "this model cannot stop reasoning; it is asked for as little as it offers";
                self.losses.approximate(self.request.fields.effort, reason);
                self.least()
            }
        }
    }

    fn between_tools(&mut self, effort: Option<CanonicalEffort>) -> Control {
        if self.capabilities.thinking.between_tools {
            let thinking = ThinkingConfigBetweenToolsParam::new();
            let effort = effort.and_then(|effort| self.effort(effort));
            return Control {
                thinking: Some(thinking.into()),
                effort,
            };
        }
        self.losses.approximate(
            self.request.fields.thinking,
            "this model cannot think between tool calls only",
        );
        self.on(CanonicalEffort::Low)
    }

    fn least(&mut self) -> Control {
        if self.capabilities.thinking.between_tools {
            let thinking = ThinkingConfigBetweenToolsParam::new();
            return Control {
                thinking: Some(thinking.into()),
                effort: None,
            };
        }
        Control {
            thinking: None,
            effort: self.effort(CanonicalEffort::Low),
        }
    }

    fn display(&self) -> Option<ThinkingDisplay> {
        // Models that think up to a budget show their thinking without being asked.
        let shows_by_itself = !self.capabilities.thinking.adaptive;
        self.display
            .filter(|_| !shows_by_itself)
            .map(|display| match display {
                ReasoningDisplay::Summarized => ThinkingDisplay::Summarized,
                ReasoningDisplay::Omitted => ThinkingDisplay::Omitted,
            })
    }

    fn drop_effort(&mut self, reason: &'static str) {
        self.losses.drop_field(self.request.fields.effort, reason);
    }
}

/// The thinking budget for an effort, in tokens. No vendor publishes a table.
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
