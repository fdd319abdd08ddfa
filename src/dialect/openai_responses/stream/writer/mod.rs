//! Writes a stream.

mod parts;

use bytes::BytesMut;

use super::super::answer::Call;
use super::super::envelope::{self, End, Envelope};
use super::super::types::*;
use super::super::{reasoning, tools};
use crate::canonical::{
    Annotation, BlockStart, CallKind, Delta, Error, Event, Finish, Losses, Opaque, RawJson, Scope,
    ServerTool, Start, Usage,
};
use crate::dialect::shared::fast_path::FrameCache;
use crate::dialect::{ResponseContext, StreamWriter};
use crate::wire::json::{FrameTemplate, TemplateMarks};
use crate::wire::sse;

/// Writes a stream.
#[derive(Debug)]
pub struct Writer {
    reply: ResponseContext,
    envelope: Option<Envelope>,
    sequence: i64,
    output: Vec<OutputItem>,
    block: Option<Block>,
    /// A call that is closed and whose arguments are no JSON: whether they were cut off is known when the answer ends.
    broken: Option<(Call, String)>,
    refused: bool,
    scratch: Vec<u8>,
    /// The frames of the pieces of what is being written.
    pieces: FrameCache,
}

/// The block that is being written.
#[derive(Debug)]
enum Block {
    /// Text or a refusal; its item begins with the first piece, so that none is empty.
    Text(TextBlock),
    Reasoning {
        id: String,
        parts: Vec<String>,
        /// Number that the upstream gives the last part.
        number: Option<u32>,
        state: Option<Opaque>,
    },
    Call {
        call: Call,
        kind: Kind,
        text: String,
    },
    /// Nothing that a client of this dialect could be shown.
    Hidden,
}

#[derive(Debug, Default)]
struct TextBlock {
    id: Option<String>,
    is_refusal: bool,
    text: String,
    annotations: Vec<Annotation>,
    logprobs: Vec<RawJson>,
}

/// Kinds of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Function,
    Freeform,
    ToolSearch,
}

impl Writer {
    /// A writer for one answer.
    pub fn new(reply: &ResponseContext) -> Self {
        Self {
            reply: reply.clone(),
            envelope: None,
            sequence: 0,
            output: Vec::new(),
            block: None,
            broken: None,
            refused: false,
            scratch: Vec::new(),
            pieces: FrameCache::default(),
        }
    }

    fn next_number(&mut self) -> Option<i64> {
        let number = self.sequence;
        self.sequence += 1;
        Some(number)
    }

    /// Path of the item that is being written.
    fn place(&self) -> Option<i64> {
        i64::try_from(self.output.len()).ok()
    }

    fn item_id(&self, kind: &str) -> String {
        let index = self.output.len();
        self.envelope.as_ref().map_or_else(
            || format!("{kind}_{index}"),
            |envelope| envelope.item_id(kind, index),
        )
    }

    fn send(&mut self, name: &str, event: impl Into<ResponseStreamEvent>, out: &mut BytesMut) {
        self.scratch.clear();
        write_event_into(&event.into(), &mut self.scratch);
        sse::write_event(out, Some(name), &self.scratch);
    }

    /// A piece, whose event is the same but for text and number until the frames are cleared.
    fn send_piece<T: Into<ResponseStreamEvent>>(
        &mut self,
        name: &str,
        text: &str,
        event: impl Fn(&Self, &str) -> T,
        number: fn(&mut T) -> &mut Option<i64>,
        out: &mut BytesMut,
    ) {
        let sequence = self.sequence;
        self.sequence += 1;
        if self.pieces.write(text, sequence, &mut self.scratch, out) {
            return;
        }
        let mut first = event(self, text);
        *number(&mut first) = Some(sequence);
        self.send(name, first, out);
        if self.pieces.record_full_write() {
            let mut event = event(self, FrameTemplate::TEXT);
            *number(&mut event) = Some(FrameTemplate::NUMBER);
            let mut marked = BytesMut::new();
            self.send(name, event, &mut marked);
            self.pieces.learn(&marked, TemplateMarks::TextAndNumber);
        }
    }

    fn start(&mut self, start: Start, out: &mut BytesMut) {
        let Start {
            id,
            model: _,
            usage: _,
            service_tier,
        } = start;
        let envelope = Envelope::new(self.reply.clone(), id.as_deref(), service_tier);
        let begun = envelope.begun();
        self.envelope = Some(envelope);
        let mut event = ResponseCreatedEvent::new();
        event.response = Some(begun.clone());
        event.sequence_number = self.next_number();
        self.send("response.created", event, out);
        let mut event = ResponseInProgressEvent::new();
        event.response = Some(begun);
        event.sequence_number = self.next_number();
        self.send("response.in_progress", event, out);
    }

