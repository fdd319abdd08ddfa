//! Writes complete responses.

use super::items::{self, CallItem};
use super::object::ResponseObject;
use crate::canonical::{
    Block, RawJson, Reasoning, Response as CanonicalResponse, Scope, ServerTool, Text, ToolCall, ToolInput,
};
use crate::dialect::ResponseContext;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::usage::{OwnRefusal, ResponseOutcome};
use crate::dialect::openai_responses::{reasoning, tools};
use crate::wire::json::{LazyStr, compact};

/// Writes a response.
pub fn write(scope: &mut Scope<'_>, response: CanonicalResponse, context: &ResponseContext) -> Vec<u8> {
    let CanonicalResponse {
        id,
        model: _,
        content,
        finish,
        usage,
        service_tier,
        mut logprobs,
    } = response;
    let object = ResponseObject::new(context.clone(), id.as_deref(), service_tier);
    let is_refusal = |block: &Block| matches!(block, Block::Refusal { text } if !text.is_empty());
    let refusal = if content.iter().any(is_refusal) {
        OwnRefusal::Present
    } else {
        OwnRefusal::Absent
    };
    let end = ResponseOutcome::from_finish(scope, &finish, refusal);
    let mut output = Vec::with_capacity(content.len());
    for block in content {
        let item = write_block(scope, block, output.len(), &object, end, &mut logprobs);
        output.extend(item);
    }
    if let Some(text) = end.explanation(&finish, refusal) {
        let part = OutputContent::from(Refusal::new(text));
        let id = object.item_id("msg", output.len());
        output.push(items::write_message(&id, part, ItemStatus::Completed).into());
    }
    write_response(&object.write_final(output, end, usage))
}

/// Writes the item of a block; `None` if the block has nothing to show.
fn write_block(
    scope: &mut Scope<'_>,
    block: Block,
    index: usize,
    object: &ResponseObject,
    end: ResponseOutcome,
    logprobs: &mut Option<RawJson>,
) -> Option<OutputItem> {
    Some(match block {
        Block::Text(Text {
            text,
            annotations,
            cache: _,
        }) => {
            if text.is_empty() {
                return None;
            }
            let length = text.chars().count();
            let annotations = annotations.into_iter();
            let annotations = annotations.map(|annotation| items::write_citation(annotation, length));
            // The model has one list for the whole response; it goes to the first text.
            let part = items::write_text(text, annotations.collect(), logprobs.take());
            let id = object.item_id("msg", index);
            items::write_message(&id, part.into(), ItemStatus::Completed).into()
        }
        Block::Refusal { text } => {
            if text.is_empty() {
                return None;
            }
            let id = object.item_id("msg", index);
            items::write_message(&id, Refusal::new(text).into(), ItemStatus::Completed).into()
        }
        Block::Reasoning(reasoning) => {
            let Reasoning { parts, opaque } = reasoning;
            let parts = parts.into_iter().map(LazyStr::into_string).collect();
            let id = object.item_id("rs", index);
            reasoning::write_output_item(&id, parts, opaque.as_ref(), ItemStatus::Completed).into()
        }
        Block::ToolCall(call) => write_call(call, index, object, end),
        Block::ServerTool(ServerTool {
            origin: _,
            item: _,
            query: Some(query),
        }) => items::write_web_search(&object.item_id("ws", index), &query).into(),
        Block::ServerTool(ServerTool {
            origin: _,
            item,
            query: None,
        }) => {
            scope.field("output").drop(OpenAiReason::VendorItem { item });
            return None;
        }
        Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_)
        | Block::SearchResult(_)
        | Block::ToolResult(_) => {
            scope.field("output").drop(ResponsesReason::ContentNotInResponses);
            return None;
        }
    })
}

fn write_call(call: ToolCall, index: usize, object: &ResponseObject, end: ResponseOutcome) -> OutputItem {
    let ToolCall {
        id,
        name,
        namespace,
        input,
        cache: _,
    } = call;
    let (arguments, status) = match input {
        ToolInput::Object { json } => (compact(json.get()), ItemStatus::Completed),
        // Arguments that are no JSON were cut off if the response was; else the model wrote them like that.
        ToolInput::Malformed { text } if end == ResponseOutcome::Truncated => {
            (text.into_string(), ItemStatus::Incomplete)
        }
        ToolInput::Malformed { text } => (text.into_string(), ItemStatus::Completed),
        ToolInput::Freeform { text } => {
            let call = CallItem::new(object.item_id("ctc", index), id, name, namespace);
            return call
                .write_custom(text.into_string(), ItemStatus::Completed)
                .into();
        }
    };
    if object.has_client_search() && name == tools::TOOL_SEARCH && namespace.is_none() {
        let call = CallItem::new(object.item_id("tsc", index), id, name, namespace);
        return call.write_tool_search(&arguments, &status);
    }
    let call = CallItem::new(object.item_id("fc", index), id, name, namespace);
    call.write_function(arguments, status).into()
}
