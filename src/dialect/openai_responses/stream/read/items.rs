//! What has been read of the items of a response, and what is still missing of each.

use std::collections::HashMap;

use super::{ResponsesStreamReader, ShownReasoning, StreamedItem, StreamedPart};
use crate::canonical::{BlockStart, CallKind, Delta, Error, ErrorClass, Event, Scope};
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::usage::OwnRefusal;
use crate::dialect::openai_responses::{reasoning, response};

impl ResponsesStreamReader {
    /// Opens a block; returns its number.
    fn open_block(&mut self, block: BlockStart, out: &mut Vec<Event>) -> u32 {
        let index = self.next_block;
        self.next_block = self.next_block.saturating_add(1);
        out.push(Event::Open { index, block });
        index
    }

    /// Takes a delta from the fast path: one of the same part as the last event. Has to count its bytes as the slow
    /// path does, or the item that is done would seem to have a rest.
    pub(super) fn repeat_delta(&mut self, block: u32, delta: Delta, out: &mut Vec<Event>) {
        if let Delta::Text { text } | Delta::Reasoning { part: _, text } | Delta::Input { text } = &delta {
            let length = match self.items.get_mut(&self.last_item) {
                Some(StreamedItem::Message { parts }) => {
                    parts.get_mut(&self.last_part).map(|part| &mut part.length)
                }
                Some(StreamedItem::Reasoning { parts, .. }) => parts.get_mut(&self.last_part),
                Some(StreamedItem::Call { block: _, length }) => Some(length),
                Some(StreamedItem::Done) | None => None,
            };
            if let Some(length) = length {
                *length += text.len();
            }
        }
        out.push(Event::Delta { index: block, delta });
    }

    /// Begins an item, once.
    pub(super) fn add_item(&mut self, index: i64, item: &OutputItem, out: &mut Vec<Event>) {
        self.last_item = index;
        if self.items.contains_key(&index) {
            return;
        }
        let item = match item {
            // The blocks of a message are its parts.
            OutputItem::Message(_) => StreamedItem::Message {
                parts: HashMap::new(),
            },
            OutputItem::Reasoning(_) => StreamedItem::Reasoning {
                block: self.open_block(BlockStart::Reasoning, out),
                shown: ShownReasoning::Nothing,
                parts: HashMap::new(),
            },
            OutputItem::FunctionCall(call) => {
                let id = call.call_id.as_ref().or(call.id.as_ref());
                let start = call_start(id, &call.name, call.namespace.as_ref(), CallKind::Function);
                let block = self.open_block(start, out);
                StreamedItem::Call { block, length: 0 }
            }
            OutputItem::CustomToolCall(call) => {
                let id = call.call_id.as_ref().or(call.id.as_ref());
                let start = call_start(id, &call.name, call.namespace.as_ref(), CallKind::Freeform);
                let block = self.open_block(start, out);
                StreamedItem::Call { block, length: 0 }
            }
            // The query of a search is known when the item is done.
            OutputItem::WebSearchCall(_) | OutputItem::Unknown(_) => return,
        };
        self.items.insert(index, item);
    }

    /// Reads a delta of a text or refusal; returns the number of its block.
    pub(super) fn read_text(
        &mut self,
        item: Option<i64>,
        part: Option<i64>,
        start: BlockStart,
        text: String,
        out: &mut Vec<Event>,
    ) -> Option<u32> {
        let item = item.unwrap_or(self.last_item);
        self.last_item = item;
        if text.is_empty() {
            return None;
        }
        if matches!(start, BlockStart::Refusal) {
            self.refusal = OwnRefusal::Present;
        }
        self.last_part = part.unwrap_or_default();
        let part = self.open_part(item, self.last_part, start, out)?;
        part.length += text.len();
        let index = part.block;
        let delta = Delta::Text { text };
        out.push(Event::Delta { index, delta });
        Some(index)
    }

    /// A part of a message, opened if it is new. `None` if it is closed, or if the item is no message.
    fn open_part(
        &mut self,
        item: i64,
        part: i64,
        start: BlockStart,
        out: &mut Vec<Event>,
    ) -> Option<&mut StreamedPart> {
        let is_new = match self.items.get(&item) {
            None => {
                let parts = HashMap::new();
                self.items.insert(item, StreamedItem::Message { parts });
                true
            }
            Some(StreamedItem::Message { parts }) => !parts.contains_key(&part),
            Some(StreamedItem::Reasoning { .. } | StreamedItem::Call { .. } | StreamedItem::Done) => {
                return None;
            }
        };
        if is_new {
            // Parts follow one another, so a new one ends those before it.
            if let Some(StreamedItem::Message { parts }) = self.items.get_mut(&item) {
                close_parts(parts, out);
            }
            let block = self.open_block(start, out);
            let Some(StreamedItem::Message { parts }) = self.items.get_mut(&item) else {
                return None;
            };
            parts.insert(
                part,
                StreamedPart {
                    block,
                    length: 0,
                    annotations: 0,
                    is_open: true,
                },
            );
        }
        let Some(StreamedItem::Message { parts }) = self.items.get_mut(&item) else {
            return None;
        };
        parts.get_mut(&part).filter(|part| part.is_open)
    }

