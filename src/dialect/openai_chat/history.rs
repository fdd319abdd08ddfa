//! Writes the messages of a request.
//!
//! A turn of the assistant is one message; the results of its calls follow at once, in the order of the calls; what tools
//! return besides text follows them in one message of the user. Everything else keeps its place, so that a longer
//! history is written as an extension of the shorter one.

use super::content::{self, PartWriter};
use super::joiner::Joiner;
use super::results::{self, Results};
use super::types::*;
use crate::canonical::{
    Block, Losses, Message, Path, Reasoning, Request, Role, SystemBlock, Text, ToolCall, ToolInput,
};
use crate::capability::{Capabilities, ReasoningReplay};
use crate::dialect::shared::call_ids::IdRule;
use crate::dialect::shared::tool_names::{PARAMETER, ToolNames};
use crate::wire::json::{Concat, LazyStr, compact, join};

/// Writes the messages.
pub fn write(
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Vec<ChatCompletionMessageParam> {
    let results = Results::collect(request, losses);
    let mut writer = Writer {
        request,
        names,
        capabilities,
        parts: PartWriter { capabilities },
        results,
        losses,
        out: Vec::with_capacity(request.system.len() + request.messages.len()),
    };
    writer.instructions();
    let mut rest = request.messages.as_slice();
    while let Some(first) = rest.first() {
        let length = match first.role {
            Role::Assistant => rest
                .iter()
                .take_while(|message| message.role == Role::Assistant)
                .count(),
            Role::User | Role::System => 1,
        };
        let (turn, after) = rest.split_at(length);
        match first.role {
            Role::Assistant => writer.assistant(turn, after.is_empty()),
            Role::User => writer.user(first),
            Role::System => writer.system(first),
        }
        rest = after;
    }
    writer.out
}

struct Writer<'a> {
    request: &'a Request,
    names: &'a ToolNames,
    capabilities: &'a Capabilities,
    parts: PartWriter<'a>,
    results: Results<'a>,
    losses: &'a mut Losses,
    out: Vec<ChatCompletionMessageParam>,
}

