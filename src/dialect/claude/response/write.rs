//! Writes a complete response.

use crate::canonical::{Block, FinishReason, Losses, Response, ServerTool, Text, ToolCall, ToolInput};
use crate::dialect::ResponseContext;
use crate::dialect::claude::types::*;
use crate::dialect::claude::usage::{self, WrittenFinish};
use crate::dialect::claude::{content, reasoning};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::{call_ids, partial_json};
use crate::wire::json::Raw;

/// Writes an answer.
pub fn write(response: Response, reply: &ResponseContext, losses: &mut Losses) -> Vec<u8> {
    let Response {
        id,
        model: _,
        content,
        finish,
        usage,
        service_tier,
        logprobs,
    } = response;
    if logprobs.is_some() {
        losses.ignore("logprobs", "log probabilities have no place in a message");
    }
    let refusal = refusal_words(&content);
    let truncated = finish.reason == FinishReason::Length;
    let blocks = content
        .into_iter()
        .filter_map(|block| write_block(block, truncated, losses))
        .collect();
    let mut out = Message::new(blocks);
    out.id = Some(call_ids::with_prefix(
        "msg_",
        id.as_deref().unwrap_or(&reply.request_id),
    ));
    out.model = Some(reply.model.clone());
    let WrittenFinish {
        reason,
        sequence,
        details,
    } = usage::write_finish(finish, refusal);
    out.stop_reason = Some(reason);
    out.stop_sequence = sequence;
    out.stop_details = details;
    out.usage = Some(usage::write_usage(
        usage.unwrap_or_default(),
        service_tier.as_deref(),
        losses,
    ));
    write_response(&out)
}

fn refusal_words(content: &[Block]) -> Option<String> {
    content.iter().find_map(|block| match block {
        Block::Refusal { text } => Some(text.as_str().to_owned()),
        _ => None,
    })
}

fn write_block(block: Block, truncated: bool, losses: &mut Losses) -> Option<ContentBlock> {
    Some(match block {
        Block::Text(Text {
            text,
            annotations,
            cache: _,
        }) => {
            if !annotations.is_empty() {
                losses.drop_field(
                    "annotations",
                    "a citation needs an index that only Anthropic can make",
                );
            }
            if text.is_empty() {
                return None;
            }
            TextBlock::new(text).into()
        }
        Block::Refusal { text } if text.is_empty() => return None,
        Block::Refusal { text } => TextBlock::new(text).into(),
        Block::Reasoning(reasoning) => reasoning::write_reasoning(&reasoning),
        Block::ToolCall(ToolCall {
            id,
            name,
            namespace: _,
            input,
            cache: _,
        }) => ToolUseBlock::new(id, write_input(input, truncated, losses), name).into(),
        Block::ServerTool(ServerTool {
            origin: _,
            item,
            query: _,
        }) => {
            losses.drop_field("content", format!("the vendor's own item `{item}`"));
            return None;
        }
        Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_)
        | Block::SearchResult(_)
        | Block::ToolResult(_) => {
            losses.drop_field("content", "content that an answer in this dialect does not hold");
            return None;
        }
    })
}

/// The input of a call, which is an object here. A call that the output limit cut off is closed as well as it can be.
pub fn write_input(input: ToolInput, truncated: bool, losses: &mut Losses) -> Raw {
    match input {
        ToolInput::Malformed { text } if truncated => {
            partial_json::close(&text).unwrap_or_else(|| to_raw_json(&serde_json::json!({})))
        }
        input => content::write_input(&input, "content".into(), losses),
    }
}
