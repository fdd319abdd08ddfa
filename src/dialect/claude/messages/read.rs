//! Reads the messages of a conversation.

use crate::canonical::{Block, Message as CanonicalMessage, Request, Role, Scope, Text, Tool};
use crate::dialect::claude::content::{self, ClaudeBlock};
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::request::REMINDER;
use crate::dialect::claude::tools;
use crate::dialect::claude::types::*;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};

/// Reads the messages into the request, also the tools that they add.
pub fn read(scope: &mut Scope<'_>, messages: Vec<MessageParam>, request: &mut Request) {
    let last_user = messages
        .iter()
        .rposition(|message| matches!(message, MessageParam::User(_)));
    request.messages.reserve(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        let scope = &mut scope.index(index);
        match message {
            MessageParam::User(UserMessageParam { content, extra }) => {
                drop_unknown(scope, &extra);
                read_content(&mut scope.field("content"), content, Role::User, index, request);
            }
            MessageParam::Assistant(AssistantMessageParam { content, extra }) => {
                drop_unknown(scope, &extra);
                read_content(
                    &mut scope.field("content"),
                    content,
                    Role::Assistant,
                    index,
                    request,
                );
            }
            MessageParam::System(SystemMessageParam {
                clear_at,
                content,
                output_config,
                extra,
            }) => {
                drop_unknown(scope, &extra);
                scope.drop_member("output_config", &output_config, ClaudeReason::EffortOfMessage);
                let until_next_user = clear_at == Some(SystemMessageParamClearAt::NextUserMessage);
                if until_next_user && last_user.is_some_and(|last| last > index) {
                    scope.drop(ClaudeReason::ClearedInstruction);
                    continue;
                }
                read_instruction(&mut scope.field("content"), content, index, request);
            }
            MessageParam::Unknown(unknown) => refuse_variant(scope, &unknown, "message"),
        }
    }
}

/// Reads the content of a user's or the assistant's message. A summary within it becomes a message of its own, since
/// only the user may send it, so one message of the client can become several.
fn read_content(
    scope: &mut Scope<'_>,
    content: MessageContentParam,
    role: Role,
    index: usize,
    request: &mut Request,
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
    let mut blocks = Vec::with_capacity(list.len());
    for (position, block) in list.into_iter().enumerate() {
        let scope = &mut scope.index(position);
        match content::read(scope, block) {
            ClaudeBlock::Content(block) => blocks.push(block),
            ClaudeBlock::Lost => {}
            ClaudeBlock::Tool(tool) => add_tool(scope, *tool, request),
            ClaudeBlock::Summary(text) => {
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

/// Reads the content of an instruction in the middle of the conversation.
fn read_instruction(
    scope: &mut Scope<'_>,
    content: Option<SystemMessageParamContent>,
    index: usize,
    request: &mut Request,
) {
    let mut blocks = Vec::new();
    match content {
        None => {}
        Some(SystemMessageParamContent::String(text)) => blocks.push(Block::Text(Text::from(text))),
        Some(SystemMessageParamContent::Array(list)) => {
            for (position, block) in list.into_iter().enumerate() {
                let scope = &mut scope.index(position);
                match block {
                    SystemMessageBlockParam::Text(block) => {
                        blocks.push(Block::Text(content::read_text(scope, block)));
                    }
                    SystemMessageBlockParam::ToolAddition(block) => {
                        if let ClaudeBlock::Tool(tool) = content::read_addition(scope, block) {
                            add_tool(scope, *tool, request);
                        }
                    }
                    SystemMessageBlockParam::ToolRemoval(_) => scope.drop(ClaudeReason::ToolRemoval),
                    SystemMessageBlockParam::Unknown(unknown) => {
                        refuse_variant(scope, &unknown, "content block");
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

/// Declares a tool that the conversation adds, after those of the list. A client may add the same tool several times,
/// once for each time that its list of tools changes.
fn add_tool(scope: &mut Scope<'_>, tool: ToolParam, request: &mut Request) {
    let tool = tools::read_custom(scope, tool, request.tools.len());
    let is_same = |known: &Tool| matches!(known, Tool::Function(known) if known.name == tool.name);
    if !request.tools.iter().any(is_same) {
        request.tools.push(Tool::Function(tool));
    }
}
