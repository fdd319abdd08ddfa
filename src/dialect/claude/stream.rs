//! Streamed answers: server-sent events that build a message block by block.

use std::collections::HashMap;
use std::time::Instant;

use bytes::BytesMut;

use super::error;
use super::response::{self, Counts, WrittenFinish};
use super::types::*;
use crate::canonical::{
    BlockStart, CallKind, Delta, Error, ErrorClass, Event, Family, Finish, Losses, Opaque, Path, Reasoning,
    Scope, ServerTool, Start, ToolInput, Usage as CanonicalUsage,
};
use crate::dialect::shared::envelope::RawEventWriter;
use crate::dialect::shared::fast_path::{DeltaFastPath, FrameCache};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::{call_ids, carrier};
use crate::dialect::{ResponseContext, StreamReader, StreamWriter};
use crate::wire::json::{FieldPaths, FrameTemplate, TemplateMarks};

/// Where a piece stands in an event.
const FIELD_PATHS: FieldPaths = FieldPaths {
    object: &["delta"],
    texts: &[&["text"], &["partial_json"], &["thinking"]],
    ignored: &[],
};

/// Reads a stream.
#[derive(Debug, Default)]
pub struct Reader {
    repeats: DeltaFastPath,
    blocks: HashMap<i64, Reading>,
    /// The block that the last piece belonged to.
    last: i64,
    next: u32,
    counts: Counts,
    finish: Option<Finish>,
    ended: bool,
}

#[derive(Debug)]
struct Reading {
    index: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thinking {
        text: String,
        signature: String,
    },
    Call,
    /// A web search of the vendor, which is opened when its input is complete.
    ServerCall {
        tool: ServerTool,
        input: String,
    },
    Other,
}

impl StreamReader for Reader {
    fn read(&mut self, scope: &mut Scope<'_>, _event: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        let losses = scope.losses();
        // Some servers send an event without data to keep the connection open.
        if data.is_empty() {
            return;
        }
        if let Some((index, delta)) = self.repeats.read(None, data) {
            self.again(index, delta, out);
            return;
        }
        let before = out.len();
        match parse_event(data) {
            Ok(event) => self.event(event, out, losses),
            Err(error) => {
                let message = format!("the upstream sent a frame that is no event of this API: {error}");
                out.push(Event::Fail(Error::new(ErrorClass::Upstream, message)));
            }
        }
        let said = out.get(before..).unwrap_or_default();
        self.repeats.learn(None, data, said, FIELD_PATHS);
    }

    fn end(&mut self, _: &mut Scope<'_>, out: &mut Vec<Event>) {
        // The reason has been given; only the last event, which says nothing more, is missing.
        if !self.ended && self.finish.is_some() {
            self.stop(out);
        }
    }
}

impl Reader {
    fn event(&mut self, event: RawMessageStreamEvent, out: &mut Vec<Event>, losses: &mut Losses) {
        match event {
            RawMessageStreamEvent::MessageStart(event) => {
                let RawMessageStartEvent { message, extra: _ } = *event;
                self.start(message, out);
            }
            RawMessageStreamEvent::ContentBlockStart(event) => {
                let RawContentBlockStartEvent {
                    content_block,
                    index,
                    extra: _,
                } = *event;
                self.open(index, content_block, out);
            }
            RawMessageStreamEvent::ContentBlockDelta(event) => {
                let RawContentBlockDeltaEvent {
                    delta,
                    index,
                    extra: _,
                } = *event;
                self.delta(index, delta, out, losses);
            }
            RawMessageStreamEvent::ContentBlockStop(RawContentBlockStopEvent { index, extra: _ }) => {
                self.close(index, out);
            }
            RawMessageStreamEvent::MessageDelta(event) => {
                let RawMessageDeltaEvent {
                    context_management: _,
                    delta,
                    input_transformations: _,
                    usage,
                    extra: _,
                } = *event;
                let MessageDelta {
                    container: _,
                    stop_details,
                    stop_reason,
                    stop_sequence,
                    extra: _,
                } = delta;
                if stop_reason.is_some() {
                    self.finish = Some(response::read_finish(
                        stop_reason,
                        stop_sequence,
                        stop_details,
                        losses,
                    ));
                }
                if let Some(usage) = usage {
                    self.counts = self.counts.with_delta(usage);
                }
            }
            RawMessageStreamEvent::MessageStop(RawMessageStopEvent { extra: _ }) => self.stop(out),
            RawMessageStreamEvent::Ping(PingEvent { extra: _ }) => out.push(Event::Ping),
            RawMessageStreamEvent::Error(ErrorEvent {
                error:
                    ErrorBody {
                        message,
                        type_,
                        extra: _,
                    },
                request_id: _,
                extra: _,
            }) => {
                let kind = type_.unwrap_or_default();
                out.push(Event::Fail(error::read_event(&kind, &message)));
            }
            // The vendor adds events; those that matter for the answer come as the ones above.
            RawMessageStreamEvent::Unknown(_) => {}
        }
    }

