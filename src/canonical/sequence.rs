//! Puts the blocks of a stream one after another.

use std::collections::VecDeque;

use super::{BlockStart, Delta, Event};

/// Puts interleaved blocks one after another, in the order in which they opened.
///
/// Deltas of the first open block pass at once; those of later blocks wait until it closes. A writer has one block open
/// at a time. Only Chat Completions upstreams interleave, and only fragments of parallel tool calls; in most streams
/// nothing waits.
#[derive(Debug, Default)]
pub struct Sequencer {
    /// The block whose deltas pass.
    active: Option<u32>,
    /// The blocks that opened after it, in that order.
    waiting: VecDeque<WaitingBlock>,
    /// Bytes of text in their deltas.
    held: usize,
}

#[derive(Debug)]
struct WaitingBlock {
    index: u32,
    block: BlockStart,
    deltas: Vec<Delta>,
    closed: bool,
}

/// More bytes wait for an earlier block than [`Sequencer::LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequencerOverflow;

impl Sequencer {
    /// The most bytes of text that may wait for an earlier block to close. A broken or hostile upstream must not fill
    /// the proxy's memory.
    pub const LIMIT: usize = 16 * 1024 * 1024;

    /// Takes one event and hands on, in order, those that can be written now.
    ///
    /// Deltas and ends of blocks that never opened are dropped; a finish closes what is still open.
    ///
    /// # Errors
    /// [`SequencerOverflow`] if too much waits; the stream cannot continue.
    pub fn push(&mut self, event: Event, mut emit: impl FnMut(Event)) -> Result<(), SequencerOverflow> {
        match event {
            Event::Open { index, block } => {
                if self.active.is_none() {
                    self.active = Some(index);
                    emit(Event::Open { index, block });
                } else {
                    self.waiting.push_back(WaitingBlock {
                        index,
                        block,
                        deltas: Vec::new(),
                        closed: false,
                    });
                }
            }
            Event::Delta { index, delta } => {
                if self.active == Some(index) {
                    emit(Event::Delta { index, delta });
                } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.index == index) {
                    self.held = self.held.saturating_add(weight(&delta));
                    if self.held > Self::LIMIT {
                        return Err(SequencerOverflow);
                    }
                    push_joined(&mut waiting.deltas, delta);
                }
            }
            Event::Close { index } => {
                if self.active == Some(index) {
                    emit(Event::Close { index });
                    self.active = None;
                    self.promote(&mut emit);
                } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.index == index) {
                    waiting.closed = true;
                }
            }
            Event::Finish { .. } => {
                while let Some(index) = self.active.take() {
                    emit(Event::Close { index });
                    self.promote(&mut emit);
                }
                emit(event);
            }
            Event::Start(_) | Event::Fail(_) | Event::Ping => emit(event),
        }
        Ok(())
    }

    /// Hands on the blocks that wait, up to and including the first that is still open. That one becomes active.
    fn promote(&mut self, emit: &mut impl FnMut(Event)) {
        while let Some(WaitingBlock {
            index,
            block,
            deltas,
            closed,
        }) = self.waiting.pop_front()
        {
            emit(Event::Open { index, block });
            for delta in deltas {
                self.held = self.held.saturating_sub(weight(&delta));
                emit(Event::Delta { index, delta });
            }
            if !closed {
                self.active = Some(index);
                return;
            }
            emit(Event::Close { index });
        }
    }
}

/// The bytes of text in a delta.
fn weight(delta: &Delta) -> usize {
    match delta {
        Delta::Text { text } | Delta::Reasoning { text, .. } | Delta::Input { text } => text.len(),
        Delta::Opaque(opaque) => opaque.json.get().len(),
        Delta::Logprobs { json } => json.get().len(),
        Delta::Annotation(annotation) => annotation.url.len() + annotation.title.len(),
    }
}

/// Adds a delta to those that wait. Fragments of a call's input are joined, so that they are written as one event.
fn push_joined(deltas: &mut Vec<Delta>, delta: Delta) {
    match (deltas.last_mut(), delta) {
        (Some(Delta::Input { text }), Delta::Input { text: more }) => text.push_str(&more),
        (_, delta) => deltas.push(delta),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{CallKind, Finish, FinishReason};

    fn open(index: u32) -> Event {
        let (id, name) = (format!("call_{index}"), "f".to_owned());
        Event::Open {
            index,
            block: BlockStart::ToolCall {
                id,
                name,
                namespace: None,
                call: CallKind::Function,
            },
        }
    }

    fn input(index: u32, text: &str) -> Event {
        Event::Delta {
            index,
            delta: Delta::Input {
                text: text.to_owned(),
            },
        }
    }

    fn run(events: Vec<Event>) -> Vec<String> {
        let (mut sequencer, mut out) = (Sequencer::default(), Vec::new());
        for event in events {
            let pushed = sequencer.push(event, |event| {
                out.push(match event {
                    Event::Open { index, .. } => format!("open {index}"),
                    Event::Delta {
                        index,
                        delta: Delta::Input { text },
                    } => format!("{index} {text}"),
                    Event::Close { index } => format!("close {index}"),
                    Event::Finish { .. } => "finish".to_owned(),
                    other => format!("{other:?}"),
                });
            });
            assert_eq!(pushed, Ok(()));
        }
        out
    }

    #[test]
    fn interleaved_calls_come_out_one_after_another() {
        let out = run(vec![
            open(0),
            input(0, "a"),
            open(1),
            input(1, "x"),
            input(0, "b"),
            input(1, "y"),
            Event::Close { index: 1 },
            input(0, "c"),
            Event::Finish {
                finish: Finish::new(FinishReason::ToolUse),
                usage: None,
            },
        ]);
        assert_eq!(
            out,
            [
                "open 0", "0 a", "0 b", "0 c", "close 0", "open 1", "1 xy", "close 1", "finish"
            ]
        );
    }

    #[test]
    fn a_delta_of_a_block_that_never_opened_is_dropped() {
        assert_eq!(
            run(vec![input(3, "lost"), Event::Close { index: 3 }]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_waiting_text_is_limited() {
        let mut sequencer = Sequencer::default();
        let mut push = |event| sequencer.push(event, |_| {});
        assert_eq!(push(open(0)), Ok(()));
        assert_eq!(push(open(1)), Ok(()));
        let big = "x".repeat(Sequencer::LIMIT);
        assert_eq!(push(input(1, &big)), Ok(()));
        assert_eq!(push(input(1, "y")), Err(SequencerOverflow));
    }
}
