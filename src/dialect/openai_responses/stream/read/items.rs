//! What has been read of the items of an answer, and what is still owed of each.

use std::collections::HashMap;

use super::{Item, Part, Reader, Shown};
use crate::canonical::{BlockStart, CallKind, Delta, Error, ErrorClass, Event, Losses, Path};
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::{reasoning, response};

impl Reader {
    /// Opens a block; gives its number.
    pub(super) fn open(&mut self, block: BlockStart, out: &mut Vec<Event>) -> u32 {
        let index = self.next;
        self.next = self.next.saturating_add(1);
        out.push(Event::Open { index, block });
        index
    }

    /// One more piece like the last one.
    pub(super) fn again(&mut self, index: u32, delta: Delta, out: &mut Vec<Event>) {
        if let Delta::Text { text } | Delta::Reasoning { part: _, text } | Delta::Input { text } = &delta {
            let seen = match self.items.get_mut(&self.last) {
                Some(Item::Message { parts }) => parts.get_mut(&self.last_part).map(|part| &mut part.seen),
                Some(Item::Reasoning { parts, .. }) => parts.get_mut(&self.last_part),
                Some(Item::Call { index: _, seen }) => Some(seen),
                Some(Item::Done) | None => None,
            };
            if let Some(seen) = seen {
                *seen += text.len();
            }
        }
        out.push(Event::Delta { index, delta });
    }

    pub(super) fn added(&mut self, at: i64, item: &OutputItem, out: &mut Vec<Event>) {
        self.last = at;
        if self.items.contains_key(&at) {
            return;
        }
        let item = match item {
            OutputItem::Message(_) => Item::Message {
                parts: HashMap::new(),
            },
            OutputItem::Reasoning(_) => Item::Reasoning {
                index: self.open(BlockStart::Reasoning, out),
                shown: Shown::Nothing,
                parts: HashMap::new(),
            },
            OutputItem::FunctionCall(call) => {
                let id = call.call_id.as_ref().or(call.id.as_ref());
                let block = start_of_call(id, &call.name, call.namespace.as_ref(), CallKind::Function);
                let index = self.open(block, out);
                Item::Call { index, seen: 0 }
            }
            OutputItem::CustomToolCall(call) => {
                let id = call.call_id.as_ref().or(call.id.as_ref());
                let block = start_of_call(id, &call.name, call.namespace.as_ref(), CallKind::Freeform);
                let index = self.open(block, out);
                Item::Call { index, seen: 0 }
            }
            // What was searched for is known when the item is done.
            OutputItem::WebSearchCall(_) | OutputItem::Unknown(_) => return,
        };
        self.items.insert(at, item);
    }

    /// A piece of a text or refusal. Gives the number of its block.
    pub(super) fn text(
        &mut self,
        item: Option<i64>,
        part: Option<i64>,
        block: BlockStart,
        text: String,
        out: &mut Vec<Event>,
    ) -> Option<u32> {
        let at = item.unwrap_or(self.last);
        self.last = at;
        if text.is_empty() {
            return None;
        }
        self.refused |= matches!(block, BlockStart::Refusal);
        self.last_part = part.unwrap_or_default();
        let part = self.part(at, self.last_part, block, out)?;
        part.seen += text.len();
        let index = part.index;
        let delta = Delta::Text { text };
        out.push(Event::Delta { index, delta });
        Some(index)
    }

    /// A part of a message, opened if it is new. `None` where the item holds no such part.
    fn part(&mut self, item: i64, part: i64, block: BlockStart, out: &mut Vec<Event>) -> Option<&mut Part> {
        let is_new = match self.items.get(&item) {
            None => {
                let parts = HashMap::new();
                self.items.insert(item, Item::Message { parts });
                true
            }
            Some(Item::Message { parts }) => !parts.contains_key(&part),
            Some(Item::Reasoning { .. } | Item::Call { .. } | Item::Done) => return None,
        };
        if is_new {
            // Parts come one after another, so that a new one ends those before it.
            if let Some(Item::Message { parts }) = self.items.get_mut(&item) {
                close_parts(parts, out);
            }
            let index = self.open(block, out);
            let Some(Item::Message { parts }) = self.items.get_mut(&item) else {
                return None;
            };
            parts.insert(
                part,
                Part {
                    index,
                    seen: 0,
                    annotations: 0,
                    is_open: true,
                },
            );
        }
        let Some(Item::Message { parts }) = self.items.get_mut(&item) else {
            return None;
        };
        parts.get_mut(&part).filter(|part| part.is_open)
    }

