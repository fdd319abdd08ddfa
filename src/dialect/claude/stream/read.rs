//! Reads a streamed response.

use std::collections::HashMap;

use crate::canonical::{
    BlockStart, CallKind, Delta, Error, ErrorClass, Event, Finish, Reasoning, Scope, ServerTool, Start,
};
use crate::dialect::StreamReader;
use crate::dialect::claude::types::*;
use crate::dialect::claude::usage::{self, ClaudeTokenCounts};
use crate::dialect::claude::{error, reasoning, response};
use crate::dialect::shared::fast_path::DeltaFastPath;
use crate::wire::json::FieldPaths;

/// Where an event has the text of its delta. A member that this reader begins to use must not get into `passed`: the
/// fast path does not look at those.
const FIELD_PATHS: FieldPaths = FieldPaths {
    object: &["delta"],
    texts: &[&["text"], &["partial_json"], &["thinking"]],
    ignored: &[],
};

/// Reads a stream.
#[derive(Debug, Default)]
pub struct ClaudeStreamReader {
    fast_path: DeltaFastPath,
    /// The open blocks, by the upstream's index.
    blocks: HashMap<i64, ClaudeOpenBlock>,
    /// The upstream's index of the block that the last delta belonged to.
    last_block: i64,
    /// The canonical index of the next block.
    next_index: u32,
    counts: ClaudeTokenCounts,
    /// Why the response ended; the upstream sends it before the last event.
    finish: Option<Finish>,
    /// Whether the last event has been read.
    ended: bool,
}

#[derive(Debug)]
struct ClaudeOpenBlock {
    /// Its canonical index.
    index: u32,
    kind: ClaudeBlockKind,
}

#[derive(Debug)]
enum ClaudeBlockKind {
    Text,
    /// Text and signature are kept: the state that has to come back is made of both when the block ends.
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

impl StreamReader for ClaudeStreamReader {
    fn read(&mut self, scope: &mut Scope<'_>, _event: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        // Some servers send an event without data to keep the connection open.
        if data.is_empty() {
            return;
        }
        if let Some((index, delta)) = self.fast_path.read(None, data) {
            self.repeat_delta(index, delta, out);
            return;
        }
        let before = out.len();
        match parse_event(data) {
            Ok(event) => self.read_event(scope, event, out),
            Err(error) => {
                let message = format!("the upstream sent a frame that is not an event of its API: {error}");
                out.push(Event::Fail(Error::new(ErrorClass::Upstream, message)));
            }
        }
        let events = out.get(before..).unwrap_or_default();
        self.fast_path.learn(None, data, events, FIELD_PATHS);
    }

