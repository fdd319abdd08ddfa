//! Writes the events of one item's parts: what comes between `output_item.added` and `output_item.done`.

use bytes::BytesMut;

use super::{CallItemKind, OpenText, ResponsesStreamWriter};
use crate::canonical::Annotation;
use crate::dialect::openai_responses::response::items::{self, CallItem};
use crate::dialect::openai_responses::response::logprobs;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::usage::OwnRefusal;
use crate::dialect::shared::raw_json::to_raw_json;

impl ResponsesStreamWriter {
    /// Begins the item and the part of a text, once.
    fn begin_text(&mut self, open: &mut OpenText, out: &mut BytesMut) {
        if open.id.is_some() {
            return;
        }
        let id = self.item_id("msg");
        let mut item = OutputMessage::new();
        item.id = Some(id.clone());
        item.content = Some(Vec::new());
        item.status = Some(ItemStatus::InProgress);
        self.write_item_added(item, out);
        let part: ContentPart = if open.is_refusal {
            Refusal::new("").into()
        } else {
            items::write_text("", Vec::new(), None).into()
        };
        let mut event = ResponseContentPartAddedEvent::new();
        event.item_id = Some(id.clone());
        event.output_index = self.output_index();
        event.content_index = Some(0);
        event.part = Some(part);
        event.sequence_number = self.next_number();
        self.write_frame("response.content_part.added", event, out);
        open.id = Some(id);
    }

    pub(super) fn write_text_delta(&mut self, open: &mut OpenText, text: String, out: &mut BytesMut) {
        self.begin_text(open, out);
        open.text.push_str(&text);
        if open.is_refusal {
            self.refusal = OwnRefusal::Present;
            let make_event = |writer: &Self, text: &str| {
                let mut event = ResponseRefusalDeltaEvent::new(text);
                event.item_id.clone_from(&open.id);
                event.output_index = writer.output_index();
                event.content_index = Some(0);
                event
            };
            let name = "response.refusal.delta";
            self.write_delta(name, &text, make_event, |event| &mut event.sequence_number, out);
        } else {
            let make_event = |writer: &Self, text: &str| {
                let mut event = ResponseTextDeltaEvent::new(text);
                event.item_id.clone_from(&open.id);
                event.output_index = writer.output_index();
                event.content_index = Some(0);
                // Clients' types require the list. The probabilities come later than the text; `output_text.done` has
                // them.
                event.logprobs = Some(to_raw_json(&[(); 0]));
                event
            };
            let name = "response.output_text.delta";
            self.write_delta(name, &text, make_event, |event| &mut event.sequence_number, out);
        }
    }

    pub(super) fn write_summary_delta(&mut self, id: &str, parts: &[String], text: &str, out: &mut BytesMut) {
        let make_event = |writer: &Self, text: &str| {
            let mut event = ResponseReasoningSummaryTextDeltaEvent::new(text);
            event.item_id = Some(id.to_owned());
            event.output_index = writer.output_index();
            event.summary_index = last_index(parts);
            event
        };
        let name = "response.reasoning_summary_text.delta";
        self.write_delta(name, text, make_event, |event| &mut event.sequence_number, out);
    }

    pub(super) fn write_annotation(
        &mut self,
        open: &mut OpenText,
        annotation: Annotation,
        out: &mut BytesMut,
    ) {
        // A refusal has no annotations in this API.
        if open.is_refusal {
            return;
        }
        self.begin_text(open, out);
        let length = open.text.chars().count();
        let mut event = ResponseOutputTextAnnotationAddedEvent::new();
        event.item_id.clone_from(&open.id);
        event.output_index = self.output_index();
        event.content_index = Some(0);
        event.annotation_index = i64::try_from(open.annotations.len()).ok();
        // A citation without a span covers the text until now. The span is kept, or the complete item would extend it
        // to the text that follows.
        let span = annotation.span.or(Some((0, length as u64)));
        let annotation = Annotation { span, ..annotation };
        event.annotation = Some(items::write_citation(annotation.clone(), length));
        event.sequence_number = self.next_number();
        self.write_frame("response.output_text.annotation.added", event, out);
        open.annotations.push(annotation);
    }

    /// Begins the next part of a reasoning item's summary.
    pub(super) fn write_summary_start(&mut self, id: &str, parts: &mut Vec<String>, out: &mut BytesMut) {
        parts.push(String::new());
        let mut event = ResponseReasoningSummaryPartAddedEvent::new();
        event.item_id = Some(id.to_owned());
        event.output_index = self.output_index();
        event.summary_index = last_index(parts);
        event.part = Some(SummaryText::new(""));
        event.sequence_number = self.next_number();
        self.write_frame("response.reasoning_summary_part.added", event, out);
    }

    /// Ends the last part of a reasoning item's summary, if it has any.
    pub(super) fn write_summary_end(&mut self, id: &str, parts: &[String], out: &mut BytesMut) {
        let Some(text) = parts.last() else { return };
        let mut event = ResponseReasoningSummaryTextDoneEvent::new();
        event.item_id = Some(id.to_owned());
        event.output_index = self.output_index();
        event.summary_index = last_index(parts);
        event.text = Some(text.clone());
        event.sequence_number = self.next_number();
        self.write_frame("response.reasoning_summary_text.done", event, out);
        let mut event = ResponseReasoningSummaryPartDoneEvent::new();
        event.item_id = Some(id.to_owned());
        event.output_index = self.output_index();
        event.summary_index = last_index(parts);
        event.part = Some(SummaryText::new(text));
        event.sequence_number = self.next_number();
        self.write_frame("response.reasoning_summary_part.done", event, out);
    }

