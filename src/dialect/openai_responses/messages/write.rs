//! Writes the input items of a request.

use foldhash::{HashSet, HashSetExt};

use crate::canonical::{
    Block, Message, Request, Role, Scope, SystemBlock, SystemOrigin, Text, ToolCall, ToolInput, ToolResult,
};
use crate::capability::Capabilities;
use crate::dialect::openai::messages::{FAILED_TOOL, check_calls, write_arguments};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::{content, reasoning};
use crate::dialect::shared::call_ids::IdRule;
use crate::dialect::shared::tool_names::ToolNames;
use crate::wire::json::{LazyStr, join};

/// Instructions and input of a request.
#[derive(Debug, Default)]
pub struct WrittenInput {
    /// `instructions`
    pub instructions: Option<LazyStr>,
    /// `input`
    pub items: Vec<InputItemParam>,
}

/// Writes instructions and conversation.
pub fn write(
    scope: &mut Scope<'_>,
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
) -> WrittenInput {
    check_calls(scope, request, |_, _, _| {});
    let mut writer = InputItemWriter {
        request,
        names,
        capabilities,
        freeform_calls: HashSet::new(),
        out: WrittenInput::default(),
    };
    writer.write_system(scope);
    writer.out.items.reserve(request.messages.len());
    for message in &request.messages {
        writer.write_message(scope, message);
    }
    let WrittenInput { instructions, items } = writer.out;
    WrittenInput {
        instructions,
        items: drop_stranded_reasoning(scope, items),
    }
}

/// Leaves out reasoning that no item of its turn follows: the API refuses it. Goes from the end, since whether an item
/// is left out depends on those after it.
fn drop_stranded_reasoning(scope: &mut Scope<'_>, items: Vec<InputItemParam>) -> Vec<InputItemParam> {
    let mut kept: Vec<InputItemParam> = Vec::with_capacity(items.len());
    let mut is_followed = false;
    for item in items.into_iter().rev() {
        let is_reasoning = matches!(item, InputItemParam::Reasoning(_));
        if is_reasoning && !is_followed {
            // Of which block the item was made is not known any more.
            scope.at("input").drop(ResponsesReason::StrandedReasoning);
            continue;
        }
        is_followed = match &item {
            InputItemParam::Message(message) => message.role == MessageParamRole::Assistant,
            InputItemParam::FunctionCall(_) | InputItemParam::CustomToolCall(_) => true,
            _ => is_reasoning,
        };
        kept.push(item);
    }
    kept.reverse();
    kept
}

struct InputItemWriter<'a> {
    request: &'a Request,
    names: &'a ToolNames,
    capabilities: &'a Capabilities,
    /// The calls that are written as freeform ones, since their results have another type of item.
    freeform_calls: HashSet<&'a str>,
    out: WrittenInput,
}

