//! Writes the results of tool calls.

use foldhash::{HashMap, HashMapExt};

use crate::canonical::{Path, Request, Scope, ToolResult};
use crate::dialect::openai::messages::{FAILED_TOOL, check_calls};
use crate::dialect::openai_chat::content::{ChatPartWriter, plain_or_parts};
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::call_ids::IdRule;
use crate::wire::json::join;

/// Replaces in a result what a tool message cannot contain.
const ELSEWHERE: &str = "[not text: see the next message of the user]";

/// The results of a history, by the identifier of their call.
pub struct ChatToolResults<'a> {
    by_call: HashMap<&'a str, (&'a ToolResult, Path<'static>)>,
}

impl<'a> ChatToolResults<'a> {
    /// Collects the results. Results without a call and calls that share an identifier are refused; of several results
    /// of one call the first counts.
    pub fn collect(scope: &mut Scope<'_>, request: &'a Request) -> Self {
        let mut by_call: HashMap<&str, (&ToolResult, Path<'static>)> = HashMap::new();
        check_calls(scope, request, |scope, path, result| {
            if by_call.contains_key(result.call_id.as_str()) {
                scope.drop(ChatReason::SecondResult);
            } else {
                by_call.insert(&result.call_id, (result, path));
            }
        });
        Self { by_call }
    }

    /// Takes the result of a call, with its path in the client's body.
    pub fn take(&mut self, call_id: &str) -> Option<(&'a ToolResult, Path<'static>)> {
        self.by_call.remove(call_id)
    }
}

/// Writes a result as a message. Parts that a tool message cannot contain are appended to `media`, for a message of the
/// user. `scope` is that of the result's block.
pub fn write(
    scope: &mut Scope<'_>,
    writer: ChatPartWriter<'_>,
    result: &ToolResult,
    media: &mut Vec<ChatCompletionContentPartParam>,
) -> ChatCompletionToolMessageParam {
    let ToolResult {
        call_id,
        content,
        is_error,
        cache,
    } = result;
    let id = IdRule::OPENAI_CHAT.apply(call_id);
    let mut parts = Vec::with_capacity(content.len());
    for block in content {
        writer.write(scope, block, &mut parts);
    }
    let is_text =
        |part: &ChatCompletionContentPartParam| matches!(part, ChatCompletionContentPartParam::Text(_));
    if !writer.capabilities.tool_images && !parts.iter().all(is_text) {
        scope.approximate(ChatReason::ResultMediaAsUser);
        let marker = format!("[returned by the tool call {id}]");
        for part in &mut parts {
            if is_text(part) {
                continue;
            }
            let elsewhere = ChatCompletionContentPartTextParam::new(ELSEWHERE).into();
            media.push(ChatCompletionContentPartTextParam::new(&marker).into());
            media.push(std::mem::replace(part, elsewhere));
        }
    }
    if *is_error {
        scope.ignore(ChatReason::FailureInWords);
        if parts.is_empty() {
            parts.push(ChatCompletionContentPartTextParam::new(FAILED_TOOL).into());
        }
    }
    let cache = writer.write_cache(scope, *cache);
    if let (Some(ChatCompletionContentPartParam::Text(last)), Some(cache)) = (parts.last_mut(), cache) {
        last.prompt_cache_breakpoint = Some(cache);
    }
    ChatCompletionToolMessageParam::new(joined_or_parts(parts), id)
}

/// Several texts of a result become one string, which every server understands.
fn joined_or_parts(parts: Vec<ChatCompletionContentPartParam>) -> MessageContentParam {
    let mut texts = Vec::with_capacity(parts.len());
    for part in &parts {
        match part {
            ChatCompletionContentPartParam::Text(part) if part.prompt_cache_breakpoint.is_none() => {
                texts.push(&part.text);
            }
            _ => return plain_or_parts(parts),
        }
    }
    MessageContentParam::String(join(texts, "\n\n"))
}
