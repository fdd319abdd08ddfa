//! Streams between two dialects of one family: only the frame of each event changes, its JSON stays.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::{StreamProgress, StreamTranslator};
use crate::canonical::{Error, Usage};
use crate::dialect::shared::envelope::{EventPosition, RawEventReader, RawEventWriter, StreamPhase};

/// Passes the events of one stream into other frames.
pub(in crate::translate) struct EventTranslator {
    reader: Box<dyn RawEventReader>,
    writer: Box<dyn RawEventWriter>,
}

impl EventTranslator {
    pub fn new(reader: Box<dyn RawEventReader>, writer: Box<dyn RawEventWriter>) -> Self {
        Self { reader, writer }
    }
}

impl StreamTranslator for EventTranslator {
    fn set_start(&mut self, at: Instant) {
        self.writer.set_start(at);
    }

    fn push(&mut self, progress: &mut StreamProgress, name: Option<&str>, data: &Bytes, out: &mut BytesMut) {
        let event = match self.reader.read(name, data) {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(failure) => return self.fail(progress, failure, out),
        };
        match event.position {
            EventPosition::Ping => self.write_keep_alive(progress, out),
            EventPosition::Start | EventPosition::Middle => {
                progress.is_started = true;
                self.writer.write_event(&event.name, &event.json, out);
            }
            EventPosition::End => {
                progress.end = Some(Ok(()));
                let usage = self.reader.usage();
                self.writer
                    .write_last_event(&event.name, &event.json, usage.as_ref(), out);
            }
        }
    }

    fn end(&mut self, _: &mut StreamProgress, _: &mut BytesMut) {}

    fn fail(&mut self, progress: &mut StreamProgress, error: Error, out: &mut BytesMut) {
        if progress.has_sent() {
            self.writer.write_failure(&error, out);
        }
        progress.end = Some(Err(error));
    }

    fn write_keep_alive(&mut self, progress: &StreamProgress, out: &mut BytesMut) {
        let phase = if progress.is_started {
            StreamPhase::Started
        } else {
            StreamPhase::NotStarted
        };
        self.writer.write_keep_alive(phase, out);
    }

    fn usage(&self) -> Option<Usage> {
        self.reader.usage()
    }
}