    fn added(&mut self, item: impl Into<OutputItem>, out: &mut BytesMut) {
        let mut event = ResponseOutputItemAddedEvent::new(item.into());
        event.output_index = self.place();
        event.sequence_number = self.next_number();
        self.send("response.output_item.added", event, out);
    }

    fn done(&mut self, item: impl Into<OutputItem>, out: &mut BytesMut) {
        let item = item.into();
        let mut event = ResponseOutputItemDoneEvent::new(item.clone());
        event.output_index = self.place();
        event.sequence_number = self.next_number();
        self.send("response.output_item.done", event, out);
        self.output.push(item);
    }

    fn open(&mut self, block: BlockStart, out: &mut BytesMut, losses: &mut Losses) {
        self.settle_broken(true, out);
        self.pieces.clear();
        let block = match block {
            BlockStart::Text => Block::Text(TextBlock::default()),
            BlockStart::Refusal => Block::Text(TextBlock {
                is_refusal: true,
                ..TextBlock::default()
            }),
            BlockStart::Reasoning => {
                let id = self.item_id("rs");
                let mut item = ReasoningItem::new();
                item.id = Some(id.clone());
                item.summary = Some(Vec::new());
                item.status = Some(ItemStatus::InProgress);
                self.added(item, out);
                Block::Reasoning {
                    id,
                    parts: Vec::new(),
                    number: None,
                    state: None,
                }
            }
            BlockStart::ToolCall {
                id,
                name,
                namespace,
                call,
            } => self.open_call(id, name, namespace, call, out),
            BlockStart::ServerTool(ServerTool {
                origin: _,
                item: _,
                query: Some(query),
            }) => {
                let item = envelope::web_search(&self.item_id("ws"), &query);
                let mut begun = item.clone();
                begun.status = Some(WebSearchCallStatus::InProgress);
                self.added(begun, out);
                self.done(item, out);
                Block::Hidden
            }
            BlockStart::ServerTool(ServerTool {
                origin: _,
                item,
                query: None,
            }) => {
                losses.drop_field("output", format!("the vendor's own item `{item}`"));
                Block::Hidden
            }
        };
        self.block = Some(block);
    }

    fn open_call(
        &mut self,
        id: String,
        name: String,
        namespace: Option<String>,
        call: CallKind,
        out: &mut BytesMut,
    ) -> Block {
        let searches = self.envelope.as_ref().is_some_and(Envelope::searches_tools);
        let kind = match call {
            CallKind::Freeform => Kind::Freeform,
            CallKind::Function if searches && name == tools::TOOL_SEARCH && namespace.is_none() => {
                Kind::ToolSearch
            }
            CallKind::Function => Kind::Function,
        };
        let prefix = match kind {
            Kind::Function => "fc",
            Kind::Freeform => "ctc",
            Kind::ToolSearch => "tsc",
        };
        let call = Call::new(self.item_id(prefix), id, name, namespace);
        match kind {
            Kind::Function => self.added(call.function(String::new(), None), out),
            Kind::Freeform => {
                let mut item = call.custom(String::new(), true);
                item.status = Some(ItemStatus::InProgress);
                self.added(item, out);
            }
            Kind::ToolSearch => self.added(call.search("{}", "in_progress"), out),
        }
        Block::Call {
            call,
            kind,
            text: String::new(),
        }
    }

    fn delta(&mut self, delta: Delta, out: &mut BytesMut) {
        let Some(mut block) = self.block.take() else {
            return;
        };
        match (&mut block, delta) {
            (Block::Text(block), Delta::Text { text }) if !text.is_empty() => {
                self.text_delta(block, text, out);
            }
            (Block::Text(block), Delta::Annotation(annotation)) => {
                self.annotation(block, annotation, out);
            }
            (Block::Text(block), Delta::Logprobs { json }) => block.logprobs.push(json),
            (
                Block::Reasoning {
                    id, parts, number, ..
                },
                Delta::Reasoning { part, text },
            ) if !text.is_empty() => {
                if *number != Some(part) {
                    self.end_part(id, parts, out);
                    self.begin_part(id, parts, out);
                    *number = Some(part);
                    self.pieces.clear();
                }
                self.reasoning_delta(id, parts, &text, out);
                if let Some(part) = parts.last_mut() {
                    part.push_str(&text);
                }
            }
            (Block::Reasoning { state, .. }, Delta::Opaque(opaque)) => *state = Some(opaque),
            (Block::Call { call, kind, text }, Delta::Input { text: piece }) if !piece.is_empty() => {
                text.push_str(&piece);
                self.input_delta(call, *kind, &piece, out);
            }
            // A piece of another kind than its block, and an empty one.
            (
                _,
                Delta::Text { .. }
                | Delta::Reasoning { .. }
                | Delta::Opaque(_)
                | Delta::Input { .. }
                | Delta::Annotation(_)
                | Delta::Logprobs { .. },
            ) => {}
        }
        self.block = Some(block);
    }

