//! Writes a streamed response.

use std::time::Instant;

use bytes::BytesMut;

use crate::canonical::{
    BlockStart, CallKind, Delta, Event, Finish, Losses, Scope, ServerTool, Start, ToolInput,
    Usage as CanonicalUsage,
};
use crate::dialect::claude::types::*;
use crate::dialect::claude::usage::{self, WrittenFinish};
use crate::dialect::claude::{reasoning, response};
use crate::dialect::shared::envelope::RawEventWriter;
use crate::dialect::shared::fast_path::FrameCache;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::{call_ids, carrier};
use crate::dialect::{ResponseContext, StreamWriter};
use crate::wire::json::FrameTemplate;

/// Writes a stream.
#[derive(Debug)]
pub struct Writer {
    reply: ResponseContext,
    events: Box<dyn RawEventWriter>,
    started: bool,
    next: i64,
    block: Option<Writing>,
    refusal: String,
    scratch: Vec<u8>,
    /// The frames of the pieces of the block that is being written.
    pieces: FrameCache,
}

/// The block that is being written.
#[derive(Debug)]
enum Writing {
    /// Text or a refusal; begins with its first piece, so that none is empty.
    Text { begun: bool, refusal: bool },
    /// Thinking; `part` is the number of the last part, `signed` whether its signature has been written.
    Thinking { part: Option<u32>, signed: bool },
    /// A call of a function.
    Call,
    /// A call whose text has to become JSON as a whole.
    Freeform { text: String },
    /// Nothing that a client of this dialect could be shown.
    Hidden,
}

impl Writer {
    /// A writer for one answer, whose events travel as `events` writes them.
    pub fn new(reply: &ResponseContext, events: Box<dyn RawEventWriter>) -> Self {
        Self {
            reply: reply.clone(),
            events,
            started: false,
            next: 0,
            block: None,
            refusal: String::new(),
            scratch: Vec::new(),
            pieces: FrameCache::default(),
        }
    }

    /// What stands for the counts while, or where, the upstream gives none: clients take the last ones for the truth, so
    /// that the beginning and the end say the same.
    fn estimate(&self) -> CanonicalUsage {
        CanonicalUsage {
            fresh: self.reply.input_estimate,
            ..CanonicalUsage::default()
        }
    }

    fn frame(&mut self, name: &str, event: impl Into<RawMessageStreamEvent>, out: &mut BytesMut) {
        self.scratch.clear();
        write_event_into(&event.into(), &mut self.scratch);
        self.events.write_event(name, &self.scratch, out);
    }

    fn start(&mut self, start: Start, out: &mut BytesMut, losses: &mut Losses) {
        let Start {
            id,
            model: _,
            usage,
            service_tier,
        } = start;
        self.started = true;
        let usage = usage.unwrap_or_else(|| self.estimate());
        let mut message = Message::new(Vec::new());
        message.id = Some(call_ids::with_prefix(
            "msg_",
            id.as_deref().unwrap_or(&self.reply.request_id),
        ));
        message.model = Some(self.reply.model.clone());
        message.usage = Some(usage::write_usage(usage, service_tier.as_deref(), losses));
        self.frame("message_start", RawMessageStartEvent::new(message), out);
    }

    fn open(&mut self, block: BlockStart, out: &mut BytesMut, losses: &mut Losses) {
        self.pieces.clear();
        self.block = Some(match block {
            BlockStart::Text => Writing::Text {
                begun: false,
                refusal: false,
            },
            BlockStart::Refusal => Writing::Text {
                begun: false,
                refusal: true,
            },
            BlockStart::Reasoning => {
                let mut block = ThinkingBlock::new("");
                block.signature = Some(String::new());
                self.begin(block, out);
                Writing::Thinking {
                    part: None,
                    signed: false,
                }
            }
            BlockStart::ToolCall {
                id,
                name,
                namespace: _,
                call,
            } => {
                let empty = to_raw_json(&serde_json::json!({}));
                self.begin(ToolUseBlock::new(id, empty, name), out);
                match call {
                    CallKind::Function => Writing::Call,
                    CallKind::Freeform => Writing::Freeform { text: String::new() },
                }
            }
            BlockStart::ServerTool(ServerTool {
                origin: _,
                item,
                query: _,
            }) => {
                losses.drop_field("content", format!("the vendor's own item `{item}`"));
                Writing::Hidden
            }
        });
    }

    fn begin(&mut self, block: impl Into<ContentBlock>, out: &mut BytesMut) {
        self.frame(
            "content_block_start",
            RawContentBlockStartEvent::new(block.into(), self.next),
            out,
        );
    }

    fn piece(&mut self, delta: impl Into<RawContentBlockDelta>, out: &mut BytesMut) {
        self.frame(
            "content_block_delta",
            RawContentBlockDeltaEvent::new(delta.into(), self.next),
            out,
        );
    }

