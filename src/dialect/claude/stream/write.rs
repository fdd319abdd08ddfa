//! Writes a streamed response.

use std::time::Instant;

use bytes::BytesMut;

use crate::canonical::{
    BlockStart, CallKind, Delta, Event, Finish, Scope, ServerTool, Start, ToolInput, Usage as CanonicalUsage,
};
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::claude::usage::{self, ClaudeStop};
use crate::dialect::claude::{content, reasoning};
use crate::dialect::shared::envelope::{RawEventWriter, StreamPhase};
use crate::dialect::shared::fast_path::FrameCache;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::{call_ids, carrier};
use crate::dialect::{ResponseContext, StreamWriter};
use crate::wire::json::{FrameTemplate, TemplateMarks};

/// Writes a stream.
#[derive(Debug)]
pub struct ClaudeStreamWriter {
    context: ResponseContext,
    /// Writes the events' frames: server-sent events, or chunks of Bedrock.
    events: Box<dyn RawEventWriter>,
    started: bool,
    /// The index of the block that is being written, or of the next one. Blocks that are not shown take none.
    index: i64,
    block: Option<ClaudeWrittenBlock>,
    /// The text of all refusals, which explains the end of the response.
    refusal: String,
    scratch: Vec<u8>,
    /// The frames of the deltas of the block that is being written.
    delta_frames: FrameCache,
}

/// The block that is being written.
#[derive(Debug)]
enum ClaudeWrittenBlock {
    /// Text or a refusal. It is opened by its first delta, since clients would send an empty text block back, which the
    /// API refuses.
    Text { opened: bool, is_refusal: bool },
    /// Thinking; `part` is the number of the last part, `signed` whether its signature has been written.
    Thinking { part: Option<u32>, signed: bool },
    /// A call of a function.
    Call,
    /// A call of a freeform tool. Its text can become JSON only as a whole.
    Freeform { text: String },
    /// A block that clients of this dialect cannot be shown.
    Hidden,
}

impl ClaudeStreamWriter {
    /// A writer of one response.
    pub fn new(context: &ResponseContext, events: Box<dyn RawEventWriter>) -> Self {
        Self {
            context: context.clone(),
            events,
            started: false,
            index: 0,
            block: None,
            refusal: String::new(),
            scratch: Vec::new(),
            delta_frames: FrameCache::default(),
        }
    }

    /// Estimated token counts, used until the upstream reports real ones, or at the end if it never does: clients
    /// believe the last counts, so those must not fall to zero.
    fn estimate(&self) -> CanonicalUsage {
        CanonicalUsage {
            fresh: self.context.input_estimate,
            ..CanonicalUsage::default()
        }
    }

    fn write_frame(&mut self, name: &str, event: impl Into<RawMessageStreamEvent>, out: &mut BytesMut) {
        self.scratch.clear();
        write_event_into(&event.into(), &mut self.scratch);
        self.events.write_event(name, &self.scratch, out);
    }