    pub(super) fn annotation(
        &mut self,
        item: Option<i64>,
        part: Option<i64>,
        annotation: Option<OutputAnnotation>,
        out: &mut Vec<Event>,
        losses: &mut Losses,
    ) {
        let at = item.unwrap_or(self.last);
        let Some(annotation) = annotation else { return };
        let citation = response::read_citation(annotation, &Path::Root, losses);
        let part = self.part(at, part.unwrap_or_default(), BlockStart::Text, out);
        if let Some(part) = part {
            part.annotations += 1;
            let index = part.index;
            out.extend(citation.map(|citation| Event::Delta {
                index,
                delta: Delta::Annotation(citation),
            }));
        }
    }

    pub(super) fn reasoning(
        &mut self,
        item: Option<i64>,
        part: Option<i64>,
        kind: Shown,
        text: String,
        out: &mut Vec<Event>,
    ) {
        let at = item.unwrap_or(self.last);
        self.last = at;
        if text.is_empty() {
            return;
        }
        if !self.items.contains_key(&at) {
            self.added(at, &ReasoningItem::new().into(), out);
        }
        let part = part.unwrap_or_default();
        self.last_part = part;
        let Some(Item::Reasoning { index, shown, parts }) = self.items.get_mut(&at) else {
            return;
        };
        if *shown == Shown::Nothing {
            *shown = kind;
        }
        if *shown == kind {
            *parts.entry(part).or_default() += text.len();
            let part = u32::try_from(part).unwrap_or_default();
            let delta = Delta::Reasoning { part, text };
            out.push(Event::Delta { index: *index, delta });
        }
    }

    pub(super) fn input(&mut self, item: Option<i64>, text: String, out: &mut Vec<Event>) {
        let at = item.unwrap_or(self.last);
        self.last = at;
        if text.is_empty() {
            return;
        }
        match self.items.get_mut(&at) {
            Some(Item::Call { index, seen }) => {
                *seen += text.len();
                let delta = Delta::Input { text };
                out.push(Event::Delta { index: *index, delta });
            }
            // Pieces of the vendor's own calls, and of items that are complete.
            Some(_) => {}
            None => {
                let message = "the upstream sent a piece of a call that has not begun";
                out.push(Event::Fail(Error::new(ErrorClass::Upstream, message)));
            }
        }
    }

    /// An item is complete: what of it has not been said yet is said now.
    pub(super) fn done(&mut self, at: i64, item: OutputItem, out: &mut Vec<Event>, losses: &mut Losses) {
        if matches!(self.items.get(&at), Some(Item::Done)) {
            return;
        }
        self.added(at, &item, out);
        match item {
            OutputItem::Message(message) => self.message_done(at, message, out, losses),
            OutputItem::Reasoning(item) => self.reasoning_done(at, item, out),
            OutputItem::FunctionCall(call) => self.call_done(at, call.arguments.as_deref(), out),
            OutputItem::CustomToolCall(call) => self.call_done(at, call.input.as_deref(), out),
            item @ (OutputItem::WebSearchCall(_) | OutputItem::Unknown(_)) => {
                if let Some(tool) = response::server_tool(&item) {
                    let index = self.open(BlockStart::ServerTool(tool), out);
                    out.push(Event::Close { index });
                }
            }
        }
        self.items.insert(at, Item::Done);
    }

