//! The events of one item's parts.

use bytes::BytesMut;

use super::{Kind, TextBlock, Writer};
use crate::canonical::Annotation;
use crate::dialect::openai_responses::response::object as envelope;
use crate::dialect::openai_responses::response::{self, Call};
use crate::dialect::openai_responses::types::*;
use crate::dialect::shared::raw_json::to_raw_json;

impl Writer {
    /// Begins the item and the part of a text, once.
    fn begin_text(&mut self, block: &mut TextBlock, out: &mut BytesMut) {
        if block.id.is_some() {
            return;
        }
        let id = self.item_id("msg");
        let mut item = OutputMessage::new();
        item.id = Some(id.clone());
        item.content = Some(Vec::new());
        item.status = Some(ItemStatus::InProgress);
        self.added(item, out);
        let part: ContentPart = if block.is_refusal {
            Refusal::new("").into()
        } else {
            envelope::text("", Vec::new(), None).into()
        };
        let mut event = ResponseContentPartAddedEvent::new();
        event.item_id = Some(id.clone());
        event.output_index = self.place();
        event.content_index = Some(0);
        event.part = Some(part);
        event.sequence_number = self.next_number();
        self.send("response.content_part.added", event, out);
        block.id = Some(id);
    }

    pub(super) fn text_delta(&mut self, block: &mut TextBlock, text: String, out: &mut BytesMut) {
        self.begin_text(block, out);
        block.text.push_str(&text);
        if block.is_refusal {
            self.refused = true;
            let event = |writer: &Self, text: &str| {
                let mut event = ResponseRefusalDeltaEvent::new(text);
                event.item_id.clone_from(&block.id);
                event.output_index = writer.place();
                event.content_index = Some(0);
                event
            };
            let name = "response.refusal.delta";
            self.send_piece(name, &text, event, |event| &mut event.sequence_number, out);
        } else {
            let event = |writer: &Self, text: &str| {
                let mut event = ResponseTextDeltaEvent::new(text);
                event.item_id.clone_from(&block.id);
                event.output_index = writer.place();
                event.content_index = Some(0);
                event.logprobs = Some(to_raw_json(&[(); 0]));
                event
            };
            let name = "response.output_text.delta";
            self.send_piece(name, &text, event, |event| &mut event.sequence_number, out);
        }
    }

    pub(super) fn reasoning_delta(&mut self, id: &str, parts: &[String], text: &str, out: &mut BytesMut) {
        let event = |writer: &Self, text: &str| {
            let mut event = ResponseReasoningSummaryTextDeltaEvent::new(text);
            event.item_id = Some(id.to_owned());
            event.output_index = writer.place();
            event.summary_index = last_index(parts);
            event
        };
        let name = "response.reasoning_summary_text.delta";
        self.send_piece(name, text, event, |event| &mut event.sequence_number, out);
    }

    pub(super) fn annotation(&mut self, block: &mut TextBlock, annotation: Annotation, out: &mut BytesMut) {
        if block.is_refusal {
            return;
        }
        self.begin_text(block, out);
        let length = block.text.chars().count();
        let mut event = ResponseOutputTextAnnotationAddedEvent::new();
        event.item_id.clone_from(&block.id);
        event.output_index = self.place();
        event.content_index = Some(0);
        event.annotation_index = i64::try_from(block.annotations.len()).ok();
        // A citation of the whole text covers what has been said of it by now; later words are not its matter.
        let span = annotation.span.or(Some((0, length as u64)));
        let annotation = Annotation { span, ..annotation };
        event.annotation = Some(envelope::citation(annotation.clone(), length));
        event.sequence_number = self.next_number();
        self.send("response.output_text.annotation.added", event, out);
        block.annotations.push(annotation);
    }

    pub(super) fn begin_part(&mut self, id: &str, parts: &mut Vec<String>, out: &mut BytesMut) {
        parts.push(String::new());
        let mut event = ResponseReasoningSummaryPartAddedEvent::new();
        event.item_id = Some(id.to_owned());
        event.output_index = self.place();
        event.summary_index = last_index(parts);
        event.part = Some(SummaryText::new(""));
        event.sequence_number = self.next_number();
        self.send("response.reasoning_summary_part.added", event, out);
    }

    pub(super) fn end_part(&mut self, id: &str, parts: &[String], out: &mut BytesMut) {
        let Some(text) = parts.last() else { return };
        let mut event = ResponseReasoningSummaryTextDoneEvent::new();
        event.item_id = Some(id.to_owned());
        event.output_index = self.place();
        event.summary_index = last_index(parts);
        event.text = Some(text.clone());
        event.sequence_number = self.next_number();
        self.send("response.reasoning_summary_text.done", event, out);
        let mut event = ResponseReasoningSummaryPartDoneEvent::new();
        event.item_id = Some(id.to_owned());
        event.output_index = self.place();
        event.summary_index = last_index(parts);
        event.part = Some(SummaryText::new(text));
        event.sequence_number = self.next_number();
        self.send("response.reasoning_summary_part.done", event, out);
    }

