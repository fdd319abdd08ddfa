//! The body of a streamed response, translated while it passes: no task, no channel, and no event held back.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::idle_timer::IdleTimer;
use super::upstream::{self, JOINED_LENGTH};
use crate::canonical::{Error, ErrorClass, Losses, Usage};
use crate::translate::TranslatedStream;
use crate::wire::framing::FrameDecoder;

/// The silence after which a client is sent an event that means nothing, so that neither the client nor a load
/// balancer gives up the connection.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The source of an upstream's stream. It is a trait so that a test can script it.
pub trait UpstreamPieces: Send {
    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// When the body breaks off.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>>;
}

impl UpstreamPieces for upstream::UpstreamBody {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let to_error = |error: upstream::BodyError| {
            let class = if error.is_timeout() {
                ErrorClass::Timeout
            } else {
                ErrorClass::Upstream
            };
            Error::new(class, format!("the upstream's stream ended early: {error}"))
        };
        self.poll_data(cx)
            .map(|data| data.map(|data| data.map_err(to_error)))
    }
}

/// The body of a translated stream.
///
/// Polling it polls the upstream, so a client that reads slowly slows the upstream down. Dropping it drops
/// the connection to the upstream, so a client that goes away ends the upstream's work.
pub struct TranslatedBody {
    /// `None` once the stream has ended. The connection is given back at the last event; nobody waits for the end of
    /// the body.
    upstream: Option<Box<dyn UpstreamPieces>>,
    decoder: FrameDecoder,
    stream: TranslatedStream,
    /// Translated events that have not been read yet.
    out: BytesMut,
    silence: IdleTimer,
}

impl TranslatedBody {
    /// Begins the translation of an upstream's body, whose frames `decoder` decodes.
    pub fn new(upstream: Box<dyn UpstreamPieces>, decoder: FrameDecoder, stream: TranslatedStream) -> Self {
        Self {
            upstream: Some(upstream),
            decoder,
            stream,
            out: BytesMut::new(),
            silence: IdleTimer::new(KEEP_ALIVE),
        }
    }

    /// Waits for the first event, but not longer than [`KEEP_ALIVE`]. After that, the status of the response is a
    /// success.
    ///
    /// Upstreams report overload and rate limits in the first event of a stream, too. A client retries after a status
    /// of error; after an error in a stream it often does not.
    ///
    /// # Errors
    /// When the stream fails before its first event: the error gets a status of its own.
    pub async fn begin(&mut self) -> Result<(), Error> {
        std::future::poll_fn(|cx| {
            self.translate_arrived(cx);
            if !self.out.is_empty() || self.stream.is_ended() {
                return Poll::Ready(());
            }
            // The client needs a sign of life, which cannot be sent before the status.
            self.silence.poll(cx)
        })
        .await;
        match self.stream.early_failure() {
            Some(error) => Err(error.clone()),
            None => {
                self.stream.commit();
                Ok(())
            }
        }
    }

    /// The next piece of the client's stream: everything that could be translated by now; `None` at its end.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            self.translate_arrived(cx);
            // Nothing is held back: a single event leaves alone, without a timer that waits for another.
            if !self.out.is_empty() {
                self.silence.heard();
                return Poll::Ready(Some(self.out.split().freeze()));
            }
            if self.upstream.is_none() {
                return Poll::Ready(None);
            }
            ready!(self.silence.poll(cx));
            self.silence.heard();
            self.stream.write_keep_alive(&mut self.out);
        }
    }

    /// Translates the events that have arrived, until no more are ready. It also stops at [`JOINED_LENGTH`]
    /// translated bytes: events that arrived together leave in one piece, but a fast upstream must not fill the
    /// memory.
    ///
    /// It returns with an empty `out` only when the upstream wakes the task, or the stream has ended.
    fn translate_arrived(&mut self, cx: &mut Context<'_>) {
        while let Some(upstream) = &mut self.upstream
            && self.out.len() < JOINED_LENGTH
        {
            match upstream.poll_piece(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(piece))) => {
                    self.decoder.push(piece);
                    self.translate_frames();
                }
                Poll::Ready(Some(Err(error))) => {
                    tracing::warn!(cause = %error, "an upstream's stream ended early");
                    self.stream.fail(error, &mut self.out);
                }
                Poll::Ready(None) => {
                    self.decoder.finish();
                    self.translate_frames();
                    // Writes an error if the last event has not come.
                    self.stream.end(&mut self.out);
                }
            }
            // The last event ends the stream, though perhaps not the body, for which some upstreams take their time.
            if self.stream.is_ended() {
                self.upstream = None;
            }
        }
    }

    /// Translates the frames that have arrived completely.
    fn translate_frames(&mut self) {
        loop {
            match self.decoder.next() {
                Ok(Some(frame)) => self.stream.push(frame.name(), &frame.data, &mut self.out),
                Ok(None) => return,
                Err(error) => {
                    let message = format!("the upstream's stream cannot be read: {error}");
                    self.stream
                        .fail(Error::new(ErrorClass::Upstream, message), &mut self.out);
                    return;
                }
            }
        }
    }

    /// Whether the stream has ended and everything has been read.
    pub fn is_end(&self) -> bool {
        self.upstream.is_none() && self.out.is_empty()
    }

    /// Token counts, as far as they are known.
    pub fn usage(&self) -> Option<Usage> {
        self.stream.usage()
    }

    /// The losses in the translation of the response so far.
    pub fn losses(&self) -> &Losses {
        self.stream.losses()
    }

    /// The failure that ended the stream.
    pub fn failure(&self) -> Option<&Error> {
        self.stream.failure()
    }
}

#[cfg(test)]
mod tests;
