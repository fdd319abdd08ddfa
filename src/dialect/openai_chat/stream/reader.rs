//! Reads the chunks of a streamed answer.

use serde_json::Value;

use super::calls::Calls;
use crate::canonical::{BlockStart, Delta, Error, ErrorClass, Event, Losses, Scope, Start, Usage};
use crate::dialect::StreamReader;
use crate::dialect::openai::error;
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::{response, usage};
use crate::dialect::shared::carrier;
use crate::dialect::shared::fast_path::DeltaFastPath;
use crate::wire::json::FieldPaths;

/// Where a piece stands in a chunk.
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

/// Reads one streamed answer.
#[derive(Debug, Default)]
pub struct Reader {
    repeats: DeltaFastPath,
    id: Option<String>,
    started: bool,
    ended: bool,
    next: u32,
    open: Option<(u32, Kind)>,
    calls: Calls,
    refused: bool,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

/// What the block that is open besides calls holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Reasoning,
    Text,
    Refusal,
}

impl StreamReader for Reader {
    fn read(&mut self, scope: &mut Scope<'_>, event: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        let losses = scope.losses();
        let data = data.trim_ascii();
        if self.ended || data.is_empty() {
            return;
        }
        if let Some((index, delta)) = self.repeats.read(event, data) {
            self.again(index, delta, out);
            return;
        }
        let before = out.len();
        self.other(event, data, out, losses);
        let said = out.get(before..).unwrap_or_default();
        self.repeats.learn(event, data, said, FIELD_PATHS);
    }

    fn end(&mut self, scope: &mut Scope<'_>, out: &mut Vec<Event>) {
        let losses = scope.losses();
        if !self.ended {
            self.finish(out, losses);
        }
    }
}

impl Reader {
    /// One more piece like the last one.
    fn again(&mut self, index: u32, delta: Delta, out: &mut Vec<Event>) {
        if let Delta::Input { text } = &delta {
            self.calls.again(index, text);
        }
        out.push(Event::Delta { index, delta });
    }

    /// Reads a chunk that is not like the last one.
    fn other(&mut self, event: Option<&str>, data: &[u8], out: &mut Vec<Event>, losses: &mut Losses) {
        if data == b"[DONE]" {
            self.finish(out, losses);
            return;
        }
        match super::super::types::parse_event(data) {
            Ok(chunk) => self.chunk(chunk, data, event, out, losses),
            Err(read_error) => {
                let document: Value = serde_json::from_slice(data).unwrap_or_default();
                if let Some(error) = error::read_in_band(&document) {
                    self.fail(error, out);
                    return;
                }
                let repaired = response::with_text_arguments(document, "delta");
                let chunk = repaired.and_then(|data| super::super::types::parse_event(&data).ok());
                match chunk {
                    Some(chunk) => self.chunk(chunk, data, event, out, losses),
                    None => {
                        let message =
                            format!("the upstream sent what is no chat completion chunk: {read_error}");
                        self.fail(Error::new(ErrorClass::Upstream, message), out);
                    }
                }
            }
        }
    }

    fn fail(&mut self, error: Error, out: &mut Vec<Event>) {
        self.ended = true;
        out.push(Event::Fail(error));
    }

    /// Ends the answer: well where the upstream has said why it ended.
    fn finish(&mut self, out: &mut Vec<Event>, losses: &mut Losses) {
        let Some(reason) = self.finish.take() else {
            let message = "the upstream's stream ended without a finish reason";
            self.fail(Error::new(ErrorClass::Upstream, message), out);
            return;
        };
        self.ended = true;
        self.close(out);
        self.calls.close_all(losses, out);
        out.push(Event::Finish {
            finish: usage::read_finish(&reason, self.refused, losses),
            usage: self.usage,
        });
    }

    fn chunk(
        &mut self,
        chunk: ChatCompletionChunk,
        data: &[u8],
        event: Option<&str>,
        out: &mut Vec<Event>,
        losses: &mut Losses,
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
        if event == Some("error") || extra.get("error").is_some() || is_bare_error {
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
            if !self.started {
                self.started = true;
                self.id = id.clone().filter(|id| !id.is_empty());
                out.push(Event::Start(Start {
                    id: self.id.clone(),
                    model: model.clone().filter(|model| !model.is_empty()),
                    usage: self.usage,
                    service_tier: service_tier.as_ref().map(|tier| tier.as_str().to_owned()),
                }));
            }
            self.choice(choice, out, losses);
        }
    }