    /// Reads an annotation of a text.
    pub(super) fn read_annotation(
        &mut self,
        scope: &mut Scope<'_>,
        item: Option<i64>,
        part: Option<i64>,
        annotation: Option<OutputAnnotation>,
        out: &mut Vec<Event>,
    ) {
        let item = item.unwrap_or(self.last_item);
        let Some(annotation) = annotation else { return };
        let citation = response::read_citation(scope, annotation);
        let part = self.open_part(item, part.unwrap_or_default(), BlockStart::Text, out);
        if let Some(part) = part {
            // Those that cross no dialect count as well: the item that is done lists all of them.
            part.annotations += 1;
            let index = part.block;
            out.extend(citation.map(|citation| Event::Delta {
                index,
                delta: Delta::Annotation(citation),
            }));
        }
    }

    /// Reads a delta of one of the two texts of a reasoning item.
    pub(super) fn read_reasoning(
        &mut self,
        item: Option<i64>,
        part: Option<i64>,
        kind: ShownReasoning,
        text: String,
        out: &mut Vec<Event>,
    ) {
        let item = item.unwrap_or(self.last_item);
        self.last_item = item;
        if text.is_empty() {
            return;
        }
        if !self.items.contains_key(&item) {
            self.add_item(item, &ReasoningItem::new().into(), out);
        }
        let part = part.unwrap_or_default();
        self.last_part = part;
        let Some(StreamedItem::Reasoning { block, shown, parts }) = self.items.get_mut(&item) else {
            return;
        };
        if *shown == ShownReasoning::Nothing {
            *shown = kind;
        }
        if *shown == kind {
            *parts.entry(part).or_default() += text.len();
            let part = u32::try_from(part).unwrap_or_default();
            let delta = Delta::Reasoning { part, text };
            out.push(Event::Delta { index: *block, delta });
        }
    }

    /// Reads a delta of a call's input.
    pub(super) fn read_input(&mut self, item: Option<i64>, text: String, out: &mut Vec<Event>) {
        let item = item.unwrap_or(self.last_item);
        self.last_item = item;
        if text.is_empty() {
            return;
        }
        match self.items.get_mut(&item) {
            Some(StreamedItem::Call { block, length }) => {
                *length += text.len();
                let delta = Delta::Input { text };
                out.push(Event::Delta { index: *block, delta });
            }
            // Deltas of the vendor's own calls, and of items that are complete.
            Some(_) => {}
            None => {
                let message = "the upstream sent a delta of a tool call that has not begun";
                out.push(Event::Fail(Error::new(ErrorClass::Upstream, message)));
            }
        }
    }

    /// Reads a complete item: writes the events of what no delta has brought, and closes it.
    pub(super) fn complete_item(
        &mut self,
        scope: &mut Scope<'_>,
        index: i64,
        item: OutputItem,
        out: &mut Vec<Event>,
    ) {
        if matches!(self.items.get(&index), Some(StreamedItem::Done)) {
            return;
        }
        self.add_item(index, &item, out);
        match item {
            OutputItem::Message(message) => self.complete_message(scope, index, message, out),
            OutputItem::Reasoning(item) => self.complete_reasoning(index, item, out),
            OutputItem::FunctionCall(call) => self.complete_call(index, call.arguments.as_deref(), out),
            OutputItem::CustomToolCall(call) => self.complete_call(index, call.input.as_deref(), out),
            item @ (OutputItem::WebSearchCall(_) | OutputItem::Unknown(_)) => {
                if let Some(tool) = response::read_server_tool(&item) {
                    let index = self.open_block(BlockStart::ServerTool(tool), out);
                    out.push(Event::Close { index });
                }
            }
        }
        self.items.insert(index, StreamedItem::Done);
    }

    fn complete_message(
        &mut self,
        scope: &mut Scope<'_>,
        item: i64,
        message: OutputMessage,
        out: &mut Vec<Event>,
    ) {
        let OutputMessage {
            content,
            id: _,
            phase: _,
            status: _,
            extra: _,
        } = message;
        for (number, part) in (0_i64..).zip(content.into_iter().flatten()) {
            match part {
                OutputContent::OutputText(OutputText {
                    annotations,
                    logprobs: _,
                    text,
                    extra: _,
                }) => {
                    self.read_rest_of_text(item, number, BlockStart::Text, &text, out);
                    let known = self.count_annotations(item, number);
                    for annotation in annotations.into_iter().flatten().skip(known) {
                        self.read_annotation(scope, Some(item), Some(number), Some(annotation), out);
                    }
                }
                OutputContent::Refusal(Refusal { refusal, extra: _ }) => {
                    self.read_rest_of_text(item, number, BlockStart::Refusal, &refusal, out);
                }
                OutputContent::Unknown(unknown) => {
                    let tag = unknown.tag;
                    scope.field("output").drop(ResponsesReason::UnknownPart { tag });
                }
            }
        }
        if let Some(StreamedItem::Message { parts }) = self.items.get_mut(&item) {
            close_parts(parts, out);
        }
    }

