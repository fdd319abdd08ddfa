//! Reads the messages of a conversation.

use super::REMINDER;
use crate::canonical::{Block, Losses, Message as CanonicalMessage, Path, Request, Role, Text, Tool};
use crate::dialect::claude::content::{self, Read};
use crate::dialect::claude::tools;
use crate::dialect::claude::types::*;
use crate::dialect::shared::legacy::{drop_some, drop_unknown, refuse_variant};

pub fn read_messages(messages: Vec<MessageParam>, request: &mut Request, losses: &mut Losses) {
    let list = Path::Root.field("messages");
    let last_user = messages
        .iter()
        .rposition(|message| matches!(message, MessageParam::User(_)));
    request.messages.reserve(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        let at = list.index(index);
        match message {
            MessageParam::User(UserMessageParam { content, extra }) => {
                drop_unknown(&extra, &at, losses);
                read_content(content, Role::User, index, request, losses);
            }
            MessageParam::Assistant(AssistantMessageParam { content, extra }) => {
                drop_unknown(&extra, &at, losses);
                read_content(content, Role::Assistant, index, request, losses);
            }
            MessageParam::System(SystemMessageParam {
                clear_at,
                content,
                output_config,
                extra,
            }) => {
                drop_unknown(&extra, &at, losses);
                let reason = "effort cannot change in the middle of a conversation";
                drop_some(output_config.as_ref(), at.field("output_config"), reason, losses);
                let until_next_user = clear_at == Some(SystemMessageParamClearAt::NextUserMessage);
                if until_next_user && last_user.is_some_and(|last| last > index) {
                    losses.drop_field(at, "an instruction that held until the user's next message");
                    continue;
                }
                read_instruction(content, index, request, losses);
            }
            MessageParam::Unknown(unknown) => refuse_variant(&unknown, "message", &at, losses),
        }
    }
}

fn read_content(
    content: MessageContentParam,
    role: Role,
    index: usize,
    request: &mut Request,
    losses: &mut Losses,
) {
    let list = match content {
        MessageContentParam::String(text) => {
            let block = Block::Text(Text::from(text));
            request
                .messages
                .push(CanonicalMessage::new(role, index, vec![block]));
            return;
        }
        MessageContentParam::Array(list) => list,
    };
    let messages = Path::Root.field("messages");
    let message = messages.index(index);
    let content = message.field("content");
    let mut blocks = Vec::with_capacity(list.len());
    for (position, block) in list.into_iter().enumerate() {
        let at = content.index(position);
        match content::read(block, &at, losses) {
            Read::Block(block) => blocks.push(block),
            Read::Nothing => {}
            Read::Tool(tool) => add_tool(*tool, &at, request, losses),
            Read::Summary(text) => {
                if !blocks.is_empty() {
                    request
                        .messages
                        .push(CanonicalMessage::new(role, index, std::mem::take(&mut blocks)));
                }
                let [begin, end] = REMINDER;
                let text = format!("{begin}What was said before, in short:\n{text}{end}");
                let block = Block::Text(Text::from(text));
                request
                    .messages
                    .push(CanonicalMessage::new(Role::User, index, vec![block]));
            }
        }
    }
    if !blocks.is_empty() {
        request.messages.push(CanonicalMessage::new(role, index, blocks));
    }
}

fn read_instruction(
    content: Option<SystemMessageParamContent>,
    index: usize,
    request: &mut Request,
    losses: &mut Losses,
) {
    let messages = Path::Root.field("messages");
    let message = messages.index(index);
    let at = message.field("content");
    let mut blocks = Vec::new();
    match content {
        None => {}
        Some(SystemMessageParamContent::String(text)) => blocks.push(Block::Text(Text::from(text))),
        Some(SystemMessageParamContent::Array(list)) => {
            for (position, block) in list.into_iter().enumerate() {
                let at = at.index(position);
                match block {
                    SystemMessageBlockParam::Text(block) => {
                        blocks.push(Block::Text(content::read_text(block, &at, losses)));
                    }
                    SystemMessageBlockParam::ToolAddition(block) => {
                        if let Read::Tool(tool) = content::read_addition(block, &at, losses) {
                            add_tool(*tool, &at, request, losses);
                        }
                    }
                    SystemMessageBlockParam::ToolRemoval(_) => {
                        losses.drop_field(at, "a tool cannot be taken away in the middle of a conversation");
                    }
                    SystemMessageBlockParam::Unknown(unknown) => {
                        refuse_variant(&unknown, "content block", &at, losses);
                    }
                }
            }
        }
    }
    blocks.retain(|block| !matches!(block, Block::Text(text) if text.text.is_blank()));
    if !blocks.is_empty() {
        request
            .messages
            .push(CanonicalMessage::new(Role::System, index, blocks));
    }
}

/// Declares a tool that the conversation adds, after those of the list.
fn add_tool(tool: ToolParam, at: &Path<'_>, request: &mut Request, losses: &mut Losses) {
    let index = request.tools.len();
    let tool = tools::read_custom(tool, index, at, losses);
    let known = |known: &Tool| matches!(known, Tool::Function(known) if known.name == tool.name);
    if !request.tools.iter().any(known) {
        request.tools.push(Tool::Function(tool));
    }
}
