//! Writes the messages of a request for an upstream.
//!
//! A turn of the assistant becomes one message. The results of its calls follow at once, in the order of the calls, and
//! media that tools return follow the results in one message of the user. All other messages keep their order, so that
//! a longer history is written as an extension of the shorter one: prompt caches depend on that.

use super::assistant_turn::{AssistantTurn, TurnContext};
use super::results::{self, ChatToolResults};
use crate::canonical::{Block, Message, Request, Role, Scope, SystemBlock, Text};
use crate::capability::Capabilities;
use crate::dialect::openai_chat::content::{ChatPartWriter, plain_or_parts};
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::tool_names::ToolNames;
use crate::wire::json::{Concat, join};

/// Writes the messages. `scope` is that of the client's body.
pub fn write(
    scope: &mut Scope<'_>,
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
) -> Vec<ChatCompletionMessageParam> {
    let mut writer = ChatMessageWriter {
        context: TurnContext {
            request,
            names,
            capabilities,
        },
        parts: ChatPartWriter { capabilities },
        results: ChatToolResults::collect(scope, request),
        messages: Vec::with_capacity(request.system.len() + request.messages.len()),
    };
    writer.write_system(scope);
    let mut rest = request.messages.as_slice();
    while let Some(first) = rest.first() {
        match first.role {
            Role::Assistant => {
                let is_assistant = |message: &&Message| message.role == Role::Assistant;
                let length = rest.iter().take_while(is_assistant).count();
                let (turn, after) = rest.split_at(length);
                writer.write_turn(scope, turn, after.is_empty());
                rest = after;
                continue;
            }
            Role::User => writer.write_user(scope, first),
            Role::System => writer.write_mid_instructions(scope, first),
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    writer.messages
}

/// Writes one message after another. The scope of each method is that of the client's body.
struct ChatMessageWriter<'a> {
    context: TurnContext<'a>,
    parts: ChatPartWriter<'a>,
    results: ChatToolResults<'a>,
    messages: Vec<ChatCompletionMessageParam>,
}

impl<'a> ChatMessageWriter<'a> {
    fn write_system(&mut self, scope: &mut Scope<'_>) {
        let request = self.context.request;
        let blocks = request.system.iter().filter(|block| !block.text.is_empty());
        if self.context.capabilities.single_system {
            let texts: Vec<_> = blocks.map(|block| &block.text).collect();
            if !texts.is_empty() {
                let content = MessageContentParam::String(join(texts, "\n\n"));
                self.push_instructions(content, None);
            }
            return;
        }
        for SystemBlock {
            text,
            origin: _,
            cache,
        } in blocks
        {
            let text = Text {
                text: text.clone(),
                annotations: Vec::new(),
                cache: *cache,
            };
            let part = self.parts.write_text(&mut scope.at(request.fields.system), &text);
            if let Some(part) = part {
                self.push_instructions(plain_or_parts(vec![part.into()]), None);
            }
        }
    }

    fn push_instructions(&mut self, content: MessageContentParam, name: Option<String>) {
        self.messages.push(if self.context.capabilities.developer_role {
            let mut message = ChatCompletionDeveloperMessageParam::new(content);
            message.name = name;
            message.into()
        } else {
            let mut message = ChatCompletionSystemMessageParam::new(content);
            message.name = name;
            message.into()
        });
    }

    /// Instructions in the middle of the conversation keep their position. A model that accepts instructions only at
    /// the start gets them in a message of the user, in a frame that marks them as instructions.
    fn write_mid_instructions(&mut self, scope: &mut Scope<'_>, message: &Message) {
        let mut parts = self.write_parts(scope, message);
        if parts.is_empty() {
            return;
        }
        if !self.context.capabilities.single_system {
            self.push_instructions(plain_or_parts(parts), message.name.clone());
            return;
        }
        scope
            .at(self.context.request.message_path(message))
            .approximate(ChatReason::MidInstructionsAsUser);
        for part in &mut parts {
            if let ChatCompletionContentPartParam::Text(part) = part {
                let mut framed = Concat::default();
                framed.push("<system-reminder>");
                framed.push(&part.text);
                framed.push("</system-reminder>");
                part.text = framed.finish();
            }
        }
        self.messages
            .push(ChatCompletionUserMessageParam::new(plain_or_parts(parts)).into());
    }

    fn write_user(&mut self, scope: &mut Scope<'_>, message: &Message) {
        let parts = self.write_parts(scope, message);
        if parts.is_empty() {
            return;
        }
        let mut out = ChatCompletionUserMessageParam::new(plain_or_parts(parts));
        out.name.clone_from(&message.name);
        self.messages.push(out.into());
    }

    /// The parts of a message. Tool results are not among them: they follow their calls.
    fn write_parts(
        &mut self,
        scope: &mut Scope<'_>,
        message: &Message,
    ) -> Vec<ChatCompletionContentPartParam> {
        let mut parts = Vec::with_capacity(message.content.len());
        for (index, block) in message.content.iter().enumerate() {
            if !matches!(block, Block::ToolResult(_)) {
                let path = self.context.request.block_path(message, index);
                self.parts.write(&mut scope.at(path), block, &mut parts);
            }
        }
        parts
    }

    /// Writes the messages of a turn as one, and the results of its calls after it.
    fn write_turn(&mut self, scope: &mut Scope<'_>, messages: &'a [Message], is_last: bool) {
        let request = self.context.request;
        let mut turn = AssistantTurn::default();
        let mut author = None;
        let mut last_path = None;
        for message in messages {
            let Message {
                role: _,
                content,
                index: _,
                name,
                phase,
            } = message;
            author = author.or(name.as_ref());
            if phase.is_some() {
                scope
                    .at(request.message_path(message))
                    .field("phase")
                    .ignore(ChatReason::PhaseHint);
            }
            for (index, block) in content.iter().enumerate() {
                let path = request.block_path(message, index);
                turn.add(&mut scope.at(path), self.context, block);
                last_path = Some(path);
            }
        }
        let has_calls = turn.has_calls();
        let Some((mut out, call_ids)) = turn.finish(self.context.capabilities) else {
            return;
        };
        out.name = author.cloned();
        // A server without prefill reacts to such a message instead of continuing it.
        if is_last
            && !has_calls
            && !self.context.capabilities.prefill
            && let Some(path) = last_path
        {
            scope.at(path).approximate(ChatReason::PrefillAsTurn);
        }
        self.messages.push(out.into());
        self.write_results(scope, &call_ids);
    }

    /// Writes the results of a turn's calls, then the media in them. A call without a result is left to the upstream,
    /// which may accept it.
    fn write_results(&mut self, scope: &mut Scope<'_>, call_ids: &[&str]) {
        let mut media = Vec::new();
        for id in call_ids {
            let Some((result, path)) = self.results.take(id) else {
                continue;
            };
            let message = results::write(&mut scope.at(path), self.parts, result, &mut media);
            self.messages.push(message.into());
        }
        if !media.is_empty() {
            let content = MessageContentParam::Array(media);
            self.messages
                .push(ChatCompletionUserMessageParam::new(content).into());
        }
    }
}
