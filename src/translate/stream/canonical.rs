//! Streams through the canonical model. Every event passes these steps, in this order:
//!
//! 1. the reader of the upstream's dialect makes events of a frame,
//! 2. the restorer undoes in them what the writer of the request had to change,
//! 3. the sequencer puts interleaved blocks one after another,
//! 4. the output records what has to outlive the stream, and hands the event to the writer of the client's dialect.
//!
//! A step may hold an event back or turn it into several. None of them waits for anything but the next frame.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::super::Carriers;
use super::super::memory::{ReasoningRecorder, TurnRecorder};
use super::super::restore::StreamRestorer;
use super::{StreamProgress, StreamTranslator};
use crate::canonical::{
    BlockStart, Delta, Error, ErrorClass, Event, Finish, Opaque, Restoration, Scope, Sequencer, Start, Usage,
};
use crate::dialect::{StreamReader, StreamWriter};

/// Translates a stream through the canonical model.
pub(in crate::translate) struct CanonicalTranslator {
    reader: Box<dyn StreamReader>,
    /// The events of the current frame. The buffer is used again for the next one.
    events: Vec<Event>,
    /// `None` if there is nothing to restore, which is usual.
    restorer: Option<StreamRestorer>,
    sequencer: Sequencer,
    output: StreamOutput,
}

impl CanonicalTranslator {
    pub fn new(
        reader: Box<dyn StreamReader>,
        restoration: &Restoration,
        writer: Box<dyn StreamWriter>,
        recorder: Option<&ReasoningRecorder>,
        carriers: Carriers,
    ) -> Self {
        Self {
            reader,
            events: Vec::new(),
            restorer: StreamRestorer::new(restoration),
            sequencer: Sequencer::default(),
            output: StreamOutput {
                writer,
                carriers,
                recorder: recorder.map(ReasoningRecorder::start_turn),
                has_tool_call: false,
                usage: None,
            },
        }
    }

    /// Takes the events of a frame through the remaining steps.
    fn translate_events(&mut self, progress: &mut StreamProgress, out: &mut BytesMut) {
        let Self {
            reader: _,
            events,
            restorer,
            sequencer,
            output,
        } = self;
        let mut sequence = |event: Event| {
            let pushed = sequencer.push(event, |event| output.write(progress, event, out));
            if pushed.is_err() {
                let message = "the upstream interleaves more content than the proxy can buffer";
                output.write(
                    progress,
                    Event::Fail(Error::new(ErrorClass::Upstream, message)),
                    out,
                );
            }
        };
        for event in events.drain(..) {
            match restorer {
                Some(restorer) => restorer.push(event, &mut sequence),
                None => sequence(event),
            }
        }
    }
}

impl StreamTranslator for CanonicalTranslator {
    fn set_start(&mut self, at: Instant) {
        self.output.writer.set_start(at);
    }

    fn push(&mut self, progress: &mut StreamProgress, name: Option<&str>, data: &Bytes, out: &mut BytesMut) {
        let mut scope = Scope::root(&mut progress.losses);
        self.reader.read(&mut scope, name, data, &mut self.events);
        self.translate_events(progress, out);
    }

    fn end(&mut self, progress: &mut StreamProgress, out: &mut BytesMut) {
        let mut scope = Scope::root(&mut progress.losses);
        self.reader.end(&mut scope, &mut self.events);
        self.translate_events(progress, out);
    }

    fn fail(&mut self, progress: &mut StreamProgress, error: Error, out: &mut BytesMut) {
        // Not through the sequencer: what it holds back is not sent any more.
        self.output.write_failure(progress, error, out);
    }

    fn write_keep_alive(&mut self, _: &StreamProgress, out: &mut BytesMut) {
        self.output.writer.write_keep_alive(out);
    }

    fn usage(&self) -> Option<Usage> {
        self.output.usage
    }
}

/// The last step: makes of the events of any upstream a response in order, and records what outlives the stream.
struct StreamOutput {
    writer: Box<dyn StreamWriter>,
    carriers: Carriers,
    /// `None` if the client sends the state back itself, and after the turn has been recorded.
    recorder: Option<TurnRecorder>,
    /// Whether the response calls a tool of the client, for the finish reason.
    has_tool_call: bool,
    usage: Option<Usage>,
}