    fn choice(&mut self, choice: ChatCompletionChunkChoice, out: &mut Vec<Event>, losses: &mut Losses) {
        let ChatCompletionChunkChoice {
            delta,
            finish_reason,
            index,
            logprobs,
            extra: _,
        } = choice;
        if let Some(index) = index.filter(|index| *index != 0) {
            losses.drop_field(format!("choices[{index}]"), "one answer to a request");
            return;
        }
        if let Some(delta) = delta {
            self.delta(delta, out, losses);
        }
        if let Some(json) = logprobs.and_then(response::read_logprobs)
            && let Some((index, Kind::Text)) = self.open
        {
            let delta = Delta::Logprobs { json };
            out.push(Event::Delta { index, delta });
        }
        if finish_reason.is_some() {
            self.finish = finish_reason;
        }
    }

    fn delta(&mut self, delta: ChoiceDelta, out: &mut Vec<Event>, losses: &mut Losses) {
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
        if audio.is_some() {
            losses.drop_field("choices[0].delta.audio", "answers are text");
        }
        if reasoning_details.is_some_and(|details| !details.is_empty()) {
            losses.drop_field("choices[0].delta.reasoning_details", response::ROUTERS_STATE);
        }
        if let Some(text) = response::reasoning_text(reasoning_content, reasoning) {
            let index = self.open(Kind::Reasoning, out);
            let delta = Delta::Reasoning { part: 0, text };
            out.push(Event::Delta { index, delta });
        }
        if let Some(text) = content.filter(|text| self.says(text)) {
            let index = self.open(Kind::Text, out);
            let delta = Delta::Text { text };
            out.push(Event::Delta { index, delta });
        }
        if let Some(annotations) = extra.get("annotations")
            && let Ok(annotations) = serde_json::from_str::<Vec<Annotation>>(annotations.get())
        {
            self.annotations(annotations, out);
        }
        if let Some(text) = refusal.filter(|text| !text.is_empty()) {
            self.refused = true;
            let index = self.open(Kind::Refusal, out);
            let delta = Delta::Text { text };
            out.push(Event::Delta { index, delta });
        }
        let pieces = tool_calls.into_iter().flatten().map(Into::into);
        for piece in pieces.chain(function_call.map(Into::into)) {
            self.close(out);
            self.calls.push(piece, self.id.as_deref(), &mut self.next, out);
        }
    }

    /// Whether a piece of content says anything. Between and after calls, some models write white space that nobody
    /// means.
    fn says(&self, text: &str) -> bool {
        let in_text = matches!(self.open, Some((_, Kind::Text)));
        !text.is_empty() && (in_text || !self.calls.any() || !text.trim().is_empty())
    }

    fn annotations(&mut self, annotations: Vec<Annotation>, out: &mut Vec<Event>) {
        let Some((index, Kind::Text)) = self.open else {
            return;
        };
        for annotation in annotations.into_iter().filter_map(response::read_annotation) {
            let delta = Delta::Annotation(annotation);
            out.push(Event::Delta { index, delta });
        }
    }

    /// The block of this kind, opened where another one or none is open.
    fn open(&mut self, kind: Kind, out: &mut Vec<Event>) -> u32 {
        if let Some((index, open)) = self.open
            && open == kind
        {
            return index;
        }
        self.close(out);
        if self.calls.any_open() {
            self.calls.close_complete(out);
        }
        let index = self.next;
        self.next += 1;
        self.open = Some((index, kind));
        let block = match kind {
            Kind::Reasoning => BlockStart::Reasoning,
            Kind::Text => BlockStart::Text,
            Kind::Refusal => BlockStart::Refusal,
        };
        out.push(Event::Open { index, block });
        index
    }

    /// Closes what is open besides calls.
    fn close(&mut self, out: &mut Vec<Event>) {
        let Some((index, kind)) = self.open.take() else {
            return;
        };
        if kind == Kind::Reasoning {
            let delta = Delta::Opaque(carrier::unsigned());
            out.push(Event::Delta { index, delta });
        }
        out.push(Event::Close { index });
    }
}
