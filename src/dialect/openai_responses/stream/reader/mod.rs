//! Reads a stream.

mod items;

use std::collections::HashMap;

use super::super::error;
use super::super::response::{self, Parts};
use super::super::types::*;
use crate::canonical::{
    BlockStart, Delta, Error, ErrorClass, Event, FinishReason, Losses, Scope, Start, Usage,
};
use crate::dialect::StreamReader;
use crate::dialect::shared::fast_path::DeltaFastPath;
use crate::wire::json::FieldPaths;

/// Where a piece stands in an event.
const FIELD_PATHS: FieldPaths = FieldPaths {
    object: &[],
    texts: &[&["delta"]],
    ignored: &["sequence_number", "obfuscation"],
};

/// Reads a stream. Whatever pieces a server leaves out are made up for from the complete items that follow them.
#[derive(Debug, Default)]
pub struct Reader {
    repeats: DeltaFastPath,
    items: HashMap<i64, Item>,
    /// Number of the next block.
    next: u32,
    /// The item that an event without an index belongs to.
    last: i64,
    /// The part of it that the last piece belonged to.
    last_part: i64,
    started: bool,
    refused: bool,
}

/// What has been read of an item.
#[derive(Debug)]
enum Item {
    Message {
        parts: HashMap<i64, Part>,
    },
    Reasoning {
        index: u32,
        shown: Shown,
        /// Bytes read of each part.
        parts: HashMap<i64, usize>,
    },
    Call {
        index: u32,
        seen: usize,
    },
    /// Complete; nothing more comes.
    Done,
}

/// A text or a refusal.
#[derive(Debug)]
struct Part {
    index: u32,
    seen: usize,
    annotations: usize,
    is_open: bool,
}

/// Which of an item's two texts is shown: the one that came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    Summary,
    Content,
}

impl StreamReader for Reader {
    fn read(&mut self, scope: &mut Scope<'_>, _event: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        let losses = scope.losses();
        // Some servers end their streams as Chat Completions does.
        if data.is_empty() || data.trim_ascii() == b"[DONE]" {
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

    // A stream without its last event has failed, which needs no words here.
    fn end(&mut self, _: &mut Scope<'_>, _: &mut Vec<Event>) {}
}

impl Reader {
    fn event(&mut self, event: ResponseStreamEvent, out: &mut Vec<Event>, losses: &mut Losses) {
        match event {
            ResponseStreamEvent::ResponseCreated(event) => {
                let ResponseCreatedEvent {
                    response,
                    sequence_number: _,
                    extra: _,
                } = *event;
                if let Some(response) = response {
                    self.start(response, out);
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
                let index = output_index.unwrap_or(self.last.saturating_add(1));
                self.added(index, &item, out);
            }
            ResponseStreamEvent::ResponseOutputItemDone(event) => {
                let ResponseOutputItemDoneEvent {
                    item,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = *event;
                let index = output_index.unwrap_or(self.last);
                self.done(index, item, out, losses);
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
                let index = self.text(output_index, content_index, BlockStart::Text, delta, out);
                if let (Some(index), Some(json)) = (index, logprobs.filter(response::has_entries)) {
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
                self.text(output_index, content_index, BlockStart::Refusal, delta, out);
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
                self.annotation(output_index, content_index, annotation, out, losses);
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
                self.reasoning(output_index, summary_index, Shown::Summary, delta, out);
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
                self.reasoning(output_index, content_index, Shown::Content, delta, out);
            }
            ResponseStreamEvent::ResponseFunctionCallArgumentsDelta(event) => {
                let ResponseFunctionCallArgumentsDeltaEvent {
                    delta,
                    item_id: _,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = event;
                self.input(output_index, delta, out);
            }
            ResponseStreamEvent::ResponseCustomToolCallInputDelta(event) => {
                let ResponseCustomToolCallInputDeltaEvent {
                    delta,
                    item_id: _,
                    output_index,
                    sequence_number: _,
                    extra: _,
                } = event;
                self.input(output_index, delta, out);
            }
            ResponseStreamEvent::ResponseCompleted(event) => {
                let ResponseCompletedEvent {
                    response,
                    sequence_number: _,
                    extra: _,
                } = *event;
                self.finish(response, None, out, losses);
            }
            ResponseStreamEvent::ResponseDone(event) => {
                let ResponseDoneEvent {
                    response,
                    sequence_number: _,
                    extra: _,
                } = *event;
                self.finish(response, None, out, losses);
            }
            ResponseStreamEvent::ResponseIncomplete(event) => {
                let ResponseIncompleteEvent {
                    response,
                    sequence_number: _,
                    extra: _,
                } = *event;
                self.finish(response, Some(ResponseStatus::Incomplete), out, losses);
            }
            ResponseStreamEvent::ResponseFailed(event) => {
                let ResponseFailedEvent {
                    response,
                    sequence_number: _,
                    extra: _,
                } = *event;
                let response = response.unwrap_or_default();
                self.finish(Some(response), Some(ResponseStatus::Failed), out, losses);
            }
            ResponseStreamEvent::Error(event) => out.push(Event::Fail(error::read_event(event))),
            // What these say is said again by the item that is done.
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

    fn start(&mut self, response: Response, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let Parts {
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

    /// The last event. Its kind says more than the status of its object, which some servers leave out or behind.
    fn finish(
        &mut self,
        response: Option<Response>,
        status: Option<ResponseStatus>,
        out: &mut Vec<Event>,
        losses: &mut Losses,
    ) {
        let mut response = response.unwrap_or_default();
        response.status = status.or(response.status);
        let Parts {
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
        if !std::mem::replace(&mut self.started, true) {
            out.push(Event::Start(Start {
                id,
                model,
                usage: None::<Usage>,
                service_tier,
            }));
        }
        // Servers that stream no items send them here; others send an empty list.
        for (at, item) in (0_i64..).zip(output) {
            self.done(at, item, out, losses);
        }
        self.close_rest(out);
        if self.refused && finish.reason == FinishReason::End {
            finish.reason = FinishReason::Refusal;
        }
        out.push(Event::Finish { finish, usage });
    }
}
