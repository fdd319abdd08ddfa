//! Reads the messages of a request.

use serde::Deserialize;

use super::content;
use super::types::*;
use crate::canonical::{
    Block, Losses, Message, Path, Reasoning, Request, Role, SystemBlock, SystemOrigin, Text, ToolCall,
    ToolInput, ToolResult,
};
use crate::dialect::shared::carrier;
use crate::dialect::shared::legacy::{drop_unknown, refuse_variant};
use crate::wire::json::{Extra, LazyStr, RawJson};

/// Reads the messages: the leading run of instructions into [`Request::system`], the rest into [`Request::messages`].
pub fn read(messages: Vec<ChatCompletionMessageParam>, request: &mut Request, losses: &mut Losses) {
    let list = Path::Root.field("messages");
    request.messages.reserve(messages.len());
    let mut reader = Reader {
        request,
        losses,
        legacy: LegacyCalls::default(),
        leading: true,
    };
    for (index, message) in messages.into_iter().enumerate() {
        reader.message(message, index, &list.index(index));
    }
}

struct Reader<'a> {
    request: &'a mut Request,
    losses: &'a mut Losses,
    legacy: LegacyCalls,
    leading: bool,
}

/// Calls of the deprecated `function_call`, which have no identifiers: they are numbered through the history, so that
/// a longer history gives the same ones.
#[derive(Default)]
struct LegacyCalls {
    count: usize,
    unanswered: Vec<(String, String)>,
}

impl LegacyCalls {
    fn call(&mut self, name: &str) -> String {
        let id = format!("fn_{}", self.count);
        self.count += 1;
        self.unanswered.push((name.to_owned(), id.clone()));
        id
    }

    /// The nearest call of this name that has no result yet.
    fn answer(&mut self, name: &str) -> Option<String> {
        let at = self.unanswered.iter().rposition(|(called, _)| called == name)?;
        Some(self.unanswered.remove(at).1)
    }
}

impl Reader<'_> {
    fn message(&mut self, message: ChatCompletionMessageParam, index: usize, at: &Path<'_>) {
        match message {
            ChatCompletionMessageParam::Developer(message) => {
                let ChatCompletionDeveloperMessageParam { content, name, extra } = message;
                drop_unknown(&extra, at, self.losses);
                self.instructions(content, name, SystemOrigin::DeveloperMessage, index, at);
            }
            ChatCompletionMessageParam::System(message) => {
                let ChatCompletionSystemMessageParam { content, name, extra } = message;
                drop_unknown(&extra, at, self.losses);
                self.instructions(content, name, SystemOrigin::SystemMessage, index, at);
            }
            ChatCompletionMessageParam::User(message) => {
                let ChatCompletionUserMessageParam { content, name, extra } = message;
                drop_unknown(&extra, at, self.losses);
                let blocks = content::read(content, &at.field("content"), self.losses);
                self.push(Role::User, index, blocks, name);
            }
            ChatCompletionMessageParam::Assistant(message) => self.assistant(*message, index, at),
            ChatCompletionMessageParam::Tool(message) => {
                let ChatCompletionToolMessageParam {
                    content,
                    tool_call_id,
                    extra,
                } = message;
                drop_unknown(&extra, at, self.losses);
                let content = content::read(content, &at.field("content"), self.losses);
                self.result(tool_call_id, content, index);
            }
            ChatCompletionMessageParam::Function(message) => {
                let ChatCompletionFunctionMessageParam { content, name, extra } = message;
                drop_unknown(&extra, at, self.losses);
                match self.legacy.answer(&name) {
                    Some(id) => self.result(id, content::read_string(content.unwrap_or_default()), index),
                    None => self
                        .losses
                        .refuse(*at, "the result of a function call that is not in the history"),
                }
            }
            ChatCompletionMessageParam::Unknown(unknown) => {
                refuse_variant(&unknown, "message", at, self.losses);
            }
        }
    }

    fn push(&mut self, role: Role, index: usize, content: Vec<Block>, name: Option<String>) {
        self.leading = false;
        self.request.messages.push(Message {
            name,
            ..Message::new(role, index, content)
        });
    }

    fn result(&mut self, call_id: String, content: Vec<Block>, index: usize) {
        let result = ToolResult {
            call_id,
            content,
            is_error: false,
            cache: None,
        };
        self.push(Role::User, index, vec![Block::ToolResult(result)], None);
    }

    fn instructions(
        &mut self,
        content: MessageContentParam,
        name: Option<String>,
        origin: SystemOrigin,
        index: usize,
        at: &Path<'_>,
    ) {
        let at_content = at.field("content");
        let mut blocks = content::read(content, &at_content, self.losses);
        let before = blocks.len();
        blocks.retain(|block| matches!(block, Block::Text(_)));
        if blocks.len() < before {
            self.losses
                .refuse(at_content, "instructions hold nothing but text");
        }
        if !self.leading {
            self.push(Role::System, index, blocks, name);
            return;
        }
        if name.is_some() {
            self.losses
                .ignore(at.field("name"), "instructions have no author");
        }
        for block in blocks {
            if let Block::Text(Text { text, cache, .. }) = block {
                self.request.system.push(SystemBlock { text, origin, cache });
            }
        }
    }

    fn assistant(&mut self, message: ChatCompletionAssistantMessageParam, index: usize, at: &Path<'_>) {
        let ChatCompletionAssistantMessageParam {
            audio,
            content,
            function_call,
            name,
            reasoning,
            reasoning_content,
            reasoning_details,
            refusal,
            tool_calls,
            extra,
        } = message;
        drop_unechoed(&extra, at, self.losses);
        if audio.is_some() {
            self.losses.drop_field(
                at.field("audio"),
                "an earlier answer's sound stays with its vendor",
            );
        }
        let mut blocks = self.reasoning(reasoning, reasoning_content, reasoning_details, at);
        match content {
            Some(ChatCompletionAssistantMessageParamContent::String(text)) => {
                blocks.extend(content::read_string(text));
            }
            Some(ChatCompletionAssistantMessageParamContent::Array(parts)) => {
                let at = at.field("content");
                for (index, part) in parts.into_iter().enumerate() {
                    blocks.extend(self.assistant_part(part, &at.index(index)));
                }
            }
            None => {}
        }
        if let Some(text) = refusal.filter(|text| !text.is_empty()) {
            blocks.push(Block::Refusal { text });
        }
        let at_calls = at.field("tool_calls");
        for (index, call) in tool_calls.into_iter().flatten().enumerate() {
            blocks.extend(read_call(call, &at_calls.index(index), self.losses).map(Block::ToolCall));
        }
        if let Some(call) = function_call {
            let ChatCompletionAssistantMessageParamFunctionCall {
                arguments,
                name,
                extra,
            } = call;
            drop_unknown(&extra, &at.field("function_call"), self.losses);
            let id = self.legacy.call(&name);
            blocks.push(Block::ToolCall(function(id, name, arguments)));
        }
        self.push(Role::Assistant, index, blocks, name);
    }

    fn assistant_part(&mut self, part: AssistantContentPartParam, at: &Path<'_>) -> Option<Block> {
        match part {
            AssistantContentPartParam::Text(part) => {
                content::read_text(part, at, self.losses).map(Block::Text)
            }
            AssistantContentPartParam::Refusal(part) => {
                let ChatCompletionContentPartRefusalParam { refusal, extra } = part;
                drop_unknown(&extra, at, self.losses);
                Some(Block::Refusal { text: refusal })
            }
            AssistantContentPartParam::Unknown(unknown) => {
                refuse_variant(&unknown, "content part", at, self.losses);
                None
            }
        }
    }

    /// The reasoning of a turn. The text of all its parts arrives as one, so that it stands with the first state.
    fn reasoning(
        &mut self,
        reasoning: Option<LazyStr>,
        reasoning_content: Option<LazyStr>,
        details: Option<Vec<RawJson>>,
        at: &Path<'_>,
    ) -> Vec<Block> {
        if let (Some(one), Some(other)) = (&reasoning, &reasoning_content)
            && one != other
        {
            self.losses
                .ignore(at.field("reasoning"), "`reasoning_content` stands for it");
        }
        let text = reasoning_content.or(reasoning).unwrap_or_default();
        let mut parts = if text.is_empty() { Vec::new() } else { vec![text] };
        let mut blocks = Vec::new();
        let at = at.field("reasoning_details");
        for (index, detail) in details.into_iter().flatten().enumerate() {
            let entry: Detail = serde_json::from_str(detail.get()).unwrap_or_default();
            let Some(opaque) = entry.data.as_deref().and_then(carrier::decode) else {
                self.losses
                    .drop_field(at.index(index), "reasoning state that this proxy did not make");
                continue;
            };
            blocks.push(Block::Reasoning(Reasoning {
                parts: std::mem::take(&mut parts),
                opaque: Some(opaque),
            }));
        }
        if !parts.is_empty() {
            blocks.insert(0, Block::Reasoning(Reasoning { parts, opaque: None }));
        }
        blocks
    }
}

