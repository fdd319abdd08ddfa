//! Reasoning: how much of it is asked for, and the items that carry it.

use super::types::*;
use crate::canonical::{
    Effort as CanonicalEffort, Family, Losses, Opaque, Path, Reasoning, ReasoningControl, ReasoningDisplay,
    Request, Scope, Thinking,
};
use crate::capability::Capabilities;
use crate::dialect::openai::effort;
use crate::dialect::shared::carrier;
use crate::dialect::shared::legacy::drop_unknown;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::wire::json::LazyStr;

/// Reads an effort.
pub fn read_effort(effort: Effort, at: &Path<'_>, losses: &mut Losses) -> Option<CanonicalEffort> {
    Some(match effort {
        Effort::None => CanonicalEffort::None,
        Effort::Minimal => CanonicalEffort::Minimal,
        Effort::Low => CanonicalEffort::Low,
        Effort::Medium => CanonicalEffort::Medium,
        Effort::High => CanonicalEffort::High,
        Effort::Xhigh => CanonicalEffort::Xhigh,
        Effort::Max => CanonicalEffort::Max,
        Effort::Other(_) => {
            losses.drop_field(*at, "an effort that the translation does not know");
            return None;
        }
    })
}

/// Reads what is asked of the model's reasoning.
pub fn read_control(reasoning: Option<ReasoningParam>, losses: &mut Losses) -> ReasoningControl {
    let at = Path::Root.field("reasoning");
    let Some(ReasoningParam {
        context,
        effort,
        generate_summary,
        mode,
        summary,
        extra,
    }) = reasoning
    else {
        return ReasoningControl::default();
    };
    drop_unknown(&extra, &at, losses);
    match context {
        None | Some(ReasoningParamContext::Auto) => {}
        Some(
            ReasoningParamContext::AllTurns
            | ReasoningParamContext::CurrentTurn
            | ReasoningParamContext::Other(_),
        ) => losses.drop_field(
            at.field("context"),
            "which turns' reasoning the model sees is the vendor's rule",
        ),
    }
    match mode {
        None | Some(ReasoningParamMode::Standard) => {}
        Some(ReasoningParamMode::Pro | ReasoningParamMode::Other(_)) => {
            losses.drop_field(at.field("mode"), "a mode of the vendor's own models");
        }
    }
    let display = summary.or(generate_summary).map(|summary| match summary {
        SummaryMode::Auto | SummaryMode::Concise | SummaryMode::Detailed | SummaryMode::Other(_) => {
            ReasoningDisplay::Summarized
        }
    });
    ReasoningControl {
        effort: effort.and_then(|effort| read_effort(effort, &at.field("effort"), losses)),
        thinking: None,
        display,
    }
}

