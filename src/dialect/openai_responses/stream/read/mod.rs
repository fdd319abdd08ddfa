//! Reads a stream.
//!
//! An upstream reports each item twice: in deltas, and as a whole when it is done. Not every server sends all of them,
//! so the reader counts what the deltas brought and takes the rest from the item that is done.

mod items;

use std::collections::HashMap;

use crate::canonical::{BlockStart, Delta, Error, ErrorClass, Event, FinishReason, Scope, Start};
use crate::dialect::StreamReader;
use crate::dialect::openai_responses::response::{self, ResponseParts, logprobs};
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::{error, usage::OwnRefusal};
use crate::dialect::shared::fast_path::DeltaFastPath;
use crate::wire::json::FieldPaths;

/// Where the text of a delta event is. The members in `passed` may differ between events without changing what they
/// mean: a member that this reader begins to use has to leave that list.
const FIELD_PATHS: FieldPaths = FieldPaths {
    object: &[],
    texts: &[&["delta"]],
    ignored: &["sequence_number", "obfuscation"],
};

/// Reads a stream.
#[derive(Debug, Default)]
pub struct ResponsesStreamReader {
    fast_path: DeltaFastPath,
    /// The items by their index in the output.
    items: HashMap<i64, StreamedItem>,
    /// Number of the next block.
    next_block: u32,
    /// Index of the item of the last event: that of an event without an index.
    last_item: i64,
    /// Index of the part of the last delta in that item.
    last_part: i64,
    has_started: bool,
    refusal: OwnRefusal,
}

/// What has been read of an item.
#[derive(Debug)]
enum StreamedItem {
    Message {
        parts: HashMap<i64, StreamedPart>,
    },
    Reasoning {
        /// Number of its block.
        block: u32,
        shown: ShownReasoning,
        /// Bytes read of each part.
        parts: HashMap<i64, usize>,
    },
    Call {
        /// Number of its block.
        block: u32,
        /// Bytes read of its input.
        length: usize,
    },
    /// The item is complete. Nothing more is read of it: the last event of the stream repeats all items.
    Done,
}

/// A text or a refusal of a message.
#[derive(Debug)]
struct StreamedPart {
    /// Number of its block.
    block: u32,
    /// Bytes read of its text.
    length: usize,
    /// Annotations read of it.
    annotations: usize,
    is_open: bool,
}

/// Which of a reasoning item's two texts is read: a block has only one, and the first to come is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ShownReasoning {
    Nothing,
    Summary,
    Content,
}

