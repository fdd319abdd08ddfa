//! Writes a complete response.

use crate::canonical::{Block, FinishReason, Response, Scope, ServerTool, Text, ToolCall, ToolInput};
use crate::dialect::ResponseContext;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::claude::usage::{self, ClaudeStop};
use crate::dialect::claude::{content, reasoning};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::{call_ids, partial_json};
use crate::wire::json::RawJson;

/// Writes a response.
pub fn write(scope: &mut Scope<'_>, response: Response, context: &ResponseContext) -> Vec<u8> {
    let Response {
        id,
        model: _,
        content,
        finish,
        usage,
        service_tier,
        logprobs,
    } = response;
    scope.ignore_member("logprobs", &logprobs, ClaudeReason::LogprobsOfResponse);
    let refusal = find_refusal(&content);
    let blocks = content
        .into_iter()
        .filter_map(|block| write_block(scope, block, finish.reason))
        .collect();
    let mut out = Message::new(blocks);
    out.id = Some(call_ids::with_prefix(
        "msg_",
        id.as_deref().unwrap_or(&context.request_id),
    ));
    out.model = Some(context.model.clone());
    let ClaudeStop {
        reason,
        sequence,
        details,
    } = usage::write_finish(finish, refusal);
    out.stop_reason = Some(reason);
    out.stop_sequence = sequence;
    out.stop_details = details;
    out.usage = Some(usage::write_usage(
        scope,
        usage.unwrap_or_default(),
        service_tier.as_deref(),
    ));
    write_response(&out)
}

/// The text of the first refusal, which explains the response's end if the upstream gave no explanation.
fn find_refusal(content: &[Block]) -> Option<String> {
    content.iter().find_map(|block| match block {
        Block::Refusal { text } => Some(text.as_str().to_owned()),
        _ => None,
    })
}

fn write_block(scope: &mut Scope<'_>, block: Block, finish: FinishReason) -> Option<ContentBlock> {
    Some(match block {
        Block::Text(Text {
            text,
            annotations,
            cache: _,
        }) => {
            if !annotations.is_empty() {
                scope.field("annotations").drop(ClaudeReason::CitationIndex);
            }
            // Clients would send an empty text block back, which the API refuses.
            if text.is_empty() {
                return None;
            }
            TextBlock::new(text).into()
        }
        Block::Refusal { text } if text.is_empty() => return None,
        Block::Refusal { text } => TextBlock::new(text).into(),
        Block::Reasoning(reasoning) => reasoning::write_response_block(&reasoning),
        Block::ToolCall(ToolCall {
            id,
            name,
            namespace: _,
            input,
            cache: _,
        }) => ToolUseBlock::new(id, write_input(scope, input, finish), name).into(),
        Block::ServerTool(ServerTool {
            origin: _,
            item,
            query: _,
        }) => {
            scope.field("content").drop(ClaudeReason::ForeignItem { item });
            return None;
        }
        Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_)
        | Block::SearchResult(_)
        | Block::ToolResult(_) => {
            scope.field("content").drop(ClaudeReason::ContentOfResponse);
            return None;
        }
    })
}

/// Writes the input of a call. One that the output limit cut off is closed as well as it can be, so that the client
/// sees the arguments that arrived.
fn write_input(scope: &mut Scope<'_>, input: ToolInput, finish: FinishReason) -> RawJson {
    match input {
        ToolInput::Malformed { text } if finish == FinishReason::Length => {
            partial_json::close(&text).unwrap_or_else(|| to_raw_json(&serde_json::json!({})))
        }
        input => content::write_input(&mut scope.field("content"), &input),
    }
}