    pub(super) fn input_delta(&mut self, call: &Call, kind: Kind, piece: &str, out: &mut BytesMut) {
        match kind {
            Kind::Function => {
                let event = |writer: &Self, piece: &str| {
                    let mut event = ResponseFunctionCallArgumentsDeltaEvent::new(piece);
                    event.item_id = Some(call.item_id.clone());
                    event.output_index = writer.place();
                    event
                };
                let name = "response.function_call_arguments.delta";
                self.send_piece(name, piece, event, |event| &mut event.sequence_number, out);
            }
            Kind::Freeform => {
                let event = |writer: &Self, piece: &str| {
                    let mut event = ResponseCustomToolCallInputDeltaEvent::new(piece);
                    event.item_id = Some(call.item_id.clone());
                    event.output_index = writer.place();
                    event
                };
                let name = "response.custom_tool_call_input.delta";
                self.send_piece(name, piece, event, |event| &mut event.sequence_number, out);
            }
            // The API has no pieces of a search: it comes as a whole.
            Kind::ToolSearch => {}
        }
    }

    pub(super) fn close_text(&mut self, block: TextBlock, out: &mut BytesMut) {
        let id = block.id.clone().unwrap_or_default();
        let (place, number) = (self.place(), self.next_number());
        if block.is_refusal {
            let mut event = ResponseRefusalDoneEvent::new();
            event.item_id = Some(id.clone());
            event.output_index = place;
            event.content_index = Some(0);
            event.refusal = Some(block.text.clone());
            event.sequence_number = number;
            self.send("response.refusal.done", event, out);
        } else {
            let mut event = ResponseTextDoneEvent::new();
            event.item_id = Some(id.clone());
            event.output_index = place;
            event.content_index = Some(0);
            event.text = Some(block.text.clone());
            event.logprobs =
                Some(response::join_lists(&block.logprobs).unwrap_or_else(|| to_raw_json(&[(); 0])));
            event.sequence_number = number;
            self.send("response.output_text.done", event, out);
        }
        let part = block.part();
        let mut event = ResponseContentPartDoneEvent::new();
        event.item_id = Some(id.clone());
        event.output_index = place;
        event.content_index = Some(0);
        event.part = Some(match part.clone() {
            OutputContent::OutputText(part) => part.into(),
            OutputContent::Refusal(part) => part.into(),
            OutputContent::Unknown(unknown) => ContentPart::Unknown(unknown),
        });
        event.sequence_number = self.next_number();
        self.send("response.content_part.done", event, out);
        self.done(envelope::message(&id, part, ItemStatus::Completed), out);
    }

    pub(super) fn close_call(&mut self, call: Call, kind: Kind, mut text: String, out: &mut BytesMut) {
        match kind {
            Kind::Freeform => {
                let mut event = ResponseCustomToolCallInputDoneEvent::new();
                event.item_id = Some(call.item_id.clone());
                event.output_index = self.place();
                event.input = Some(text.clone());
                event.sequence_number = self.next_number();
                self.send("response.custom_tool_call_input.done", event, out);
                self.done(call.custom(text, true), out);
            }
            Kind::ToolSearch => self.done(call.search(&text, "completed"), out),
            Kind::Function => {
                if text.trim().is_empty() {
                    text = "{}".to_owned();
                    self.input_delta(&call, kind, &text, out);
                }
                if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
                    self.call_done(&call, text, true, out);
                } else {
                    self.broken = Some((call, text));
                }
            }
        }
    }

    fn call_done(&mut self, call: &Call, text: String, is_whole: bool, out: &mut BytesMut) {
        let mut event = ResponseFunctionCallArgumentsDoneEvent::new();
        event.item_id = Some(call.item_id.clone());
        event.output_index = self.place();
        event.arguments = Some(text.clone());
        event.sequence_number = self.next_number();
        self.send("response.function_call_arguments.done", event, out);
        self.done(call.function(text, Some(is_whole)), out);
    }

    pub(super) fn settle_broken(&mut self, is_whole: bool, out: &mut BytesMut) {
        if let Some((call, text)) = self.broken.take() {
            self.call_done(&call, text, is_whole, out);
        }
    }
}

impl TextBlock {
    /// The part as it stands in its item.
    pub(super) fn part(self) -> OutputContent {
        let Self {
            id: _,
            is_refusal,
            text,
            annotations,
            logprobs,
        } = self;
        if is_refusal {
            return Refusal::new(text).into();
        }
        let length = text.chars().count();
        let annotations = annotations.into_iter();
        let annotations = annotations.map(|annotation| envelope::citation(annotation, length));
        envelope::text(text, annotations.collect(), response::join_lists(&logprobs)).into()
    }
}

fn last_index(parts: &[String]) -> Option<i64> {
    i64::try_from(parts.len().checked_sub(1)?).ok()
}