    pub(super) fn write_input_delta(
        &mut self,
        call: &CallItem,
        kind: CallItemKind,
        text: &str,
        out: &mut BytesMut,
    ) {
        match kind {
            CallItemKind::Function => {
                let make_event = |writer: &Self, text: &str| {
                    let mut event = ResponseFunctionCallArgumentsDeltaEvent::new(text);
                    event.item_id = Some(call.item_id.clone());
                    event.output_index = writer.output_index();
                    event
                };
                let name = "response.function_call_arguments.delta";
                self.write_delta(name, text, make_event, |event| &mut event.sequence_number, out);
            }
            CallItemKind::Freeform => {
                let make_event = |writer: &Self, text: &str| {
                    let mut event = ResponseCustomToolCallInputDeltaEvent::new(text);
                    event.item_id = Some(call.item_id.clone());
                    event.output_index = writer.output_index();
                    event
                };
                let name = "response.custom_tool_call_input.delta";
                self.write_delta(name, text, make_event, |event| &mut event.sequence_number, out);
            }
            // The API has no deltas of a search: the item that is done has all of it.
            CallItemKind::ToolSearch => {}
        }
    }

    pub(super) fn close_text(&mut self, open: OpenText, out: &mut BytesMut) {
        let id = open.id.clone().unwrap_or_default();
        let (output_index, number) = (self.output_index(), self.next_number());
        if open.is_refusal {
            let mut event = ResponseRefusalDoneEvent::new();
            event.item_id = Some(id.clone());
            event.output_index = output_index;
            event.content_index = Some(0);
            event.refusal = Some(open.text.clone());
            event.sequence_number = number;
            self.write_frame("response.refusal.done", event, out);
        } else {
            let mut event = ResponseTextDoneEvent::new();
            event.item_id = Some(id.clone());
            event.output_index = output_index;
            event.content_index = Some(0);
            event.text = Some(open.text.clone());
            let list = logprobs::join_lists(&open.logprobs);
            event.logprobs = Some(list.unwrap_or_else(|| to_raw_json(&[(); 0])));
            event.sequence_number = number;
            self.write_frame("response.output_text.done", event, out);
        }
        let part = open.write_part();
        let mut event = ResponseContentPartDoneEvent::new();
        event.item_id = Some(id.clone());
        event.output_index = output_index;
        event.content_index = Some(0);
        event.part = Some(match part.clone() {
            OutputContent::OutputText(part) => part.into(),
            OutputContent::Refusal(part) => part.into(),
            OutputContent::Unknown(unknown) => ContentPart::Unknown(unknown),
        });
        event.sequence_number = self.next_number();
        self.write_frame("response.content_part.done", event, out);
        self.write_item_done(items::write_message(&id, part, ItemStatus::Completed), out);
    }

    pub(super) fn close_call(
        &mut self,
        call: CallItem,
        kind: CallItemKind,
        mut input: String,
        out: &mut BytesMut,
    ) {
        let status = ItemStatus::Completed;
        match kind {
            CallItemKind::Freeform => {
                let mut event = ResponseCustomToolCallInputDoneEvent::new();
                event.item_id = Some(call.item_id.clone());
                event.output_index = self.output_index();
                event.input = Some(input.clone());
                event.sequence_number = self.next_number();
                self.write_frame("response.custom_tool_call_input.done", event, out);
                self.write_item_done(call.write_custom(input, status), out);
            }
            CallItemKind::ToolSearch => self.write_item_done(call.write_tool_search(&input, &status), out),
            CallItemKind::Function => {
                // Clients parse the arguments, also of a function without parameters.
                if input.trim().is_empty() {
                    input = "{}".to_owned();
                    self.write_input_delta(&call, kind, &input, out);
                }
                if serde_json::from_str::<serde::de::IgnoredAny>(&input).is_ok() {
                    self.write_call_done(&call, input, status, out);
                } else {
                    self.unparsed_call = Some((call, input));
                }
            }
        }
    }

    fn write_call_done(
        &mut self,
        call: &CallItem,
        arguments: String,
        status: ItemStatus,
        out: &mut BytesMut,
    ) {
        let mut event = ResponseFunctionCallArgumentsDoneEvent::new();
        event.item_id = Some(call.item_id.clone());
        event.output_index = self.output_index();
        event.arguments = Some(arguments.clone());
        event.sequence_number = self.next_number();
        self.write_frame("response.function_call_arguments.done", event, out);
        self.write_item_done(call.write_function(arguments, status), out);
    }

    /// Writes the last events of a call whose arguments are no JSON, if there is one.
    pub(super) fn write_unparsed_call(&mut self, status: ItemStatus, out: &mut BytesMut) {
        if let Some((call, arguments)) = self.unparsed_call.take() {
            self.write_call_done(&call, arguments, status, out);
        }
    }
}

impl OpenText {
    /// Writes the part as the complete item has it.
    pub(super) fn write_part(self) -> OutputContent {
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
        let annotations = annotations.map(|annotation| items::write_citation(annotation, length));
        let logprobs = logprobs::join_lists(&logprobs);
        items::write_text(text, annotations.collect(), logprobs).into()
    }
}

fn last_index(parts: &[String]) -> Option<i64> {
    i64::try_from(parts.len().checked_sub(1)?).ok()
}
