//! Writes a stream.

mod parts;

use bytes::BytesMut;

use crate::canonical::{
    Annotation, BlockStart, CallKind, Delta, Error, Event, Finish, Opaque, RawJson, Scope, ServerTool, Start,
    Usage,
};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_responses::response::items::{self, CallItem};
use crate::dialect::openai_responses::response::object::ResponseObject;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::usage::{OwnRefusal, ResponseOutcome};
use crate::dialect::openai_responses::{reasoning, tools};
use crate::dialect::shared::fast_path::FrameCache;
use crate::dialect::{ResponseContext, StreamWriter};
use crate::wire::json::{FrameTemplate, TemplateMarks};
use crate::wire::sse;

/// Writes a stream.
#[derive(Debug)]
pub struct ResponsesStreamWriter {
    context: ResponseContext,
    /// The response object; `None` before the start.
    object: Option<ResponseObject>,
    /// Number of the next event.
    sequence_number: i64,
    /// The items that are done; the last event repeats them.
    output: Vec<OutputItem>,
    open_item: Option<OpenItem>,
    /// A call that is closed and whose arguments are no JSON, with them. Only the end of the response shows whether
    /// they were cut off, so its last events wait for the next block or that end.
    unparsed_call: Option<(CallItem, String)>,
    refusal: OwnRefusal,
    scratch: Vec<u8>,
    /// The frames of the deltas of the part that is being written.
    delta_frames: FrameCache,
}

/// The item that is being written.
#[derive(Debug)]
enum OpenItem {
    /// Text or a refusal. Its item begins with the first delta, so that none is empty.
    Text(OpenText),
    Reasoning {
        id: String,
        parts: Vec<String>,
        /// The upstream's number of the last part.
        number: Option<u32>,
        state: Option<Opaque>,
    },
    Call {
        call: CallItem,
        kind: CallItemKind,
        input: String,
    },
    /// A block of which a client of this dialect sees nothing more.
    Hidden,
}

#[derive(Debug, Default)]
struct OpenText {
    /// The identifier of the item; `None` until it has begun.
    id: Option<String>,
    is_refusal: bool,
    text: String,
    annotations: Vec<Annotation>,
    logprobs: Vec<RawJson>,
}

/// The items that a call can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallItemKind {
    Function,
    Freeform,
    ToolSearch,
}

impl ResponsesStreamWriter {
    /// A writer of one response.
    pub fn new(context: &ResponseContext) -> Self {
        Self {
            context: context.clone(),
            object: None,
            sequence_number: 0,
            output: Vec::new(),
            open_item: None,
            unparsed_call: None,
            refusal: OwnRefusal::Absent,
            scratch: Vec::new(),
            delta_frames: FrameCache::default(),
        }
    }

    /// Takes the number of the next event.
    fn next_number(&mut self) -> Option<i64> {
        let number = self.sequence_number;
        self.sequence_number += 1;
        Some(number)
    }

    /// Index of the item that is being written.
    fn output_index(&self) -> Option<i64> {
        i64::try_from(self.output.len()).ok()
    }

    fn item_id(&self, prefix: &str) -> String {
        let index = self.output.len();
        self.object.as_ref().map_or_else(
            || format!("{prefix}_{index}"),
            |object| object.item_id(prefix, index),
        )
    }

    fn write_frame(&mut self, name: &str, event: impl Into<ResponseStreamEvent>, out: &mut BytesMut) {
        self.scratch.clear();
        write_event_into(&event.into(), &mut self.scratch);
        sse::write_event(out, Some(name), &self.scratch);
    }

    /// Writes a delta. Until `delta_frames` is cleared, its event differs from the last one only in text and number, so
    /// that from the third one on a template of the frame is filled in.
    fn write_delta<T: Into<ResponseStreamEvent>>(
        &mut self,
        name: &str,
        text: &str,
        make_event: impl Fn(&Self, &str) -> T,
        number_of: fn(&mut T) -> &mut Option<i64>,
        out: &mut BytesMut,
    ) {
        let sequence_number = self.sequence_number;
        self.sequence_number += 1;
        if self
            .delta_frames
            .write(text, sequence_number, &mut self.scratch, out)
        {
            return;
        }
        let mut event = make_event(self, text);
        *number_of(&mut event) = Some(sequence_number);
        self.write_frame(name, event, out);
        if self.delta_frames.record_full_write() {
            // The same frame once more, with marks in the places of text and number, for the template.
            let mut event = make_event(self, FrameTemplate::TEXT);
            *number_of(&mut event) = Some(FrameTemplate::NUMBER);
            let mut marked = BytesMut::new();
            self.write_frame(name, event, &mut marked);
            self.delta_frames.learn(&marked, TemplateMarks::TextAndNumber);
        }
    }