    /// Reads the end of a part's text that no delta has brought. Nothing if the deltas were as long.
    fn read_rest_of_text(
        &mut self,
        item: i64,
        part: i64,
        start: BlockStart,
        text: &str,
        out: &mut Vec<Event>,
    ) {
        let length = match self.items.get(&item) {
            Some(StreamedItem::Message { parts }) => parts.get(&part).map_or(0, |part| part.length),
            _ => 0,
        };
        if let Some(rest) = text.get(length..) {
            self.read_text(Some(item), Some(part), start, rest.to_owned(), out);
        }
    }

    fn count_annotations(&self, item: i64, part: i64) -> usize {
        match self.items.get(&item) {
            Some(StreamedItem::Message { parts }) => parts.get(&part).map_or(0, |part| part.annotations),
            _ => 0,
        }
    }

    fn complete_reasoning(&mut self, index: i64, item: ReasoningItem, out: &mut Vec<Event>) {
        let Some(StreamedItem::Reasoning { block, shown, parts }) = self.items.get_mut(&index) else {
            return;
        };
        let block = *block;
        // Only the item that is done has the whole state; the one that was added may have the beginning of it.
        let state = reasoning::read_state(&item);
        let ReasoningItem {
            content,
            encrypted_content: _,
            id: _,
            status: _,
            summary,
            extra: _,
        } = item;
        let summary: Vec<String> = summary
            .into_iter()
            .flatten()
            .map(|SummaryText { text, extra: _ }| text)
            .collect();
        let content = content.into_iter().flatten();
        let content = content.map(|ReasoningText { text, extra: _ }| text).collect();
        let texts: Vec<String> = match shown {
            ShownReasoning::Content => content,
            ShownReasoning::Nothing if summary.is_empty() => content,
            ShownReasoning::Summary | ShownReasoning::Nothing => summary,
        };
        for (part, text) in (0_u32..).zip(texts) {
            let length = parts.get(&i64::from(part)).copied().unwrap_or_default();
            if let Some(rest) = text.get(length..).filter(|rest| !rest.is_empty()) {
                let text = rest.to_owned();
                let delta = Delta::Reasoning { part, text };
                out.push(Event::Delta { index: block, delta });
            }
        }
        out.extend(state.map(|state| Event::Delta {
            index: block,
            delta: Delta::Opaque(state),
        }));
        out.push(Event::Close { index: block });
    }

    fn complete_call(&mut self, index: i64, input: Option<&str>, out: &mut Vec<Event>) {
        let Some(StreamedItem::Call { block, length }) = self.items.get(&index) else {
            return;
        };
        let block = *block;
        let rest = input.and_then(|input| input.get(*length..));
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            let text = rest.to_owned();
            out.push(Event::Delta {
                index: block,
                delta: Delta::Input { text },
            });
        }
        out.push(Event::Close { index: block });
    }

    /// Closes the blocks of items that no event has completed, in the order of the output.
    pub(super) fn close_open_items(&mut self, out: &mut Vec<Event>) {
        let mut rest: Vec<(i64, StreamedItem)> = self.items.drain().collect();
        rest.sort_by_key(|(index, _)| *index);
        for (_, item) in rest {
            match item {
                StreamedItem::Message { mut parts } => close_parts(&mut parts, out),
                StreamedItem::Reasoning { block, .. } | StreamedItem::Call { block, .. } => {
                    out.push(Event::Close { index: block });
                }
                StreamedItem::Done => {}
            }
        }
    }
}

/// The start of a call's block. Compatible servers may give the item an identifier, but not the call.
fn call_start(id: Option<&String>, name: &str, namespace: Option<&String>, call: CallKind) -> BlockStart {
    BlockStart::ToolCall {
        id: id.cloned().unwrap_or_default(),
        name: name.to_owned(),
        namespace: namespace.cloned(),
        call,
    }
}

/// Closes the parts that are open, in the order of their blocks.
fn close_parts(parts: &mut HashMap<i64, StreamedPart>, out: &mut Vec<Event>) {
    let mut open: Vec<u32> = parts
        .values_mut()
        .filter_map(|part| std::mem::take(&mut part.is_open).then_some(part.block))
        .collect();
    open.sort_unstable();
    out.extend(open.into_iter().map(|index| Event::Close { index }));
}
