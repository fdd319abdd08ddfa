//! Complete answers.

use serde_json::Value;

use super::answer::MessageWriter;
use super::types::*;
use super::usage;
use crate::canonical::{
    Annotation as CanonicalAnnotation, Block, Error, ErrorClass, Finish, Losses, RawJson, Reasoning,
    Response, Text, ToolCall, ToolInput,
};
use crate::dialect::ResponseContext;
use crate::dialect::openai::error;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::{call_ids, carrier};

/// Reads a complete answer.
///
/// # Errors
/// [`ErrorClass::Upstream`] where it is none; the upstream's own error where it sent one with a success.
pub fn read(body: &[u8], losses: &mut Losses) -> Result<Response, Error> {
    let completion = super::types::parse_response(body).or_else(|read_error| {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(error) = error::read_in_band(&document) {
            return Err(error);
        }
        let repaired = with_text_arguments(document, "message");
        let completion = repaired.and_then(|body| super::types::parse_response(&body).ok());
        completion.ok_or_else(|| {
            let message = format!("the upstream's answer is no chat completion: {read_error}");
            Error::new(ErrorClass::Upstream, message)
        })
    })?;
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
    for at in 1..choices.len() {
        losses.drop_field(format!("choices[{at}]"), "one answer to a request");
    }
    let Some(choice) = choices.into_iter().next() else {
        let message = "the upstream's answer holds no choice";
        return Err(Error::new(ErrorClass::Upstream, message));
    };
    let ChatCompletionChoice {
        finish_reason,
        index: _,
        logprobs,
        message,
        extra: _,
    } = choice;
    let content = read_message(message, id.as_deref(), losses);
    let refused = content.iter().any(|block| matches!(block, Block::Refusal { .. }));
    let finish_reason = finish_reason.unwrap_or(FinishReason::Stop);
    Ok(Response {
        finish: usage::read_finish(&finish_reason, refused, losses),
        id,
        model,
        content,
        usage: usage.map(usage::read),
        service_tier: service_tier.map(|tier| tier.as_str().to_owned()),
        logprobs: logprobs.and_then(read_logprobs),
    })
}

/// The document with the arguments of calls as text, where a server sends them as objects; `None` where it does not.
/// `message` is the member of a choice that holds the calls.
pub fn with_text_arguments(mut document: Value, message: &str) -> Option<Vec<u8>> {
    let mut found = false;
    let choices = document.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let calls = choice
            .get_mut(message)
            .and_then(|message| message.get_mut("tool_calls"))
            .and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten() {
            let function = call.get_mut("function");
            if let Some(arguments) = function.and_then(|function| function.get_mut("arguments"))
                && arguments.is_object()
            {
                *arguments = Value::String(arguments.to_string());
                found = true;
            }
        }
    }
    found.then(|| document.to_string().into_bytes())
}

/// The list of log probabilities of the text.
pub fn read_logprobs(logprobs: ChoiceLogprobs) -> Option<RawJson> {
    let ChoiceLogprobs {
        content,
        refusal: _,
        extra: _,
    } = logprobs;
    content
        .filter(|content| !content.is_empty())
        .map(|content| to_raw_json(&content))
}

/// The list of log probabilities as a choice holds it.
pub fn write_logprobs(list: &RawJson) -> Option<ChoiceLogprobs> {
    let content = serde_json::from_str(list.get()).ok()?;
    Some(ChoiceLogprobs {
        content: Some(content),
        ..ChoiceLogprobs::new()
    })
}

/// The reasoning text of an answer, which servers send under one name or the other, some under both.
pub fn reasoning_text(reasoning_content: Option<String>, reasoning: Option<String>) -> Option<String> {
    let filled = |text: &String| !text.is_empty();
    reasoning_content
        .filter(filled)
        .or_else(|| reasoning.filter(filled))
}

/// Why entries of `reasoning_details` stay behind; their text stands in `reasoning` as well.
pub const ROUTERS_STATE: &str = "a router's state of the reasoning is not carried";