impl Writer<'_> {
    fn instructions(&mut self) {
        let path = self.request.fields.system;
        let mut joined = Vec::new();
        for SystemBlock {
            text,
            origin: _,
            cache,
        } in &self.request.system
        {
            if text.is_empty() {
                continue;
            }
            if self.capabilities.single_system {
                joined.push(text);
                continue;
            }
            let text = Text {
                text: text.clone(),
                annotations: Vec::new(),
                cache: *cache,
            };
            if let Some(part) = self.parts.text(&text, path.into(), self.losses) {
                let message = self.instruction(content::write(vec![part.into()]), None);
                self.out.push(message);
            }
        }
        if !joined.is_empty() {
            let message = self.instruction(MessageContentParam::String(join(joined, "\n\n")), None);
            self.out.push(message);
        }
    }

    fn instruction(&self, content: MessageContentParam, name: Option<String>) -> ChatCompletionMessageParam {
        if self.capabilities.developer_role {
            let mut message = ChatCompletionDeveloperMessageParam::new(content);
            message.name = name;
            return message.into();
        }
        let mut message = ChatCompletionSystemMessageParam::new(content);
        message.name = name;
        message.into()
    }

    /// Instructions in the middle, at their place.
    fn system(&mut self, message: &Message) {
        let mut parts = self.message_parts(message);
        if parts.is_empty() {
            return;
        }
        if !self.capabilities.single_system {
            let message = self.instruction(content::write(parts), message.name.clone());
            self.out.push(message);
            return;
        }
        self.losses.approximate(
            self.request.message_path(message),
            "instructions in the middle became framed text of the user",
        );
        for part in &mut parts {
            if let ChatCompletionContentPartParam::Text(part) = part {
                let mut framed = Concat::default();
                framed.push("<system-reminder>");
                framed.push(&part.text);
                framed.push("</system-reminder>");
                part.text = framed.finish();
            }
        }
        self.out
            .push(ChatCompletionUserMessageParam::new(content::write(parts)).into());
    }

    fn user(&mut self, message: &Message) {
        let parts = self.message_parts(message);
        if parts.is_empty() {
            return;
        }
        let mut out = ChatCompletionUserMessageParam::new(content::write(parts));
        out.name.clone_from(&message.name);
        self.out.push(out.into());
    }

    /// The parts of a message; results stand elsewhere.
    fn message_parts(&mut self, message: &Message) -> Vec<ChatCompletionContentPartParam> {
        let mut parts = Vec::with_capacity(message.content.len());
        for (at, block) in message.content.iter().enumerate() {
            if !matches!(block, Block::ToolResult(_)) {
                let path = self.request.block_path(message, at);
                self.parts.write(block, path, self.losses, &mut parts);
            }
        }
        parts
    }

    fn assistant(&mut self, messages: &[Message], is_last: bool) {
        let mut turn = Turn::default();
        let mut out = ChatCompletionAssistantMessageParam::new();
        let mut last_path = None;
        for message in messages {
            let Message {
                role: _,
                content,
                index: _,
                name,
                phase,
            } = message;
            out.name = out.name.or_else(|| name.clone());
            if phase.is_some() {
                let path = format!("{}.phase", self.request.message_path(message));
                self.losses.ignore(path, "a hint of what the message is for");
            }
            for (at, block) in content.iter().enumerate() {
                let path = self.request.block_path(message, at);
                self.assistant_block(block, path, &mut turn);
                last_path = Some(path);
            }
        }
        let text = turn.text();
        let Turn {
            texts: _,
            refusal,
            reasoning,
            calls,
            called,
        } = turn;
        let refusal = refusal.finish();
        if text.is_empty() && refusal.is_empty() && calls.is_empty() {
            return;
        }
        if is_last
            && calls.is_empty()
            && !self.capabilities.prefill
            && let Some(path) = last_path
        {
            let reason = "the beginning of an answer is taken for a finished turn";
            self.losses.approximate(path, reason);
        }
        match self.capabilities.reasoning_replay {
            _ if reasoning.is_empty() => {}
            ReasoningReplay::None => {}
            ReasoningReplay::ReasoningContent => out.reasoning_content = Some(join(reasoning, "\n\n")),
            ReasoningReplay::Reasoning => out.reasoning = Some(join(reasoning, "\n\n")),
        }
        if text.is_empty() {
            // Some servers insist on the member.
            out.extra.push_null("content");
        } else {
            out.content = Some(ChatCompletionAssistantMessageParamContent::String(text));
        }
        if !refusal.is_empty() {
            out.refusal = Some(refusal);
        }
        if !calls.is_empty() {
            out.tool_calls = Some(calls);
        }
        self.out.push(out.into());
        self.results(&called);
    }

    fn assistant_block<'b>(&mut self, block: &'b Block, path: Path<'static>, turn: &mut Turn<'b>) {
        match block {
            Block::Text(Text {
                text,
                annotations,
                cache,
            }) => {
                if cache.is_some() {
                    self.losses.ignore(path, "a caching hint");
                }
                if !annotations.is_empty() && !text.is_empty() {
                    self.losses.ignore(path, "citations are not sent back");
                }
                turn.say(text, !annotations.is_empty());
            }
            // Compatible servers know no refusals; to them it is what the assistant said.
            Block::Refusal { text } if self.capabilities.max_completion_tokens => {
                turn.refusal.push(text);
            }
            Block::Refusal { text } => turn.say(text, false),
            Block::Reasoning(reasoning) => {
                let Reasoning { parts, opaque: _ } = reasoning;
                if self.capabilities.reasoning_replay == ReasoningReplay::None {
                    self.losses.ignore(path, "this model takes no reasoning back");
                    return;
                }
                let parts = parts.iter().filter(|part| !part.is_empty());
                turn.reasoning.extend(parts);
            }
            Block::ToolCall(call) => {
                turn.calls.push(self.call(call, path));
                turn.called.push(&call.id);
            }
            Block::ServerTool(_) => {
                self.losses.drop_field(
                    path,
                    "calls and results of a vendor's own tools stay with that vendor",
                );
            }
            Block::ToolResult(_) => self
                .losses
                .refuse(path, "a tool result in a message of the assistant"),
            Block::Image(_) | Block::Document(_) | Block::Audio(_) | Block::SearchResult(_) => {
                self.losses
                    .drop_field(path, "messages of the assistant hold text and calls only");
            }
        }
    }

    fn call(&mut self, call: &ToolCall, path: Path<'static>) -> ChatCompletionMessageToolCallUnionParam {
        let ToolCall {
            id,
            name,
            namespace,
            input,
            cache,
        } = call;
        if cache.is_some() {
            self.losses.ignore(path, "a caching hint");
        }
        let id = IdRule::OPENAI_CHAT.apply(id);
        let name = self.names.wire_name(name, namespace.as_deref());
        let arguments = match input {
            ToolInput::Object { json } => compact(json.get()).into(),
            ToolInput::Malformed { text } => text.clone(),
            ToolInput::Freeform { text } if self.capabilities.freeform_tools => {
                let custom = ChatCompletionMessageCustomToolCallParamCustom::new(text, name);
                return ChatCompletionMessageCustomToolCallParam::new(custom, id).into();
            }
            ToolInput::Freeform { text } => serde_json::json!({PARAMETER: text}).to_string().into(),
        };
        let function = ChatCompletionMessageFunctionToolCallParamFunction::new(arguments, name);
        ChatCompletionMessageFunctionToolCallParam::new(function, id).into()
    }

    /// The results of a turn's calls, then what they hold besides text. A call without a result is the upstream's to
    /// judge.
    fn results(&mut self, called: &[&str]) {
        let mut media = Vec::new();
        for id in called {
            let Some((result, path)) = self.results.take(id) else {
                continue;
            };
            let message = results::write(self.parts, result, path, &mut media, self.losses);
            self.out.push(message.into());
        }
        if !media.is_empty() {
            self.out
                .push(ChatCompletionUserMessageParam::new(MessageContentParam::Array(media)).into());
        }
    }
}

/// What a turn of the assistant amounts to.
#[derive(Default)]
struct Turn<'a> {
    /// What is said, piece by piece, and whether the piece is annotated.
    texts: Vec<(&'a LazyStr, bool)>,
    refusal: Concat,
    reasoning: Vec<&'a LazyStr>,
    calls: Vec<ChatCompletionMessageToolCallUnionParam>,
    called: Vec<&'a str>,
}

impl<'a> Turn<'a> {
    fn say(&mut self, text: &'a LazyStr, annotated: bool) {
        self.texts.push((text, annotated));
    }

    /// All that is said, as one text.
    fn text(&self) -> LazyStr {
        let mut all = Concat::default();
        // Where the pieces meet is looked at only where they do.
        if let [(text, _)] = self.texts.as_slice() {
            all.push(*text);
            return all.finish();
        }
        let mut joiner = Joiner::default();
        for (text, annotated) in &self.texts {
            joiner.open();
            all.push(joiner.before(text));
            all.push(*text);
            if *annotated {
                joiner.annotated();
            }
        }
        all.finish()
    }
}