/// What matters of an entry of `reasoning_details`.
#[derive(Default, Deserialize)]
struct Detail {
    data: Option<String>,
}

/// Records unknown members as dropped, but for those that clients repeat from an answer without meaning anything by it.
fn drop_unechoed(extra: &Extra, at: &Path<'_>, losses: &mut Losses) {
    for (name, _) in extra.unknown() {
        match name {
            "annotations" | "index" => losses.ignore(at.field(name), "repeated from an answer"),
            _ => losses.drop_field(at.field(name), "a member that the translation does not know"),
        }
    }
}

fn function(id: String, name: String, arguments: LazyStr) -> ToolCall {
    ToolCall {
        id,
        name,
        namespace: None,
        input: ToolInput::from_arguments(arguments),
        cache: None,
    }
}

fn read_call(
    call: ChatCompletionMessageToolCallUnionParam,
    at: &Path<'_>,
    losses: &mut Losses,
) -> Option<ToolCall> {
    match call {
        ChatCompletionMessageToolCallUnionParam::Function(call) => {
            let ChatCompletionMessageFunctionToolCallParam {
                function: called,
                id,
                extra,
            } = call;
            drop_unechoed(&extra, at, losses);
            let ChatCompletionMessageFunctionToolCallParamFunction {
                arguments,
                name,
                extra,
            } = called;
            drop_unknown(&extra, &at.field("function"), losses);
            Some(function(id, name, arguments))
        }
        ChatCompletionMessageToolCallUnionParam::Custom(call) => {
            let ChatCompletionMessageCustomToolCallParam { custom, id, extra } = call;
            drop_unknown(&extra, at, losses);
            let ChatCompletionMessageCustomToolCallParamCustom { input, name, extra } = custom;
            drop_unknown(&extra, &at.field("custom"), losses);
            Some(ToolCall {
                id,
                name,
                namespace: None,
                input: ToolInput::Freeform { text: input },
                cache: None,
            })
        }
        ChatCompletionMessageToolCallUnionParam::Unknown(unknown) => {
            refuse_variant(&unknown, "tool call", at, losses);
            None
        }
    }
}
