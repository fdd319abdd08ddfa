//! Writes a complete response for a client.

use super::builder::ChatMessageBuilder;
use super::calls::ChatCallForm;
use super::logprobs;
use crate::canonical::{Finish, Response, Scope};
use crate::dialect::ResponseContext;
use crate::dialect::openai_chat::request::write_response_tier;
use crate::dialect::openai_chat::types::{self, *};
use crate::dialect::openai_chat::usage::{self, ModelRefusal};
use crate::dialect::shared::call_ids;

/// Writes a complete response; `scope` is that of the upstream's.
pub fn write(scope: &mut Scope<'_>, response: Response, context: &ResponseContext) -> Vec<u8> {
    let Response {
        id,
        // Clients compare the model with the one that they asked for.
        model: _,
        content,
        finish,
        usage,
        service_tier,
        logprobs,
    } = response;
    let ResponseContext {
        model,
        preferences,
        created,
        request_id,
        input_estimate: _,
    } = context;
    let call_form = ChatCallForm::of(preferences);
    let mut message = ChatMessageBuilder::new(call_form);
    for (index, block) in content.into_iter().enumerate() {
        message.add(scope, block, index);
    }
    let Finish {
        reason,
        // The API has no member for the stop sequence that was met.
        stop_sequence: _,
        explanation,
    } = finish;
    let reason = usage::write_finish(scope, reason, message.refusal(), call_form);
    if reason == FinishReason::ContentFilter
        && message.refusal() == ModelRefusal::Absent
        && let Some(explanation) = explanation
    {
        message.add_refusal(&explanation);
    }
    let mut choice = ChatCompletionChoice::new(message.finish());
    choice.index = Some(0);
    choice.finish_reason = Some(reason);
    choice.logprobs = logprobs.as_ref().and_then(logprobs::write);
    choice.extra.push_null("logprobs");
    let mut out = ChatCompletion::new(vec![choice]);
    let id = id.as_ref().unwrap_or(request_id);
    out.id = Some(call_ids::with_prefix("chatcmpl-", id));
    out.created = Some(i64::try_from(*created).unwrap_or(i64::MAX));
    out.model = Some(model.clone());
    out.service_tier = write_response_tier(service_tier.as_deref());
    out.usage = Some(usage::write(usage));
    types::write_response(&out)
}
