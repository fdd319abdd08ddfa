//! Writes complete answers, and the items that answers and streams have in common.

use super::super::types::*;
use super::super::{reasoning, tools};
use super::object::{self as envelope, End, Envelope};
use crate::canonical::{
    Block, Finish, Losses, RawJson, Reasoning, Response as CanonicalResponse, ServerTool, Text, ToolCall,
    ToolInput,
};
use crate::dialect::ResponseContext;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::wire::json::{LazyStr, compact};

/// Writes an answer.
pub fn write(response: CanonicalResponse, reply: &ResponseContext, losses: &mut Losses) -> Vec<u8> {
    let CanonicalResponse {
        id,
        model: _,
        content,
        finish,
        usage,
        service_tier,
        mut logprobs,
    } = response;
    let envelope = Envelope::new(reply.clone(), id.as_deref(), service_tier);
    let refused = content
        .iter()
        .any(|block| matches!(block, Block::Refusal { text } if !text.is_empty()));
    let end = End::of(&finish, refused, losses);
    let mut output = Vec::with_capacity(content.len());
    for block in content {
        let item = write_block(block, output.len(), &envelope, end, &mut logprobs, losses);
        output.extend(item);
    }
    if let Some(item) = explanation(&finish, end, refused, &envelope, output.len()) {
        output.push(item);
    }
    write_response(&envelope.ended(output, &end, usage))
}

/// The item that holds the vendor's explanation of a refusal that is not in the model's own words.
pub fn explanation(
    finish: &Finish,
    end: End,
    refused: bool,
    envelope: &Envelope,
    index: usize,
) -> Option<OutputItem> {
    let text = finish.explanation.as_ref().filter(|text| !text.is_empty())?;
    if end != End::Filtered || refused {
        return None;
    }
    let part = OutputContent::from(Refusal::new(text));
    let id = envelope.item_id("msg", index);
    Some(envelope::message(&id, part, ItemStatus::Completed).into())
}

fn write_block(
    block: Block,
    index: usize,
    envelope: &Envelope,
    end: End,
    logprobs: &mut Option<RawJson>,
    losses: &mut Losses,
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
            let annotations = annotations.map(|annotation| envelope::citation(annotation, length));
            let part = envelope::text(text, annotations.collect(), logprobs.take());
            let id = envelope.item_id("msg", index);
            envelope::message(&id, part.into(), ItemStatus::Completed).into()
        }
        Block::Refusal { text } => {
            if text.is_empty() {
                return None;
            }
            let id = envelope.item_id("msg", index);
            envelope::message(&id, Refusal::new(text).into(), ItemStatus::Completed).into()
        }
        Block::Reasoning(reasoning) => {
            let Reasoning { parts, opaque } = reasoning;
            let parts = parts.into_iter().map(LazyStr::into_string).collect();
            let id = envelope.item_id("rs", index);
            reasoning::write_answer(&id, parts, opaque.as_ref(), ItemStatus::Completed).into()
        }
        Block::ToolCall(call) => write_call(call, index, envelope, end),
        Block::ServerTool(ServerTool {
            origin: _,
            item: _,
            query: Some(query),
        }) => envelope::web_search(&envelope.item_id("ws", index), &query).into(),
        Block::ServerTool(ServerTool {
            origin: _,
            item,
            query: None,
        }) => {
            losses.drop_field("output", format!("the vendor's own item `{item}`"));
            return None;
        }
        Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_)
        | Block::SearchResult(_)
        | Block::ToolResult(_) => {
            losses.drop_field("output", "content that an answer in this dialect does not hold");
            return None;
        }
    })
}

fn write_call(call: ToolCall, index: usize, envelope: &Envelope, end: End) -> OutputItem {
    let ToolCall {
        id,
        name,
        namespace,
        input,
        cache: _,
    } = call;
    let (arguments, is_whole) = match input {
        ToolInput::Object { json } => (compact(json.get()), true),
        ToolInput::Malformed { text } => (text.into_string(), end != End::Truncated),
        ToolInput::Freeform { text } => {
            let call = Call::new(envelope.item_id("ctc", index), id, name, namespace);
            return call.custom(text.into_string(), true).into();
        }
    };
    if envelope.searches_tools() && name == tools::TOOL_SEARCH && namespace.is_none() {
        let status = if is_whole { "completed" } else { "incomplete" };
        return envelope::tool_search(&envelope.item_id("tsc", index), &id, &arguments, status);
    }
    let call = Call::new(envelope.item_id("fc", index), id, name, namespace);
    call.function(arguments, Some(is_whole)).into()
}

/// What all items of one call share.
#[derive(Clone, Debug)]
pub struct Call {
    /// The item's identifier.
    pub item_id: String,
    call_id: String,
    name: String,
    namespace: Option<String>,
}

impl Call {
    /// A call.
    pub fn new(item_id: String, call_id: String, name: String, namespace: Option<String>) -> Self {
        Self {
            item_id,
            call_id,
            name,
            namespace,
        }
    }

    /// The item of a function's call; `None` while it is being written.
    pub fn function(&self, arguments: String, is_whole: Option<bool>) -> FunctionCall {
        let mut item = FunctionCall::new(self.name.clone());
        item.id = Some(self.item_id.clone());
        item.call_id = Some(self.call_id.clone());
        item.namespace.clone_from(&self.namespace);
        item.arguments = Some(arguments);
        item.status = Some(is_whole.map_or(ItemStatus::InProgress, envelope::item_status));
        item
    }

    /// The item of a freeform call.
    pub fn custom(&self, input: String, is_whole: bool) -> CustomToolCall {
        let mut item = CustomToolCall::new(self.name.clone());
        item.id = Some(self.item_id.clone());
        item.call_id = Some(self.call_id.clone());
        item.namespace.clone_from(&self.namespace);
        item.input = Some(input);
        item.status = Some(envelope::item_status(is_whole));
        item
    }

    /// The item of a search for tools.
    pub fn search(&self, arguments: &str, status: &str) -> OutputItem {
        envelope::tool_search(&self.item_id, &self.call_id, arguments, status)
    }
}

/// A list of log probabilities, from its pieces.
pub fn join_lists(lists: &[RawJson]) -> Option<RawJson> {
    let entries = lists
        .iter()
        .filter_map(|list| serde_json::from_str::<Vec<RawJson>>(list.get()).ok());
    let entries: Vec<RawJson> = entries.flatten().collect();
    (!entries.is_empty()).then(|| to_raw_json(&entries))
}
