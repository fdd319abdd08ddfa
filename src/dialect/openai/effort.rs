//! Reasoning effort for OpenAI's dialects, from the effort or the thinking mode that the client asks for.

use super::reasons::OpenAiReason;
use crate::canonical::{Effort, ReasoningControl, Request, Scope, Thinking};
use crate::capability::Capabilities;

/// The effort that a thinking budget in tokens corresponds to. No vendor publishes a table.
fn effort_of_budget(budget: u64) -> Effort {
    match budget {
        0..=1024 => Effort::Minimal,
        1025..=4096 => Effort::Low,
        4097..=16_000 => Effort::Medium,
        16_001..=32_000 => Effort::High,
        _ => Effort::Xhigh,
    }
}

/// The effort that a request asks for, or the nearest that this model accepts: the next lower one, otherwise its
/// lowest. `None` if the request leaves the effort to the model, or the model accepts none.
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
            // A budget names no effort, so the nearest one is not a loss.
            by_budget = true;
            (effort_of_budget(*budget), request.fields.thinking)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::openai::testing::{empty_request, model, recorded};

    fn written(
        efforts: &[Effort],
        thinking: Option<Thinking>,
        effort: Option<Effort>,
    ) -> (Option<Effort>, Vec<String>) {
        let mut request = empty_request();
        request.reasoning.thinking = thinking;
        request.reasoning.effort = effort;
        let model = Capabilities {
            efforts: efforts.to_vec(),
            ..model()
        };
        recorded(|scope| nearest(scope, &request, &model))
    }

    #[test]
    fn the_next_lower_effort_replaces_one_that_the_model_does_not_accept() {
        let reason =
            "approximated effort: sent as `medium`, the closest effort that this model accepts".to_owned();
        let efforts = [Effort::Low, Effort::Medium];
        let expected = (Some(Effort::Medium), vec![reason]);
        assert_eq!(written(&efforts, None, Some(Effort::Xhigh)), expected);
    }

    #[test]
    fn the_lowest_effort_replaces_one_below_all() {
        let (effort, losses) = written(&[Effort::Low, Effort::High], None, Some(Effort::None));
        assert_eq!((effort, losses.len()), (Some(Effort::Low), 1));
    }

    #[test]
    fn a_budget_becomes_an_effort_without_a_loss() {
        let all = [
            Effort::Minimal,
            Effort::Low,
            Effort::Medium,
            Effort::High,
            Effort::Xhigh,
        ];
        for (budget, effort) in [
            (1024, Effort::Minimal),
            (1025, Effort::Low),
            (16_000, Effort::Medium),
            (32_000, Effort::High),
            (32_001, Effort::Xhigh),
        ] {
            let thinking = Some(Thinking::Enabled { budget });
            assert_eq!(written(&all, thinking, None), (Some(effort), vec![]), "{budget}");
        }
        let low = Some(Thinking::Enabled { budget: 1024 });
        assert_eq!(written(&[Effort::High], low, None), (Some(Effort::High), vec![]));
    }

    #[test]
    fn an_explicit_effort_counts_more_than_a_budget() {
        let thinking = Some(Thinking::Enabled { budget: 1024 });
        let all = [Effort::Minimal, Effort::High];
        assert_eq!(written(&all, thinking, Some(Effort::High)).0, Some(Effort::High));
    }

    #[test]
    fn disabled_thinking_is_effort_none_whatever_effort_is_named() {
        let all = [Effort::None, Effort::High];
        let (effort, losses) = written(&all, Some(Thinking::Disabled), Some(Effort::High));
        assert_eq!((effort, losses.len()), (Some(Effort::None), 0));
    }

    #[test]
    fn an_effort_is_dropped_where_the_model_has_none() {
        let dropped = "dropped effort: this model has no reasoning effort".to_owned();
        assert_eq!(written(&[], None, Some(Effort::Low)), (None, vec![dropped]));
        assert_eq!(written(&[], None, Some(Effort::None)), (None, vec![]));
    }

    #[test]
    fn a_request_that_leaves_the_effort_to_the_model_says_nothing() {
        let all = [Effort::Low];
        assert_eq!(written(&all, None, None), (None, vec![]));
        assert_eq!(written(&all, Some(Thinking::Adaptive), None), (None, vec![]));
    }
}
