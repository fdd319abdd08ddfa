//! Reads the chunks of an upstream's streamed response.

use serde_json::Value;

use super::calls::StreamedCalls;
use crate::canonical::{BlockStart, Delta, Error, ErrorClass, Event, Scope, Start, Usage};
use crate::dialect::StreamReader;
use crate::dialect::openai::error;
use crate::dialect::openai_chat::reasoning;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::response::{annotations, calls, logprobs};
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::usage::{self, ModelRefusal};
use crate::dialect::shared::carrier;
use crate::dialect::shared::fast_path::DeltaFastPath;
use crate::wire::json::FieldPaths;

/// Where a chunk contains the text of a delta, and the members that may differ between two chunks that mean the same. A
/// member that this reader begins to use must be removed from `passed`.
const FIELD_PATHS: FieldPaths = FieldPaths {
    object: &["choices", "0", "delta"],
    texts: &[
        &["content"],
        &["reasoning_content"],
        &["reasoning"],
        &["refusal"],
        &["tool_calls", "0", "function", "arguments"],
    ],
    ignored: &["created", "obfuscation"],
};

/// Reads one streamed response.
#[derive(Debug, Default)]
pub struct ChatStreamReader {
    fast_path: DeltaFastPath,
    /// The upstream's identifier of the response.
    id: Option<String>,
    has_started: bool,
    has_ended: bool,
    next_block: u32,
    /// The block that is open, besides those of calls.
    open: Option<OpenBlock>,
    calls: StreamedCalls,
    refusal: ModelRefusal,
    /// The finish reason, once a chunk contained one. Token counts may follow it, so the response ends with the stream.
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug)]
struct OpenBlock {
    index: u32,
    kind: OpenBlockKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OpenBlockKind {
    Reasoning,
    Text,
    Refusal,
}

impl StreamReader for ChatStreamReader {
    fn read(&mut self, scope: &mut Scope<'_>, name: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        let data = data.trim_ascii();
        if self.has_ended || data.is_empty() {
            return;
        }
        if let Some((index, delta)) = self.fast_path.read(name, data) {
            self.push_repeated(index, delta, out);
            return;
        }
        let before = out.len();
        self.read_frame(scope, name, data, out);
        let events = out.get(before..).unwrap_or_default();
        self.fast_path.learn(name, data, events, FIELD_PATHS);
    }

    fn end(&mut self, scope: &mut Scope<'_>, out: &mut Vec<Event>) {
        // Some servers close the stream without `[DONE]`.
        if !self.has_ended {
            self.finish(scope, out);
        }
    }
}

impl ChatStreamReader {
    /// Takes a delta that the fast path has read. What [`Self::read_delta`] changes in this reader for such a delta has
    /// to change here as well: for input of a call, how much of it there is.
    fn push_repeated(&mut self, index: u32, delta: Delta, out: &mut Vec<Event>) {
        if let Delta::Input { text } = &delta {
            self.calls.push_repeated(index, text);
        }
        out.push(Event::Delta { index, delta });
    }

    fn read_frame(&mut self, scope: &mut Scope<'_>, name: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        if data == b"[DONE]" {
            self.finish(scope, out);
            return;
        }
        let read_error = match parse_event(data) {
            Ok(chunk) => {
                self.read_chunk(scope, chunk, name, data, out);
                return;
            }
            Err(error) => error,
        };
        let document: Value = serde_json::from_slice(data).unwrap_or_default();
        if let Some(error) = error::read_in_band(&document) {
            self.fail(error, out);
            return;
        }
        let repaired = calls::stringify_arguments(document, "delta");
        match repaired.and_then(|data| parse_event(&data).ok()) {
            Some(chunk) => self.read_chunk(scope, chunk, name, data, out),
            None => {
                let message = format!("the upstream sent an invalid chat completion chunk: {read_error}");
                self.fail(Error::new(ErrorClass::Upstream, message), out);
            }
        }
    }

    fn fail(&mut self, error: Error, out: &mut Vec<Event>) {
        self.has_ended = true;
        out.push(Event::Fail(error));
    }

    /// Ends the response. One without a finish reason was cut off.
    fn finish(&mut self, scope: &mut Scope<'_>, out: &mut Vec<Event>) {
        let Some(reason) = self.finish.take() else {
            let message = "the upstream's stream ended without a finish reason";
            self.fail(Error::new(ErrorClass::Upstream, message), out);
            return;
        };
        self.has_ended = true;
        self.close_block(out);
        let mut scope = scope.field("choices");
        let mut scope = scope.index(0);
        self.calls
            .close_all(&mut scope.field("delta").field("tool_calls"), out);
        out.push(Event::Finish {
            finish: usage::read_finish(&mut scope.field("finish_reason"), &reason, self.refusal),
            usage: self.usage,
        });
    }