    fn write_start(&mut self, start: Start, out: &mut BytesMut) {
        let Start {
            id,
            model: _,
            usage: _,
            service_tier,
        } = start;
        let object = ResponseObject::new(self.context.clone(), id.as_deref(), service_tier);
        let response = object.write_in_progress();
        self.object = Some(object);
        let mut event = ResponseCreatedEvent::new();
        event.response = Some(response.clone());
        event.sequence_number = self.next_number();
        self.write_frame("response.created", event, out);
        let mut event = ResponseInProgressEvent::new();
        event.response = Some(response);
        event.sequence_number = self.next_number();
        self.write_frame("response.in_progress", event, out);
    }

    fn write_item_added(&mut self, item: impl Into<OutputItem>, out: &mut BytesMut) {
        let mut event = ResponseOutputItemAddedEvent::new(item.into());
        event.output_index = self.output_index();
        event.sequence_number = self.next_number();
        self.write_frame("response.output_item.added", event, out);
    }

    fn write_item_done(&mut self, item: impl Into<OutputItem>, out: &mut BytesMut) {
        let item = item.into();
        let mut event = ResponseOutputItemDoneEvent::new(item.clone());
        event.output_index = self.output_index();
        event.sequence_number = self.next_number();
        self.write_frame("response.output_item.done", event, out);
        self.output.push(item);
    }

    fn open_block(&mut self, scope: &mut Scope<'_>, block: BlockStart, out: &mut BytesMut) {
        // The response goes on after the call, so its arguments were not cut off.
        self.write_unparsed_call(ItemStatus::Completed, out);
        self.delta_frames.clear();
        let item = match block {
            BlockStart::Text => OpenItem::Text(OpenText::default()),
            BlockStart::Refusal => OpenItem::Text(OpenText {
                is_refusal: true,
                ..OpenText::default()
            }),
            BlockStart::Reasoning => {
                let id = self.item_id("rs");
                let mut item = ReasoningItem::new();
                item.id = Some(id.clone());
                item.summary = Some(Vec::new());
                item.status = Some(ItemStatus::InProgress);
                self.write_item_added(item, out);
                OpenItem::Reasoning {
                    id,
                    parts: Vec::new(),
                    number: None,
                    state: None,
                }
            }
            BlockStart::ToolCall {
                id,
                name,
                namespace,
                call,
            } => self.open_call(id, name, namespace, call, out),
            BlockStart::ServerTool(ServerTool {
                origin: _,
                item: _,
                query: Some(query),
            }) => {
                let item = items::write_web_search(&self.item_id("ws"), &query);
                let mut added = item.clone();
                added.status = Some(WebSearchCallStatus::InProgress);
                self.write_item_added(added, out);
                self.write_item_done(item, out);
                OpenItem::Hidden
            }
            BlockStart::ServerTool(ServerTool {
                origin: _,
                item,
                query: None,
            }) => {
                scope.field("output").drop(OpenAiReason::VendorItem { item });
                OpenItem::Hidden
            }
        };
        self.open_item = Some(item);
    }

    fn open_call(
        &mut self,
        id: String,
        name: String,
        namespace: Option<String>,
        call: CallKind,
        out: &mut BytesMut,
    ) -> OpenItem {
        let has_client_search = self
            .object
            .as_ref()
            .is_some_and(ResponseObject::has_client_search);
        let kind = match call {
            CallKind::Freeform => CallItemKind::Freeform,
            CallKind::Function if has_client_search && name == tools::TOOL_SEARCH && namespace.is_none() => {
                CallItemKind::ToolSearch
            }
            CallKind::Function => CallItemKind::Function,
        };
        let prefix = match kind {
            CallItemKind::Function => "fc",
            CallItemKind::Freeform => "ctc",
            CallItemKind::ToolSearch => "tsc",
        };
        let call = CallItem::new(self.item_id(prefix), id, name, namespace);
        let in_progress = ItemStatus::InProgress;
        match kind {
            CallItemKind::Function => {
                self.write_item_added(call.write_function(String::new(), in_progress), out);
            }
            CallItemKind::Freeform => {
                self.write_item_added(call.write_custom(String::new(), in_progress), out);
            }
            CallItemKind::ToolSearch => {
                self.write_item_added(call.write_tool_search("{}", &in_progress), out);
            }
        }
        OpenItem::Call {
            call,
            kind,
            input: String::new(),
        }
    }

