//! The fast path for repeated stream events.
//!
//! Most events of a stream add one more piece of text to the same block, and differ from the event before in that text
//! only. [`DeltaFastPath`] reads such an event without parsing it, and [`FrameCache`] writes such a frame without
//! serializing it. Both learn from an event that was handled the normal way, and give up as soon as something else
//! differs. An event costs 2,400 to 3,200 instructions with them, and 7,000 to 15,000 without (docs/performance.md).

use bytes::BytesMut;

use crate::canonical::{Delta, Event};
use crate::wire::json::{EventPattern, FieldPaths, FrameTemplate, TemplateMarks};

/// After this many patterns in a row that no event matched, a stream makes no more of them. Making one costs a pass
/// over an event, and some servers vary a member in each event that a pattern does not allow to vary.
const MAX_UNMATCHED: u8 = 3;

/// Reads the events of a stream that differ from the event before in their text only.
///
/// For each frame, a reader first calls [`DeltaFastPath::read`]. If that returns `None`, the reader reads the frame the
/// normal way and then calls [`DeltaFastPath::learn`] with the events it made. What those events changed in the reader
/// (an opened or closed block) may have changed what a piece means, so a pattern ends with the first frame that it does
/// not match.
#[derive(Debug, Default)]
pub struct DeltaFastPath {
    state: PatternState,
    /// The number of patterns in a row that no event has matched.
    unmatched: u8,
}

#[derive(Debug, Default)]
enum PatternState {
    /// The last event was not a single delta, or there was none.
    #[default]
    None,
    /// The last event was a single delta. A pattern is made of the second one in a row: many blocks have only one.
    OneDelta,
    /// Events that match the pattern are deltas of the same kind and block.
    Learned(Box<DeltaPattern>),
}

/// A pattern, and what the events mean that match it.
#[derive(Debug)]
struct DeltaPattern {
    pattern: EventPattern,
    /// The name of the frame.
    name: Option<Box<str>>,
    /// The block of the delta.
    index: u32,
    kind: DeltaKind,
    /// At least one event has matched.
    has_matched: bool,
}

/// The kinds of [`Delta`] that have a text only.
#[derive(Clone, Copy, Debug)]
enum DeltaKind {
    Text,
    Reasoning { part: u32 },
    Input,
}

impl DeltaFastPath {
    /// Reads a frame that differs from the last one in its text only: the index of its block, and its delta, which is
    /// not empty. `None` if the frame has to be read the normal way.
    ///
    /// The reader has to do with the delta what reading the frame would have done, such as to collect the text of a
    /// signed reasoning block.
    pub fn read(&mut self, name: Option<&str>, data: &[u8]) -> Option<(u32, Delta)> {
        let PatternState::Learned(learned) = &mut self.state else {
            return None;
        };
        if learned.name.as_deref() != name {
            return None;
        }
        let text = learned.pattern.match_text(data)?.into_owned();
        learned.has_matched = true;
        let delta = match learned.kind {
            DeltaKind::Text => Delta::Text { text },
            DeltaKind::Reasoning { part } => Delta::Reasoning { part, text },
            DeltaKind::Input => Delta::Input { text },
        };
        Some((learned.index, delta))
    }

    /// Learns from a frame that was read the normal way and gave these events.
    pub fn learn(&mut self, name: Option<&str>, data: &[u8], events: &[Event], paths: FieldPaths) {
        let before = std::mem::take(&mut self.state);
        let is_first = match &before {
            PatternState::Learned(learned) if learned.has_matched => {
                self.unmatched = 0;
                false
            }
            PatternState::Learned(_) => {
                self.unmatched += 1;
                false
            }
            PatternState::OneDelta => false,
            PatternState::None => true,
        };
        // Exactly one delta, and nothing else: an event that also opens or closes a block means more than its text.
        let [Event::Delta { index, delta }] = events else {
            return;
        };
        let (kind, text) = match delta {
            Delta::Text { text } => (DeltaKind::Text, text),
            Delta::Reasoning { part, text } => (DeltaKind::Reasoning { part: *part }, text),
            Delta::Input { text } => (DeltaKind::Input, text),
            Delta::Opaque(_) | Delta::Annotation(_) | Delta::Logprobs { .. } => return,
        };
        if is_first || self.unmatched >= MAX_UNMATCHED {
            self.state = PatternState::OneDelta;
            return;
        }
        self.state = match EventPattern::from_event(data, paths, text) {
            Some(pattern) => PatternState::Learned(Box::new(DeltaPattern {
                pattern,
                name: name.map(Into::into),
                index: *index,
                kind,
                has_matched: false,
            })),
            None => {
                self.unmatched += 1;
                PatternState::OneDelta
            }
        };
    }
}

