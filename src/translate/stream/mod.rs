//! The way of a streamed answer: reader, restoration, sequencer, writer.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::reenvelope::ReenvelopedStream;
use super::restore::Restorer;
use super::{Carriers, Keeper};
use crate::canonical::{
    BlockStart, Delta, Error, ErrorClass, Event, Losses, Opaque, Restoration, Scope, Sequencer, Start, Usage,
};
use crate::dialect::shared::envelope::{RawEventReader, RawEventWriter};
use crate::dialect::{StreamReader, StreamWriter};

/// Translates one streamed answer, frame by frame: what a frame amounts to is written before `push` returns.
///
/// Whatever the upstream sends, the writer gets one start, blocks one after another, and one finish or failure.
pub struct TranslatedStream(Way);

enum Way {
    Canonical(Box<CanonicalStream>),
    Reenveloped(ReenvelopedStream),
}

/// Calls the method of this name, whichever way the stream goes.
macro_rules! either {
    ($way:expr, $stream:ident => $call:expr) => {
        match $way {
            Way::Canonical($stream) => $call,
            Way::Reenveloped($stream) => $call,
        }
    };
}

impl TranslatedStream {
    pub(super) fn canonical(
        reader: Box<dyn StreamReader>,
        restoration: &Restoration,
        writer: Box<dyn StreamWriter>,
        keeper: Option<Keeper>,
        carriers: Carriers,
    ) -> Self {
        let stream = CanonicalStream::new(reader, restoration, writer, keeper, carriers);
        Self(Way::Canonical(Box::new(stream)))
    }

    pub(super) fn reenveloped(reader: Box<dyn RawEventReader>, writer: Box<dyn RawEventWriter>) -> Self {
        Self(Way::Reenveloped(ReenvelopedStream::new(reader, writer)))
    }

    /// Says when the request arrived, for those who tell their client how long the answer took.
    pub fn set_start(&mut self, at: Instant) {
        either!(&mut self.0, stream => stream.set_start(at));
    }

    /// Translates one frame: its name, where there is one, and its data.
    pub fn push(&mut self, name: Option<&str>, data: &Bytes, out: &mut BytesMut) {
        either!(&mut self.0, stream => stream.push(name, data, out));
    }

    /// Translates the end of the upstream's stream. A stream that had no last event has failed.
    pub fn end(&mut self, out: &mut BytesMut) {
        either!(&mut self.0, stream => stream.end(out));
    }

    /// Ends the answer with a failure, unless it has ended already.
    pub fn fail(&mut self, error: Error, out: &mut BytesMut) {
        either!(&mut self.0, stream => stream.fail(error, out));
    }

    /// Writes what keeps an idle connection open.
    pub fn write_keep_alive(&mut self, out: &mut BytesMut) {
        either!(&mut self.0, stream => stream.write_keep_alive(out));
    }

    /// Says that the status has been sent. From now on a failure is written into the stream; one before that, and
    /// before any event, waits in [`Self::early_failure`].
    pub fn commit(&mut self) {
        either!(&mut self.0, stream => stream.commit());
    }

    /// The failure of a stream that has written nothing, to be answered with a status of its own.
    pub fn early_failure(&self) -> Option<&Error> {
        either!(&self.0, stream => stream.early_failure())
    }

    /// The failure that ended the stream.
    pub fn failure(&self) -> Option<&Error> {
        either!(&self.0, stream => stream.failure())
    }

    /// Whether the last event has been written; the upstream has nothing more to say.
    pub fn is_ended(&self) -> bool {
        either!(&self.0, stream => stream.is_ended())
    }

    /// Token counts, as far as they are known.
    pub fn usage(&self) -> Option<Usage> {
        either!(&self.0, stream => stream.usage())
    }

    /// What the answer's translation could not carry over so far.
    pub fn losses(&self) -> &Losses {
        either!(&self.0, stream => stream.losses())
    }
}

/// A stream that goes through the canonical model.
struct CanonicalStream {
    reader: Box<dyn StreamReader>,
    restorer: Option<Restorer>,
    out: Outlet,
    events: Vec<Event>,
    losses: Losses,
}

/// The half behind the reader, apart so that one event at a time can be driven through it.
struct Outlet {
    sequencer: Sequencer,
    writer: Box<dyn StreamWriter>,
    started: bool,
    committed: bool,
    called: bool,
    usage: Option<Usage>,
    end: Option<Result<(), Error>>,
    kept: Option<Kept>,
    carriers: Carriers,
}

/// What is kept of an answer while it streams.
struct Kept {
    keeper: Keeper,
    state: Vec<Opaque>,
    first_call: Option<String>,
}

