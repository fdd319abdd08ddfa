//! A streamed answer, translated while it passes: no task, no channel, nothing held back.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::idle::IdleTimer;
use super::upstream::{self, JOINED};
use crate::canonical::{Error, ErrorClass, Losses, Usage};
use crate::translate::TranslatedStream;
use crate::wire::framing::FrameDecoder;

/// How long a client hears nothing before it is sent a sign of life.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Where the frames of an upstream's stream come from; apart from the HTTP client, so that it can be scripted.
pub trait Pieces: Send {
    /// The next piece of the body; `None` at its end, an error where it broke off.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>>;
}

impl Pieces for upstream::Body {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let lost = |error: upstream::BodyError| {
            let class = if error.is_timeout() {
                ErrorClass::Timeout
            } else {
                ErrorClass::Upstream
            };
            Error::new(class, format!("the upstream's stream broke off: {error}"))
        };
        self.poll_data(cx).map(|data| data.map(|data| data.map_err(lost)))
    }
}

/// The body of a translated stream. Whoever polls it polls the upstream; whoever drops it drops the upstream.
pub struct Translation {
    /// `None` once the upstream has nothing more to say.
    upstream: Option<Box<dyn Pieces>>,
    decoder: FrameDecoder,
    stream: TranslatedStream,
    out: BytesMut,
    silence: IdleTimer,
}

impl Translation {
    /// Begins the translation of an upstream's body, whose frames `decoder` reads.
    pub fn new(upstream: Box<dyn Pieces>, decoder: FrameDecoder, stream: TranslatedStream) -> Self {
        Self {
            upstream: Some(upstream),
            decoder,
            stream,
            out: BytesMut::new(),
            silence: IdleTimer::new(KEEP_ALIVE),
        }
    }

    /// Waits until the answer begins or it takes so long that the client has to be told something, and then settles
    /// that the status is a success.
    ///
    /// # Errors
    /// The failure of a stream that failed before it began: it is to be answered with a status of its own.
    pub async fn begin(&mut self) -> Result<(), Error> {
        std::future::poll_fn(|cx| {
            self.fill(cx);
            if !self.out.is_empty() || self.stream.is_ended() {
                return Poll::Ready(());
            }
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

    /// The next piece of the client's stream: all that can be said now.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            self.fill(cx);
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

    /// Translates what has arrived, until nothing more is ready or enough is.
    fn fill(&mut self, cx: &mut Context<'_>) {
        while let Some(upstream) = &mut self.upstream
            && self.out.len() < JOINED
        {
            match upstream.poll_piece(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(piece))) => {
                    self.decoder.push(piece);
                    self.decode();
                }
                Poll::Ready(Some(Err(error))) => {
                    tracing::warn!(cause = %error, "an upstream's stream broke off");
                    self.stream.fail(error, &mut self.out);
                }
                Poll::Ready(None) => {
                    self.decoder.finish();
                    self.decode();
                    self.stream.end(&mut self.out);
                }
            }
            if self.stream.is_ended() {
                self.upstream = None;
            }
        }
    }

    fn decode(&mut self) {
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

    /// Whether all has been said.
    pub fn is_end(&self) -> bool {
        self.upstream.is_none() && self.out.is_empty()
    }

    /// Token counts, as far as they are known.
    pub fn usage(&self) -> Option<Usage> {
        self.stream.usage()
    }

    /// What the translation of the answer could not carry over so far.
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
