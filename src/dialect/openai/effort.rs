//! Reasoning effort for OpenAI's dialects, from whatever the client's dialect said of reasoning.

use super::reasons::OpenAiReason;
use crate::canonical::{Effort, ReasoningControl, Request, Scope, Thinking};
use crate::capability::Capabilities;

/// The effort that a thinking budget in tokens stands for. No vendor publishes a table.
fn of_budget(budget: u64) -> Effort {
    match budget {
        0..=1024 => Effort::Minimal,
        1025..=4096 => Effort::Low,
        4097..=16_000 => Effort::Medium,
        16_001..=32_000 => Effort::High,
        _ => Effort::Xhigh,
    }
}

/// The effort that a request asks for, as far as this model takes it: the next lower one, else its lowest. `None` where the
/// request leaves it to the model.
pub fn nearest(scope: &mut Scope<'_>, request: &Request, capabilities: &Capabilities) -> Option<Effort> {
    let ReasoningControl {
        effort,
        thinking,
        display: _,
    } = &request.reasoning;
    let mut by_budget = false;
    let (wanted, field) = match (thinking, effort) {
        (Some(Thinking::Disabled), _) => (Effort::None, request.fields.thinking),
        (Some(Thinking::BetweenTools), _) => {
            scope
                .at(request.fields.thinking)
                .approximate(OpenAiReason::ThinkingBetweenTools);
            (Effort::Low, request.fields.thinking)
        }
        (Some(Thinking::Enabled { budget }), None) => {
            // A budget names no effort, so that the nearest one is as good as any.
            by_budget = true;
            (of_budget(*budget), request.fields.thinking)
        }
        (Some(Thinking::Enabled { budget: _ } | Thinking::Adaptive) | None, Some(effort)) => {
            (*effort, request.fields.effort)
        }
        (Some(Thinking::Adaptive) | None, None) => return None,
    };
    let efforts = &capabilities.efforts;
    let lower = efforts.iter().filter(|effort| **effort <= wanted).max();
    let Some(nearest) = lower.or(efforts.iter().min()).copied() else {
        if wanted != Effort::None {
            scope.at(field).drop(OpenAiReason::NoEffort);
        }
        return None;
    };
    if nearest != wanted && !by_budget {
        scope.at(field).approximate(OpenAiReason::NearestEffort {
            nearest: nearest.as_str(),
        });
    }
    Some(nearest)
}
