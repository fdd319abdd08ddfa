//! The one message that the blocks of a response become.

use super::annotations;
use super::calls::ChatCallForm;
use crate::canonical::{Block, Path, Reasoning, Scope, Text, ToolCall, ToolInput};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_chat::reasoning;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::text_joiner::JoinedText;
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::usage::ModelRefusal;
use crate::wire::json::{RawJson, compact};

/// Puts the blocks of a response into one message.
pub struct ChatMessageBuilder {
    call_form: ChatCallForm,
    /// The text so far, and how its pieces were joined.
    text: String,
    joined: JoinedText,
    refusal: String,
    reasoning: String,
    reasoning_details: Vec<RawJson>,
    annotations: Vec<Annotation>,
    calls: Vec<ChatCompletionMessageToolCallUnion>,
    function_call: Option<ChatCompletionMessageFunctionCall>,
}

impl ChatMessageBuilder {
    /// An empty message.
    pub fn new(call_form: ChatCallForm) -> Self {
        Self {
            call_form,
            text: String::new(),
            joined: JoinedText::default(),
            refusal: String::new(),
            reasoning: String::new(),
            reasoning_details: Vec::new(),
            annotations: Vec::new(),
            calls: Vec::new(),
            function_call: None,
        }
    }

    /// Adds a block. `scope` is that of the response, `index` the position of the block in its content.
    pub fn add(&mut self, scope: &mut Scope<'_>, block: Block, index: usize) {
        let mut scope = scope.at(Path::element("content", index));
        match block {
            Block::Text(text) => self.add_text(text),
            Block::Refusal { text } => self.add_refusal(&text),
            Block::Reasoning(reasoning) => self.add_reasoning(reasoning),
            Block::ToolCall(call) => self.add_call(&mut scope, call),
            Block::ServerTool(tool) => scope.drop(OpenAiReason::VendorItem { item: tool.item }),
            Block::Image(_)
            | Block::Document(_)
            | Block::Audio(_)
            | Block::SearchResult(_)
            | Block::ToolResult(_) => scope.drop(ChatReason::ResponseTextOnly),
        }
    }

    fn add_text(&mut self, text: Text) {
        let Text {
            text,
            annotations,
            cache: _,
        } = text;
        self.joined.begin_text();
        let (separator, start) = self.joined.append(&text);
        self.text.push_str(separator);
        self.text.push_str(&text);
        let length = self.joined.length() - start;
        if !annotations.is_empty() {
            self.joined.mark_annotated();
        }
        let annotations = annotations.into_iter();
        self.annotations
            .extend(annotations.map(|annotation| annotations::write(annotation, start, length)));
    }

    /// Adds words of refusal.
    pub fn add_refusal(&mut self, text: &str) {
        self.refusal.push_str(text);
    }

    fn add_reasoning(&mut self, reasoning: Reasoning) {
        let Reasoning { parts, opaque } = reasoning;
        for part in parts.iter().filter(|part| !part.is_empty()) {
            if !self.reasoning.is_empty() {
                self.reasoning.push_str("\n\n");
            }
            self.reasoning.push_str(part);
        }
        let next = self.reasoning_details.len();
        let detail = opaque.and_then(|opaque| reasoning::write_detail(&opaque, next));
        self.reasoning_details.extend(detail);
    }

    fn add_call(&mut self, scope: &mut Scope<'_>, call: ToolCall) {
        let ToolCall {
            id,
            name,
            namespace: _,
            input,
            cache: _,
        } = call;
        let arguments = match input {
            ToolInput::Object { json } => compact(json.get()),
            ToolInput::Malformed { text } => text.into_string(),
            ToolInput::Freeform { text } => {
                let custom = ChatCompletionMessageCustomToolCallCustom {
                    input: Some(text.into_string()),
                    name: Some(name),
                    ..ChatCompletionMessageCustomToolCallCustom::new()
                };
                let mut call = ChatCompletionMessageCustomToolCall::new(custom);
                call.id = Some(id);
                self.calls.push(call.into());
                return;
            }
        };
        match self.call_form {
            ChatCallForm::ToolCalls => {
                let mut function = ChatCompletionMessageFunctionToolCallFunction::new(name);
                function.arguments = Some(ToolCallArguments::String(arguments));
                let mut call = ChatCompletionMessageFunctionToolCall::new(function);
                call.id = Some(id);
                self.calls.push(call.into());
            }
            ChatCallForm::FunctionCall if self.function_call.is_none() => {
                self.function_call = Some(ChatCompletionMessageFunctionCall {
                    arguments: Some(arguments),
                    name: Some(name),
                    ..ChatCompletionMessageFunctionCall::new()
                });
            }
            ChatCallForm::FunctionCall => scope.drop(ChatReason::OneFunctionCall),
        }
    }

    /// Whether the model has refused in words.
    pub fn refusal(&self) -> ModelRefusal {
        ModelRefusal::of_text(&self.refusal)
    }

    /// The message.
    pub fn finish(self) -> ChatCompletionMessage {
        let Self {
            call_form: _,
            text,
            joined: _,
            refusal,
            reasoning,
            reasoning_details,
            annotations,
            calls,
            function_call,
        } = self;
        let has_calls = !calls.is_empty() || function_call.is_some();
        let mut out = ChatCompletionMessage::new();
        // As in OpenAI's own responses: `null` beside calls, but an empty text in an empty response.
        out.content = (!text.is_empty() || !has_calls).then_some(text);
        out.refusal = (!refusal.is_empty()).then_some(refusal);
        out.extra.push_null("refusal");
        out.reasoning_content = (!reasoning.is_empty()).then_some(reasoning);
        out.reasoning_details = (!reasoning_details.is_empty()).then_some(reasoning_details);
        out.annotations = (!annotations.is_empty()).then_some(annotations);
        out.tool_calls = (!calls.is_empty()).then_some(calls);
        out.function_call = function_call;
        out
    }
}
