//! Writes the chunks of a streamed answer.

use bytes::{BufMut, BytesMut};
use serde_json::json;

use crate::canonical::{
    Annotation as CanonicalAnnotation, BlockStart, CallKind, Delta, Event, Finish, Losses, Scope, Start,
    Usage,
};
use crate::dialect::openai::error;
use crate::dialect::openai_chat::joiner::Joiner;
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::{answer, response, usage};
use crate::dialect::shared::call_ids;
use crate::dialect::shared::fast_path::FrameCache;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::{ResponseContext, StreamWriter};
use crate::wire::json::{FrameTemplate, TemplateMarks};

/// Writes one streamed answer.
///
/// Clients add up the strings of all chunks, so that role, identifiers and names are written once; and they take a call
/// for finished when the next one begins, so that calls come one after another.
#[derive(Debug)]
pub struct Writer {
    /// What all chunks share; a chunk is this with its own choices.
    chunk: ChatCompletionChunk,
    request_id: String,
    include_usage: bool,
    legacy: bool,
    block: Option<Block>,
    calls: i64,
    joiner: Joiner,
    scalars: u64,
    reasoned: bool,
    refused: bool,
    details: usize,
    annotations: i64,
    scratch: Vec<u8>,
    /// The frames of the open block's pieces.
    pieces: FrameCache,
}

/// The block that is open.
#[derive(Debug)]
enum Block {
    Text {
        /// Where it begins in the joined text, once that is known.
        start: Option<u64>,
        annotations: Vec<CanonicalAnnotation>,
    },
    Refusal,
    Reasoning {
        /// The part that was written to last.
        part: Option<u32>,
    },
    Call {
        index: i64,
        kind: CallKind,
        has_input: bool,
    },
    /// What this dialect has no place for.
    Hidden,
}

impl Writer {
    /// A writer of one answer.
    pub fn new(reply: &ResponseContext) -> Self {
        let ResponseContext {
            model,
            preferences,
            created,
            request_id,
            input_estimate: _,
        } = reply;
        let mut chunk = ChatCompletionChunk::new();
        chunk.model = Some(model.clone());
        chunk.created = Some(i64::try_from(*created).unwrap_or(i64::MAX));
        if preferences.include_usage {
            chunk.extra.push_null("usage");
        }
        Self {
            chunk,
            request_id: request_id.clone(),
            include_usage: preferences.include_usage,
            legacy: preferences.legacy_functions,
            block: None,
            calls: 0,
            joiner: Joiner::default(),
            scalars: 0,
            reasoned: false,
            refused: false,
            details: 0,
            annotations: 0,
            scratch: Vec::with_capacity(256),
            pieces: FrameCache::default(),
        }
    }

    fn send(&mut self, choices: Vec<ChatCompletionChunkChoice>, out: &mut BytesMut) {
        self.chunk.choices = Some(choices);
        self.scratch.clear();
        super::super::types::write_event_into(&self.chunk, &mut self.scratch);
        write_frame(&self.scratch, out);
    }

    fn send_delta(&mut self, delta: ChoiceDelta, out: &mut BytesMut) {
        self.send(vec![choice(delta)], out);
    }

    /// A piece of the open block, whose kind is the same within a block.
    fn send_piece(&mut self, text: &str, delta: impl Fn(&str) -> ChoiceDelta, out: &mut BytesMut) {
        if self.pieces.write(text, 0, &mut self.scratch, out) {
            return;
        }
        self.send_delta(delta(text), out);
        if self.pieces.record_full_write() {
            let mut marked = BytesMut::new();
            self.send_delta(delta(FrameTemplate::TEXT), &mut marked);
            self.pieces.learn(&marked, TemplateMarks::Text);
        }
    }

    fn start(&mut self, start: Start, out: &mut BytesMut) {
        let Start {
            id,
            model: _,
            usage: _,
            service_tier,
        } = start;
        let id = id.as_ref().unwrap_or(&self.request_id);
        self.chunk.id = Some(call_ids::with_prefix("chatcmpl-", id));
        self.chunk.service_tier = usage::write_tier(service_tier.as_deref());
        let delta = ChoiceDelta {
            role: Some(ChoiceDeltaRole::Assistant),
            content: Some(String::new()),
            ..ChoiceDelta::new()
        };
        self.send_delta(delta, out);
    }