impl StreamReader for ResponsesStreamReader {
    fn read(&mut self, scope: &mut Scope<'_>, _name: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        // Some servers end their streams as Chat Completions does.
        if data.is_empty() || data.trim_ascii() == b"[DONE]" {
            return;
        }
        // The data contains the type of the event, so the name of the frame is not needed.
        if let Some((block, delta)) = self.fast_path.read(None, data) {
            self.repeat_delta(block, delta, out);
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

    // A stream without its last event has failed; the caller reports that for every dialect.
    fn end(&mut self, _: &mut Scope<'_>, _: &mut Vec<Event>) {}
}

impl ResponsesStreamReader {
    fn read_event(&mut self, scope: &mut Scope<'_>, event: ResponseStreamEvent, out: &mut Vec<Event>) {
        match event {
            ResponseStreamEvent::ResponseCreated(event) => {
                let ResponseCreatedEvent {
                    response,
                    sequence_number: _,
                    extra: _,
                } = *event;
                if let Some(response) = response {
                    self.read_start(response, out);
                }
            }
            ResponseStreamEvent::ResponseQueued(_) | ResponseStreamEvent::ResponseInProgress(_) => {
                out.push(Event::Ping);
            }
            ResponseStreamEvent::ResponseOutputItemAdded(event) => {
                let ResponseOutputItemAddedEvent {
                    item,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = *event;
                let index = output_index.unwrap_or(self.last_item.saturating_add(1));
                self.add_item(index, &item, out);
            }
            ResponseStreamEvent::ResponseOutputItemDone(event) => {
                let ResponseOutputItemDoneEvent {
                    item,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = *event;
                let index = output_index.unwrap_or(self.last_item);
                self.complete_item(scope, index, item, out);
            }
            ResponseStreamEvent::ResponseOutputTextDelta(event) => {
                let ResponseTextDeltaEvent {
                    content_index,
                    delta,
                    item_id: _,
                    logprobs,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = event;
                let block = self.read_text(output_index, content_index, BlockStart::Text, delta, out);
                if let (Some(index), Some(json)) = (block, logprobs.filter(logprobs::has_entries)) {
                    let delta = Delta::Logprobs { json };
                    out.push(Event::Delta { index, delta });
                }
            }
            ResponseStreamEvent::ResponseRefusalDelta(event) => {
                let ResponseRefusalDeltaEvent {
                    content_index,
                    delta,
                    item_id: _,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = event;
                self.read_text(output_index, content_index, BlockStart::Refusal, delta, out);
            }
            ResponseStreamEvent::ResponseOutputTextAnnotationAdded(event) => {
                let ResponseOutputTextAnnotationAddedEvent {
                    annotation,
                    annotation_index: _,
                    content_index,
                    item_id: _,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = *event;
                self.read_annotation(scope, output_index, content_index, annotation, out);
            }
            ResponseStreamEvent::ResponseReasoningSummaryTextDelta(event) => {
                let ResponseReasoningSummaryTextDeltaEvent {
                    delta,
                    item_id: _,
                    output_index,
                    sequence_number: _,
                    summary_index,
                    extra: _,
                } = event;
                self.read_reasoning(output_index, summary_index, ShownReasoning::Summary, delta, out);
            }
            ResponseStreamEvent::ResponseReasoningTextDelta(event) => {
                let ResponseReasoningTextDeltaEvent {
                    content_index,
                    delta,
                    item_id: _,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = event;
                self.read_reasoning(output_index, content_index, ShownReasoning::Content, delta, out);
            }
            ResponseStreamEvent::ResponseFunctionCallArgumentsDelta(event) => {
                let ResponseFunctionCallArgumentsDeltaEvent {
                    delta,
                    item_id: _,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = event;
                self.read_input(output_index, delta, out);
            }
            ResponseStreamEvent::ResponseCustomToolCallInputDelta(event) => {
                let ResponseCustomToolCallInputDeltaEvent {
                    delta,
                    item_id: _,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = event;
                self.read_input(output_index, delta, out);
            }
            ResponseStreamEvent::ResponseCompleted(event) => {
                let ResponseCompletedEvent {
                    response,
                    sequence_number: _,
                    extra: _,
                } = *event;
                self.read_finish(scope, response, None, out);
            }
            ResponseStreamEvent::ResponseDone(event) => {
                let ResponseDoneEvent {
                    response,
                    sequence_number: _,
                    extra: _,
                } = *event;
                self.read_finish(scope, response, None, out);
            }
            ResponseStreamEvent::ResponseIncomplete(event) => {
                let ResponseIncompleteEvent {
                    response,
                    sequence_number: _,
                    extra: _,
                } = *event;
                self.read_finish(scope, response, Some(ResponseStatus::Incomplete), out);
            }
            ResponseStreamEvent::ResponseFailed(event) => {
                let ResponseFailedEvent {
                    response,
                    sequence_number: _,
                    extra: _,
                } = *event;
                self.read_finish(scope, response, Some(ResponseStatus::Failed), out);
            }
            ResponseStreamEvent::Error(event) => out.push(Event::Fail(error::read_event(event))),
            // The item that is done contains all of what these events report.
            ResponseStreamEvent::ResponseContentPartAdded(_)
            | ResponseStreamEvent::ResponseContentPartDone(_)
            | ResponseStreamEvent::ResponseOutputTextDone(_)
            | ResponseStreamEvent::ResponseRefusalDone(_)
            | ResponseStreamEvent::ResponseFunctionCallArgumentsDone(_)
            | ResponseStreamEvent::ResponseCustomToolCallInputDone(_)
            | ResponseStreamEvent::ResponseReasoningSummaryPartAdded(_)
            | ResponseStreamEvent::ResponseReasoningSummaryPartDone(_)
            | ResponseStreamEvent::ResponseReasoningSummaryTextDone(_)
            | ResponseStreamEvent::ResponseReasoningTextDone(_) => {}
            ResponseStreamEvent::Unknown(unknown) => {
                if let Some(error) = error::read_frame(&unknown) {
                    out.push(Event::Fail(error));
                }
            }
        }
    }

    fn read_start(&mut self, response: Response, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let ResponseParts {
            id,
            model,
            output: _,
            end: _,
            usage,
            service_tier,
        } = response::take_apart(response);
        out.push(Event::Start(Start {
            id,
            model,
            usage,
            service_tier,
        }));
    }

    /// Reads the last event. `status` is what the type of the event implies: it overrides the status of the response
    /// object, which some servers leave out or do not update.
    fn read_finish(
        &mut self,
        scope: &mut Scope<'_>,
        response: Option<Response>,
        status: Option<ResponseStatus>,
        out: &mut Vec<Event>,
    ) {
        let mut response = response.unwrap_or_default();
        response.status = status.or(response.status);
        let ResponseParts {
            id,
            model,
            output,
            end,
            usage,
            service_tier,
        } = response::take_apart(response);
        let mut finish = match end {
            Ok(finish) => finish,
            Err(error) => {
                out.push(Event::Fail(error));
                return;
            }
        };
        if !std::mem::replace(&mut self.has_started, true) {
            // The counts are final, so they are in the finish event.
            out.push(Event::Start(Start {
                id,
                model,
                usage: None,
                service_tier,
            }));
        }
        // Servers that stream no items have them here; others repeat them, or send an empty list.
        for (index, item) in (0_i64..).zip(output) {
            self.complete_item(scope, index, item, out);
        }
        self.close_open_items(out);
        if self.refusal == OwnRefusal::Present && finish.reason == FinishReason::End {
            finish.reason = FinishReason::Refusal;
        }
        out.push(Event::Finish { finish, usage });
    }
}
