//! Writes the messages of a conversation.

use super::turns::{Piece, Turn};
use crate::canonical::{Block, Losses, Role};
use crate::dialect::claude::content;
use crate::dialect::claude::types::*;
use crate::dialect::shared::tool_names::ToolNames;

pub fn write_messages(turns: Vec<Turn<'_>>, names: &ToolNames, losses: &mut Losses) -> Vec<MessageParam> {
    let mut messages = Vec::with_capacity(turns.len());
    for Turn { role, pieces } in turns {
        if role == Role::System {
            let blocks = pieces.iter().filter_map(|piece| match &*piece.block {
                Block::Text(text) => Some(SystemMessageBlockParam::from(content::write_text(text))),
                _ => None,
            });
            let content = SystemMessageParamContent::Array(blocks.collect());
            messages.push(
                SystemMessageParam {
                    content: Some(content),
                    ..SystemMessageParam::new()
                }
                .into(),
            );
            continue;
        }
        let blocks = pieces
            .iter()
            .filter_map(|Piece { block, path }| content::write(block, *path, names, losses))
            .collect();
        let content = plain(blocks);
        messages.push(match role {
            Role::Assistant => AssistantMessageParam::new(content).into(),
            Role::User | Role::System => UserMessageParam::new(content).into(),
        });
    }
    messages
}

/// A single plain text as a string, the form that the API's own examples have.
fn plain(blocks: Vec<ContentBlockParam>) -> MessageContentParam {
    match <[ContentBlockParam; 1]>::try_from(blocks) {
        Ok([ContentBlockParam::Text(block)]) if block.cache_control.is_none() => {
            MessageContentParam::String(block.text)
        }
        Ok([block]) => MessageContentParam::Array(vec![block]),
        Err(blocks) => MessageContentParam::Array(blocks),
    }
}

/// Whether the last turn of the assistant calls tools and does not begin with thinking. Models that think up to a budget
/// refuse such a history while thinking is on.
pub fn has_lost_thinking(turns: &[Turn<'_>]) -> bool {
    let Some(last) = turns.iter().rfind(|turn| turn.role == Role::Assistant) else {
        return false;
    };
    let calls = last
        .pieces
        .iter()
        .any(|piece| matches!(*piece.block, Block::ToolCall(_)));
    let thinks = last
        .pieces
        .first()
        .is_some_and(|piece| matches!(*piece.block, Block::Reasoning(_)));
    calls && !thinks
}