    fn close(&mut self, out: &mut BytesMut) {
        match self.block.take() {
            None | Some(Block::Hidden | Block::Text(TextBlock { id: None, .. })) => {}
            Some(Block::Text(block)) => self.close_text(block, out),
            Some(Block::Reasoning { id, parts, state, .. }) => {
                self.end_part(&id, &parts, out);
                let item = reasoning::write_answer(&id, parts, state.as_ref(), ItemStatus::Completed);
                self.done(item, out);
            }
            Some(Block::Call { call, kind, text }) => self.close_call(call, kind, text, out),
        }
    }

    fn finish(&mut self, finish: &Finish, usage: Option<Usage>, out: &mut BytesMut, losses: &mut Losses) {
        let end = End::of(finish, self.refused, losses);
        self.close(out);
        self.settle_broken(end != End::Truncated, out);
        self.explain(finish, end, out);
        let output = std::mem::take(&mut self.output);
        let Some(envelope) = &self.envelope else { return };
        let response = Some(envelope.ended(output, &end, usage));
        let number = self.next_number();
        match end {
            End::Completed => {
                let mut event = ResponseCompletedEvent::new();
                event.response = response;
                event.sequence_number = number;
                self.send("response.completed", event, out);
            }
            End::Truncated | End::Filtered => {
                let mut event = ResponseIncompleteEvent::new();
                event.response = response;
                event.sequence_number = number;
                self.send("response.incomplete", event, out);
            }
        }
    }

    /// Says the vendor's explanation of a refusal, as an item of its own.
    fn explain(&mut self, finish: &Finish, end: End, out: &mut BytesMut) {
        let Finish {
            reason: _,
            stop_sequence: _,
            explanation,
        } = finish;
        let Some(text) = explanation.clone().filter(|text| !text.is_empty()) else {
            return;
        };
        if end == End::Filtered && !self.refused {
            let mut block = TextBlock {
                is_refusal: true,
                ..TextBlock::default()
            };
            self.pieces.clear();
            self.text_delta(&mut block, text, out);
            self.close_text(block, out);
        }
    }

    fn fail(&mut self, failure: &Error, out: &mut BytesMut) {
        if self.envelope.is_none() {
            self.start(Start::default(), out);
        }
        let mut output = std::mem::take(&mut self.output);
        output.extend(self.unfinished());
        let Some(envelope) = &self.envelope else { return };
        let mut event = ResponseFailedEvent::new();
        event.response = Some(envelope.failed(output, failure));
        event.sequence_number = self.next_number();
        self.send("response.failed", event, out);
    }

    /// The item that was being written when the answer broke off. No event calls it done.
    fn unfinished(&mut self) -> Option<OutputItem> {
        if let Some((call, text)) = self.broken.take() {
            return Some(call.function(text, Some(false)).into());
        }
        match self.block.take()? {
            Block::Hidden => None,
            Block::Text(block) => {
                let id = block.id.clone()?;
                Some(envelope::message(&id, block.part(), ItemStatus::Incomplete).into())
            }
            Block::Reasoning { id, parts, state, .. } => {
                Some(reasoning::write_answer(&id, parts, state.as_ref(), ItemStatus::Incomplete).into())
            }
            Block::Call { call, kind, text } => Some(match kind {
                Kind::Function => call.function(text, Some(false)).into(),
                Kind::Freeform => call.custom(text, false).into(),
                Kind::ToolSearch => call.search(&text, "incomplete"),
            }),
        }
    }
}

impl StreamWriter for Writer {
    fn write(&mut self, scope: &mut Scope<'_>, event: Event, out: &mut BytesMut) {
        let losses = scope.losses();
        match event {
            Event::Start(start) => self.start(start, out),
            Event::Open { index: _, block } => self.open(block, out, losses),
            Event::Delta { index: _, delta } => self.delta(delta, out),
            Event::Close { index: _ } => self.close(out),
            Event::Finish { finish, usage } => self.finish(&finish, usage, out, losses),
            Event::Fail(failure) => self.fail(&failure, out),
            Event::Ping => self.write_keep_alive(out),
        }
    }

    fn write_keep_alive(&mut self, out: &mut BytesMut) {
        sse::write_comment(out, "keep-alive");
    }
}
