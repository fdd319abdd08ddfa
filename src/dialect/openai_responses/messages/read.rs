//! Reads the input items of a request: one canonical message for each.

use super::super::types::*;
use super::super::{content, reasoning, request, tools};
use crate::canonical::{
    Block, Losses, Message, Path, Request, Role, SystemBlock, SystemOrigin, Text, Tool, ToolCall, ToolInput,
    ToolResult,
};
use crate::dialect::shared::legacy::{drop_unknown, refuse_variant};
use crate::wire::json::{LazyStr, Unknown};

/// Items of the vendor's own tools that are complete in themselves: a conversation can go on without them.
const FINISHED: [&str; 5] = [
    "code_interpreter_call",
    "file_search_call",
    "image_generation_call",
    "mcp_call",
    "mcp_list_tools",
];

/// Reads instructions and input.
pub fn read(
    instructions: Option<LazyStr>,
    input: Option<ResponseCreateParamsInput>,
    request: &mut Request,
    losses: &mut Losses,
) {
    if let Some(text) = instructions.filter(|text| !text.is_blank()) {
        request.system.push(SystemBlock {
            text,
            origin: SystemOrigin::Field,
            cache: None,
        });
    }
    let items = match input {
        None => return,
        Some(ResponseCreateParamsInput::String(text)) => {
            let block = Block::Text(Text::from(text));
            request.messages.push(Message::new(Role::User, 0, vec![block]));
            return;
        }
        Some(ResponseCreateParamsInput::Array(items)) => items,
    };
    let list = Path::Root.field("input");
    request.messages.reserve(items.len());
    let mut reader = Reader {
        request,
        losses,
        unanswered: Vec::new(),
    };
    for (index, item) in items.into_iter().enumerate() {
        reader.item(item, index, &list.index(index));
    }
}

struct Reader<'a> {
    request: &'a mut Request,
    losses: &'a mut Losses,
    /// Identifier and name of the calls that no output has answered so far.
    unanswered: Vec<(String, String)>,
}