    /// One more piece like the last one.
    fn again(&mut self, index: u32, delta: Delta, out: &mut Vec<Event>) {
        if let Delta::Reasoning { part: _, text: piece } = &delta
            && let Some(Reading { index: _, kind }) = self.blocks.get_mut(&self.last)
            && let Kind::Thinking { text, .. } = kind
        {
            text.push_str(piece);
        }
        out.push(Event::Delta { index, delta });
    }

    fn start(&mut self, message: Message, out: &mut Vec<Event>) {
        let Message {
            container: _,
            content,
            context_management: _,
            diagnostics: _,
            id,
            input_transformations: _,
            model,
            stop_details: _,
            stop_reason: _,
            stop_sequence: _,
            usage,
            extra: _,
        } = message;
        let mut start = Start {
            id,
            model,
            usage: None,
            service_tier: None,
        };
        if let Some(usage) = usage {
            start.service_tier = response::read_tier(&usage);
            self.counts = self.counts.with(usage);
            start.usage = Some(self.counts.usage());
        }
        out.push(Event::Start(start));
        // Calls that were deferred to this turn stand in the first event, complete.
        for (index, block) in (i64::MIN..).zip(content) {
            self.open(index, block, out);
            self.close(index, out);
        }
    }

    fn open(&mut self, index: i64, block: ContentBlock, out: &mut Vec<Event>) {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        let mut first = None;
        let (block, kind) = match block {
            ContentBlock::Text(TextBlock {
                citations: _,
                text,
                extra: _,
            }) => {
                first = (!text.is_empty()).then_some(Delta::Text { text });
                (BlockStart::Text, Kind::Text)
            }
            ContentBlock::Thinking(ThinkingBlock {
                signature,
                thinking,
                extra: _,
            }) => {
                let signature = signature.unwrap_or_default();
                if !thinking.is_empty() {
                    first = Some(Delta::Reasoning {
                        part: 0,
                        text: thinking.clone(),
                    });
                }
                (
                    BlockStart::Reasoning,
                    Kind::Thinking {
                        text: thinking,
                        signature,
                    },
                )
            }
            ContentBlock::RedactedThinking(RedactedThinkingBlock { data, extra: _ }) => {
                first = Some(Delta::Opaque(response::redacted(&data)));
                (BlockStart::Reasoning, Kind::Other)
            }
            ContentBlock::ToolUse(ToolUseBlock {
                caller: _,
                id,
                input,
                name,
                toolset_name: _,
                extra: _,
            }) => {
                let is_blank = input.get().bytes().all(|byte| b"{} \t\r\n".contains(&byte));
                if !is_blank {
                    first = Some(Delta::Input {
                        text: input.get().to_owned(),
                    });
                }
                (
                    BlockStart::ToolCall {
                        id,
                        name,
                        namespace: None,
                        call: CallKind::Function,
                    },
                    Kind::Call,
                )
            }
            other => {
                let Some(tool) = response::server_tool(&other) else {
                    return;
                };
                if let ContentBlock::ServerToolUse(ServerToolUseBlock {
                    name: ServerToolName::WebSearch,
                    ..
                }) = other
                    && tool.query.is_none()
                {
                    let input = String::new();
                    let kind = Kind::ServerCall { tool, input };
                    self.blocks.insert(index, Reading { index: number, kind });
                    return;
                }
                (BlockStart::ServerTool(tool), Kind::Other)
            }
        };
        self.blocks.insert(index, Reading { index: number, kind });
        out.push(Event::Open { index: number, block });
        if let Some(delta) = first {
            out.push(Event::Delta { index: number, delta });
        }
    }

