//! Reads the messages of a client's request.

use super::legacy_calls::LegacyCalls;
use crate::canonical::{
    Block, Message, Request, Role, Scope, SystemBlock, SystemOrigin, Text, ToolCall, ToolInput, ToolResult,
};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::{content, reasoning};
use crate::dialect::shared::reasons::SharedReason;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};
use crate::wire::json::{Extra, LazyStr};

/// Reads the messages: the leading run of instructions into [`Request::system`], the rest into [`Request::messages`].
/// `scope` is that of the list.
pub fn read(scope: &mut Scope<'_>, messages: Vec<ChatCompletionMessageParam>, request: &mut Request) {
    request.messages.reserve(messages.len());
    let mut reader = ChatMessageReader {
        request,
        index: 0,
        is_leading: true,
        legacy_calls: LegacyCalls::default(),
    };
    for (index, message) in messages.into_iter().enumerate() {
        reader.index = index;
        reader.read(&mut scope.index(index), message);
    }
}

/// Reads one message after another. The scope of each method is that of the message.
struct ChatMessageReader<'a> {
    request: &'a mut Request,
    /// The position of the message.
    index: usize,
    /// There was nothing but instructions so far.
    is_leading: bool,
    legacy_calls: LegacyCalls,
}

impl ChatMessageReader<'_> {
    fn read(&mut self, scope: &mut Scope<'_>, message: ChatCompletionMessageParam) {
        match message {
            ChatCompletionMessageParam::Developer(message) => {
                let ChatCompletionDeveloperMessageParam { content, name, extra } = message;
                drop_unknown(scope, &extra);
                self.read_instructions(scope, content, name, SystemOrigin::DeveloperMessage);
            }
            ChatCompletionMessageParam::System(message) => {
                let ChatCompletionSystemMessageParam { content, name, extra } = message;
                drop_unknown(scope, &extra);
                self.read_instructions(scope, content, name, SystemOrigin::SystemMessage);
            }
            ChatCompletionMessageParam::User(message) => {
                let ChatCompletionUserMessageParam { content, name, extra } = message;
                drop_unknown(scope, &extra);
                let blocks = content::read(&mut scope.field("content"), content);
                self.push(Role::User, blocks, name);
            }
            ChatCompletionMessageParam::Assistant(message) => self.read_assistant(scope, *message),
            ChatCompletionMessageParam::Tool(message) => {
                let ChatCompletionToolMessageParam {
                    content,
                    tool_call_id,
                    extra,
                } = message;
                drop_unknown(scope, &extra);
                let blocks = content::read(&mut scope.field("content"), content);
                self.push_result(tool_call_id, blocks);
            }
            ChatCompletionMessageParam::Function(message) => {
                let ChatCompletionFunctionMessageParam { content, name, extra } = message;
                drop_unknown(scope, &extra);
                match self.legacy_calls.take(&name) {
                    Some(id) => self.push_result(id, content::read_string(content.unwrap_or_default())),
                    None => scope.refuse(ChatReason::ResultWithoutFunctionCall),
                }
            }
            ChatCompletionMessageParam::Unknown(unknown) => refuse_variant(scope, &unknown, "message"),
        }
    }

    fn push(&mut self, role: Role, content: Vec<Block>, name: Option<String>) {
        self.is_leading = false;
        self.request.messages.push(Message {
            name,
            ..Message::new(role, self.index, content)
        });
    }

    fn push_result(&mut self, call_id: String, content: Vec<Block>) {
        let result = ToolResult {
            call_id,
            content,
            is_error: false,
            cache: None,
        };
        self.push(Role::User, vec![Block::ToolResult(result)], None);
    }

    fn read_instructions(
        &mut self,
        scope: &mut Scope<'_>,
        content: MessageContentParam,
        name: Option<String>,
        origin: SystemOrigin,
    ) {
        let mut blocks = content::read(&mut scope.field("content"), content);
        let before = blocks.len();
        blocks.retain(|block| matches!(block, Block::Text(_)));
        if blocks.len() < before {
            scope.field("content").refuse(OpenAiReason::InstructionsAreText);
        }
        if !self.is_leading {
            self.push(Role::System, blocks, name);
            return;
        }
        scope.ignore_member("name", &name, ChatReason::InstructionsWithName);
        for block in blocks {
            if let Block::Text(Text { text, cache, .. }) = block {
                self.request.system.push(SystemBlock { text, origin, cache });
            }
        }
    }

    fn read_assistant(&mut self, scope: &mut Scope<'_>, message: ChatCompletionAssistantMessageParam) {
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
        drop_unless_repeated(scope, &extra);
        scope.drop_member("audio", &audio, ChatReason::EarlierAudio);
        let mut blocks = reasoning::read_message(scope, reasoning, reasoning_content, reasoning_details);
        match content {
            Some(ChatCompletionAssistantMessageParamContent::String(text)) => {
                blocks.extend(content::read_string(text));
            }
            Some(ChatCompletionAssistantMessageParamContent::Array(parts)) => {
                let mut scope = scope.field("content");
                for (index, part) in parts.into_iter().enumerate() {
                    blocks.extend(read_assistant_part(&mut scope.index(index), part));
                }
            }
            None => {}
        }
        if let Some(text) = refusal.filter(|text| !text.is_empty()) {
            blocks.push(Block::Refusal { text });
        }
        let mut call_scope = scope.field("tool_calls");
        for (index, call) in tool_calls.into_iter().flatten().enumerate() {
            blocks.extend(read_call(&mut call_scope.index(index), call).map(Block::ToolCall));
        }
        if let Some(call) = function_call {
            let ChatCompletionAssistantMessageParamFunctionCall {
                arguments,
                name,
                extra,
            } = call;
            drop_unknown(&mut scope.field("function_call"), &extra);
            let id = self.legacy_calls.add(&name);
            blocks.push(Block::ToolCall(function_call_of(id, name, arguments)));
        }
        self.push(Role::Assistant, blocks, name);
    }
}