/// Writes the frames of a block's deltas, which differ in their text (and, in one dialect, their number) only.
///
/// For each delta, a writer first calls [`FrameCache::write`]. If that returns false, the writer writes the frame the
/// normal way and calls [`FrameCache::record_full_write`]. If that returns true, the writer writes the same frame once
/// more into a separate buffer, with the markers of [`FrameTemplate`] in place of its text and number, and calls
/// [`FrameCache::learn`]. The writer calls [`FrameCache::clear`] as soon as anything else in its frames changes.
#[derive(Debug, Default)]
pub struct FrameCache(FrameState);

#[derive(Debug, Default)]
enum FrameState {
    /// No frame has been written.
    #[default]
    None,
    /// One frame has been written.
    OneFrame,
    /// Frames are copies of the template.
    Learned(FrameTemplate),
    /// A template cannot be made; each frame is written the normal way.
    Unsuitable,
}

impl FrameCache {
    /// Forgets the template: the next frames differ in more than their text and number.
    pub fn clear(&mut self) {
        self.0 = FrameState::None;
    }

    /// Appends a frame with this text and number. Returns false, and has written nothing, if there is no template.
    pub fn write(&self, text: &str, number: i64, scratch: &mut Vec<u8>, out: &mut BytesMut) -> bool {
        match &self.0 {
            FrameState::Learned(template) => {
                template.write(text, number, scratch, out);
                #[cfg(test)]
                cached_frames::count();
                true
            }
            FrameState::None | FrameState::OneFrame | FrameState::Unsuitable => false,
        }
    }

    /// Records that a frame was written the normal way. Returns true if a template should be made now. That is after
    /// the second frame: a template costs as much as a frame, which does not pay for blocks of one delta.
    ///
    /// Called after the frame was sent, so that what the client gets does not depend on the template.
    pub fn record_full_write(&mut self) -> bool {
        match self.0 {
            FrameState::None => {
                self.0 = FrameState::OneFrame;
                false
            }
            FrameState::OneFrame => true,
            FrameState::Learned(_) | FrameState::Unsuitable => false,
        }
    }

    /// Makes a template of a frame with markers.
    pub fn learn(&mut self, marked: &[u8], marks: TemplateMarks) {
        self.0 =
            FrameTemplate::from_marked(marked, marks).map_or(FrameState::Unsuitable, FrameState::Learned);
    }
}

/// Counts the frames that were written from a template, so that a test fails if none is.
#[cfg(test)]
mod cached_frames {
    use std::cell::Cell;

    thread_local! {
        static WRITTEN: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        WRITTEN.set(WRITTEN.get() + 1);
    }

