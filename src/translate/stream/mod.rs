//! Streamed responses, frame by frame: everything that a frame gives is written before the next one is read.
//!
//! - `canonical`: through the canonical model
//! - `event`: event by event, where only the envelope changes
//! - `progress`: what both record of the stream

mod canonical;
mod event;
mod progress;
#[cfg(test)]
mod tests;

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::canonical::{Error, ErrorClass, Losses, Usage};

pub(super) use canonical::CanonicalTranslator;
pub(super) use event::EventTranslator;
use progress::StreamProgress;

/// Translates one streamed response.
///
/// Whatever the upstream sends, the client's stream has one start, blocks one after another, and one finish or failure.
pub struct TranslatedStream {
    translator: Box<dyn StreamTranslator>,
    progress: StreamProgress,
}

/// The steps of a translation that differ between the two kinds of streams. None is called after the stream has ended.
pub(super) trait StreamTranslator: Send {
    /// Sets the time at which the request arrived.
    fn set_start(&mut self, at: Instant);

    /// Translates one frame: its name, if it has one, and its data.
    fn push(&mut self, progress: &mut StreamProgress, name: Option<&str>, data: &Bytes, out: &mut BytesMut);

    /// Translates what is still held back when the upstream's stream ends.
    fn end(&mut self, progress: &mut StreamProgress, out: &mut BytesMut);

    /// Ends the response with a failure.
    fn fail(&mut self, progress: &mut StreamProgress, error: Error, out: &mut BytesMut);

    /// Writes a frame that keeps an idle connection open.
    fn write_keep_alive(&mut self, progress: &StreamProgress, out: &mut BytesMut);

    /// Token counts, as far as they are known.
    fn usage(&self) -> Option<Usage>;
}

impl TranslatedStream {
    pub(super) fn new(translator: Box<dyn StreamTranslator>) -> Self {
        Self {
            translator,
            progress: StreamProgress::default(),
        }
    }

    /// Sets the time at which the request arrived, from which dialects that report the latency count.
    pub fn set_start(&mut self, at: Instant) {
        self.translator.set_start(at);
    }

    /// Translates one frame: its name, if it has one, and its data.
    pub fn push(&mut self, name: Option<&str>, data: &Bytes, out: &mut BytesMut) {
        if !self.is_ended() {
            self.translator.push(&mut self.progress, name, data, out);
        }
    }

    /// Translates the end of the upstream's stream. A stream without its last event has failed: a cut response must not
    /// look like a whole one.
    pub fn end(&mut self, out: &mut BytesMut) {
        if self.is_ended() {
            return;
        }
        self.translator.end(&mut self.progress, out);
        let missing = "the upstream's stream ended before its last event";
        self.fail(Error::new(ErrorClass::Upstream, missing), out);
    }

    /// Ends the response with a failure, unless it has ended already.
    pub fn fail(&mut self, error: Error, out: &mut BytesMut) {
        if !self.is_ended() {
            self.translator.fail(&mut self.progress, error, out);
        }
    }

    /// Writes a frame that keeps an idle connection open.
    pub fn write_keep_alive(&mut self, out: &mut BytesMut) {
        if !self.is_ended() {
            self.translator.write_keep_alive(&self.progress, out);
        }
    }

    /// Records that the status has been sent. A later failure is written into the stream; one that came before, and
    /// before any event, is in [`Self::early_failure`].
    pub fn commit(&mut self) {
        self.progress.is_committed = true;
    }

    /// The failure of a stream that has written nothing. It can still become a response with the status of an error.
    pub fn early_failure(&self) -> Option<&Error> {
        self.failure().filter(|_| !self.progress.has_sent())
    }

    /// The failure that ended the stream.
    pub fn failure(&self) -> Option<&Error> {
        self.progress.end.as_ref().and_then(|end| end.as_ref().err())
    }

    /// Whether the last event or a failure has been written. What the upstream still sends is ignored.
    pub fn is_ended(&self) -> bool {
        self.progress.is_ended()
    }

    /// Token counts, as far as they are known.
    pub fn usage(&self) -> Option<Usage> {
        self.translator.usage()
    }

    /// What the translation of the response has lost so far.
    pub fn losses(&self) -> &Losses {
        &self.progress.losses
    }
}