fn read_assistant_part(scope: &mut Scope<'_>, part: AssistantContentPartParam) -> Option<Block> {
    match part {
        AssistantContentPartParam::Text(part) => content::read_text(scope, part).map(Block::Text),
        AssistantContentPartParam::Refusal(part) => {
            let ChatCompletionContentPartRefusalParam { refusal, extra } = part;
            drop_unknown(scope, &extra);
            Some(Block::Refusal { text: refusal })
        }
        AssistantContentPartParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "content part");
            None
        }
    }
}

/// Drops unknown members, but ignores those that clients copy from a response into the history: the types of requests
/// do not have them, and they mean nothing there.
fn drop_unless_repeated(scope: &mut Scope<'_>, extra: &Extra) {
    for (name, _) in extra.unknown() {
        match name {
            "annotations" | "index" => scope.field(name).ignore(ChatReason::RepeatedFromResponse),
            _ => scope.field(name).drop(SharedReason::UnknownMember),
        }
    }
}

fn function_call_of(id: String, name: String, arguments: LazyStr) -> ToolCall {
    ToolCall {
        id,
        name,
        namespace: None,
        input: ToolInput::from_arguments(arguments),
        cache: None,
    }
}

fn read_call(scope: &mut Scope<'_>, call: ChatCompletionMessageToolCallUnionParam) -> Option<ToolCall> {
    match call {
        ChatCompletionMessageToolCallUnionParam::Function(call) => {
            let ChatCompletionMessageFunctionToolCallParam { function, id, extra } = call;
            drop_unless_repeated(scope, &extra);
            let ChatCompletionMessageFunctionToolCallParamFunction {
                arguments,
                name,
                extra,
            } = function;
            drop_unknown(&mut scope.field("function"), &extra);
            Some(function_call_of(id, name, arguments))
        }
        ChatCompletionMessageToolCallUnionParam::Custom(call) => {
            let ChatCompletionMessageCustomToolCallParam { custom, id, extra } = call;
            drop_unknown(scope, &extra);
            let ChatCompletionMessageCustomToolCallParamCustom { input, name, extra } = custom;
            drop_unknown(&mut scope.field("custom"), &extra);
            Some(ToolCall {
                id,
                name,
                namespace: None,
                input: ToolInput::Freeform { text: input },
                cache: None,
            })
        }
        ChatCompletionMessageToolCallUnionParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "tool call");
            None
        }
    }
}
