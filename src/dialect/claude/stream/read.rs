//! Reads a streamed response.

use std::collections::HashMap;

use crate::canonical::{
    BlockStart, CallKind, Delta, Error, ErrorClass, Event, Finish, Losses, Path, Reasoning, Scope,
    ServerTool, Start,
};
use crate::dialect::StreamReader;
use crate::dialect::claude::types::*;
use crate::dialect::claude::usage::{self, Counts};
use crate::dialect::claude::{error, reasoning, response};
use crate::dialect::shared::fast_path::DeltaFastPath;
use crate::wire::json::FieldPaths;

/// Where a piece stands in an event.
const FIELD_PATHS: FieldPaths = FieldPaths {
    object: &["delta"],
    texts: &[&["text"], &["partial_json"], &["thinking"]],
    passed: &[],
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
                    self.finish = Some(usage::read_finish(
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
            start.service_tier = usage::read_tier(&usage);
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
                first = Some(Delta::Opaque(reasoning::redacted(&data)));
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
                } = reasoning::thinking_block(text, Some(&signature))
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