/// Writes what is asked of the model's reasoning, as far as this model takes it.
pub fn write_control(
    request: &Request,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Option<ReasoningParam> {
    let ReasoningControl {
        effort: _,
        thinking,
        display,
    } = &request.reasoning;
    let effort = effort::nearest(&mut Scope::root(losses), request, capabilities);
    let thinks = match thinking {
        Some(Thinking::Adaptive | Thinking::Enabled { .. } | Thinking::BetweenTools) => true,
        Some(Thinking::Disabled) => false,
        None => effort.is_some_and(|effort| effort != CanonicalEffort::None),
    };
    let shows = match display {
        Some(ReasoningDisplay::Summarized) => true,
        Some(ReasoningDisplay::Omitted) => false,
        None => thinks && thinking.is_some(),
    };
    let shows = shows && !capabilities.efforts.is_empty() && effort != Some(CanonicalEffort::None);
    if effort.is_none() && !shows {
        return None;
    }
    let mut out = ReasoningParam::new();
    out.effort = effort.map(|effort| Effort::from(effort.as_str()));
    out.summary = shows.then_some(SummaryMode::Auto);
    Some(out)
}

/// Reads a reasoning item of the history: the vendor's own, or another vendor's reasoning that a carrier brings back.
pub fn read_item(item: ReasoningItemParam, at: &Path<'_>, losses: &mut Losses) -> Option<Reasoning> {
    let encrypted = item.encrypted_content.as_deref().unwrap_or_default();
    let is_carrier = carrier::is_carrier(encrypted);
    let carried = if is_carrier {
        carrier::decode(encrypted)
    } else {
        None
    };
    let own = (!is_carrier).then(|| Opaque::new(Family::OpenaiResponses, to_raw_json(&item)));
    let ReasoningItemParam {
        content,
        encrypted_content: _,
        id: _,
        status: _,
        summary,
        extra,
    } = item;
    drop_unknown(&extra, at, losses);
    let mut parts: Vec<LazyStr> = summary
        .into_iter()
        .flatten()
        .map(|SummaryTextParam { text, extra: _ }| text)
        .collect();
    if parts.is_empty() {
        let texts = content.into_iter().flatten();
        parts.extend(texts.map(|ReasoningTextParam { text, extra: _ }| text));
    }
    let Some(opaque) = carried.or(own) else {
        losses.drop_field(*at, "reasoning state that this version of the proxy did not make");
        return None;
    };
    Some(Reasoning {
        parts,
        opaque: Some(opaque),
    })
}

/// Writes reasoning as the vendor's own item. Another vendor's is never sent: it could not be decrypted.
pub fn write_item(
    reasoning: &Reasoning,
    path: Path<'static>,
    losses: &mut Losses,
) -> Option<ReasoningItemParam> {
    let Reasoning { parts: _, opaque } = reasoning;
    let own = opaque
        .as_ref()
        .filter(|opaque| opaque.origin == Family::OpenaiResponses)
        .and_then(|opaque| serde_json::from_str::<InputItemParam>(opaque.json.get()).ok());
    let Some(InputItemParam::Reasoning(item)) = own else {
        losses.drop_field(path, "another vendor's reasoning is not taken");
        return None;
    };
    let ReasoningItemParam {
        content,
        encrypted_content,
        id,
        status: _,
        summary,
        extra: _,
    } = item;
    let content = content.filter(|content| !content.is_empty());
    let encrypted_content = encrypted_content.filter(|state| !state.is_empty());
    if encrypted_content.is_none() && content.is_none() {
        losses.drop_field(
            path,
            "reasoning without its state is known only where it was stored",
        );
        return None;
    }
    let mut out = ReasoningItemParam::new();
    out.content = content;
    out.encrypted_content = encrypted_content;
    out.id = id;
    out.summary = Some(summary.unwrap_or_default());
    Some(out)
}

/// Reads a reasoning item of an answer, with the exact item where it has to come back.
pub fn read_answer(item: ReasoningItem) -> Reasoning {
    let opaque = state(&item);
    let ReasoningItem {
        content,
        encrypted_content: _,
        id: _,
        status: _,
        summary,
        extra: _,
    } = item;
    let mut parts: Vec<LazyStr> = summary
        .into_iter()
        .flatten()
        .map(|SummaryText { text, extra: _ }| text.into())
        .collect();
    if parts.is_empty() {
        let texts = content.into_iter().flatten();
        parts.extend(texts.map(|ReasoningText { text, extra: _ }| text.into()));
    }
    Reasoning { parts, opaque }
}

/// The state of a reasoning item: the item itself, unless it says nothing that its text does not.
pub fn state(item: &ReasoningItem) -> Option<Opaque> {
    let has_state = item
        .encrypted_content
        .as_deref()
        .is_some_and(|state| !state.is_empty());
    let has_content = item.content.as_deref().is_some_and(|content| !content.is_empty());
    (has_state || has_content).then(|| Opaque::new(Family::OpenaiResponses, to_raw_json(item)))
}

/// What stands for a vendor's state in the `encrypted_content` of an answer: the item's own, or a carrier.
pub fn encrypted(opaque: &Opaque) -> String {
    if opaque.origin == Family::OpenaiResponses
        && let Ok(OutputItem::Reasoning(ReasoningItem {
            encrypted_content: Some(state),
            ..
        })) = serde_json::from_str(opaque.json.get())
    {
        return state;
    }
    carrier::encode(opaque)
}

/// A reasoning item of an answer.
pub fn write_answer(
    id: &str,
    parts: Vec<String>,
    opaque: Option<&Opaque>,
    status: ItemStatus,
) -> ReasoningItem {
    let summary = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(SummaryText::new);
    let mut item = ReasoningItem::new();
    item.id = Some(id.to_owned());
    item.summary = Some(summary.collect());
    // Reasoning that nobody signs is marked as such, so that its text finds its way back.
    item.encrypted_content =
        Some(opaque.map_or_else(|| carrier::encode(&carrier::unsigned_reasoning()), encrypted));
    item.status = Some(status);
    item
}