    /// A piece of text, whose kind is the same within a block.
    fn text_piece<T: Into<RawContentBlockDelta>>(
        &mut self,
        text: &str,
        delta: fn(&str) -> T,
        out: &mut BytesMut,
    ) {
        if self.pieces.write(text, 0, &mut self.scratch, out) {
            return;
        }
        self.piece(delta(text), out);
        if self.pieces.is_wanted() {
            let mut marked = BytesMut::new();
            self.piece(delta(FrameTemplate::TEXT), &mut marked);
            self.pieces.learn(&marked, false);
        }
    }

    fn delta(&mut self, delta: Delta, out: &mut BytesMut, losses: &mut Losses) {
        let Some(mut block) = self.block.take() else {
            return;
        };
        match (&mut block, delta) {
            (Writing::Text { begun, refusal }, Delta::Text { text }) if !text.is_empty() => {
                if !std::mem::replace(begun, true) {
                    self.begin(TextBlock::new(""), out);
                }
                if *refusal {
                    self.refusal.push_str(&text);
                }
                self.text_piece(&text, |text| TextDelta::new(text), out);
            }
            (Writing::Thinking { part: last, .. }, Delta::Reasoning { part, text }) if !text.is_empty() => {
                let text = match last.replace(part) {
                    Some(last) if last != part => format!("\n\n{text}"),
                    _ => text,
                };
                self.text_piece(&text, |text| ThinkingDelta::new(text), out);
            }
            (Writing::Thinking { signed, .. }, Delta::Opaque(opaque)) if !*signed => {
                *signed = true;
                self.piece(SignatureDelta::new(reasoning::signature(&opaque)), out);
            }
            (Writing::Call, Delta::Input { text }) if !text.is_empty() => {
                self.text_piece(&text, |text| InputJsonDelta::new(text), out);
            }
            (Writing::Freeform { text: whole }, Delta::Input { text }) => whole.push_str(&text),
            (Writing::Text { .. }, Delta::Annotation(_)) => {
                losses.drop_field(
                    "annotations",
                    "a citation needs an index that only Anthropic can make",
                );
            }
            (_, Delta::Logprobs { json: _ }) => {
                losses.ignore("logprobs", "log probabilities have no place in a message");
            }
            (
                _,
                Delta::Text { .. }
                | Delta::Reasoning { .. }
                | Delta::Opaque(_)
                | Delta::Input { .. }
                | Delta::Annotation(_),
            ) => {}
        }
        self.block = Some(block);
    }

    fn close(&mut self, out: &mut BytesMut, losses: &mut Losses) {
        match self.block.take() {
            None | Some(Writing::Hidden | Writing::Text { begun: false, .. }) => return,
            Some(Writing::Thinking { signed: false, .. }) => {
                self.piece(SignatureDelta::new(carrier::encode(&carrier::unsigned())), out);
            }
            Some(Writing::Freeform { text }) => {
                let input = response::write_input(ToolInput::Freeform { text: text.into() }, false, losses);
                self.piece(InputJsonDelta::new(input.get()), out);
            }
            Some(Writing::Thinking { .. } | Writing::Text { .. } | Writing::Call) => {}
        }
        self.frame(
            "content_block_stop",
            RawContentBlockStopEvent::new(self.next),
            out,
        );
        self.next += 1;
    }

    fn finish(&mut self, finish: Finish, usage: Option<CanonicalUsage>, out: &mut BytesMut) {
        let refusal = (!self.refusal.is_empty()).then(|| std::mem::take(&mut self.refusal));
        let WrittenFinish {
            reason,
            sequence,
            details,
        } = usage::write_finish(finish, refusal);
        let mut delta = MessageDelta::new();
        delta.stop_reason = Some(reason);
        delta.stop_sequence = sequence;
        delta.stop_details = details;
        let mut event = RawMessageDeltaEvent::new(delta);
        event.usage = Some(usage::write_delta_usage(usage.unwrap_or_else(|| self.estimate())));
        self.frame("message_delta", event, out);
        self.scratch.clear();
        write_event_into(&RawMessageStopEvent::new().into(), &mut self.scratch);
        self.events
            .write_last_event("message_stop", &self.scratch, usage.as_ref(), out);
    }
}

impl StreamWriter for Writer {
    fn write(&mut self, scope: &mut Scope<'_>, event: Event, out: &mut BytesMut) {
        let losses = scope.losses();
        match event {
            Event::Start(start) => self.start(start, out, losses),
            Event::Open { index: _, block } => self.open(block, out, losses),
            Event::Delta { index: _, delta } => self.delta(delta, out, losses),
            Event::Close { index: _ } => self.close(out, losses),
            Event::Finish { finish, usage } => self.finish(finish, usage, out),
            Event::Fail(failure) => self.events.write_failure(&failure, out),
            Event::Ping => self.write_keep_alive(out),
        }
    }

    fn write_keep_alive(&mut self, out: &mut BytesMut) {
        self.events.write_keep_alive(self.started, out);
    }

    fn set_start(&mut self, at: Instant) {
        self.events.set_start(at);
    }
}
