//! Writes the chunks of a streamed response for a client.

use bytes::BytesMut;

use super::chunks::{ChunkWriter, choice_of, write_data};
use super::deltas::{self, CallDelta};
use crate::canonical::{
    Annotation as CanonicalAnnotation, BlockStart, CallKind, Delta, Event, Finish, Path, Scope, Start, Usage,
};
use crate::dialect::openai::error;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_chat::reasoning;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::request::write_response_tier;
use crate::dialect::openai_chat::response::calls::ChatCallForm;
use crate::dialect::openai_chat::response::{annotations, logprobs};
use crate::dialect::openai_chat::text_joiner::JoinedText;
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::usage::{self, ModelRefusal};
use crate::dialect::shared::call_ids;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::{ResponseContext, StreamWriter};
use crate::wire::sse;

/// Writes one streamed response.
///
/// Clients concatenate the strings of all chunks, so role, identifiers and names are written once. They take a call as
/// complete when the next one begins, so calls are written one after another.
#[derive(Debug)]
pub struct ChatStreamWriter {
    chunks: ChunkWriter,
    /// The identifier of the response if the upstream sends none.
    request_id: String,
    usage_chunk: UsageChunk,
    call_form: ChatCallForm,
    message: WrittenMessage,
    block: Option<WrittenBlock>,
}

/// Whether a stream ends with a chunk of token counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UsageChunk {
    Omit,
    Write,
}

/// How much of the one message has been written, as far as later chunks depend on it.
#[derive(Debug, Default)]
struct WrittenMessage {
    text: JoinedText,
    refusal: ModelRefusal,
    has_reasoning: bool,
    /// The number of entries of `reasoning_details`.
    reasoning_details: usize,
    annotations: i64,
    calls: i64,
}

/// The block that is open.
#[derive(Debug)]
enum WrittenBlock {
    Text {
        /// Where it starts in the joined text. Known with its first piece, which determines the separator.
        start: Option<u64>,
        /// Its citations. Their spans are known when the block is closed.
        annotations: Vec<CanonicalAnnotation>,
    },
    Refusal,
    Reasoning {
        /// The part that was written last.
        part: Option<u32>,
    },
    Call {
        call: CallDelta,
        has_input: bool,
    },
    /// A block that this dialect has no form for.
    Hidden,
}

impl ChatStreamWriter {
    /// A writer of one response.
    pub fn new(context: &ResponseContext) -> Self {
        let ResponseContext {
            model,
            preferences,
            created,
            request_id,
            input_estimate: _,
        } = context;
        let mut chunk = ChatCompletionChunk::new();
        chunk.model = Some(model.clone());
        chunk.created = Some(i64::try_from(*created).unwrap_or(i64::MAX));
        let usage_chunk = if preferences.include_usage {
            // In such a stream all chunks but the last have a null.
            chunk.extra.push_null("usage");
            UsageChunk::Write
        } else {
            UsageChunk::Omit
        };
        Self {
            chunks: ChunkWriter::new(chunk),
            request_id: request_id.clone(),
            usage_chunk,
            call_form: ChatCallForm::of(preferences),
            message: WrittenMessage::default(),
            block: None,
        }
    }

    fn write_start(&mut self, start: Start, out: &mut BytesMut) {
        let Start {
            id,
            // Clients compare the model with the one that they asked for.
            model: _,
            usage: _,
            service_tier,
        } = start;
        let id = id.as_ref().unwrap_or(&self.request_id);
        let common = self.chunks.common();
        common.id = Some(call_ids::with_prefix("chatcmpl-", id));
        common.service_tier = write_response_tier(service_tier.as_deref());
        self.chunks.write_delta(deltas::role_delta(), out);
    }

    /// `scope` is that of the block in the response.
    fn open_block(&mut self, scope: &mut Scope<'_>, block: BlockStart, out: &mut BytesMut) {
        self.chunks.begin_block();
        self.block = Some(match block {
            BlockStart::Text => {
                self.message.text.begin_text();
                WrittenBlock::Text {
                    start: None,
                    annotations: Vec::new(),
                }
            }
            BlockStart::Refusal => WrittenBlock::Refusal,
            BlockStart::Reasoning => WrittenBlock::Reasoning { part: None },
            BlockStart::ToolCall {
                id,
                name,
                namespace: _,
                call: kind,
            } => {
                if self.call_form == ChatCallForm::FunctionCall && self.message.calls > 0 {
                    scope.drop(ChatReason::OneFunctionCall);
                    WrittenBlock::Hidden
                } else {
                    self.open_call(id, name, kind, out)
                }
            }
            BlockStart::ServerTool(tool) => {
                scope.drop(OpenAiReason::VendorItem { item: tool.item });
                WrittenBlock::Hidden
            }
        });
    }

    fn open_call(&mut self, id: String, name: String, kind: CallKind, out: &mut BytesMut) -> WrittenBlock {
        let call = CallDelta {
            index: self.message.calls,
            kind,
            form: self.call_form,
        };
        self.message.calls += 1;
        self.chunks.write_delta(call.first_delta(id, name), out);
        WrittenBlock::Call {
            call,
            has_input: false,
        }
    }

