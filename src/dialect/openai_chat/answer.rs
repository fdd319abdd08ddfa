//! The one message that an answer becomes.

use serde::Serialize;

use super::joiner::Joiner;
use super::types::*;
use crate::canonical::{
    Annotation as CanonicalAnnotation, Block, Family, Losses, Opaque, Reasoning, Text, ToolCall, ToolInput,
};
use crate::dialect::shared::carrier;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::wire::json::{RawJson, compact};

/// An entry of `reasoning_details`. Without an integer `index` the OpenAI SDK for Python cannot put lists of streamed
/// entries together.
#[derive(Serialize)]
struct ReasoningDetail<'a> {
    index: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    data: &'a str,
}

/// The entry that carries a vendor's reasoning state; `None` for state that is this dialect's own.
pub fn reasoning_detail(opaque: &Opaque, index: usize) -> Option<RawJson> {
    if opaque.origin == Family::OpenaiChat {
        return None;
    }
    Some(to_raw_json(&ReasoningDetail {
        index,
        kind: "reasoning.encrypted",
        data: &carrier::encode(opaque),
    }))
}

/// A citation with its span in the joined text: `start` and `length` are those of the block, in Unicode scalar values.
pub fn write_annotation(annotation: CanonicalAnnotation, start: u64, length: u64) -> Annotation {
    let CanonicalAnnotation { url, title, span } = annotation;
    let (from, to) = span.unwrap_or((0, length));
    let index = |index: u64| Some(i64::try_from(start.saturating_add(index)).unwrap_or(i64::MAX));
    Annotation {
        url_citation: Some(AnnotationUrlCitation {
            start_index: index(from),
            end_index: index(to),
            title: Some(title),
            url: Some(url),
            ..AnnotationUrlCitation::new()
        }),
        ..Annotation::new()
    }
}

/// The number of Unicode scalar values in a text.
pub fn scalars(text: &str) -> u64 {
    text.chars().count() as u64
}

/// Puts the blocks of an answer into the one message of this dialect.
pub struct MessageWriter {
    legacy: bool,
    joiner: Joiner,
    text: String,
    scalars: u64,
    refusal: String,
    reasoning: String,
    details: Vec<RawJson>,
    annotations: Vec<Annotation>,
    calls: Vec<ChatCompletionMessageToolCallUnion>,
    function_call: Option<ChatCompletionMessageFunctionCall>,
}

impl MessageWriter {
    /// A message without anything; `legacy` says whether the client takes calls as `function_call`.
    pub fn new(legacy: bool) -> Self {
        Self {
            legacy,
            joiner: Joiner::default(),
            text: String::new(),
            scalars: 0,
            refusal: String::new(),
            reasoning: String::new(),
            details: Vec::new(),
            annotations: Vec::new(),
            calls: Vec::new(),
            function_call: None,
        }
    }

    /// Adds a block; `index` is its place in the answer.
    pub fn block(&mut self, block: Block, index: usize, losses: &mut Losses) {
        match block {
            Block::Text(text) => self.say(text),
            Block::Refusal { text } => self.refuse(&text),
            Block::Reasoning(Reasoning { parts, opaque }) => {
                for part in parts.iter().filter(|part| !part.is_empty()) {
                    if !self.reasoning.is_empty() {
                        self.reasoning.push_str("\n\n");
                    }
                    self.reasoning.push_str(part);
                }
                let next = self.details.len();
                self.details
                    .extend(opaque.and_then(|opaque| reasoning_detail(&opaque, next)));
            }
            Block::ToolCall(call) => self.call(call, index, losses),
            Block::ServerTool(tool) => {
                losses.drop_field(
                    format!("content[{index}]"),
                    format!("the vendor's own item `{}`", tool.item),
                );
            }
            Block::Image(_)
            | Block::Document(_)
            | Block::Audio(_)
            | Block::SearchResult(_)
            | Block::ToolResult(_) => {
                losses.drop_field(format!("content[{index}]"), "an answer holds text and calls only");
            }
        }
    }

    fn say(&mut self, text: Text) {
        let Text {
            text,
            annotations,
            cache: _,
        } = text;
        self.joiner.open();
        let before = self.joiner.before(&text);
        self.text.push_str(before);
        self.text.push_str(&text);
        let start = self.scalars + scalars(before);
        let length = scalars(&text);
        self.scalars = start + length;
        if !annotations.is_empty() {
            self.joiner.annotated();
        }
        let annotations = annotations.into_iter();
        self.annotations
            .extend(annotations.map(|annotation| write_annotation(annotation, start, length)));
    }

    fn call(&mut self, call: ToolCall, index: usize, losses: &mut Losses) {
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
        if !self.legacy {
            let mut function = ChatCompletionMessageFunctionToolCallFunction::new(name);
            function.arguments = Some(ToolCallArguments::String(arguments));
            let mut call = ChatCompletionMessageFunctionToolCall::new(function);
            call.id = Some(id);
            self.calls.push(call.into());
        } else if self.function_call.is_none() {
            self.function_call = Some(ChatCompletionMessageFunctionCall {
                arguments: Some(arguments),
                name: Some(name),
                ..ChatCompletionMessageFunctionCall::new()
            });
        } else {
            losses.drop_field(format!("content[{index}]"), "`function_call` holds one call");
        }
    }

    /// Whether the model has refused in words.
    pub fn has_refusal(&self) -> bool {
        !self.refusal.is_empty()
    }

    /// Adds words of refusal.
    pub fn refuse(&mut self, text: &str) {
        self.refusal.push_str(text);
    }

    /// The message.
    pub fn finish(self) -> ChatCompletionMessage {
        let Self {
            legacy: _,
            joiner: _,
            text,
            scalars: _,
            refusal,
            reasoning,
            details,
            annotations,
            calls,
            function_call,
        } = self;
        let called = !calls.is_empty() || function_call.is_some();
        let mut out = ChatCompletionMessage::new();
        // Null says that there are only calls; an empty answer is an empty text.
        out.content = (!text.is_empty() || !called).then_some(text);
        out.refusal = (!refusal.is_empty()).then_some(refusal);
        out.extra.push_null("refusal");
        out.reasoning_content = (!reasoning.is_empty()).then_some(reasoning);
        out.reasoning_details = (!details.is_empty()).then_some(details);
        out.annotations = (!annotations.is_empty()).then_some(annotations);
        out.tool_calls = (!calls.is_empty()).then_some(calls);
        out.function_call = function_call;
        out
    }
}