    /// Reads a chunk. `name` and `data` are those of its frame.
    fn read_chunk(
        &mut self,
        scope: &mut Scope<'_>,
        chunk: ChatCompletionChunk,
        name: Option<&str>,
        data: &[u8],
        out: &mut Vec<Event>,
    ) {
        let ChatCompletionChunk {
            choices,
            created: _,
            id,
            model,
            moderation: _,
            obfuscation: _,
            service_tier,
            system_fingerprint: _,
            usage,
            extra,
        } = chunk;
        let is_bare_error = extra
            .get("object")
            .is_some_and(|object| object.get() == r#""error""#);
        if name == Some("error") || extra.get("error").is_some() || is_bare_error {
            let document: Value = serde_json::from_slice(data).unwrap_or_default();
            if let Some(error) = error::read_in_band(&document) {
                self.fail(error, out);
                return;
            }
        }
        if let Some(usage) = usage {
            self.usage = Some(usage::read(usage));
        }
        for choice in choices.into_iter().flatten() {
            // Azure's first chunk has no choice and no identifier, so the response begins with the first choice.
            if !self.has_started {
                self.has_started = true;
                self.id = id.clone().filter(|id| !id.is_empty());
                out.push(Event::Start(Start {
                    id: self.id.clone(),
                    model: model.clone().filter(|model| !model.is_empty()),
                    usage: self.usage,
                    service_tier: service_tier.as_ref().map(|tier| tier.as_str().to_owned()),
                }));
            }
            self.read_choice(scope, choice, out);
        }
    }

    fn read_choice(
        &mut self,
        scope: &mut Scope<'_>,
        choice: ChatCompletionChunkChoice,
        out: &mut Vec<Event>,
    ) {
        let ChatCompletionChunkChoice {
            delta,
            finish_reason,
            index,
            logprobs,
            extra: _,
        } = choice;
        if let Some(index) = index.filter(|index| *index != 0) {
            // The number is the upstream's and may be anything.
            let path = format!("choices[{index}]");
            scope.field(&path).drop(ChatReason::OneResponse);
            return;
        }
        if let Some(delta) = delta {
            let mut scope = scope.field("choices");
            self.read_delta(&mut scope.index(0).field("delta"), delta, out);
        }
        if let Some(json) = logprobs.and_then(logprobs::read)
            && let Some(index) = self.open_text()
        {
            let delta = Delta::Logprobs { json };
            out.push(Event::Delta { index, delta });
        }
        if finish_reason.is_some() {
            self.finish = finish_reason;
        }
    }

    fn read_delta(&mut self, scope: &mut Scope<'_>, delta: ChoiceDelta, out: &mut Vec<Event>) {
        let ChoiceDelta {
            audio,
            content,
            function_call,
            reasoning,
            reasoning_content,
            reasoning_details,
            refusal,
            role: _,
            tool_calls,
            extra,
        } = delta;
        scope.drop_member("audio", &audio, ChatReason::TextOnly);
        let details = reasoning_details.filter(|details| !details.is_empty());
        scope.drop_member("reasoning_details", &details, ChatReason::RouterReasoning);
        if let Some(text) = reasoning::read_text(reasoning_content, reasoning) {
            let index = self.open_block(OpenBlockKind::Reasoning, out);
            let delta = Delta::Reasoning { part: 0, text };
            out.push(Event::Delta { index, delta });
        }
        if let Some(text) = content.filter(|text| self.has_content(text)) {
            let index = self.open_block(OpenBlockKind::Text, out);
            let delta = Delta::Text { text };
            out.push(Event::Delta { index, delta });
        }
        if let Some(annotations) = extra.get("annotations")
            && let Ok(annotations) = serde_json::from_str::<Vec<Annotation>>(annotations.get())
        {
            self.read_annotations(annotations, out);
        }
        if let Some(text) = refusal.filter(|text| !text.is_empty()) {
            self.refusal = ModelRefusal::Written;
            let index = self.open_block(OpenBlockKind::Refusal, out);
            let delta = Delta::Text { text };
            out.push(Event::Delta { index, delta });
        }
        let fragments = tool_calls.into_iter().flatten().map(Into::into);
        for fragment in fragments.chain(function_call.map(Into::into)) {
            self.close_block(out);
            self.calls
                .push(fragment, self.id.as_deref(), &mut self.next_block, out);
        }
    }

    /// Whether a piece of text is worth an event. Between and after calls, some models write white space that would
    /// become a block without content.
    fn has_content(&self, text: &str) -> bool {
        let is_in_text = self.open_text().is_some();
        !text.is_empty() && (is_in_text || !self.calls.has_any() || !text.trim().is_empty())
    }

    fn read_annotations(&mut self, annotations: Vec<Annotation>, out: &mut Vec<Event>) {
        let Some(index) = self.open_text() else {
            return;
        };
        for annotation in annotations.into_iter().filter_map(annotations::read) {
            let delta = Delta::Annotation(annotation);
            out.push(Event::Delta { index, delta });
        }
    }

    /// The number of the block of text that is open.
    fn open_text(&self) -> Option<u32> {
        let is_text = |block: &OpenBlock| block.kind == OpenBlockKind::Text;
        self.open.filter(is_text).map(|block| block.index)
    }

    /// The number of the open block if it is of this kind, otherwise of a new one.
    fn open_block(&mut self, kind: OpenBlockKind, out: &mut Vec<Event>) -> u32 {
        if let Some(block) = self.open.filter(|block| block.kind == kind) {
            return block.index;
        }
        self.close_block(out);
        if self.calls.has_open() {
            self.calls.close_complete(out);
        }
        let index = self.next_block;
        self.next_block += 1;
        self.open = Some(OpenBlock { index, kind });
        let block = match kind {
            OpenBlockKind::Reasoning => BlockStart::Reasoning,
            OpenBlockKind::Text => BlockStart::Text,
            OpenBlockKind::Refusal => BlockStart::Refusal,
        };
        out.push(Event::Open { index, block });
        index
    }

    /// Closes the block that is open, besides those of calls.
    fn close_block(&mut self, out: &mut Vec<Event>) {
        let Some(OpenBlock { index, kind }) = self.open.take() else {
            return;
        };
        if kind == OpenBlockKind::Reasoning {
            let delta = Delta::Opaque(carrier::unsigned_reasoning());
            out.push(Event::Delta { index, delta });
        }
        out.push(Event::Close { index });
    }
}
