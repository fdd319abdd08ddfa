//! Reasoning: how much of it a client asks for, and its text and state in messages.
//!
//! The API itself shows no reasoning. Compatible servers send its text as `reasoning_content` or `reasoning`, and
//! routers send a vendor's state in `reasoning_details`, where this proxy puts its carriers.

use serde::{Deserialize, Serialize};

use crate::canonical::{Block, Effort, Family, Opaque, Reasoning, ReasoningControl, ReasoningDisplay, Scope};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::carrier;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::wire::json::{LazyStr, RawJson};

/// Reads how much the model is asked to reason.
pub fn read_control(scope: &mut Scope<'_>, effort: Option<ReasoningEffort>) -> ReasoningControl {
    let effort = effort.and_then(|effort| read_effort(scope, effort));
    // A response has room for reasoning in `reasoning_content`. Other vendors leave the text out unless asked for it.
    let display = effort
        .filter(|effort| *effort != Effort::None)
        .map(|_| ReasoningDisplay::Summarized);
    ReasoningControl {
        effort,
        thinking: None,
        display,
    }
}

fn read_effort(scope: &mut Scope<'_>, effort: ReasoningEffort) -> Option<Effort> {
    Some(match effort {
        ReasoningEffort::None => Effort::None,
        ReasoningEffort::Minimal => Effort::Minimal,
        ReasoningEffort::Low => Effort::Low,
        ReasoningEffort::Medium => Effort::Medium,
        ReasoningEffort::High => Effort::High,
        ReasoningEffort::Xhigh => Effort::Xhigh,
        ReasoningEffort::Max => Effort::Max,
        ReasoningEffort::Other(_) => {
            scope.drop(OpenAiReason::UnknownEffort);
            return None;
        }
    })
}

/// An entry of `reasoning_details` in a request, of which only carriers can be read.
#[derive(Default, Deserialize)]
struct ReadReasoningDetail {
    data: Option<String>,
}

/// Reads the reasoning of an earlier message of the assistant; `scope` is that of the message.
///
/// The client sends the text of all blocks as one, so the first block gets all of it.
pub fn read_message(
    scope: &mut Scope<'_>,
    reasoning: Option<LazyStr>,
    reasoning_content: Option<LazyStr>,
    details: Option<Vec<RawJson>>,
) -> Vec<Block> {
    if let (Some(one), Some(other)) = (&reasoning, &reasoning_content)
        && one != other
    {
        scope.field("reasoning").ignore(ChatReason::SupersededReasoning);
    }
    let text = reasoning_content.or(reasoning).unwrap_or_default();
    let mut parts = if text.is_empty() { Vec::new() } else { vec![text] };
    let mut blocks = Vec::new();
    let mut scope = scope.field("reasoning_details");
    for (index, detail) in details.into_iter().flatten().enumerate() {
        let detail: ReadReasoningDetail = serde_json::from_str(detail.get()).unwrap_or_default();
        let Some(opaque) = detail.data.as_deref().and_then(carrier::decode) else {
            scope.index(index).drop(ChatReason::ForeignReasoningState);
            continue;
        };
        blocks.push(Block::Reasoning(Reasoning {
            parts: std::mem::take(&mut parts),
            opaque: Some(opaque),
        }));
    }
    if !parts.is_empty() {
        blocks.insert(0, Block::Reasoning(Reasoning { parts, opaque: None }));
    }
    blocks
}

/// The reasoning text of a response or of a chunk. Servers send it under one of two names, some under both.
pub fn read_text(reasoning_content: Option<String>, reasoning: Option<String>) -> Option<String> {
    let is_filled = |text: &String| !text.is_empty();
    reasoning_content
        .filter(is_filled)
        .or_else(|| reasoning.filter(is_filled))
}

/// An entry of `reasoning_details` in a response. Without an integer `index` the OpenAI SDK for Python cannot merge the
/// lists of streamed chunks.
#[derive(Serialize)]
struct WrittenReasoningDetail<'a> {
    index: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    data: &'a str,
}

/// The entry that carries a vendor's reasoning state. `None` for the marker of this dialect's own reasoning, which has
/// no state.
pub fn write_detail(opaque: &Opaque, index: usize) -> Option<RawJson> {
    if opaque.origin == Family::OpenaiChat {
        return None;
    }
    Some(to_raw_json(&WrittenReasoningDetail {
        index,
        kind: "reasoning.encrypted",
        data: &carrier::encode(opaque),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Losses;

    #[test]
    fn a_client_that_asks_for_reasoning_is_shown_it() {
        let mut losses = Losses::new();
        let mut control = |effort| read_control(&mut Scope::root(&mut losses), effort).display;
        assert_eq!(
            control(Some(ReasoningEffort::Low)),
            Some(ReasoningDisplay::Summarized)
        );
        assert_eq!(control(Some(ReasoningEffort::None)), None);
        assert_eq!(control(None), None);
    }

    #[test]
    fn an_unknown_effort_is_dropped() {
        let mut losses = Losses::new();
        let effort = Some(ReasoningEffort::from("extreme"));
        assert_eq!(read_control(&mut Scope::root(&mut losses), effort).effort, None);
        assert_eq!(losses.notable().count(), 1);
    }

    fn read(details: &[RawJson]) -> Vec<Reasoning> {
        let mut losses = Losses::new();
        let blocks = read_message(
            &mut Scope::root(&mut losses),
            None,
            Some("hm".into()),
            Some(details.to_vec()),
        );
        let reasoning = blocks.into_iter().map(|block| match block {
            Block::Reasoning(reasoning) => reasoning,
            other => panic!("{other:?}"),
        });
        reasoning.collect()
    }

    #[test]
    fn the_text_of_all_blocks_belongs_to_the_first_state() {
        let state = Opaque::new(Family::Claude, to_raw_json(&1));
        let details: Vec<RawJson> = (0..2).filter_map(|index| write_detail(&state, index)).collect();
        let blocks = read(&details);
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0].parts, ["hm"]);
        assert!(blocks[1].parts.is_empty());
        assert!(blocks.iter().all(|block| block.opaque.is_some()));
    }

    #[test]
    fn text_without_a_state_is_kept() {
        let blocks = read(&[to_raw_json(
            &serde_json::json!({"type": "reasoning.text", "text": "t"}),
        )]);
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].parts, ["hm"]);
        assert!(blocks[0].opaque.is_none());
    }

    #[test]
    fn two_names_of_the_reasoning_are_a_loss_only_if_the_texts_differ() {
        let recorded = |reasoning: &str| {
            let mut losses = Losses::new();
            let scope = &mut Scope::root(&mut losses);
            read_message(scope, Some(reasoning.into()), Some("hm".into()), None);
            losses.entries().len()
        };
        assert_eq!((recorded("hm"), recorded("so")), (0, 1));
    }

    #[test]
    fn an_empty_reasoning_content_does_not_hide_the_other_name() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(read_text(text(""), text("hm")), text("hm"));
        assert_eq!(read_text(text("a"), text("b")), text("a"));
        assert_eq!(read_text(text(""), text("")), None);
    }

    #[test]
    fn the_marker_of_unsigned_reasoning_is_not_sent() {
        assert!(write_detail(&carrier::unsigned_reasoning(), 0).is_none());
    }
}