    fn end(&mut self, _: &mut Scope<'_>, out: &mut Vec<Event>) {
        // With the reason for its end the response is complete, even if the connection broke before the last event.
        if !self.ended && self.finish.is_some() {
            self.read_stop(out);
        }
    }
}

impl ClaudeStreamReader {
    fn read_event(&mut self, scope: &mut Scope<'_>, event: RawMessageStreamEvent, out: &mut Vec<Event>) {
        match event {
            RawMessageStreamEvent::MessageStart(event) => {
                let RawMessageStartEvent { message, extra: _ } = *event;
                self.read_start(message, out);
            }
            RawMessageStreamEvent::ContentBlockStart(event) => {
                let RawContentBlockStartEvent {
                    content_block,
                    index,
                    extra: _,
                } = *event;
                self.open_block(index, content_block, out);
            }
            RawMessageStreamEvent::ContentBlockDelta(event) => {
                let RawContentBlockDeltaEvent {
                    delta,
                    index,
                    extra: _,
                } = *event;
                self.read_delta(scope, index, delta, out);
            }
            RawMessageStreamEvent::ContentBlockStop(RawContentBlockStopEvent { index, extra: _ }) => {
                self.close_block(index, out);
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
                        scope,
                        stop_reason,
                        stop_sequence,
                        stop_details,
                    ));
                }
                if let Some(usage) = usage {
                    self.counts = self.counts.merge_delta(usage);
                }
            }
            RawMessageStreamEvent::MessageStop(RawMessageStopEvent { extra: _ }) => self.read_stop(out),
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
            // The vendor adds events; those that matter for the response come as the ones above.
            RawMessageStreamEvent::Unknown(_) => {}
        }
    }

    /// Repeats a delta that the fast path recognised, with the side effects that [`Self::read_delta`] has.
    fn repeat_delta(&mut self, index: u32, delta: Delta, out: &mut Vec<Event>) {
        if let Delta::Reasoning { part: _, text: piece } = &delta
            && let Some(ClaudeOpenBlock { index: _, kind }) = self.blocks.get_mut(&self.last_block)
            && let ClaudeBlockKind::Thinking { text, .. } = kind
        {
            text.push_str(piece);
        }
        out.push(Event::Delta { index, delta });
    }

    fn read_start(&mut self, message: Message, out: &mut Vec<Event>) {
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
            self.counts = self.counts.merge(usage);
            start.usage = Some(self.counts.to_usage());
        }
        out.push(Event::Start(start));
        // The first event holds the calls that were deferred to this turn, complete. Their indices here are such that
        // no block of a later event has one of them.
        for (upstream_index, block) in (i64::MIN..).zip(content) {
            self.open_block(upstream_index, block, out);
            self.close_block(upstream_index, out);
        }
    }

    /// Opens a block. Some servers send the first text with it, or a whole input.
    fn open_block(&mut self, upstream_index: i64, block: ContentBlock, out: &mut Vec<Event>) {
        let index = self.next_index;
        self.next_index = self.next_index.saturating_add(1);
        let mut first = None;
        let (block, kind) = match block {
            ContentBlock::Text(TextBlock {
                citations: _,
                text,
                extra: _,
            }) => {
                first = (!text.is_empty()).then_some(Delta::Text { text });
                (BlockStart::Text, ClaudeBlockKind::Text)
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
                    ClaudeBlockKind::Thinking {
                        text: thinking,
                        signature,
                    },
                )
            }
            ContentBlock::RedactedThinking(RedactedThinkingBlock { data, extra: _ }) => {
                first = Some(Delta::Opaque(reasoning::read_response_redacted(&data)));
                (BlockStart::Reasoning, ClaudeBlockKind::Other)
            }
            ContentBlock::ToolUse(ToolUseBlock {
                caller: _,
                id,
                input,
                name,
                toolset_name: _,
                extra: _,
            }) => {
                // The input of a streamed call begins as `{}` and follows in deltas.
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
                    ClaudeBlockKind::Call,
                )
            }
            other => {
                let Some(tool) = response::read_server_tool(&other) else {
                    return;
                };
                if let ContentBlock::ServerToolUse(ServerToolUseBlock {
                    name: ServerToolName::WebSearch,
                    ..
                }) = other
                    && tool.query.is_none()
                {
                    let input = String::new();
                    let kind = ClaudeBlockKind::ServerCall { tool, input };
                    self.blocks
                        .insert(upstream_index, ClaudeOpenBlock { index, kind });
                    return;
                }
                (BlockStart::ServerTool(tool), ClaudeBlockKind::Other)
            }
        };
        self.blocks
            .insert(upstream_index, ClaudeOpenBlock { index, kind });
        out.push(Event::Open { index, block });
        if let Some(delta) = first {
            out.push(Event::Delta { index, delta });
        }
    }

    fn read_delta(
        &mut self,
        scope: &mut Scope<'_>,
        upstream_index: i64,
        delta: RawContentBlockDelta,
        out: &mut Vec<Event>,
    ) {
        self.last_block = upstream_index;
        let Some(ClaudeOpenBlock { index, kind }) = self.blocks.get_mut(&upstream_index) else {
            let message = "the upstream sent a delta of a content block that is not open";
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
                ClaudeBlockKind::Call,
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
                ClaudeBlockKind::ServerCall { tool: _, input },
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
                ClaudeBlockKind::Thinking { text, .. },
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
                ClaudeBlockKind::Thinking { signature, .. },
            ) => {
                signature.push_str(&piece);
                return;
            }
            (
                RawContentBlockDelta::CitationsDelta(CitationsDelta { citation, extra: _ }),
                ClaudeBlockKind::Text,
            ) => {
                let Some(citation) = response::read_citation(scope, citation) else {
                    return;
                };
                Delta::Annotation(citation)
            }
            // Deltas of a vendor's own blocks, whose loss the writer records, and deltas that a block of this kind
            // cannot have.
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

    fn close_block(&mut self, upstream_index: i64, out: &mut Vec<Event>) {
        let Some(ClaudeOpenBlock { index, kind }) = self.blocks.remove(&upstream_index) else {
            return;
        };
        match kind {
            ClaudeBlockKind::Thinking { text, signature } => {
                if let Reasoning {
                    opaque: Some(opaque), ..
                } = reasoning::read_response_thinking(text, Some(&signature))
                {
                    let delta = Delta::Opaque(opaque);
                    out.push(Event::Delta { index, delta });
                }
            }
            ClaudeBlockKind::ServerCall { mut tool, input } => {
                tool.query = response::read_query(&input);
                let block = BlockStart::ServerTool(tool);
                out.push(Event::Open { index, block });
            }
            ClaudeBlockKind::Text | ClaudeBlockKind::Call | ClaudeBlockKind::Other => {}
        }
        out.push(Event::Close { index });
    }

    fn read_stop(&mut self, out: &mut Vec<Event>) {
        let Some(finish) = self.finish.take() else {
            let message = "the upstream ended its message without a stop reason";
            out.push(Event::Fail(Error::new(ErrorClass::Upstream, message)));
            return;
        };
        self.ended = true;
        out.push(Event::Finish {
            finish,
            usage: Some(self.counts.to_usage()),
        });
    }
}