    fn open(&mut self, index: u32, block: BlockStart, out: &mut BytesMut, losses: &mut Losses) {
        self.pieces.clear();
        self.block = Some(match block {
            BlockStart::Text => {
                self.joiner.open();
                Block::Text {
                    start: None,
                    annotations: Vec::new(),
                }
            }
            BlockStart::Refusal => Block::Refusal,
            BlockStart::Reasoning => Block::Reasoning { part: None },
            BlockStart::ToolCall {
                id,
                name,
                namespace: _,
                call,
            } => self.open_call(index, id, name, call, out, losses),
            BlockStart::ServerTool(tool) => {
                losses.drop_field(
                    format!("content[{index}]"),
                    format!("the vendor's own item `{}`", tool.item),
                );
                Block::Hidden
            }
        });
    }

    fn open_call(
        &mut self,
        block: u32,
        id: String,
        name: String,
        kind: CallKind,
        out: &mut BytesMut,
        losses: &mut Losses,
    ) -> Block {
        let index = self.calls;
        if self.legacy && index > 0 {
            losses.drop_field(format!("content[{block}]"), "`function_call` holds one call");
            return Block::Hidden;
        }
        self.calls += 1;
        let mut delta = ChoiceDelta::new();
        match kind {
            CallKind::Function if self.legacy => {
                delta.function_call = Some(ChoiceDeltaFunctionCall {
                    arguments: Some(String::new()),
                    name: Some(name),
                    ..ChoiceDeltaFunctionCall::new()
                });
            }
            CallKind::Function => {
                delta.tool_calls = Some(vec![ChoiceDeltaToolCall {
                    index: Some(index),
                    id: Some(id),
                    type_: Some(ChoiceDeltaToolCallType::Function),
                    function: Some(ChoiceDeltaToolCallFunction {
                        arguments: Some(ToolCallArguments::String(String::new())),
                        name: Some(name),
                        ..ChoiceDeltaToolCallFunction::new()
                    }),
                    ..ChoiceDeltaToolCall::new()
                }]);
            }
            // The vendor's types of chunks know functions only; who declared such a tool knows more.
            CallKind::Freeform => {
                let mut call = ChoiceDeltaToolCall {
                    index: Some(index),
                    id: Some(id),
                    type_: Some(ChoiceDeltaToolCallType::Other("custom".to_owned())),
                    ..ChoiceDeltaToolCall::new()
                };
                call.extra
                    .push("custom", to_raw_json(&json!({"name": name, "input": ""})));
                delta.tool_calls = Some(vec![call]);
            }
        }
        self.send_delta(delta, out);
        Block::Call {
            index,
            kind,
            has_input: false,
        }
    }