impl<'a> InputItemWriter<'a> {
    /// Writes the system prompt: as `instructions` if it was one field for the client, too, or if the model accepts one
    /// text only; else as messages, which keep the blocks apart and can carry cache breakpoints.
    fn write_system(&mut self, scope: &mut Scope<'_>) {
        let mut scope = scope.at(self.request.fields.system);
        match self.request.system.as_slice() {
            [] => {}
            [
                SystemBlock {
                    text,
                    origin: SystemOrigin::Field,
                    cache: None,
                },
            ] => self.out.instructions = Some(text.clone()),
            blocks if self.capabilities.single_system => {
                if blocks.len() > 1 {
                    scope.approximate(ResponsesReason::SingleSystem);
                }
                let texts = blocks.iter().map(|block| &block.text);
                self.out.instructions = Some(join(texts, "\n\n"));
            }
            blocks => {
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
                    self.write_instructions(&mut scope, &[Block::Text(text)]);
                }
            }
        }
    }

    /// Writes a message of instructions. Losses of its blocks are at the scope itself.
    fn write_instructions(&mut self, scope: &mut Scope<'_>, blocks: &[Block]) {
        let role = if self.capabilities.developer_role {
            MessageParamRole::Developer
        } else {
            MessageParamRole::System
        };
        let mut parts = Vec::new();
        for block in blocks {
            content::write(scope, block, self.capabilities, &mut parts);
        }
        self.push_message(role, parts);
    }

    fn push_message(&mut self, role: MessageParamRole, parts: Vec<MessagePartParam>) {
        if !parts.is_empty() {
            let message = MessageParam::new(content::from_parts(parts), role);
            self.out.items.push(message.into());
        }
    }

    fn write_message(&mut self, scope: &mut Scope<'_>, message: &'a Message) {
        let Message {
            role,
            content,
            index: _,
            name,
            phase,
        } = message;
        let mut at_message = scope.at(self.request.message_path(message));
        at_message.ignore_member("name", name, ResponsesReason::SpeakerName);
        match role {
            Role::System => self.write_instructions(&mut at_message, content),
            Role::User => self.write_user(scope, message, content),
            Role::Assistant => self.write_assistant(scope, message, content, phase.as_deref()),
        }
    }

    /// Writes a user's message: first the results of tools, right after their calls, then the rest as one message.
    fn write_user(&mut self, scope: &mut Scope<'_>, message: &'a Message, content: &'a [Block]) {
        for (position, block) in content.iter().enumerate() {
            if let Block::ToolResult(result) = block {
                let mut scope = scope.at(self.request.block_path(message, position));
                self.write_result(&mut scope, result);
            }
        }
        let mut parts = Vec::new();
        for (position, block) in content.iter().enumerate() {
            if !matches!(block, Block::ToolResult(_)) {
                let mut scope = scope.at(self.request.block_path(message, position));
                content::write(&mut scope, block, self.capabilities, &mut parts);
            }
        }
        self.push_message(MessageParamRole::User, parts);
    }

    /// Writes an assistant's message: each block is an item, in order.
    fn write_assistant(
        &mut self,
        scope: &mut Scope<'_>,
        message: &'a Message,
        content: &'a [Block],
        phase: Option<&str>,
    ) {
        for (position, block) in content.iter().enumerate() {
            let mut scope = scope.at(self.request.block_path(message, position));
            match block {
                Block::Text(Text {
                    text,
                    annotations,
                    cache,
                }) => {
                    if !annotations.is_empty() && !text.is_empty() {
                        scope.ignore(OpenAiReason::CitationsNotSent);
                    }
                    content::ignore_cache(&mut scope, *cache);
                    self.write_assistant_text(text, phase);
                }
                Block::Refusal { text } => self.write_assistant_text(text, phase),
                Block::Reasoning(reasoning) => {
                    let item = reasoning::write_item(&mut scope, reasoning);
                    self.out.items.extend(item.map(InputItemParam::from));
                }
                Block::ToolCall(call) => self.write_call(&mut scope, call),
                Block::ServerTool(_) => scope.drop(OpenAiReason::ForeignServerTool),
                Block::Image(_)
                | Block::Document(_)
                | Block::Audio(_)
                | Block::SearchResult(_)
                | Block::ToolResult(_) => scope.refuse(ResponsesReason::AssistantIsText),
            }
        }
    }

    fn write_assistant_text(&mut self, text: &LazyStr, phase: Option<&str>) {
        if text.is_empty() {
            return;
        }
        // Content as a list of parts needs the identifier that the vendor gave the message, which is not known.
        let content = ContentParam::String(text.clone());
        let mut item = MessageParam::new(content, MessageParamRole::Assistant);
        item.phase = phase.map(Phase::from);
        self.out.items.push(item.into());
    }

    fn write_call(&mut self, scope: &mut Scope<'_>, call: &'a ToolCall) {
        let ToolCall {
            id,
            name,
            namespace,
            input,
            cache,
        } = call;
        content::ignore_cache(scope, *cache);
        let call_id = IdRule::OPENAI_RESPONSES.apply(id);
        let name = self.names.wire_name(name, namespace.as_deref());
        if let ToolInput::Freeform { text } = input
            && self.capabilities.freeform_tools
        {
            self.freeform_calls.insert(id);
            let item = CustomToolCallParam::new(call_id, text, name);
            self.out.items.push(item.into());
            return;
        }
        let item = FunctionCallParam::new(write_arguments(input), call_id, name);
        self.out.items.push(item.into());
    }

    fn write_result(&mut self, scope: &mut Scope<'_>, result: &ToolResult) {
        let ToolResult {
            call_id,
            content,
            is_error,
            cache,
        } = result;
        content::ignore_cache(scope, *cache);
        let mut parts = Vec::new();
        for block in content {
            content::write(scope, block, self.capabilities, &mut parts);
        }
        let output = if parts.is_empty() {
            ContentParam::String(if *is_error { FAILED_TOOL } else { "" }.into())
        } else {
            content::from_parts(parts)
        };
        let id = IdRule::OPENAI_RESPONSES.apply(call_id);
        let is_freeform = self.freeform_calls.contains(call_id.as_str());
        self.out.items.push(if is_freeform {
            CustomToolCallOutputParam::new(id, output).into()
        } else {
            let mut item = FunctionCallOutputParam::new(output);
            item.call_id = Some(id.into_owned());
            item.into()
        });
    }
}