    fn message_done(&mut self, at: i64, message: OutputMessage, out: &mut Vec<Event>, losses: &mut Losses) {
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
                    self.fill(at, number, BlockStart::Text, &text, out);
                    let known = self.annotations(at, number);
                    for annotation in annotations.into_iter().flatten().skip(known) {
                        self.annotation(Some(at), Some(number), Some(annotation), out, losses);
                    }
                }
                OutputContent::Refusal(Refusal { refusal, extra: _ }) => {
                    self.fill(at, number, BlockStart::Refusal, &refusal, out);
                }
                OutputContent::Unknown(unknown) => {
                    let tag = &unknown.tag;
                    losses.drop_field("output", format!("a part of the unknown type `{tag}`"));
                }
            }
        }
        if let Some(Item::Message { parts }) = self.items.get_mut(&at) {
            close_parts(parts, out);
        }
    }

    /// Says the end of a part's text that no piece has brought.
    fn fill(&mut self, at: i64, number: i64, block: BlockStart, text: &str, out: &mut Vec<Event>) {
        let seen = match self.items.get(&at) {
            Some(Item::Message { parts }) => parts.get(&number).map_or(0, |part| part.seen),
            _ => 0,
        };
        if let Some(rest) = text.get(seen..) {
            self.text(Some(at), Some(number), block, rest.to_owned(), out);
        }
    }

    fn annotations(&self, at: i64, number: i64) -> usize {
        match self.items.get(&at) {
            Some(Item::Message { parts }) => parts.get(&number).map_or(0, |part| part.annotations),
            _ => 0,
        }
    }

    fn reasoning_done(&mut self, at: i64, item: ReasoningItem, out: &mut Vec<Event>) {
        let Some(Item::Reasoning { index, shown, parts }) = self.items.get_mut(&at) else {
            return;
        };
        // Only the complete item holds the whole state; the one that was added may hold the beginning of it.
        let state = reasoning::state(&item);
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
            Shown::Content => content,
            Shown::Nothing if summary.is_empty() => content,
            Shown::Summary | Shown::Nothing => summary,
        };
        for (number, text) in (0_u32..).zip(texts) {
            let seen = parts.get(&i64::from(number)).copied().unwrap_or_default();
            if let Some(rest) = text.get(seen..).filter(|rest| !rest.is_empty()) {
                let delta = Delta::Reasoning {
                    part: number,
                    text: rest.to_owned(),
                };
                out.push(Event::Delta { index: *index, delta });
            }
        }
        out.extend(state.map(|state| Event::Delta {
            index: *index,
            delta: Delta::Opaque(state),
        }));
        out.push(Event::Close { index: *index });
    }

    fn call_done(&mut self, at: i64, input: Option<&str>, out: &mut Vec<Event>) {
        let Some(Item::Call { index, seen }) = self.items.get(&at) else {
            return;
        };
        let index = *index;
        let rest = input.and_then(|input| input.get(*seen..));
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            let text = rest.to_owned();
            out.push(Event::Delta {
                index,
                delta: Delta::Input { text },
            });
        }
        out.push(Event::Close { index });
    }

    /// Closes the blocks of items that no event has completed.
    pub(super) fn close_rest(&mut self, out: &mut Vec<Event>) {
        let mut rest: Vec<(i64, Item)> = self.items.drain().collect();
        rest.sort_by_key(|(at, _)| *at);
        for (_, item) in rest {
            match item {
                Item::Message { mut parts } => close_parts(&mut parts, out),
                Item::Reasoning { index, .. } | Item::Call { index, .. } => out.push(Event::Close { index }),
                Item::Done => {}
            }
        }
    }
}

fn start_of_call(id: Option<&String>, name: &str, namespace: Option<&String>, call: CallKind) -> BlockStart {
    BlockStart::ToolCall {
        id: id.cloned().unwrap_or_default(),
        name: name.to_owned(),
        namespace: namespace.cloned(),
        call,
    }
}

fn close_parts(parts: &mut HashMap<i64, Part>, out: &mut Vec<Event>) {
    let mut open: Vec<u32> = parts
        .values_mut()
        .filter_map(|part| std::mem::take(&mut part.is_open).then_some(part.index))
        .collect();
    open.sort_unstable();
    out.extend(open.into_iter().map(|index| Event::Close { index }));
}
