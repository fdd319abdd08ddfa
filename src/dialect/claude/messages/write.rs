//! Writes the messages of a conversation.

use super::turns::{ClaudeTurn, ClaudeTurnBlock};
use crate::canonical::{Block, Role, Scope};
use crate::dialect::claude::content;
use crate::dialect::claude::types::*;
use crate::dialect::shared::tool_names::ToolNames;

/// Writes a message for each turn.
pub fn write(scope: &mut Scope<'_>, turns: Vec<ClaudeTurn<'_>>, names: &ToolNames) -> Vec<MessageParam> {
    let mut messages = Vec::with_capacity(turns.len());
    for ClaudeTurn { role, blocks } in turns {
        if role == Role::System {
            messages.push(write_instruction(&blocks));
            continue;
        }
        let blocks = blocks
            .iter()
            .filter_map(|ClaudeTurnBlock { block, path }| content::write(&mut scope.at(*path), block, names))
            .collect();
        let content = write_content(blocks);
        messages.push(match role {
            Role::Assistant => AssistantMessageParam::new(content).into(),
            Role::User | Role::System => UserMessageParam::new(content).into(),
        });
    }
    messages
}

/// Writes an instruction, which holds text only.
fn write_instruction(blocks: &[ClaudeTurnBlock<'_>]) -> MessageParam {
    let texts = blocks.iter().filter_map(|block| match &*block.block {
        Block::Text(text) => Some(SystemMessageBlockParam::from(content::write_text(text))),
        _ => None,
    });
    SystemMessageParam {
        content: Some(SystemMessageParamContent::Array(texts.collect())),
        ..SystemMessageParam::new()
    }
    .into()
}

/// Writes a single plain text as a string, the form that the API's own examples have, and other blocks as a list.
fn write_content(blocks: Vec<ContentBlockParam>) -> MessageContentParam {
    match <[ContentBlockParam; 1]>::try_from(blocks) {
        Ok([ContentBlockParam::Text(block)]) if block.cache_control.is_none() => {
            MessageContentParam::String(block.text)
        }
        Ok([block]) => MessageContentParam::Array(vec![block]),
        Err(blocks) => MessageContentParam::Array(blocks),
    }
}