    fn write_block_delta(&mut self, delta: Delta, out: &mut BytesMut) {
        let Some(mut item) = self.open_item.take() else {
            return;
        };
        match (&mut item, delta) {
            (OpenItem::Text(open), Delta::Text { text }) if !text.is_empty() => {
                self.write_text_delta(open, text, out);
            }
            (OpenItem::Text(open), Delta::Annotation(annotation)) => {
                self.write_annotation(open, annotation, out);
            }
            (OpenItem::Text(open), Delta::Logprobs { json }) => open.logprobs.push(json),
            (
                OpenItem::Reasoning {
                    id, parts, number, ..
                },
                Delta::Reasoning { part, text },
            ) if !text.is_empty() => {
                if *number != Some(part) {
                    self.write_summary_end(id, parts, out);
                    self.write_summary_start(id, parts, out);
                    *number = Some(part);
                    self.delta_frames.clear();
                }
                self.write_summary_delta(id, parts, &text, out);
                if let Some(part) = parts.last_mut() {
                    part.push_str(&text);
                }
            }
            (OpenItem::Reasoning { state, .. }, Delta::Opaque(opaque)) => *state = Some(opaque),
            (OpenItem::Call { call, kind, input }, Delta::Input { text }) if !text.is_empty() => {
                input.push_str(&text);
                self.write_input_delta(call, *kind, &text, out);
            }
            // A delta of another kind than its block, and an empty one.
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
        self.open_item = Some(item);
    }

    fn close_block(&mut self, out: &mut BytesMut) {
        match self.open_item.take() {
            None | Some(OpenItem::Hidden | OpenItem::Text(OpenText { id: None, .. })) => {}
            Some(OpenItem::Text(open)) => self.close_text(open, out),
            Some(OpenItem::Reasoning { id, parts, state, .. }) => {
                self.write_summary_end(&id, &parts, out);
                let status = ItemStatus::Completed;
                let item = reasoning::write_output_item(&id, parts, state.as_ref(), status);
                self.write_item_done(item, out);
            }
            Some(OpenItem::Call { call, kind, input }) => self.close_call(call, kind, input, out),
        }
    }

    fn write_finish(
        &mut self,
        scope: &mut Scope<'_>,
        finish: &Finish,
        usage: Option<Usage>,
        out: &mut BytesMut,
    ) {
        let end = ResponseOutcome::from_finish(scope, finish, self.refusal);
        self.close_block(out);
        let status = if end == ResponseOutcome::Truncated {
            ItemStatus::Incomplete
        } else {
            ItemStatus::Completed
        };
        self.write_unparsed_call(status, out);
        if let Some(text) = end.explanation(finish, self.refusal) {
            self.write_explanation(text.to_owned(), out);
        }
        let output = std::mem::take(&mut self.output);
        let Some(object) = &self.object else { return };
        let response = Some(object.write_final(output, end, usage));
        let number = self.next_number();
        // The response store finds the object of a streamed response by the names of these two events: see
        // `response_store::last_event`.
        match end {
            ResponseOutcome::Completed => {
                let mut event = ResponseCompletedEvent::new();
                event.response = response;
                event.sequence_number = number;
                self.write_frame("response.completed", event, out);
            }
            ResponseOutcome::Truncated | ResponseOutcome::Filtered => {
                let mut event = ResponseIncompleteEvent::new();
                event.response = response;
                event.sequence_number = number;
                self.write_frame("response.incomplete", event, out);
            }
        }
    }

    /// Writes the vendor's explanation of a refusal, as an item.
    fn write_explanation(&mut self, text: String, out: &mut BytesMut) {
        let mut open = OpenText {
            is_refusal: true,
            ..OpenText::default()
        };
        self.delta_frames.clear();
        self.write_text_delta(&mut open, text, out);
        self.close_text(open, out);
    }

    fn write_failure(&mut self, failure: &Error, out: &mut BytesMut) {
        if self.object.is_none() {
            self.write_start(Start::default(), out);
        }
        let mut output = std::mem::take(&mut self.output);
        output.extend(self.take_unfinished());
        let Some(object) = &self.object else { return };
        let mut event = ResponseFailedEvent::new();
        event.response = Some(object.write_failed(output, failure));
        event.sequence_number = self.next_number();
        self.write_frame("response.failed", event, out);
    }

    /// Takes the item that was being written when the response failed. It has no event that it is done.
    fn take_unfinished(&mut self) -> Option<OutputItem> {
        if let Some((call, arguments)) = self.unparsed_call.take() {
            return Some(call.write_function(arguments, ItemStatus::Incomplete).into());
        }
        let status = ItemStatus::Incomplete;
        match self.open_item.take()? {
            OpenItem::Hidden => None,
            OpenItem::Text(open) => {
                let id = open.id.clone()?;
                Some(items::write_message(&id, open.write_part(), status).into())
            }
            OpenItem::Reasoning { id, parts, state, .. } => {
                Some(reasoning::write_output_item(&id, parts, state.as_ref(), status).into())
            }
            OpenItem::Call { call, kind, input } => Some(match kind {
                CallItemKind::Function => call.write_function(input, status).into(),
                CallItemKind::Freeform => call.write_custom(input, status).into(),
                CallItemKind::ToolSearch => call.write_tool_search(&input, &status),
            }),
        }
    }
}

impl StreamWriter for ResponsesStreamWriter {
    fn write(&mut self, scope: &mut Scope<'_>, event: Event, out: &mut BytesMut) {
        match event {
            Event::Start(start) => self.write_start(start, out),
            Event::Open { index: _, block } => self.open_block(scope, block, out),
            Event::Delta { index: _, delta } => self.write_block_delta(delta, out),
            Event::Close { index: _ } => self.close_block(out),
            Event::Finish { finish, usage } => self.write_finish(scope, &finish, usage, out),
            Event::Fail(failure) => self.write_failure(&failure, out),
            Event::Ping => self.write_keep_alive(out),
        }
    }

    fn write_keep_alive(&mut self, out: &mut BytesMut) {
        sse::write_comment(out, "keep-alive");
    }
}
