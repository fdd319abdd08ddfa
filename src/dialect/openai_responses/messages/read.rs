//! Reads the input items of a request: one canonical message for each.

use crate::canonical::{
    Block, Message, Request, Role, Scope, SystemBlock, SystemOrigin, Text, Tool, ToolCall, ToolInput,
    ToolResult,
};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::{content, reasoning, request, tools};
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};
use crate::wire::json::{LazyStr, Unknown};

/// Items of the vendor's own tools that hold both call and result: the conversation stays complete without them.
const FINISHED_VENDOR_ITEMS: [&str; 5] = [
    "code_interpreter_call",
    "file_search_call",
    "image_generation_call",
    "mcp_call",
    "mcp_list_tools",
];

/// Reads instructions and input. The scope is at the request.
pub fn read(
    scope: &mut Scope<'_>,
    instructions: Option<LazyStr>,
    input: Option<ResponseCreateParamsInput>,
    request: &mut Request,
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
    request.messages.reserve(items.len());
    let mut reader = InputItemReader {
        request,
        index: 0,
        open_calls: Vec::new(),
    };
    let mut list = scope.field("input");
    for (index, item) in items.into_iter().enumerate() {
        reader.index = index;
        reader.read_item(&mut list.index(index), item);
    }
}

/// Reads items into the messages of a request. Every scope below is at the item that is being read.
struct InputItemReader<'a> {
    request: &'a mut Request,
    /// Index of the item that is being read, which its message keeps.
    index: usize,
    /// Identifier and name of the calls that have no output yet.
    open_calls: Vec<(String, String)>,
}

