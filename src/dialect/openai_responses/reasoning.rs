//! Reasoning: how much of it a request asks for, and the items that carry it.
//!
//! The state of a reasoning item is its `encrypted_content`. A state of another vendor reaches a client of this API in
//! a carrier in that member, and comes back in the same way.

use crate::canonical::{
    Effort as CanonicalEffort, Family, Opaque, Reasoning, ReasoningControl, ReasoningDisplay, Request, Scope,
    Thinking,
};
use crate::capability::Capabilities;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::dialect::shared::carrier;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::unknown::drop_unknown;
use crate::wire::json::LazyStr;

/// Reads an effort.
pub fn read_effort(scope: &mut Scope<'_>, effort: &Effort) -> Option<CanonicalEffort> {
    Some(match effort {
        Effort::None => CanonicalEffort::None,
        Effort::Minimal => CanonicalEffort::Minimal,
        Effort::Low => CanonicalEffort::Low,
        Effort::Medium => CanonicalEffort::Medium,
        Effort::High => CanonicalEffort::High,
        Effort::Xhigh => CanonicalEffort::Xhigh,
        Effort::Max => CanonicalEffort::Max,
        Effort::Other(_) => {
            scope.drop(OpenAiReason::UnknownEffort);
            return None;
        }
    })
}

/// Reads `reasoning` of a request, where the scope is.
pub fn read_control(scope: &mut Scope<'_>, reasoning: Option<ReasoningParam>) -> ReasoningControl {
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
    drop_unknown(scope, &extra);
    match context {
        None | Some(ReasoningParamContext::Auto) => {}
        Some(
            ReasoningParamContext::AllTurns
            | ReasoningParamContext::CurrentTurn
            | ReasoningParamContext::Other(_),
        ) => scope.field("context").drop(ResponsesReason::ReasoningContext),
    }
    match mode {
        None | Some(ReasoningParamMode::Standard) => {}
        Some(ReasoningParamMode::Pro | ReasoningParamMode::Other(_)) => {
            scope.field("mode").drop(ResponsesReason::ReasoningMode);
        }
    }
    // `generate_summary` is the deprecated name. How long a summary is, no other vendor lets a client choose.
    let display = summary.or(generate_summary).map(|summary| match summary {
        SummaryMode::Auto | SummaryMode::Concise | SummaryMode::Detailed | SummaryMode::Other(_) => {
            ReasoningDisplay::Summarized
        }
    });
    ReasoningControl {
        effort: effort.and_then(|effort| read_effort(&mut scope.field("effort"), &effort)),
        thinking: None,
        display,
    }
}

/// Writes `reasoning` of a request, as far as this model accepts it. `effort` is an effort that the model accepts.
pub fn write_control(
    request: &Request,
    effort: Option<CanonicalEffort>,
    capabilities: &Capabilities,
) -> Option<ReasoningParam> {
    let ReasoningControl {
        effort: _,
        thinking,
        display,
    } = &request.reasoning;
    let thinks = match thinking {
        Some(Thinking::Adaptive | Thinking::Enabled { .. } | Thinking::BetweenTools) => true,
        Some(Thinking::Disabled) => false,
        None => effort.is_some_and(|effort| effort != CanonicalEffort::None),
    };
    // A client that sets a thinking mode expects to see the thinking, unless it says otherwise; one that only sets an
    // effort has to ask for a summary.
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

/// Reads a reasoning item of the history: the vendor's own, or another vendor's reasoning in a carrier.
pub fn read_item(scope: &mut Scope<'_>, item: ReasoningItemParam) -> Option<Reasoning> {
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
    drop_unknown(scope, &extra);
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
        scope.drop(ResponsesReason::UnreadableCarrier);
        return None;
    };
    Some(Reasoning {
        parts,
        opaque: Some(opaque),
    })
}

/// Writes reasoning as the vendor's own item. Another vendor's is never sent: the API could not decrypt it.
pub fn write_item(scope: &mut Scope<'_>, reasoning: &Reasoning) -> Option<ReasoningItemParam> {
    let Reasoning { parts: _, opaque } = reasoning;
    let own = opaque
        .as_ref()
        .filter(|opaque| opaque.origin == Family::OpenaiResponses)
        .and_then(|opaque| serde_json::from_str::<InputItemParam>(opaque.json.get()).ok());
    let Some(InputItemParam::Reasoning(item)) = own else {
        scope.drop(ResponsesReason::ForeignReasoning);
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
    // With neither, only the identifier refers to the state, and requests go out with `store: false`.
    if encrypted_content.is_none() && content.is_none() {
        scope.drop(ResponsesReason::ReasoningWithoutState);
        return None;
    }
    let mut out = ReasoningItemParam::new();
    out.content = content;
    out.encrypted_content = encrypted_content;
    out.id = id;
    // The API requires the member, if only as an empty list.
    out.summary = Some(summary.unwrap_or_default());
    Some(out)
}

/// Reads a reasoning item of a response, with the exact item if it has to come back in the next request.
pub fn read_output_item(item: ReasoningItem) -> Reasoning {
    let opaque = read_state(&item);
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

/// Reads the state of a reasoning item of a response: the item itself, unless a summary is all that it contains.
pub fn read_state(item: &ReasoningItem) -> Option<Opaque> {
    let has_state = item
        .encrypted_content
        .as_deref()
        .is_some_and(|state| !state.is_empty());
    let has_content = item.content.as_deref().is_some_and(|content| !content.is_empty());
    (has_state || has_content).then(|| Opaque::new(Family::OpenaiResponses, to_raw_json(item)))
}

/// Writes the `encrypted_content` of a response's item: the vendor's own state, or another vendor's in a carrier.
fn write_state(opaque: &Opaque) -> String {
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

/// Writes a reasoning item of a response.
pub fn write_output_item(
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
    // Text without a state gets a carrier that says so: when the item comes back, its text is sent to the upstream
    // again.
    item.encrypted_content =
        Some(opaque.map_or_else(|| carrier::encode(&carrier::unsigned_reasoning()), write_state));
    item.status = Some(status);
    item
}
