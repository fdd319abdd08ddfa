//! The results of tool calls.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::canonical::{Block, Losses, Path, Request, ToolResult};
use crate::dialect::openai_chat::content::{self, PartWriter};
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::call_ids::IdRule;
use crate::wire::json::join;

/// Stands for the words of a failed tool that gave none.
const FAILED: &str = "Tool execution failed.";

/// Stands in a result for what a tool message cannot hold.
const ELSEWHERE: &str = "[not text: see the next message of the user]";

/// The results of a history by the calls they answer.
pub struct Results<'a> {
    by_call: HashMap<&'a str, (&'a ToolResult, Path<'static>)>,
}

impl<'a> Results<'a> {
    /// Finds the results. Refused are those without a call, and calls that share an identifier.
    pub fn collect(request: &'a Request, losses: &mut Losses) -> Self {
        let mut calls = HashSet::new();
        let mut by_call: HashMap<&str, (&ToolResult, Path<'static>)> = HashMap::new();
        for message in &request.messages {
            for (at, block) in message.content.iter().enumerate() {
                match block {
                    Block::ToolCall(call) if !calls.insert(call.id.as_str()) => {
                        losses.refuse(request.block_path(message, at), "two tool calls have the same id");
                    }
                    Block::ToolResult(result) if !calls.contains(result.call_id.as_str()) => {
                        losses.refuse(
                            request.block_path(message, at),
                            "the result of a tool call that is not in the history",
                        );
                    }
                    Block::ToolResult(result) => {
                        let path = request.block_path(message, at);
                        if by_call.contains_key(result.call_id.as_str()) {
                            losses.drop_field(path, "the second result of a tool call");
                        } else {
                            by_call.insert(&result.call_id, (result, path));
                        }
                    }
                    _ => {}
                }
            }
        }
        Self { by_call }
    }

    /// The result of a call with its place in the client's body; each once.
    pub fn take(&mut self, call_id: &str) -> Option<(&'a ToolResult, Path<'static>)> {
        self.by_call.remove(call_id)
    }
}

/// Writes a result. What a tool message cannot hold goes to `media`.
pub fn write(
    writer: PartWriter<'_>,
    result: &ToolResult,
    path: Path<'static>,
    media: &mut Vec<ChatCompletionContentPartParam>,
    losses: &mut Losses,
) -> ChatCompletionToolMessageParam {
    let ToolResult {
        call_id,
        content: blocks,
        is_error,
        cache,
    } = result;
    let id = IdRule::OPENAI_CHAT.apply(call_id);
    let mut parts = Vec::with_capacity(blocks.len());
    for block in blocks {
        writer.write(block, path, losses, &mut parts);
    }
    let is_text =
        |part: &ChatCompletionContentPartParam| matches!(part, ChatCompletionContentPartParam::Text(_));
    if !writer.capabilities.tool_images && !parts.iter().all(is_text) {
        losses.approximate(
            path,
            "what a tool returned besides text became a message of the user",
        );
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
        losses.ignore(path, "a failure is told in words only");
        if parts.is_empty() {
            parts.push(ChatCompletionContentPartTextParam::new(FAILED).into());
        }
    }
    let cache = writer.cache(*cache, path, losses);
    if let (Some(ChatCompletionContentPartParam::Text(last)), Some(cache)) = (parts.last_mut(), cache) {
        last.prompt_cache_breakpoint = Some(cache);
    }
    ChatCompletionToolMessageParam::new(text_of(parts), id)
}

/// Several texts of a result become one, which every server understands.
fn text_of(parts: Vec<ChatCompletionContentPartParam>) -> MessageContentParam {
    let mut texts = Vec::with_capacity(parts.len());
    for part in &parts {
        match part {
            ChatCompletionContentPartParam::Text(part) if part.prompt_cache_breakpoint.is_none() => {
                texts.push(&part.text);
            }
            _ => return content::write(parts),
        }
    }
    MessageContentParam::String(join(texts, "\n\n"))
}
