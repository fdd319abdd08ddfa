//! One message of the assistant, while it is put together from the blocks of a turn.

use crate::canonical::{Block, Reasoning, Request, Scope, Text, ToolCall, ToolInput};
use crate::capability::{Capabilities, ReasoningReplay};
use crate::dialect::openai::messages::write_arguments;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::text_joiner::TextJoiner;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::call_ids::IdRule;
use crate::dialect::shared::tool_names::ToolNames;
use crate::wire::json::{Concat, LazyStr, join};

/// What all turns of a request are written with.
#[derive(Clone, Copy)]
pub struct TurnContext<'a> {
    /// The request.
    pub request: &'a Request,
    /// The tool names that the upstream accepts.
    pub names: &'a ToolNames,
    /// What the model accepts.
    pub capabilities: &'a Capabilities,
}

/// The content of a turn.
#[derive(Default)]
pub struct AssistantTurn<'a> {
    texts: Vec<TurnText<'a>>,
    refusal: Concat,
    reasoning: Vec<&'a LazyStr>,
    calls: Vec<ChatCompletionMessageToolCallUnionParam>,
    call_ids: Vec<&'a str>,
}

struct TurnText<'a> {
    text: &'a LazyStr,
    has_annotations: bool,
}

impl<'a> AssistantTurn<'a> {
    /// Adds a block; `scope` is that of the block.
    pub fn add(&mut self, scope: &mut Scope<'_>, context: TurnContext<'_>, block: &'a Block) {
        let capabilities = context.capabilities;
        match block {
            Block::Text(Text {
                text,
                annotations,
                cache,
            }) => {
                if cache.is_some() {
                    scope.ignore(OpenAiReason::CachingHint);
                }
                let has_annotations = !annotations.is_empty();
                if has_annotations && !text.is_empty() {
                    scope.ignore(OpenAiReason::CitationsNotSent);
                }
                self.texts.push(TurnText {
                    text,
                    has_annotations,
                });
            }
            Block::Refusal { text } if capabilities.max_completion_tokens => self.refusal.push(text),
            // Compatible servers do not know `refusal`, and to their models it is ordinary text.
            Block::Refusal { text } => self.texts.push(TurnText {
                text,
                has_annotations: false,
            }),
            Block::Reasoning(Reasoning { parts, opaque: _ }) => {
                if capabilities.reasoning_replay == ReasoningReplay::None {
                    scope.ignore(ChatReason::ReasoningNotSent);
                    return;
                }
                self.reasoning
                    .extend(parts.iter().filter(|part| !part.is_empty()));
            }
            Block::ToolCall(call) => {
                self.calls.push(write_call(scope, context, call));
                self.call_ids.push(&call.id);
            }
            Block::ServerTool(_) => scope.drop(OpenAiReason::ForeignServerTool),
            Block::ToolResult(_) => scope.refuse(ChatReason::ResultOfAssistant),
            Block::Image(_) | Block::Document(_) | Block::Audio(_) | Block::SearchResult(_) => {
                scope.drop(ChatReason::AssistantTextOnly);
            }
        }
    }

    /// Whether the turn contains a call.
    pub fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// The message, without its author's name, and the identifiers of its calls. `None` if there is neither text nor a
    /// call: reasoning alone is no message.
    pub fn finish(
        self,
        capabilities: &Capabilities,
    ) -> Option<(ChatCompletionAssistantMessageParam, Vec<&'a str>)> {
        let text = self.joined_text();
        let Self {
            texts: _,
            refusal,
            reasoning,
            calls,
            call_ids,
        } = self;
        let refusal = refusal.finish();
        if text.is_empty() && refusal.is_empty() && calls.is_empty() {
            return None;
        }
        let mut out = ChatCompletionAssistantMessageParam::new();
        if !reasoning.is_empty() {
            match capabilities.reasoning_replay {
                ReasoningReplay::None => {}
                ReasoningReplay::ReasoningContent => out.reasoning_content = Some(join(reasoning, "\n\n")),
                ReasoningReplay::Reasoning => out.reasoning = Some(join(reasoning, "\n\n")),
            }
        }
        if text.is_empty() {
            // Some servers refuse a message without the member.
            out.extra.push_null("content");
        } else {
            out.content = Some(ChatCompletionAssistantMessageParamContent::String(text));
        }
        out.refusal = (!refusal.is_empty()).then_some(refusal);
        out.tool_calls = (!calls.is_empty()).then_some(calls);
        Some((out, call_ids))
    }

    /// All texts as one, the form that every server understands.
    fn joined_text(&self) -> LazyStr {
        let mut joined = Concat::default();
        // The joiner decodes the ends of each text. One text alone, the usual case, needs none.
        if let [TurnText { text, .. }] = self.texts.as_slice() {
            joined.push(*text);
            return joined.finish();
        }
        let mut joiner = TextJoiner::default();
        for TurnText {
            text,
            has_annotations,
        } in &self.texts
        {
            joiner.begin_text();
            joined.push(joiner.separator(text));
            joined.push(*text);
            if *has_annotations {
                joiner.mark_annotated();
            }
        }
        joined.finish()
    }
}

fn write_call(
    scope: &mut Scope<'_>,
    context: TurnContext<'_>,
    call: &ToolCall,
) -> ChatCompletionMessageToolCallUnionParam {
    let ToolCall {
        id,
        name,
        namespace,
        input,
        cache,
    } = call;
    if cache.is_some() {
        scope.ignore(OpenAiReason::CachingHint);
    }
    let id = IdRule::OPENAI_CHAT.apply(id);
    let name = context.names.wire_name(name, namespace.as_deref());
    if let ToolInput::Freeform { text } = input
        && context.capabilities.freeform_tools
    {
        let custom = ChatCompletionMessageCustomToolCallParamCustom::new(text, name);
        return ChatCompletionMessageCustomToolCallParam::new(custom, id).into();
    }
    let function = ChatCompletionMessageFunctionToolCallParamFunction::new(write_arguments(input), name);
    ChatCompletionMessageFunctionToolCallParam::new(function, id).into()
}