impl InputItemReader<'_> {
    fn read_item(&mut self, scope: &mut Scope<'_>, item: InputItemParam) {
        match item {
            InputItemParam::Message(item) => self.read_message(scope, item),
            InputItemParam::FunctionCall(item) => self.read_function_call(scope, *item),
            InputItemParam::CustomToolCall(item) => self.read_custom_call(scope, *item),
            InputItemParam::FunctionCallOutput(item) => self.read_function_output(scope, *item),
            InputItemParam::CustomToolCallOutput(item) => self.read_custom_output(scope, item),
            InputItemParam::Reasoning(item) => {
                if let Some(reasoning) = reasoning::read_item(scope, item) {
                    self.push_block(Role::Assistant, Block::Reasoning(reasoning));
                }
            }
            // The response store, where it is configured, has resolved references before the request is read.
            InputItemParam::ItemReference(ItemReferenceParam { id: _, extra: _ }) => {
                scope.refuse(ResponsesReason::NoResponseStore);
            }
            InputItemParam::AdditionalTools(item) => {
                let AdditionalToolsParam { id: _, tools, extra } = item;
                drop_unknown(scope, &extra);
                scope.approximate(ResponsesReason::AdditionalTools);
                self.add_tools(scope, tools);
            }
            InputItemParam::ToolSearchCall(item) => self.read_search_call(scope, item),
            InputItemParam::ToolSearchOutput(item) => self.read_search_output(scope, item),
            InputItemParam::ConfigurationUpdate(item) => self.read_update(scope, item),
            InputItemParam::Compaction(CompactionParam {
                encrypted_content: _,
                id: _,
                extra: _,
            }) => scope.refuse(ResponsesReason::Compaction),
            InputItemParam::WebSearchCall(WebSearchCallParam {
                action: _,
                id: _,
                status: _,
                extra: _,
            }) => scope.drop(OpenAiReason::ForeignServerTool),
            InputItemParam::Unknown(unknown) => read_unknown(scope, &unknown),
        }
    }

    fn push_block(&mut self, role: Role, block: Block) {
        let message = Message::new(role, self.index, vec![block]);
        self.request.messages.push(message);
    }

    fn read_message(&mut self, scope: &mut Scope<'_>, item: MessageParam) {
        let MessageParam {
            content,
            id: _,
            phase,
            role,
            status: _,
            type_: _,
            extra,
        } = item;
        drop_unknown(scope, &extra);
        let blocks = content::read(&mut scope.field("content"), content);
        let (role, origin) = match role {
            MessageParamRole::User => (Role::User, None),
            MessageParamRole::Assistant => (Role::Assistant, None),
            MessageParamRole::System => (Role::System, Some(SystemOrigin::SystemMessage)),
            MessageParamRole::Developer => (Role::System, Some(SystemOrigin::DeveloperMessage)),
            MessageParamRole::Other(role) => {
                scope.field("role").refuse(ResponsesReason::UnknownRole { role });
                return;
            }
        };
        if let Some(origin) = origin {
            self.read_instructions(&mut scope.field("content"), blocks, origin);
            return;
        }
        if blocks.is_empty() {
            return;
        }
        let mut message = Message::new(role, self.index, blocks);
        message.phase = phase.map(|phase| phase.as_str().to_owned());
        self.request.messages.push(message);
    }

    /// Reads a message of instructions: at the head of the conversation it belongs to the system prompt, later it stays
    /// in its position. The scope is at its content.
    fn read_instructions(&mut self, scope: &mut Scope<'_>, blocks: Vec<Block>, origin: SystemOrigin) {
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
                _ => scope.index(position).refuse(OpenAiReason::InstructionsAreText),
            }
        }
        if !kept.is_empty() {
            let message = Message::new(Role::System, self.index, kept);
            self.request.messages.push(message);
        }
    }

    fn read_function_call(&mut self, scope: &mut Scope<'_>, item: FunctionCallParam) {
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
        drop_unknown(scope, &extra);
        self.add_call(call_id, name, namespace, ToolInput::from_arguments(arguments));
    }

    fn read_custom_call(&mut self, scope: &mut Scope<'_>, item: CustomToolCallParam) {
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
        drop_unknown(scope, &extra);
        self.add_call(call_id, name, namespace, ToolInput::Freeform { text: input });
    }

    fn add_call(&mut self, id: String, name: String, namespace: Option<String>, input: ToolInput) {
        self.open_calls.push((id.clone(), name.clone()));
        let call = ToolCall {
            id,
            name,
            namespace,
            input,
            cache: None,
        };
        self.push_block(Role::Assistant, Block::ToolCall(call));
    }

    fn read_function_output(&mut self, scope: &mut Scope<'_>, item: FunctionCallOutputParam) {
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
        drop_unknown(scope, &extra);
        // An output may name the function instead of the call: it belongs to the last open call of that function.
        let call_id = call_id.or_else(|| {
            let name = name?;
            let open = self.open_calls.iter().rfind(|(_, called)| *called == name);
            open.map(|(id, _)| id.clone())
        });
        match call_id {
            Some(call_id) => self.read_output(scope, call_id, output),
            None => scope.field("call_id").refuse(ResponsesReason::OutputWithoutCall),
        }
    }

    fn read_custom_output(&mut self, scope: &mut Scope<'_>, item: CustomToolCallOutputParam) {
        let CustomToolCallOutputParam {
            call_id,
            caller: _,
            id: _,
            output,
            status: _,
            extra,
        } = item;
        drop_unknown(scope, &extra);
        self.read_output(scope, call_id, output);
    }

    fn read_output(&mut self, scope: &mut Scope<'_>, call_id: String, output: ContentParam) {
        let content = content::read(&mut scope.field("output"), output);
        self.add_result(call_id, content);
    }

    fn add_result(&mut self, call_id: String, content: Vec<Block>) {
        self.open_calls.retain(|(open, _)| *open != call_id);
        let result = ToolResult {
            call_id,
            content,
            is_error: false,
            cache: None,
        };
        self.push_block(Role::User, Block::ToolResult(result));
    }

    /// Reads a search for tools. One that the client ran is a call like any other; one that the vendor ran has no
    /// counterpart, and only the tools that it found remain.
    fn read_search_call(&mut self, scope: &mut Scope<'_>, item: ToolSearchCallParam) {
        let ToolSearchCallParam {
            arguments,
            call_id,
            execution,
            id: _,
            status: _,
            extra,
        } = item;
        drop_unknown(scope, &extra);
        match call_id.filter(|_| execution != Some(ToolSearchCallParamExecution::Server)) {
            Some(call_id) => {
                let input = ToolInput::from_arguments(arguments.get());
                self.add_call(call_id, tools::TOOL_SEARCH.to_owned(), None, input);
            }
            None => scope.drop(OpenAiReason::ForeignServerTool),
        }
    }

    fn read_search_output(&mut self, scope: &mut Scope<'_>, item: ToolSearchOutputParam) {
        let ToolSearchOutputParam {
            call_id,
            execution,
            id: _,
            status: _,
            tools,
            extra,
        } = item;
        drop_unknown(scope, &extra);
        let found = self.add_tools(scope, tools);
        match call_id.filter(|_| execution != Some(ToolSearchOutputParamExecution::Server)) {
            Some(call_id) => {
                let text = serde_json::json!({ "tools": found }).to_string();
                self.add_result(call_id, vec![Block::Text(Text::from(text))]);
            }
            None => scope.drop(OpenAiReason::ForeignServerTool),
        }
    }

    /// Declares tools that the conversation adds, after those of the request and each of them once. Returns their
    /// names, as the result of a search lists them.
    fn add_tools(&mut self, scope: &mut Scope<'_>, tools: Vec<ToolParam>) -> Vec<String> {
        let mut list = scope.field("tools");
        let mut added = tools::ReadTools::default();
        for (position, tool) in tools.into_iter().enumerate() {
            let index = self.request.tools.len() + position;
            tools::read_tool(&mut list.index(position), tool, index, &mut added);
        }
        let mut names = Vec::new();
        for tool in added.tools {
            let (namespace, name) = tool_key(&tool);
            names.push(match namespace {
                Some(namespace) => format!("{namespace}.{name}"),
                None => name.to_owned(),
            });
            let key = (namespace, name);
            if !self.request.tools.iter().any(|known| tool_key(known) == key) {
                self.request.tools.push(tool);
            }
        }
        names
    }

    /// Reads an update of the configuration. A request to another vendor has one configuration, so the last update
    /// wins.
    fn read_update(&mut self, scope: &mut Scope<'_>, item: ConfigurationUpdateParam) {
        let ConfigurationUpdateParam {
            id: _,
            reasoning,
            text,
            extra,
        } = item;
        drop_unknown(scope, &extra);
        scope.approximate(ResponsesReason::ConfigurationUpdate);
        if let Some(ReasoningUpdateParam { effort, extra }) = reasoning {
            let mut scope = scope.field("reasoning");
            drop_unknown(&mut scope, &extra);
            if let Some(effort) = effort {
                self.request.reasoning.effort = reasoning::read_effort(&mut scope.field("effort"), &effort);
            }
        }
        if let Some(TextUpdateParam { format, extra }) = text {
            let mut scope = scope.field("text");
            drop_unknown(&mut scope, &extra);
            self.request.output_format = request::read_format(&mut scope.field("format"), format);
        }
    }
}

/// Reads an item of a type that the generated types do not have. An item is a whole message, so without it the indices
/// in the paths of later losses stay those of the client's body.
fn read_unknown(scope: &mut Scope<'_>, unknown: &Unknown) {
    if FINISHED_VENDOR_ITEMS.contains(&unknown.tag.as_str()) {
        scope.drop(OpenAiReason::ForeignServerTool);
    } else {
        refuse_variant(scope, unknown, "input item");
    }
}

/// The namespace and the name, which identify a tool.
fn tool_key(tool: &Tool) -> (Option<&str>, &str) {
    match tool {
        Tool::Function(tool) => (tool.namespace.as_deref(), &tool.name),
        Tool::Freeform(tool) => (tool.namespace.as_deref(), &tool.name),
        Tool::WebSearch(_) => (None, "web_search"),
    }
}
