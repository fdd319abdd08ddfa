//! Writes the input items of a request.

use foldhash::{HashSet, HashSetExt};

use super::types::*;
use super::{content, reasoning};
use crate::canonical::{
    Block, Losses, Message, Path, Request, Role, SystemBlock, SystemOrigin, Text, ToolCall, ToolInput,
    ToolResult,
};
use crate::capability::Capabilities;
use crate::dialect::shared::call_ids::IdRule;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::{PARAMETER, ToolNames};
use crate::wire::json::{LazyStr, compact, join};

/// What stands for the result of a tool that failed without a word.
const FAILED: &str = "Tool execution failed.";

/// Instructions and input of a request.
#[derive(Debug, Default)]
pub struct Written {
    /// `instructions`
    pub instructions: Option<LazyStr>,
    /// `input`
    pub items: Vec<InputItemParam>,
}

/// Writes instructions and conversation.
pub fn write(
    request: &Request,
    names: &ToolNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Written {
    check_calls(request, losses);
    let mut writer = Writer {
        request,
        names,
        capabilities,
        freeform: HashSet::new(),
        out: Written::default(),
    };
    writer.system(losses);
    writer.out.items.reserve(request.messages.len());
    for message in &request.messages {
        writer.message(message, losses);
    }
    let Written { instructions, items } = writer.out;
    Written {
        instructions,
        items: without_stranded_reasoning(items, losses),
    }
}

/// Refuses histories whose calls and results do not pair.
fn check_calls(request: &Request, losses: &mut Losses) {
    let mut calls = HashSet::new();
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
                _ => {}
            }
        }
    }
}

/// Leaves out reasoning that no item of its turn follows: the API refuses it.
fn without_stranded_reasoning(items: Vec<InputItemParam>, losses: &mut Losses) -> Vec<InputItemParam> {
    let mut kept: Vec<InputItemParam> = Vec::with_capacity(items.len());
    let mut follows = false;
    for item in items.into_iter().rev() {
        let is_reasoning = matches!(item, InputItemParam::Reasoning(_));
        if is_reasoning && !follows {
            losses.drop_field("input", "reasoning that nothing of its turn follows");
            continue;
        }
        follows = match &item {
            InputItemParam::Message(message) => message.role == MessageParamRole::Assistant,
            InputItemParam::FunctionCall(_) | InputItemParam::CustomToolCall(_) => true,
            _ => is_reasoning,
        };
        kept.push(item);
    }
    kept.reverse();
    kept
}

struct Writer<'a> {
    request: &'a Request,
    names: &'a ToolNames,
    capabilities: &'a Capabilities,
    /// The calls that are written as freeform ones.
    freeform: HashSet<&'a str>,
    out: Written,
}