impl Reader<'_> {
    fn item(&mut self, item: InputItemParam, index: usize, at: &Path<'_>) {
        match item {
            InputItemParam::Message(item) => self.message(item, index, at),
            InputItemParam::FunctionCall(item) => self.function_call(*item, index, at),
            InputItemParam::CustomToolCall(item) => self.custom_call(*item, index, at),
            InputItemParam::FunctionCallOutput(item) => self.function_output(*item, index, at),
            InputItemParam::CustomToolCallOutput(item) => {
                let CustomToolCallOutputParam {
                    call_id,
                    caller: _,
                    id: _,
                    output,
                    status: _,
                    extra,
                } = item;
                drop_unknown(&extra, at, self.losses);
                self.output(call_id, output, index, at);
            }
            InputItemParam::Reasoning(item) => {
                if let Some(reasoning) = reasoning::read_item(item, at, self.losses) {
                    self.push(Role::Assistant, index, Block::Reasoning(reasoning));
                }
            }
            InputItemParam::ItemReference(ItemReferenceParam { id: _, extra: _ }) => {
                self.losses.refuse(*at, request::NO_STORE);
            }
            InputItemParam::AdditionalTools(item) => {
                let AdditionalToolsParam { id: _, tools, extra } = item;
                drop_unknown(&extra, at, self.losses);
                self.losses
                    .approximate(*at, "the tools are available from the start");
                self.add_tools(tools, at);
            }
            InputItemParam::ToolSearchCall(item) => self.search_call(item, index, at),
            InputItemParam::ToolSearchOutput(item) => self.search_output(item, index, at),
            InputItemParam::ConfigurationUpdate(item) => self.update(item, at),
            InputItemParam::Compaction(CompactionParam {
                encrypted_content: _,
                id: _,
                extra: _,
            }) => self
                .losses
                .refuse(*at, "a compacted history that only its vendor can read"),
            InputItemParam::WebSearchCall(WebSearchCallParam {
                action: _,
                id: _,
                status: _,
                extra: _,
            }) => self.losses.drop_field(*at, VENDORS_TOOL),
            InputItemParam::Unknown(unknown) => self.unknown(&unknown, at),
        }
    }

    fn push(&mut self, role: Role, index: usize, block: Block) {
        self.request.messages.push(Message::new(role, index, vec![block]));
    }

    fn message(&mut self, item: MessageParam, index: usize, at: &Path<'_>) {
        let MessageParam {
            content,
            id: _,
            phase,
            role,
            status: _,
            type_: _,
            extra,
        } = item;
        drop_unknown(&extra, at, self.losses);
        let blocks = content::read(content, &at.field("content"), self.losses);
        let (role, origin) = match role {
            MessageParamRole::User => (Role::User, None),
            MessageParamRole::Assistant => (Role::Assistant, None),
            MessageParamRole::System => (Role::System, Some(SystemOrigin::SystemMessage)),
            MessageParamRole::Developer => (Role::System, Some(SystemOrigin::DeveloperMessage)),
            MessageParamRole::Other(other) => {
                let reason = format!("the role `{other}` cannot be translated");
                self.losses.refuse(at.field("role"), reason);
                return;
            }
        };
        if let Some(origin) = origin {
            self.instructions(blocks, origin, index, at);
            return;
        }
        if blocks.is_empty() {
            return;
        }
        let mut message = Message::new(role, index, blocks);
        message.phase = phase.map(|phase| phase.as_str().to_owned());
        self.request.messages.push(message);
    }

    /// Instructions at the head of the conversation belong to the system prompt, later ones stay where they are.
    fn instructions(&mut self, blocks: Vec<Block>, origin: SystemOrigin, index: usize, at: &Path<'_>) {
        let is_leading = self.request.messages.is_empty();
        let mut kept = Vec::new();
        for (position, block) in blocks.into_iter().enumerate() {
            match block {
                Block::Text(text) if text.text.is_blank() => {}
                Block::Text(Text {
                    text,
                    annotations: _,
                    cache,
                }) if is_leading => {
                    self.request.system.push(SystemBlock { text, origin, cache });
                }
                Block::Text(text) => kept.push(Block::Text(text)),
                _ => {
                    let content = at.field("content");
                    self.losses
                        .refuse(content.index(position), "instructions are text");
                }
            }
        }
        if !kept.is_empty() {
            self.request
                .messages
                .push(Message::new(Role::System, index, kept));
        }
    }

    fn function_call(&mut self, item: FunctionCallParam, index: usize, at: &Path<'_>) {
        let FunctionCallParam {
            arguments,
            async_: _,
            call_id,
            caller: _,
            id: _,
            name,
            namespace,
            status: _,
            extra,
        } = item;
        drop_unknown(&extra, at, self.losses);
        self.call(
            call_id,
            name,
            namespace,
            ToolInput::from_arguments(arguments),
            index,
        );
    }

    fn custom_call(&mut self, item: CustomToolCallParam, index: usize, at: &Path<'_>) {
        let CustomToolCallParam {
            async_: _,
            call_id,
            caller: _,
            id: _,
            input,
            name,
            namespace,
            status: _,
            extra,
        } = item;
        drop_unknown(&extra, at, self.losses);
        self.call(
            call_id,
            name,
            namespace,
            ToolInput::Freeform { text: input },
            index,
        );
    }

    fn call(&mut self, id: String, name: String, namespace: Option<String>, input: ToolInput, index: usize) {
        self.unanswered.push((id.clone(), name.clone()));
        let call = ToolCall {
            id,
            name,
            namespace,
            input,
            cache: None,
        };
        self.push(Role::Assistant, index, Block::ToolCall(call));
    }

    fn function_output(&mut self, item: FunctionCallOutputParam, index: usize, at: &Path<'_>) {
        let FunctionCallOutputParam {
            call_id,
            caller: _,
            id: _,
            name,
            namespace: _,
            output,
            status: _,
            extra,
        } = item;
        drop_unknown(&extra, at, self.losses);
        let call_id = call_id.or_else(|| {
            let name = name?;
            let open = self.unanswered.iter().rfind(|(_, called)| *called == name);
            open.map(|(id, _)| id.clone())
        });
        match call_id {
            Some(call_id) => self.output(call_id, output, index, at),
            None => self.losses.refuse(
                at.field("call_id"),
                "an output that answers no call of the history",
            ),
        }
    }

    fn output(&mut self, call_id: String, output: ContentParam, index: usize, at: &Path<'_>) {
        let content = content::read(output, &at.field("output"), self.losses);
        self.result(call_id, content, index);
    }

    fn result(&mut self, call_id: String, content: Vec<Block>, index: usize) {
        self.unanswered.retain(|(open, _)| *open != call_id);
        let result = ToolResult {
            call_id,
            content,
            is_error: false,
            cache: None,
        };
        self.push(Role::User, index, Block::ToolResult(result));
    }

    /// A search that the client ran is a call like any other; one of the vendor's leaves only the tools it found.
    fn search_call(&mut self, item: ToolSearchCallParam, index: usize, at: &Path<'_>) {
        let ToolSearchCallParam {
            arguments,
            call_id,
            execution,
            id: _,
            status: _,
            extra,
        } = item;
        drop_unknown(&extra, at, self.losses);
        match call_id.filter(|_| execution != Some(ToolSearchCallParamExecution::Server)) {
            Some(call_id) => {
                let input = ToolInput::from_arguments(arguments.get());
                self.call(call_id, tools::TOOL_SEARCH.to_owned(), None, input, index);
            }
            None => self.losses.drop_field(*at, VENDORS_TOOL),
        }
    }

    fn search_output(&mut self, item: ToolSearchOutputParam, index: usize, at: &Path<'_>) {
        let ToolSearchOutputParam {
            call_id,
            execution,
            id: _,
            status: _,
            tools,
            extra,
        } = item;
        drop_unknown(&extra, at, self.losses);
        let found = self.add_tools(tools, at);
        match call_id.filter(|_| execution != Some(ToolSearchOutputParamExecution::Server)) {
            Some(call_id) => {
                let text = serde_json::json!({ "tools": found }).to_string();
                self.result(call_id, vec![Block::Text(Text::from(text))], index);
            }
            None => self.losses.drop_field(*at, VENDORS_TOOL),
        }
    }

    /// Declares tools that the conversation adds, after those of the request and each once; gives their names.
    fn add_tools(&mut self, tools: Vec<ToolParam>, at: &Path<'_>) -> Vec<String> {
        let list = at.field("tools");
        let mut read = tools::Tools::default();
        for (position, tool) in tools.into_iter().enumerate() {
            let index = self.request.tools.len() + position;
            tools::read_one(tool, index, &list.index(position), &mut read, self.losses);
        }
        let mut names = Vec::new();
        for tool in read.tools {
            let key = key(&tool);
            let (namespace, name) = key;
            names.push(match namespace {
                Some(namespace) => format!("{namespace}.{name}"),
                None => name.to_owned(),
            });
            if !self.request.tools.iter().any(|known| self::key(known) == key) {
                self.request.tools.push(tool);
            }
        }
        names
    }

    fn update(&mut self, item: ConfigurationUpdateParam, at: &Path<'_>) {
        let ConfigurationUpdateParam {
            id: _,
            reasoning,
            text,
            extra,
        } = item;
        drop_unknown(&extra, at, self.losses);
        self.losses
            .approximate(*at, "the last update holds for the whole conversation");
        if let Some(ReasoningUpdateParam { effort, extra }) = reasoning {
            let at = at.field("reasoning");
            drop_unknown(&extra, &at, self.losses);
            if let Some(effort) = effort {
                self.request.reasoning.effort =
                    reasoning::read_effort(effort, &at.field("effort"), self.losses);
            }
        }
        if let Some(TextUpdateParam { format, extra }) = text {
            let at = at.field("text");
            drop_unknown(&extra, &at, self.losses);
            self.request.output_format = request::read_format(format, &at.field("format"), self.losses);
        }
    }

    fn unknown(&mut self, unknown: &Unknown, at: &Path<'_>) {
        if FINISHED.contains(&unknown.tag.as_str()) {
            self.losses.drop_field(*at, VENDORS_TOOL);
        } else {
            refuse_variant(unknown, "input item", at, self.losses);
        }
    }
}

/// Such an item is a whole message, so that the places of the others stay true without it.
const VENDORS_TOOL: &str = "calls and results of a vendor's own tools stay with that vendor";

fn key(tool: &Tool) -> (Option<&str>, &str) {
    match tool {
        Tool::Function(tool) => (tool.namespace.as_deref(), &tool.name),
        Tool::Freeform(tool) => (tool.namespace.as_deref(), &tool.name),
        Tool::WebSearch(_) => (None, "web_search"),
    }
}
