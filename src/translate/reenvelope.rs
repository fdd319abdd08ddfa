//! The way between two dialects of one family: only the envelope changes, and every byte of the messages and of the
//! events stays as it was.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::{ExchangeConfig, refused};
use crate::canonical::{Error, ErrorClass, Losses, Scope, Usage};
use crate::dialect::shared::envelope::{
    Envelope, EventPosition, RawEventReader, RawEventWriter, UnwrappedRequest,
};
use crate::dialect::{ClientRequest, Target, WrittenRequest};
use crate::wire::splice::Index;

/// A request in its new envelope.
pub(super) struct Reenveloped {
    /// The model, as the client named it.
    pub model: String,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// What the upstream gets.
    pub written: WrittenRequest,
}

/// Puts a request into another envelope.
///
/// # Errors
/// An invalid request, or one that holds what the upstream's dialect does not take and its answer depends on.
pub(super) fn request(
    route: &ExchangeConfig<'_>,
    (from, to): (&dyn Envelope, &dyn Envelope),
    inbound: &ClientRequest<'_>,
    losses: &mut Losses,
) -> Result<Reenveloped, Error> {
    let mut letter = from.unwrap_request(&mut Scope::root(losses), inbound)?;
    if !route.edits.is_empty() {
        let body = edited(route, Bytes::copy_from_slice(&letter.body))?;
        letter.index = Index::read(&body);
        letter.body = Vec::from(body).into();
    }
    let UnwrappedRequest { model, stream, .. } = &letter;
    let (model, stream) = (model.clone(), *stream);
    let backend = (route.model)(&model);
    let capabilities = (route.capabilities)(&backend);
    let target = Target {
        model: &backend,
        capabilities: &capabilities,
        length: inbound.body.len(),
    };
    let written = to.wrap_request(&mut Scope::root(losses), letter, &target)?;
    refused(losses, route.on_loss)?;
    Ok(Reenveloped {
        model,
        stream,
        written,
    })
}

/// The body with its system text edited. A client's dialect knows its own bodies; without an envelope they are alike.
fn edited(route: &ExchangeConfig<'_>, body: Bytes) -> Result<Bytes, Error> {
    let mut parts = route.client.edit_system(&body, route.edits)?;
    Ok(match (parts.pop(), parts.is_empty()) {
        (Some(whole), true) => whole,
        (last, _) => {
            parts.extend(last);
            Bytes::from(parts.concat())
        }
    })
}

/// A stream whose events pass from one framing into another.
pub(super) struct ReenvelopedStream {
    reader: Box<dyn RawEventReader>,
    writer: Box<dyn RawEventWriter>,
    started: bool,
    committed: bool,
    end: Option<Result<(), Error>>,
    losses: Losses,
}

impl ReenvelopedStream {
    pub(super) fn new(reader: Box<dyn RawEventReader>, writer: Box<dyn RawEventWriter>) -> Self {
        Self {
            reader,
            writer,
            started: false,
            committed: false,
            end: None,
            losses: Losses::new(),
        }
    }

    pub(super) fn set_start(&mut self, at: Instant) {
        self.writer.set_start(at);
    }

    pub(super) fn push(&mut self, name: Option<&str>, data: &Bytes, out: &mut BytesMut) {
        if self.end.is_some() {
            return;
        }
        let passing = match self.reader.read(name, data) {
            Ok(Some(passing)) => passing,
            Ok(None) => return,
            Err(failure) => return self.fail(failure, out),
        };
        match passing.part {
            EventPosition::Ping => self.writer.write_keep_alive(self.started, out),
            EventPosition::Start | EventPosition::Middle => {
                self.started = true;
                self.writer.write_event(&passing.name, &passing.json, out);
            }
            EventPosition::End => {
                self.end = Some(Ok(()));
                let usage = self.reader.usage();
                self.writer
                    .write_last_event(&passing.name, &passing.json, usage.as_ref(), out);
            }
        }
    }

    pub(super) fn end(&mut self, out: &mut BytesMut) {
        let missing = "the upstream's stream ended before its last event";
        self.fail(Error::new(ErrorClass::Upstream, missing), out);
    }

    pub(super) fn fail(&mut self, error: Error, out: &mut BytesMut) {
        if self.end.is_some() {
            return;
        }
        if self.started || self.committed {
            self.writer.write_failure(&error, out);
        }
        self.end = Some(Err(error));
    }

    pub(super) fn write_keep_alive(&mut self, out: &mut BytesMut) {
        if self.end.is_none() {
            self.writer.write_keep_alive(self.started, out);
        }
    }

    pub(super) fn commit(&mut self) {
        self.committed = true;
    }

    pub(super) fn early_failure(&self) -> Option<&Error> {
        self.failure().filter(|_| !self.committed && !self.started)
    }

    pub(super) fn failure(&self) -> Option<&Error> {
        self.end.as_ref().and_then(|end| end.as_ref().err())
    }

    pub(super) fn is_ended(&self) -> bool {
        self.end.is_some()
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.reader.usage()
    }

    pub(super) fn losses(&self) -> &Losses {
        &self.losses
    }
}