impl<'a> Writer<'a> {
    fn system(&mut self, losses: &mut Losses) {
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
                    losses.approximate(
                        self.request.fields.system,
                        "this model takes one text of instructions",
                    );
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
                    let at = self.request.fields.system;
                    self.say(
                        self.instructing_role(),
                        &[Block::Text(text)],
                        at.into(),
                        None,
                        losses,
                    );
                }
            }
        }
    }

    fn instructing_role(&self) -> MessageParamRole {
        if self.capabilities.developer_role {
            MessageParamRole::Developer
        } else {
            MessageParamRole::System
        }
    }

    fn message(&mut self, message: &'a Message, losses: &mut Losses) {
        let Message {
            role,
            content,
            index: _,
            name,
            phase,
        } = message;
        if name.is_some() {
            let path = format!("{}.name", self.request.message_path(message));
            losses.ignore(path, "who speaks is told by the role alone");
        }
        match role {
            Role::System => {
                let path = self.request.message_path(message);
                self.say(self.instructing_role(), content, path, None, losses);
            }
            Role::User => self.user(message, content, losses),
            Role::Assistant => self.assistant(message, content, phase.as_deref(), losses),
        }
    }

    /// Results come first, right after their calls.
    fn user(&mut self, message: &'a Message, content: &'a [Block], losses: &mut Losses) {
        for (at, block) in content.iter().enumerate() {
            if let Block::ToolResult(result) = block {
                let path = self.request.block_path(message, at);
                self.result(result, path, losses);
            }
        }
        let mut parts = Vec::new();
        for (at, block) in content.iter().enumerate() {
            if !matches!(block, Block::ToolResult(_)) {
                let path = self.request.block_path(message, at);
                content::write(block, path, self.capabilities, &mut parts, losses);
            }
        }
        if !parts.is_empty() {
            let content = content::plain(parts);
            let message = MessageParam::new(content, MessageParamRole::User);
            self.out.items.push(message.into());
        }
    }

    fn say(
        &mut self,
        role: MessageParamRole,
        blocks: &[Block],
        path: Path<'static>,
        phase: Option<&str>,
        losses: &mut Losses,
    ) {
        let mut parts = Vec::new();
        for block in blocks {
            content::write(block, path, self.capabilities, &mut parts, losses);
        }
        if parts.is_empty() {
            return;
        }
        let mut message = MessageParam::new(content::plain(parts), role);
        message.phase = phase.map(Phase::from);
        self.out.items.push(message.into());
    }

    /// Each block is an item of its own, in order.
    fn assistant(
        &mut self,
        message: &'a Message,
        content: &'a [Block],
        phase: Option<&str>,
        losses: &mut Losses,
    ) {
        for (at, block) in content.iter().enumerate() {
            let path = || self.request.block_path(message, at);
            match block {
                Block::Text(Text {
                    text,
                    annotations,
                    cache,
                }) => {
                    if !annotations.is_empty() && !text.is_empty() {
                        losses.ignore(path(), "citations are not sent back");
                    }
                    content::ignore_cache(*cache, path(), losses);
                    self.assistant_text(text, phase);
                }
                Block::Refusal { text } => self.assistant_text(text, phase),
                Block::Reasoning(reasoning) => {
                    let item = reasoning::write_item(reasoning, path(), losses);
                    self.out.items.extend(item.map(InputItemParam::from));
                }
                Block::ToolCall(call) => self.call(call, path(), losses),
                Block::ServerTool(_) => {
                    losses.drop_field(
                        path(),
                        "calls and results of a vendor's own tools stay with that vendor",
                    );
                }
                Block::Image(_)
                | Block::Document(_)
                | Block::Audio(_)
                | Block::SearchResult(_)
                | Block::ToolResult(_) => {
                    losses.refuse(path(), "the assistant's messages hold text only");
                }
            }
        }
    }

    fn assistant_text(&mut self, text: &LazyStr, phase: Option<&str>) {
        if text.is_empty() {
            return;
        }
        // The long form of an assistant's message needs the identifier that the vendor gave it.
        let content = ContentParam::String(text.clone());
        let mut item = MessageParam::new(content, MessageParamRole::Assistant);
        item.phase = phase.map(Phase::from);
        self.out.items.push(item.into());
    }

    fn call(&mut self, call: &'a ToolCall, path: Path<'static>, losses: &mut Losses) {
        let ToolCall {
            id,
            name,
            namespace,
            input,
            cache,
        } = call;
        content::ignore_cache(*cache, path, losses);
        let call_id = IdRule::OPENAI_RESPONSES.apply(id);
        let name = self.names.wire_name(name, namespace.as_deref());
        let arguments = match input {
            ToolInput::Freeform { text } if self.capabilities.freeform_tools => {
                self.freeform.insert(id);
                let item = CustomToolCallParam::new(call_id, text, name);
                self.out.items.push(item.into());
                return;
            }
            ToolInput::Freeform { text } => to_raw_json(&serde_json::json!({ PARAMETER: text })).get().into(),
            ToolInput::Object { json } => compact(json.get()).into(),
            ToolInput::Malformed { text } => text.clone(),
        };
        let item = FunctionCallParam::new(arguments, call_id, name);
        self.out.items.push(item.into());
    }

    fn result(&mut self, result: &ToolResult, path: Path<'static>, losses: &mut Losses) {
        let ToolResult {
            call_id,
            content,
            is_error,
            cache,
        } = result;
        content::ignore_cache(*cache, path, losses);
        let mut parts = Vec::new();
        for block in content {
            content::write(block, path, self.capabilities, &mut parts, losses);
        }
        let output = if parts.is_empty() {
            ContentParam::String(if *is_error { FAILED } else { "" }.into())
        } else {
            content::plain(parts)
        };
        let id = IdRule::OPENAI_RESPONSES.apply(call_id);
        self.out.items.push(if self.freeform.contains(call_id.as_str()) {
            CustomToolCallOutputParam::new(id, output).into()
        } else {
            let mut item = FunctionCallOutputParam::new(output);
            item.call_id = Some(id.into_owned());
            item.into()
        });
    }
}