    fn delta(&mut self, delta: Delta, out: &mut BytesMut) {
        match (&mut self.block, delta) {
            (
                Some(Block::Text {
                    start,
                    annotations: _,
                }),
                Delta::Text { text },
            ) => {
                let before = self.joiner.before(&text);
                start.get_or_insert(self.scalars + answer::scalars(before));
                let text = if before.is_empty() {
                    text
                } else {
                    format!("{before}{text}")
                };
                self.scalars += answer::scalars(&text);
                let delta = |text: &str| ChoiceDelta {
                    content: Some(text.to_owned()),
                    ..ChoiceDelta::new()
                };
                self.send_piece(&text, delta, out);
            }
            (
                Some(Block::Text {
                    start: _,
                    annotations,
                }),
                Delta::Annotation(annotation),
            ) => {
                annotations.push(annotation);
            }
            (Some(Block::Text { .. }), Delta::Logprobs { json }) => {
                let mut choice = choice(ChoiceDelta::new());
                choice.logprobs = response::write_logprobs(&json);
                if choice.logprobs.is_some() {
                    self.send(vec![choice], out);
                }
            }
            (Some(Block::Refusal), Delta::Text { text }) => self.refuse(text, out),
            (Some(Block::Reasoning { part }), Delta::Reasoning { part: now, text }) => {
                if text.is_empty() {
                    return;
                }
                let is_new = *part != Some(now);
                *part = Some(now);
                let text = if is_new && self.reasoned {
                    format!("\n\n{text}")
                } else {
                    text
                };
                self.reasoned = true;
                let delta = |text: &str| ChoiceDelta {
                    reasoning_content: Some(text.to_owned()),
                    ..ChoiceDelta::new()
                };
                self.send_piece(&text, delta, out);
            }
            (Some(Block::Reasoning { .. }), Delta::Opaque(opaque)) => {
                if let Some(detail) = answer::reasoning_detail(&opaque, self.details) {
                    self.details += 1;
                    let delta = ChoiceDelta {
                        reasoning_details: Some(vec![detail]),
                        ..ChoiceDelta::new()
                    };
                    self.send_delta(delta, out);
                }
            }
            (
                Some(Block::Call {
                    index,
                    kind,
                    has_input,
                }),
                Delta::Input { text },
            ) => {
                *has_input = true;
                let (index, kind) = (*index, *kind);
                self.input(index, kind, &text, out);
            }
            // A delta of another kind than its block, or of one that is not shown.
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
    }

    fn refuse(&mut self, text: String, out: &mut BytesMut) {
        self.refused = true;
        let delta = ChoiceDelta {
            refusal: Some(text),
            ..ChoiceDelta::new()
        };
        self.send_delta(delta, out);
    }

    fn input(&mut self, index: i64, kind: CallKind, text: &str, out: &mut BytesMut) {
        let is_legacy = self.legacy && kind == CallKind::Function;
        let delta = |text: &str| {
            let mut delta = ChoiceDelta::new();
            if is_legacy {
                delta.function_call = Some(ChoiceDeltaFunctionCall {
                    arguments: Some(text.to_owned()),
                    ..ChoiceDeltaFunctionCall::new()
                });
                return delta;
            }
            let mut call = ChoiceDeltaToolCall {
                index: Some(index),
                ..ChoiceDeltaToolCall::new()
            };
            match kind {
                CallKind::Function => {
                    call.function = Some(ChoiceDeltaToolCallFunction {
                        arguments: Some(ToolCallArguments::String(text.to_owned())),
                        ..ChoiceDeltaToolCallFunction::new()
                    });
                }
                CallKind::Freeform => call.extra.push("custom", to_raw_json(&json!({"input": text}))),
            }
            delta.tool_calls = Some(vec![call]);
            delta
        };
        self.send_piece(text, delta, out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        match self.block.take() {
            Some(Block::Text { start, annotations }) => {
                let start = start.unwrap_or(self.scalars);
                if !annotations.is_empty() {
                    self.joiner.annotated();
                    self.annotate(start, annotations, out);
                }
            }
            // Clients parse the arguments, and an empty text is no JSON.
            Some(Block::Call {
                index,
                kind: CallKind::Function,
                has_input: false,
            }) => self.input(index, CallKind::Function, "{}", out),
            Some(Block::Refusal | Block::Reasoning { .. } | Block::Call { .. } | Block::Hidden) | None => {}
        }
    }

    fn annotate(&mut self, start: u64, annotations: Vec<CanonicalAnnotation>, out: &mut BytesMut) {
        let length = self.scalars - start;
        let mut entries = Vec::with_capacity(annotations.len());
        for annotation in annotations {
            let mut entry = answer::write_annotation(annotation, start, length);
            entry.extra.push("index", to_raw_json(&self.annotations));
            self.annotations += 1;
            entries.push(entry);
        }
        let mut delta = ChoiceDelta::new();
        delta.extra.push("annotations", to_raw_json(&entries));
        self.send_delta(delta, out);
    }

    fn finish(&mut self, finish: Finish, usage: Option<Usage>, out: &mut BytesMut, losses: &mut Losses) {
        let Finish {
            reason,
            stop_sequence: _,
            explanation,
        } = finish;
        let reason = usage::write_finish(reason, self.refused, self.legacy, losses);
        if let Some(explanation) = explanation
            && reason == FinishReason::ContentFilter
            && !self.refused
        {
            self.refuse(explanation, out);
        }
        let mut last = choice(ChoiceDelta::new());
        last.finish_reason = Some(reason);
        self.send(vec![last], out);
        if self.include_usage {
            self.chunk.usage = Some(usage::write(usage));
            self.send(Vec::new(), out);
        }
        write_frame(b"[DONE]", out);
    }
}

fn choice(delta: ChoiceDelta) -> ChatCompletionChunkChoice {
    ChatCompletionChunkChoice {
        index: Some(0),
        delta: Some(delta),
        ..ChatCompletionChunkChoice::new()
    }
}

fn write_frame(data: &[u8], out: &mut BytesMut) {
    out.reserve(data.len() + 8);
    out.put_slice(b"data: ");
    out.put_slice(data);
    out.put_slice(b"\n\n");
}

impl StreamWriter for Writer {
    fn write(&mut self, scope: &mut Scope<'_>, event: Event, out: &mut BytesMut) {
        let losses = scope.losses();
        match event {
            Event::Start(start) => self.start(start, out),
            Event::Open { index, block } => self.open(index, block, out, losses),
            Event::Delta { index: _, delta } => self.delta(delta, out),
            Event::Close { index: _ } => self.close(out),
            Event::Finish { finish, usage } => self.finish(finish, usage, out, losses),
            Event::Fail(failure) => write_frame(&error::write_json(&failure), out),
            Event::Ping => self.write_keep_alive(out),
        }
    }

    fn write_keep_alive(&mut self, out: &mut BytesMut) {
        out.put_slice(b": keep-alive\n\n");
    }
}