impl CanonicalStream {
    fn new(
        reader: Box<dyn StreamReader>,
        restoration: &Restoration,
        writer: Box<dyn StreamWriter>,
        keeper: Option<Keeper>,
        carriers: Carriers,
    ) -> Self {
        let out = Outlet {
            carriers,
            sequencer: Sequencer::default(),
            writer,
            started: false,
            committed: false,
            called: false,
            usage: None,
            end: None,
            kept: keeper.map(|keeper| Kept {
                keeper,
                state: Vec::new(),
                first_call: None,
            }),
        };
        Self {
            reader,
            restorer: Restorer::new(restoration),
            out,
            events: Vec::new(),
            losses: Losses::new(),
        }
    }

    fn set_start(&mut self, at: Instant) {
        self.out.writer.set_start(at);
    }

    fn push(&mut self, event: Option<&str>, data: &[u8], out: &mut BytesMut) {
        if self.is_ended() {
            return;
        }
        self.reader
            .read(&mut Scope::root(&mut self.losses), event, data, &mut self.events);
        self.drain(out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.is_ended() {
            return;
        }
        self.reader
            .end(&mut Scope::root(&mut self.losses), &mut self.events);
        self.drain(out);
        let missing = "the upstream's stream ended before its last event";
        self.fail(Error::new(ErrorClass::Upstream, missing), out);
    }

    fn fail(&mut self, error: Error, out: &mut BytesMut) {
        self.out.write(Event::Fail(error), out, &mut self.losses);
    }

    fn write_keep_alive(&mut self, out: &mut BytesMut) {
        if !self.is_ended() {
            self.out.writer.write_keep_alive(out);
        }
    }

    fn commit(&mut self) {
        self.out.committed = true;
    }

    fn early_failure(&self) -> Option<&Error> {
        match &self.out.end {
            Some(Err(error)) if !self.out.committed && !self.out.started => Some(error),
            _ => None,
        }
    }

    fn failure(&self) -> Option<&Error> {
        self.out.end.as_ref().and_then(|end| end.as_ref().err())
    }

    fn is_ended(&self) -> bool {
        self.out.end.is_some()
    }

    fn usage(&self) -> Option<Usage> {
        self.out.usage
    }

    fn losses(&self) -> &Losses {
        &self.losses
    }

    fn drain(&mut self, out: &mut BytesMut) {
        for event in self.events.drain(..) {
            let Some(restorer) = &mut self.restorer else {
                self.out.sequence(event, out, &mut self.losses);
                continue;
            };
            let (outlet, losses) = (&mut self.out, &mut self.losses);
            restorer.push(event, &mut |event| outlet.sequence(event, out, losses));
        }
    }
}

impl Outlet {
    fn sequence(&mut self, event: Event, out: &mut BytesMut, losses: &mut Losses) {
        let mut sequencer = std::mem::take(&mut self.sequencer);
        let pushed = sequencer.push(event, |event| self.write(event, out, losses));
        self.sequencer = sequencer;
        if pushed.is_err() {
            let message = "the upstream interleaves more than the proxy holds back";
            self.write(
                Event::Fail(Error::new(ErrorClass::Upstream, message)),
                out,
                losses,
            );
        }
    }

    fn write(&mut self, event: Event, out: &mut BytesMut, losses: &mut Losses) {
        if self.end.is_some() {
            return;
        }
        match &event {
            Event::Start(start) => {
                if self.started {
                    return;
                }
                self.started = true;
                self.usage = start.usage;
            }
            Event::Fail(error) => {
                self.end = Some(Err(error.clone()));
                if !self.started && !self.committed {
                    return;
                }
            }
            Event::Ping => {}
            Event::Open { .. } | Event::Delta { .. } | Event::Close { .. } | Event::Finish { .. } => {
                if !self.started {
                    self.started = true;
                    self.writer
                        .write(&mut Scope::root(losses), Event::Start(Start::default()), out);
                }
            }
        }
        let event = match event {
            Event::Open { index, block } => {
                if let BlockStart::ToolCall { id, .. } = &block {
                    self.called = true;
                    if let Some(kept) = &mut self.kept {
                        kept.first_call.get_or_insert_with(|| id.clone());
                    }
                }
                Event::Open { index, block }
            }
            Event::Finish { finish, usage } => {
                self.usage = usage.or(self.usage);
                self.end = Some(Ok(()));
                if let Some(Kept {
                    keeper,
                    state,
                    first_call: Some(call_id),
                }) = self.kept.take()
                {
                    keeper.memory.remember(keeper.scope, &call_id, state);
                }
                let finish = finish.settled(self.called);
                Event::Finish {
                    finish,
                    usage: self.usage,
                }
            }
            Event::Delta {
                index,
                delta: Delta::Opaque(opaque),
            } => {
                if let Some(kept) = &mut self.kept {
                    kept.state.push(opaque.clone());
                }
                let Some(opaque) = self.carriers.carry(opaque) else {
                    return;
                };
                Event::Delta {
                    index,
                    delta: Delta::Opaque(opaque),
                }
            }
            other => other,
        };
        self.writer.write(&mut Scope::root(losses), event, out);
    }
}