    fn write_block_delta(&mut self, delta: Delta, out: &mut BytesMut) {
        match (&mut self.block, delta) {
            (
                Some(WrittenBlock::Text {
                    start,
                    annotations: _,
                }),
                Delta::Text { text },
            ) => {
                let (separator, piece_start) = self.message.text.append(&text);
                start.get_or_insert(piece_start);
                if separator.is_empty() {
                    self.chunks.write_piece(&text, deltas::text_delta, out);
                } else {
                    let text = format!("{separator}{text}");
                    self.chunks.write_piece(&text, deltas::text_delta, out);
                }
            }
            (
                Some(WrittenBlock::Text {
                    start: _,
                    annotations,
                }),
                Delta::Annotation(annotation),
            ) => annotations.push(annotation),
            (Some(WrittenBlock::Text { .. }), Delta::Logprobs { json }) => {
                if let Some(logprobs) = logprobs::write(&json) {
                    let mut choice = choice_of(ChoiceDelta::new());
                    choice.logprobs = Some(logprobs);
                    self.chunks.write_choices(vec![choice], out);
                }
            }
            (Some(WrittenBlock::Refusal), Delta::Text { text }) => self.write_refusal(text, out),
            (
                Some(WrittenBlock::Reasoning { part: last }),
                Delta::Reasoning {
                    part,
                    text: mut piece,
                },
            ) => {
                if piece.is_empty() {
                    return;
                }
                let is_new_part = last.replace(part) != Some(part);
                if is_new_part && self.message.has_reasoning {
                    piece.insert_str(0, "\n\n");
                }
                self.message.has_reasoning = true;
                self.chunks.write_piece(&piece, deltas::reasoning_delta, out);
            }
            (Some(WrittenBlock::Reasoning { .. }), Delta::Opaque(opaque)) => {
                if let Some(detail) = reasoning::write_detail(&opaque, self.message.reasoning_details) {
                    self.message.reasoning_details += 1;
                    self.chunks
                        .write_delta(deltas::reasoning_detail_delta(detail), out);
                }
            }
            (Some(WrittenBlock::Call { call, has_input }), Delta::Input { text }) => {
                *has_input = true;
                let call = *call;
                self.chunks.write_piece(&text, |text| call.input_delta(text), out);
            }
            // A delta of another kind than its block, or of a block that is hidden.
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

    fn write_refusal(&mut self, text: String, out: &mut BytesMut) {
        self.message.refusal = ModelRefusal::Written;
        self.chunks.write_delta(deltas::refusal_delta(text), out);
    }

    fn close_block(&mut self, out: &mut BytesMut) {
        match self.block.take() {
            Some(WrittenBlock::Text { start, annotations }) if !annotations.is_empty() => {
                self.message.text.mark_annotated();
                let start = start.unwrap_or(self.message.text.length());
                self.write_annotations(start, annotations, out);
            }
            // Clients parse the arguments, and an empty text is not JSON.
            Some(WrittenBlock::Call {
                call,
                has_input: false,
            }) if call.kind == CallKind::Function => {
                self.chunks.write_piece("{}", |text| call.input_delta(text), out);
            }
            Some(
                WrittenBlock::Text { .. }
                | WrittenBlock::Refusal
                | WrittenBlock::Reasoning { .. }
                | WrittenBlock::Call { .. }
                | WrittenBlock::Hidden,
            )
            | None => {}
        }
    }

    /// Writes the citations of the text that starts at `start` in the joined text and ends with it.
    fn write_annotations(&mut self, start: u64, annotations: Vec<CanonicalAnnotation>, out: &mut BytesMut) {
        let length = self.message.text.length() - start;
        let mut entries = Vec::with_capacity(annotations.len());
        for annotation in annotations {
            let mut entry = annotations::write(annotation, start, length);
            // Clients merge lists by the index of their entries.
            entry.extra.push("index", to_raw_json(&self.message.annotations));
            self.message.annotations += 1;
            entries.push(entry);
        }
        self.chunks.write_delta(deltas::annotations_delta(&entries), out);
    }

    /// `scope` is that of the response.
    fn write_finish(
        &mut self,
        scope: &mut Scope<'_>,
        finish: Finish,
        usage: Option<Usage>,
        out: &mut BytesMut,
    ) {
        let Finish {
            reason,
            stop_sequence: _,
            explanation,
        } = finish;
        let reason = usage::write_finish(scope, reason, self.message.refusal, self.call_form);
        if let Some(explanation) = explanation
            && reason == FinishReason::ContentFilter
            && self.message.refusal == ModelRefusal::Absent
        {
            self.write_refusal(explanation, out);
        }
        let mut last = choice_of(ChoiceDelta::new());
        last.finish_reason = Some(reason);
        self.chunks.write_choices(vec![last], out);
        if self.usage_chunk == UsageChunk::Write {
            self.chunks.common().usage = Some(usage::write(usage));
            self.chunks.write_choices(Vec::new(), out);
        }
        self.chunks.write_done(out);
    }
}

impl StreamWriter for ChatStreamWriter {
    fn write(&mut self, scope: &mut Scope<'_>, event: Event, out: &mut BytesMut) {
        match event {
            Event::Start(start) => self.write_start(start, out),
            Event::Open { index, block } => {
                let path = Path::element("content", index as usize);
                self.open_block(&mut scope.at(path), block, out);
            }
            Event::Delta { index: _, delta } => self.write_block_delta(delta, out),
            Event::Close { index: _ } => self.close_block(out),
            Event::Finish { finish, usage } => self.write_finish(scope, finish, usage, out),
            Event::Fail(failure) => write_data(&error::write_json(&failure), out),
            Event::Ping => self.write_keep_alive(out),
        }
    }

    fn write_keep_alive(&mut self, out: &mut BytesMut) {
        sse::write_comment(out, "keep-alive");
    }
}
