//! Streams say the same thing most of the time: one more piece of the same block. What an event has in common with
//! the one before it is neither taken apart nor put together anew.

use bytes::BytesMut;

use crate::canonical::{Delta, Event};
use crate::wire::json::{EventPattern, FieldPaths, FrameTemplate, TemplateMarks};

/// How many patterns that no event met may be given up before there are no more of them.
const FRUITLESS: u8 = 3;

/// The events of a stream that differ from the one before only in their piece.
///
/// A reader asks [`DeltaFastPath::read`] first and, where that has no answer, reads the event as any other and tells
/// [`DeltaFastPath::learn`] what came of it. Whatever else is read in between may have changed what a piece means, so that a
/// pattern ends with the first event that does not meet it.
#[derive(Debug, Default)]
pub struct DeltaFastPath {
    state: PatternState,
    fruitless: u8,
}

#[derive(Debug, Default)]
enum PatternState {
    #[default]
    Nothing,
    /// The last event brought one piece and nothing else.
    Once,
    Known(Box<DeltaPattern>),
}

#[derive(Debug)]
struct DeltaPattern {
    pattern: EventPattern,
    /// The event's name.
    name: Option<Box<str>>,
    index: u32,
    kind: DeltaKind,
    /// An event has met it.
    met: bool,
}

#[derive(Clone, Copy, Debug)]
enum DeltaKind {
    Text,
    Reasoning { part: u32 },
    Input,
}

impl DeltaFastPath {
    /// The block and the piece of an event that differs from the last one in nothing else; the piece is not empty.
    pub fn read(&mut self, name: Option<&str>, data: &[u8]) -> Option<(u32, Delta)> {
        let PatternState::Known(known) = &mut self.state else {
            return None;
        };
        if known.name.as_deref() != name {
            return None;
        }
        let text = known.pattern.match_text(data)?.into_owned();
        known.met = true;
        let delta = match known.kind {
            DeltaKind::Text => Delta::Text { text },
            DeltaKind::Reasoning { part } => Delta::Reasoning { part, text },
            DeltaKind::Input => Delta::Input { text },
        };
        Some((known.index, delta))
    }

    /// Takes notice of an event that [`DeltaFastPath::read`] did not know, and of what it amounted to.
    pub fn learn(&mut self, name: Option<&str>, data: &[u8], said: &[Event], places: FieldPaths) {
        let was = std::mem::take(&mut self.state);
        let is_first = match &was {
            PatternState::Known(known) if known.met => {
                self.fruitless = 0;
                false
            }
            PatternState::Known(_) => {
                self.fruitless += 1;
                false
            }
            PatternState::Once => false,
            PatternState::Nothing => true,
        };
        let [Event::Delta { index, delta }] = said else {
            return;
        };
        let (kind, text) = match delta {
            Delta::Text { text } => (DeltaKind::Text, text),
            Delta::Reasoning { part, text } => (DeltaKind::Reasoning { part: *part }, text),
            Delta::Input { text } => (DeltaKind::Input, text),
            Delta::Opaque(_) | Delta::Annotation(_) | Delta::Logprobs { .. } => return,
        };
        if is_first || self.fruitless >= FRUITLESS {
            self.state = PatternState::Once;
            return;
        }
        self.state = match EventPattern::from_event(data, places, text) {
            Some(pattern) => PatternState::Known(Box::new(DeltaPattern {
                pattern,
                name: name.map(Into::into),
                index: *index,
                kind,
                met: false,
            })),
            None => {
                self.fruitless += 1;
                PatternState::Once
            }
        };
    }
}

/// The frames of a block's pieces, which differ only in their text and number.
#[derive(Debug, Default)]
pub struct FrameCache(FrameState);

#[derive(Debug, Default)]
enum FrameState {
    #[default]
    None,
    /// One was written.
    Once,
    Known(FrameTemplate),
    /// Each has to be put together.
    Odd,
}

impl FrameCache {
    /// Begins with other frames.
    pub fn clear(&mut self) {
        self.0 = FrameState::None;
    }

    /// Writes a frame with this text and number. Where it cannot, the frame has to be put together as any other.
    pub fn write(&self, text: &str, number: i64, scratch: &mut Vec<u8>, out: &mut BytesMut) -> bool {
        match &self.0 {
            FrameState::Known(template) => {
                template.write(text, number, scratch, out);
                #[cfg(test)]
                cached_frames::count();
                true
            }
            FrameState::None | FrameState::Once | FrameState::Odd => false,
        }
    }

    /// Whether the next frame should be written a second time, with the marks of [`FrameTemplate`] in it, and be shown to
    /// [`FrameCache::learn`]: blocks of one piece are not worth it.
    pub fn record_full_write(&mut self) -> bool {
        match self.0 {
            FrameState::None => {
                self.0 = FrameState::Once;
                false
            }
            FrameState::Once => true,
            FrameState::Known(_) | FrameState::Odd => false,
        }
    }

    /// Makes a template of a frame with marks, in one dialect one for a number among them.
    pub fn learn(&mut self, marked: &[u8], marks: TemplateMarks) {
        self.0 = FrameTemplate::from_marked(marked, marks).map_or(FrameState::Odd, FrameState::Known);
    }
}

/// Counts the frames that were written from a cached one, so that a test fails when none is.
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

    /// The data of the frames that one event amounts to, without their numbers.
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

    type MakePiece = fn(&str) -> Delta;

    fn call(call: CallKind) -> BlockStart {
        BlockStart::ToolCall {
            id: FrameTemplate::TEXT.to_owned(),
            name: "f".to_owned(),
            namespace: None,
            call,
        }
    }

    /// Events of one block of text in six pieces.
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
    fn most_pieces_take_the_fast_path() {
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
                // The second piece is written twice, to make the cached frame; those after it come from the frame.
                DialectName::Claude | DialectName::OpenAiChat | DialectName::OpenAiResponses => 4,
                // The event is in base64 and the frame ends with a checksum, so no text can be filled in.
                DialectName::Bedrock => 0,
            };
            assert_eq!(
                cached_frames::get() - before,
                expected,
                "{name} writes pieces from the cached frame"
            );

            let (mut reader, mut read) = (dialect.stream_reader(), Vec::new());
            let mut decoder = dialect.framing().decoder();
            decoder.push(out.freeze());
            let before = pattern_hits::get();
            while let Ok(Some(frame)) = decoder.next() {
                reader.read(&mut scope, frame.name(), &frame.data, &mut read);
            }
            let expected = match name {
                // Two pieces are read in full before there is a pattern.
                DialectName::Claude => 4,
                // The first piece opens the block, too, and so counts for nothing.
                DialectName::OpenAiChat | DialectName::OpenAiResponses => 3,
                // Each piece is inside a chunk, which has a pattern of its own from the first one on.
                DialectName::Bedrock => 4 + 7,
            };
            assert_eq!(
                pattern_hits::get() - before,
                expected,
                "{name} reads pieces by their pattern"
            );
        }
    }

    #[test]
    fn later_pieces_are_written_as_the_first_ones() {
        let text: MakePiece = |text| Delta::Text {
            text: text.to_owned(),
        };
        let reasoning: MakePiece = |text| Delta::Reasoning {
            part: 0,
            text: text.to_owned(),
        };
        let input: MakePiece = |text| Delta::Input {
            text: text.to_owned(),
        };
        let blocks: [(BlockStart, MakePiece); 5] = [
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