fn read_message(message: ChatCompletionMessage, id: Option<&str>, losses: &mut Losses) -> Vec<Block> {
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
    if audio.is_some() {
        losses.drop_field("choices[0].message.audio", "answers are text");
    }
    if reasoning_details.is_some_and(|details| !details.is_empty()) {
        losses.drop_field("choices[0].message.reasoning_details", ROUTERS_STATE);
    }
    if let Some(text) = reasoning_text(reasoning_content, reasoning) {
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
                .filter_map(read_annotation)
                .collect(),
            cache: None,
        }));
    }
    if let Some(text) = refusal.filter(|text| !text.is_empty()) {
        blocks.push(Block::Refusal { text: text.into() });
    }
    for (index, call) in tool_calls.into_iter().flatten().enumerate() {
        if let Some(call) = read_call(call, id, index, losses) {
            blocks.push(Block::ToolCall(call));
        }
    }
    if let Some(call) = function_call {
        let ChatCompletionMessageFunctionCall {
            arguments,
            name,
            extra: _,
        } = call;
        blocks.push(Block::ToolCall(ToolCall {
            id: usage::call_id(id, 0),
            name: name.unwrap_or_default(),
            namespace: None,
            input: ToolInput::from_arguments(arguments.unwrap_or_default()),
            cache: None,
        }));
    }
    blocks
}

/// Reads a citation of a web page.
pub fn read_annotation(annotation: Annotation) -> Option<CanonicalAnnotation> {
    let Annotation {
        url_citation,
        extra: _,
    } = annotation;
    let AnnotationUrlCitation {
        end_index,
        start_index,
        title,
        url,
        extra: _,
    } = url_citation?;
    let index = |index: Option<i64>| u64::try_from(index?).ok();
    Some(CanonicalAnnotation {
        url: url?,
        title: title.unwrap_or_default(),
        span: index(start_index).zip(index(end_index)),
    })
}

/// The text of a call's arguments, or of a piece of them. Some servers send the object itself.
pub fn read_arguments(arguments: Option<ToolCallArguments>) -> String {
    match arguments {
        None => String::new(),
        Some(ToolCallArguments::String(text)) => text,
        Some(ToolCallArguments::Object(json) | ToolCallArguments::Other(json)) => json.get().to_owned(),
    }
}

fn read_call(
    call: ChatCompletionMessageToolCallUnion,
    answer: Option<&str>,
    index: usize,
    losses: &mut Losses,
) -> Option<ToolCall> {
    let (id, name, input) = match call {
        ChatCompletionMessageToolCallUnion::Function(call) => {
            let ChatCompletionMessageFunctionToolCall {
                function,
                id,
                extra: _,
            } = call;
            let ChatCompletionMessageFunctionToolCallFunction {
                arguments,
                name,
                extra: _,
            } = function;
            (id, name, ToolInput::from_arguments(read_arguments(arguments)))
        }
        ChatCompletionMessageToolCallUnion::Custom(call) => {
            let ChatCompletionMessageCustomToolCall { custom, id, extra: _ } = call;
            let ChatCompletionMessageCustomToolCallCustom {
                input,
                name,
                extra: _,
            } = custom;
            let text = input.unwrap_or_default();
            (
                id,
                name.unwrap_or_default(),
                ToolInput::Freeform { text: text.into() },
            )
        }
        ChatCompletionMessageToolCallUnion::Unknown(_) => {
            let path = format!("choices[0].message.tool_calls[{index}]");
            losses.drop_field(path, "a kind of call that the translation does not know");
            return None;
        }
    };
    Some(ToolCall {
        id: id
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| usage::call_id(answer, index)),
        name,
        namespace: None,
        input,
        cache: None,
    })
}

/// Writes a complete answer.
pub fn write(response: Response, reply: &ResponseContext, losses: &mut Losses) -> Vec<u8> {
    let Response {
        id,
        // Clients compare the model with the one they asked for.
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
    } = reply;
    let mut writer = MessageWriter::new(preferences.legacy_functions);
    for (index, block) in content.into_iter().enumerate() {
        writer.block(block, index, losses);
    }
    let Finish {
        reason,
        // The text that was met has no place here.
        stop_sequence: _,
        explanation,
    } = finish;
    let reason = usage::write_finish(reason, writer.has_refusal(), preferences.legacy_functions, losses);
    if !writer.has_refusal()
        && reason == FinishReason::ContentFilter
        && let Some(explanation) = explanation
    {
        writer.refuse(&explanation);
    }
    let mut choice = ChatCompletionChoice::new(writer.finish());
    choice.index = Some(0);
    choice.finish_reason = Some(reason);
    choice.logprobs = logprobs.as_ref().and_then(write_logprobs);
    choice.extra.push_null("logprobs");
    let mut out = ChatCompletion::new(vec![choice]);
    out.id = Some(call_ids::with_prefix(
        "chatcmpl-",
        id.as_ref().unwrap_or(request_id),
    ));
    out.created = Some(i64::try_from(*created).unwrap_or(i64::MAX));
    out.model = Some(model.clone());
    out.service_tier = usage::write_tier(service_tier.as_deref());
    out.usage = Some(usage::write(usage));
    super::types::write_response(&out)
}