    fn write_start(&mut self, scope: &mut Scope<'_>, start: Start, out: &mut BytesMut) {
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
            id.as_deref().unwrap_or(&self.context.request_id),
        ));
        message.model = Some(self.context.model.clone());
        message.usage = Some(usage::write_usage(scope, usage, service_tier.as_deref()));
        self.write_frame("message_start", RawMessageStartEvent::new(message), out);
    }

    fn open_block(&mut self, scope: &mut Scope<'_>, block: BlockStart, out: &mut BytesMut) {
        self.delta_frames.clear();
        self.block = Some(match block {
            BlockStart::Text => ClaudeWrittenBlock::Text {
                opened: false,
                is_refusal: false,
            },
            BlockStart::Refusal => ClaudeWrittenBlock::Text {
                opened: false,
                is_refusal: true,
            },
            BlockStart::Reasoning => {
                let mut block = ThinkingBlock::new("");
                block.signature = Some(String::new());
                self.write_block_start(block, out);
                ClaudeWrittenBlock::Thinking {
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
                self.write_block_start(ToolUseBlock::new(id, empty, name), out);
                match call {
                    CallKind::Function => ClaudeWrittenBlock::Call,
                    CallKind::Freeform => ClaudeWrittenBlock::Freeform { text: String::new() },
                }
            }
            BlockStart::ServerTool(ServerTool {
                origin: _,
                item,
                query: _,
            }) => {
                scope.field("content").drop(ClaudeReason::ForeignItem { item });
                ClaudeWrittenBlock::Hidden
            }
        });
    }

    fn write_block_start(&mut self, block: impl Into<ContentBlock>, out: &mut BytesMut) {
        self.write_frame(
            "content_block_start",
            RawContentBlockStartEvent::new(block.into(), self.index),
            out,
        );
    }

    fn write_delta_frame(&mut self, delta: impl Into<RawContentBlockDelta>, out: &mut BytesMut) {
        self.write_frame(
            "content_block_delta",
            RawContentBlockDeltaEvent::new(delta.into(), self.index),
            out,
        );
    }

    /// Writes a delta of text, which is of the same kind throughout a block, so that a template of its frame can be
    /// used.
    fn write_text_delta<T: Into<RawContentBlockDelta>>(
        &mut self,
        text: &str,
        to_delta: fn(&str) -> T,
        out: &mut BytesMut,
    ) {
        if self.delta_frames.write(text, 0, &mut self.scratch, out) {
            return;
        }
        self.write_delta_frame(to_delta(text), out);
        // Asked after each frame that was written in full: the cache counts them, and wants a template after the
        // second.
        if self.delta_frames.record_full_write() {
            let mut marked = BytesMut::new();
            self.write_delta_frame(to_delta(FrameTemplate::TEXT), &mut marked);
            self.delta_frames.learn(&marked, TemplateMarks::Text);
        }
    }

    fn write_delta(&mut self, scope: &mut Scope<'_>, delta: Delta, out: &mut BytesMut) {
        let Some(mut block) = self.block.take() else {
            return;
        };
        match (&mut block, delta) {
            (ClaudeWrittenBlock::Text { opened, is_refusal }, Delta::Text { text }) if !text.is_empty() => {
                if !std::mem::replace(opened, true) {
                    self.write_block_start(TextBlock::new(""), out);
                }
                if *is_refusal {
                    self.refusal.push_str(&text);
                }
                self.write_text_delta(&text, |text| TextDelta::new(text), out);
            }
            (ClaudeWrittenBlock::Thinking { part: last, .. }, Delta::Reasoning { part, text })
                if !text.is_empty() =>
            {
                // The API has no parts: they become paragraphs.
                let text = match last.replace(part) {
                    Some(last) if last != part => format!("\n\n{text}"),
                    _ => text,
                };
                self.write_text_delta(&text, |text| ThinkingDelta::new(text), out);
            }
            (ClaudeWrittenBlock::Thinking { signed, .. }, Delta::Opaque(opaque)) if !*signed => {
                *signed = true;
                self.write_delta_frame(SignatureDelta::new(reasoning::write_signature(&opaque)), out);
            }
            (ClaudeWrittenBlock::Call, Delta::Input { text }) if !text.is_empty() => {
                self.write_text_delta(&text, |text| InputJsonDelta::new(text), out);
            }
            (ClaudeWrittenBlock::Freeform { text: whole }, Delta::Input { text }) => whole.push_str(&text),
            (ClaudeWrittenBlock::Text { .. }, Delta::Annotation(_)) => {
                scope.field("annotations").drop(ClaudeReason::CitationIndex);
            }
            (_, Delta::Logprobs { json: _ }) => {
                scope.field("logprobs").ignore(ClaudeReason::LogprobsOfResponse);
            }
            // Empty deltas, and deltas that a block of this kind cannot have.
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

    fn close_block(&mut self, scope: &mut Scope<'_>, out: &mut BytesMut) {
        match self.block.take() {
            None | Some(ClaudeWrittenBlock::Hidden | ClaudeWrittenBlock::Text { opened: false, .. }) => {
                return;
            }
            // Clients refuse to send thinking back without a signature, and without thinking the turn would differ.
            Some(ClaudeWrittenBlock::Thinking { signed: false, .. }) => {
                self.write_delta_frame(
                    SignatureDelta::new(carrier::encode(&carrier::unsigned_reasoning())),
                    out,
                );
            }
            Some(ClaudeWrittenBlock::Freeform { text }) => {
                let input = ToolInput::Freeform { text: text.into() };
                let input = content::write_input(&mut scope.field("content"), &input);
                self.write_delta_frame(InputJsonDelta::new(input.get()), out);
            }
            Some(
                ClaudeWrittenBlock::Thinking { .. }
                | ClaudeWrittenBlock::Text { .. }
                | ClaudeWrittenBlock::Call,
            ) => {}
        }
        self.write_frame(
            "content_block_stop",
            RawContentBlockStopEvent::new(self.index),
            out,
        );
        self.index += 1;
    }

    fn write_finish(&mut self, finish: Finish, usage: Option<CanonicalUsage>, out: &mut BytesMut) {
        let refusal = (!self.refusal.is_empty()).then(|| std::mem::take(&mut self.refusal));
        let ClaudeStop {
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
        self.write_frame("message_delta", event, out);
        self.scratch.clear();
        write_event_into(&RawMessageStopEvent::new().into(), &mut self.scratch);
        self.events
            .write_last_event("message_stop", &self.scratch, usage.as_ref(), out);
    }
}

impl StreamWriter for ClaudeStreamWriter {
    fn write(&mut self, scope: &mut Scope<'_>, event: Event, out: &mut BytesMut) {
        match event {
            Event::Start(start) => self.write_start(scope, start, out),
            Event::Open { index: _, block } => self.open_block(scope, block, out),
            Event::Delta { index: _, delta } => self.write_delta(scope, delta, out),
            Event::Close { index: _ } => self.close_block(scope, out),
            Event::Finish { finish, usage } => self.write_finish(finish, usage, out),
            Event::Fail(failure) => self.events.write_failure(&failure, out),
            Event::Ping => self.write_keep_alive(out),
        }
    }

    fn write_keep_alive(&mut self, out: &mut BytesMut) {
        let phase = if self.started {
            StreamPhase::Started
        } else {
            StreamPhase::NotStarted
        };
        self.events.write_keep_alive(phase, out);
    }

    fn set_start(&mut self, at: Instant) {
        self.events.set_start(at);
    }
}
