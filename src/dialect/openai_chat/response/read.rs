//! Reads an upstream's complete response.

use serde_json::Value;

use super::{annotations, calls, logprobs};
use crate::canonical::{Block, Error, ErrorClass, Reasoning, Response, Scope, Text};
use crate::dialect::openai::error;
use crate::dialect::openai_chat::reasoning;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::usage::{self, ModelRefusal};
use crate::dialect::shared::carrier;

/// Reads a complete response; `scope` is that of its body.
///
/// # Errors
/// [`ErrorClass::Upstream`] if the body is no response of this dialect; the upstream's own error if it sent one with a
/// success.
pub fn read(scope: &mut Scope<'_>, body: &[u8]) -> Result<Response, Error> {
    let completion = parse(body)?;
    let ChatCompletion {
        choices,
        created: _,
        id,
        metadata: _,
        model,
        moderation: _,
        service_tier,
        system_fingerprint: _,
        usage,
        extra: _,
    } = completion;
    let mut choice_scope = scope.field("choices");
    for index in 1..choices.len() {
        choice_scope.index(index).drop(ChatReason::OneResponse);
    }
    let Some(choice) = choices.into_iter().next() else {
        let message = "the upstream's response contains no choice";
        return Err(Error::new(ErrorClass::Upstream, message));
    };
    let ChatCompletionChoice {
        finish_reason,
        index: _,
        logprobs,
        message,
        extra: _,
    } = choice;
    let mut choice_scope = choice_scope.index(0);
    let content = read_message(&mut choice_scope.field("message"), message, id.as_deref());
    let refusal = ModelRefusal::of_content(&content);
    let finish_reason = finish_reason.unwrap_or(FinishReason::Stop);
    Ok(Response {
        finish: usage::read_finish(&mut choice_scope.field("finish_reason"), &finish_reason, refusal),
        id,
        model,
        content,
        usage: usage.map(usage::read),
        service_tier: service_tier.map(|tier| tier.as_str().to_owned()),
        logprobs: logprobs.and_then(logprobs::read),
    })
}

fn parse(body: &[u8]) -> Result<ChatCompletion, Error> {
    parse_response(body).or_else(|read_error| {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(error) = error::read_in_band(&document) {
            return Err(error);
        }
        let repaired = calls::stringify_arguments(document, "message");
        let completion = repaired.and_then(|body| parse_response(&body).ok());
        completion.ok_or_else(|| {
            let message = format!("the upstream's response is not a chat completion: {read_error}");
            Error::new(ErrorClass::Upstream, message)
        })
    })
}

/// Reads the message of a choice. `response_id` is for calls without an identifier.
fn read_message(
    scope: &mut Scope<'_>,
    message: ChatCompletionMessage,
    response_id: Option<&str>,
) -> Vec<Block> {
    let ChatCompletionMessage {
        annotations,
        audio,
        content,
        function_call,
        reasoning,
        reasoning_content,
        reasoning_details,
        refusal,
        tool_calls,
        extra: _,
    } = message;
    let mut blocks = Vec::new();
    scope.drop_member("audio", &audio, ChatReason::TextOnly);
    let details = reasoning_details.filter(|details| !details.is_empty());
    scope.drop_member("reasoning_details", &details, ChatReason::RouterReasoning);
    if let Some(text) = reasoning::read_text(reasoning_content, reasoning) {
        blocks.push(Block::Reasoning(Reasoning {
            parts: vec![text.into()],
            opaque: Some(carrier::unsigned_reasoning()),
        }));
    }
    if let Some(text) = content.filter(|text| !text.is_empty()) {
        blocks.push(Block::Text(Text {
            text: text.into(),
            annotations: annotations
                .into_iter()
                .flatten()
                .filter_map(annotations::read)
                .collect(),
            cache: None,
        }));
    }
    if let Some(text) = refusal.filter(|text| !text.is_empty()) {
        blocks.push(Block::Refusal { text: text.into() });
    }
    let mut call_scope = scope.field("tool_calls");
    for (index, call) in tool_calls.into_iter().flatten().enumerate() {
        let call = calls::read(&mut call_scope.index(index), call, response_id, index);
        blocks.extend(call.map(Block::ToolCall));
    }
    let call = function_call.map(|call| calls::read_function_call(call, response_id));
    blocks.extend(call.map(Block::ToolCall));
    blocks
}