impl StreamOutput {
    /// Writes an event. After the end of the response, events are ignored: the upstream's bytes may hold some that were
    /// read before it.
    fn write(&mut self, progress: &mut StreamProgress, event: Event, out: &mut BytesMut) {
        if progress.is_ended() {
            return;
        }
        match event {
            Event::Start(start) => self.write_start(progress, start, out),
            Event::Open { index, block } => self.write_open(progress, index, block, out),
            Event::Delta {
                index,
                delta: Delta::Opaque(opaque),
            } => self.write_opaque(progress, index, opaque, out),
            Event::Delta { .. } | Event::Close { .. } => {
                self.ensure_start(progress, out);
                self.emit(progress, event, out);
            }
            Event::Finish { finish, usage } => self.write_finish(progress, finish, usage, out),
            Event::Fail(error) => self.write_failure(progress, error, out),
            // It may come before the start, and does not begin the response.
            Event::Ping => self.emit(progress, event, out),
        }
    }

    fn emit(&mut self, progress: &mut StreamProgress, event: Event, out: &mut BytesMut) {
        self.writer
            .write(&mut Scope::root(&mut progress.losses), event, out);
    }

    /// Writes the start of the response; a second one is ignored.
    fn write_start(&mut self, progress: &mut StreamProgress, start: Start, out: &mut BytesMut) {
        if progress.is_started {
            return;
        }
        progress.is_started = true;
        self.usage = start.usage;
        self.emit(progress, Event::Start(start), out);
    }

    /// Writes an empty start for an upstream that begins with a block.
    fn ensure_start(&mut self, progress: &mut StreamProgress, out: &mut BytesMut) {
        if !progress.is_started {
            progress.is_started = true;
            self.emit(progress, Event::Start(Start::default()), out);
        }
    }

    fn write_open(
        &mut self,
        progress: &mut StreamProgress,
        index: u32,
        block: BlockStart,
        out: &mut BytesMut,
    ) {
        self.ensure_start(progress, out);
        if let BlockStart::ToolCall { id, .. } = &block {
            self.has_tool_call = true;
            if let Some(recorder) = &mut self.recorder {
                recorder.record_call(id);
            }
        }
        self.emit(progress, Event::Open { index, block }, out);
    }

    /// Writes a vendor's reasoning state. The memory gets it unmarked: only what leaves the proxy needs a mark.
    fn write_opaque(
        &mut self,
        progress: &mut StreamProgress,
        index: u32,
        opaque: Opaque,
        out: &mut BytesMut,
    ) {
        self.ensure_start(progress, out);
        if let Some(recorder) = &mut self.recorder {
            recorder.record_state(&opaque);
        }
        if let Some(opaque) = self.carriers.prepare(opaque) {
            let delta = Delta::Opaque(opaque);
            self.emit(progress, Event::Delta { index, delta }, out);
        }
    }

    /// Writes the finish. Only now the turn is recorded: the state of one that fails may be incomplete.
    fn write_finish(
        &mut self,
        progress: &mut StreamProgress,
        mut finish: Finish,
        usage: Option<Usage>,
        out: &mut BytesMut,
    ) {
        self.ensure_start(progress, out);
        progress.end = Some(Ok(()));
        self.usage = usage.or(self.usage);
        if let Some(recorder) = self.recorder.take() {
            recorder.finish();
        }
        if self.has_tool_call {
            finish.correct_for_tool_call();
        } else {
            finish.correct_for_no_tool_call();
        }
        let usage = self.usage;
        self.emit(progress, Event::Finish { finish, usage }, out);
    }

    /// Ends the response with a failure.
    fn write_failure(&mut self, progress: &mut StreamProgress, error: Error, out: &mut BytesMut) {
        progress.end = Some(Err(error.clone()));
        if progress.has_sent() {
            self.emit(progress, Event::Fail(error), out);
        }
    }
}