    fn delta(&mut self, index: i64, delta: RawContentBlockDelta, out: &mut Vec<Event>, losses: &mut Losses) {
        self.last = index;
        let Some(Reading { index, kind }) = self.blocks.get_mut(&index) else {
            let message = "the upstream sent a piece of a block that is not open";
            out.push(Event::Fail(Error::new(ErrorClass::Upstream, message)));
            return;
        };
        let delta = match (delta, kind) {
            (RawContentBlockDelta::TextDelta(TextDelta { text, extra: _ }), _) => Delta::Text { text },
            (
                RawContentBlockDelta::InputJsonDelta(InputJsonDelta {
                    partial_json,
                    extra: _,
                }),
                Kind::Call,
            ) => {
                if partial_json.is_empty() {
                    return;
                }
                Delta::Input { text: partial_json }
            }
            (
                RawContentBlockDelta::InputJsonDelta(InputJsonDelta {
                    partial_json,
                    extra: _,
                }),
                Kind::ServerCall { tool: _, input },
            ) => {
                input.push_str(&partial_json);
                return;
            }
            (
                RawContentBlockDelta::ThinkingDelta(ThinkingDelta {
                    estimated_tokens: _,
                    thinking,
                    extra: _,
                }),
                Kind::Thinking { text, .. },
            ) => {
                text.push_str(&thinking);
                Delta::Reasoning {
                    part: 0,
                    text: thinking,
                }
            }
            (
                RawContentBlockDelta::SignatureDelta(SignatureDelta {
                    signature: piece,
                    extra: _,
                }),
                Kind::Thinking { signature, .. },
            ) => {
                signature.push_str(&piece);
                return;
            }
            (RawContentBlockDelta::CitationsDelta(CitationsDelta { citation, extra: _ }), Kind::Text) => {
                let Some(citation) = response::read_citation(citation, &Path::Root, losses) else {
                    return;
                };
                Delta::Annotation(citation)
            }
            // Pieces of a vendor's own blocks, whose fate is the writer's to tell, and pieces of a kind that the block
            // cannot hold.
            (
                RawContentBlockDelta::InputJsonDelta(_)
                | RawContentBlockDelta::ThinkingDelta(_)
                | RawContentBlockDelta::SignatureDelta(_)
                | RawContentBlockDelta::CitationsDelta(_)
                | RawContentBlockDelta::CompactionDelta(_)
                | RawContentBlockDelta::Unknown(_),
                _,
            ) => return,
        };
        out.push(Event::Delta { index: *index, delta });
    }

    fn close(&mut self, index: i64, out: &mut Vec<Event>) {
        let Some(Reading { index, kind }) = self.blocks.remove(&index) else {
            return;
        };
        match kind {
            Kind::Thinking { text, signature } => {
                if let Reasoning {
                    opaque: Some(opaque), ..
                } = response::thinking_block(text, Some(&signature))
                {
                    let delta = Delta::Opaque(opaque);
                    out.push(Event::Delta { index, delta });
                }
            }
            Kind::ServerCall { mut tool, input } => {
                tool.query = response::query(&input);
                let block = BlockStart::ServerTool(tool);
                out.push(Event::Open { index, block });
            }
            Kind::Text | Kind::Call | Kind::Other => {}
        }
        out.push(Event::Close { index });
    }

    fn stop(&mut self, out: &mut Vec<Event>) {
        let Some(finish) = self.finish.take() else {
            let message = "the upstream ended its message without saying why";
            out.push(Event::Fail(Error::new(ErrorClass::Upstream, message)));
            return;
        };
        self.ended = true;
        out.push(Event::Finish {
            finish,
            usage: Some(self.counts.usage()),
        });
    }
}

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
        message.usage = Some(response::write_usage(usage, service_tier.as_deref(), losses));
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
        if self.pieces.record_full_write() {
            let mut marked = BytesMut::new();
            self.piece(delta(FrameTemplate::TEXT), &mut marked);
            self.pieces.learn(&marked, TemplateMarks::Text);
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
                self.piece(SignatureDelta::new(signature(&opaque)), out);
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
        } = response::write_finish(finish, refusal);
        let mut delta = MessageDelta::new();
        delta.stop_reason = Some(reason);
        delta.stop_sequence = sequence;
        delta.stop_details = details;
        let mut event = RawMessageDeltaEvent::new(delta);
        event.usage = Some(response::write_delta_usage(
            usage.unwrap_or_else(|| self.estimate()),
        ));
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

/// What stands for the vendor's state in a thinking block: its own signature, or a carrier.
fn signature(opaque: &Opaque) -> String {
    if opaque.origin == Family::Claude
        && let Ok(ContentBlock::Thinking(ThinkingBlock {
            signature: Some(signature),
            ..
        })) = serde_json::from_str(opaque.json.get())
    {
        return signature;
    }
    carrier::encode(opaque)
}