    pub(super) fn get() -> usize {
        WRITTEN.get()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::canonical::{BlockStart, CallKind, Losses, Scope, Start};
    use crate::dialect::{self, DialectName, Preferences, ResponseContext};
    use crate::wire::framing::Framing;
    use crate::wire::json::pattern_hits;

    /// The data of the frames that an event was written as, without their sequence numbers.
    fn data(framing: Framing, out: &mut BytesMut) -> Vec<Value> {
        let mut decoder = framing.decoder();
        decoder.push(out.split().freeze());
        decoder.finish();
        std::iter::from_fn(|| decoder.next().ok()?)
            .map(|frame| {
                let mut data: Value = serde_json::from_slice(&frame.data).unwrap_or_default();
                if let Some(data) = data.as_object_mut() {
                    data.remove("sequence_number");
                }
                data
            })
            .collect()
    }

    type MakeDelta = fn(&str) -> Delta;

    fn call(call: CallKind) -> BlockStart {
        BlockStart::ToolCall {
            id: FrameTemplate::TEXT.to_owned(),
            name: "f".to_owned(),
            namespace: None,
            call,
        }
    }

    /// The events of one block of text with six deltas.
    fn events() -> Vec<Event> {
        let text = |piece: u32| Event::Delta {
            index: 0,
            delta: Delta::Text {
                text: format!("piece {piece}"),
            },
        };
        let open = Event::Open {
            index: 0,
            block: BlockStart::Text,
        };
        [Event::Start(Start::default()), open]
            .into_iter()
            .chain((0..6).map(text))
            .collect()
    }

    #[test]
    fn most_deltas_take_the_fast_path() {
        for name in DialectName::ALL {
            let dialect = dialect::find(name);
            let context = ResponseContext {
                model: "m".to_owned(),
                preferences: Preferences::default(),
                created: 1,
                request_id: "req_1".to_owned(),
                input_estimate: 1,
            };
            let mut losses = Losses::new();
            let mut scope = Scope::root(&mut losses);
            let (mut writer, mut out) = (dialect.stream_writer(&context), BytesMut::new());
            let before = cached_frames::get();
            for event in events() {
                writer.write(&mut scope, event, &mut out);
            }
            let expected = match name {
                // The second delta makes the template; the four after it are written from it.
                DialectName::Claude | DialectName::OpenAiChat | DialectName::OpenAiResponses => 4,
                // The event is in Base64 and the frame ends with a checksum, so a template cannot have holes.
                DialectName::Bedrock => 0,
            };
            assert_eq!(
                cached_frames::get() - before,
                expected,
                "{name} writes deltas from the template"
            );

            let (mut reader, mut read) = (dialect.stream_reader(), Vec::new());
            let mut decoder = dialect.framing().decoder();
            decoder.push(out.freeze());
            let before = pattern_hits::get();
            while let Ok(Some(frame)) = decoder.next() {
                reader.read(&mut scope, frame.name(), &frame.data, &mut read);
            }
            let expected = match name {
                // Two deltas are read in full before there is a pattern.
                DialectName::Claude => 4,
                // The event of the first delta also opens the block, so it is no single delta; then two are read in
                // full.
                DialectName::OpenAiChat | DialectName::OpenAiResponses => 3,
                // Each event is inside a chunk, which also has a pattern, from the second chunk on.
                DialectName::Bedrock => 4 + 7,
            };
            assert_eq!(
                pattern_hits::get() - before,
                expected,
                "{name} reads deltas by their pattern"
            );
        }
    }

    #[test]
    fn frames_from_a_template_equal_those_written_in_full() {
        let text: MakeDelta = |text| Delta::Text {
            text: text.to_owned(),
        };
        let reasoning: MakeDelta = |text| Delta::Reasoning {
            part: 0,
            text: text.to_owned(),
        };
        let input: MakeDelta = |text| Delta::Input {
            text: text.to_owned(),
        };
        let blocks: [(BlockStart, MakeDelta); 5] = [
            (BlockStart::Text, text),
            (BlockStart::Refusal, text),
            (BlockStart::Reasoning, reasoning),
            (call(CallKind::Function), input),
            (call(CallKind::Freeform), input),
        ];
        for name in DialectName::ALL {
            for legacy_functions in [false, true] {
                let dialect = dialect::find(name);
                let reply = ResponseContext {
                    model: format!("m \"{}\" {}", FrameTemplate::NUMBER, "x"),
                    preferences: Preferences {
                        include_usage: true,
                        legacy_functions,
                        ..Preferences::default()
                    },
                    created: 1,
                    request_id: "req_1".to_owned(),
                    input_estimate: 1,
                };
                let mut writer = dialect.stream_writer(&reply);
                let (mut out, mut losses) = (BytesMut::new(), Losses::new());
                writer.write(
                    &mut Scope::root(&mut losses),
                    Event::Start(Start::default()),
                    &mut out,
                );
                for (index, (block, delta)) in (0_u32..).zip(&blocks) {
                    let block = block.clone();
                    writer.write(
                        &mut Scope::root(&mut losses),
                        Event::Open { index, block },
                        &mut out,
                    );
                    let mut written = Vec::new();
                    for piece in ["first", "a \"é\"\n", "a \"é\"\n", "a \"é\"\n", "a \"é\"\n"] {
                        out.clear();
                        let delta = delta(piece);
                        writer.write(
                            &mut Scope::root(&mut losses),
                            Event::Delta { index, delta },
                            &mut out,
                        );
                        written.push(data(dialect.framing(), &mut out));
                    }
                    let [_, rest @ ..] = written.as_slice() else {
                        unreachable!("five were written");
                    };
                    assert!(rest.windows(2).all(|pair| pair[0] == pair[1]), "{name}: {rest:?}");
                    writer.write(&mut Scope::root(&mut losses), Event::Close { index }, &mut out);
                }
            }
        }
    }
}
