//! The body of an upstream's response, from either of the two clients.

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::SizeHint;

use super::error::BodyError;
use super::h1_pool::Http1Body;
use super::reqwest_client::ReqwestBody;

/// Pieces that have arrived together are passed on together, up to about this many bytes: every one that is passed on
/// costs the client's connection a system call of its own.
pub const JOINED_LENGTH: usize = 16 * 1024;
/// A piece of at least this many bytes is passed on as it is: copying it would cost more than joining saves.
const LARGE_PIECE: usize = 4 * 1024;

/// The body of an upstream's response.
#[derive(Debug)]
pub struct UpstreamBody {
    source: UpstreamBodySource,
    /// Whether [`poll_joined`](Self::poll_joined) has returned data since it last had to wait: then that data may
    /// still be in the buffer of the client's connection.
    is_flowing: bool,
    /// An error that is held back until the data before it has been sent.
    pending_error: Option<BodyError>,
}

/// The client that a response came from.
#[derive(Debug)]
pub(super) enum UpstreamBodySource {
    Http1(Http1Body),
    Reqwest(ReqwestBody),
}

/// The rest of a body, read into memory.
#[derive(Debug)]
pub struct CollectedBody {
    /// The bytes up to the limit.
    pub bytes: Bytes,
    /// Whether the body is longer than the limit.
    pub is_truncated: bool,
}

impl UpstreamBody {
    pub(super) fn new(source: UpstreamBodySource) -> Self {
        Self {
            source,
            is_flowing: false,
            pending_error: None,
        }
    }

    /// The next piece of the body, as it arrived; `None` at its end.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if let Some(error) = self.pending_error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match &mut self.source {
            UpstreamBodySource::Http1(body) => body.poll_data(cx),
            UpstreamBodySource::Reqwest(body) => body.poll_data(cx),
        }
    }

    /// The next pieces of the body that have already arrived, small ones joined; `None` at its end. It never waits
    /// for a second piece, so no event of a stream is held back.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long. The error comes one poll after the data before it: hyper's
    /// server closes the client's connection at an error, without sending what is still in its buffer.
    pub fn poll_joined(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let polled = self.poll_data(cx);
        let first = match polled {
            Poll::Ready(Some(Ok(first))) => first,
            Poll::Ready(Some(Err(error))) if self.is_flowing => {
                // The server flushes its buffer when the body has to wait. The wake-up makes it poll again at once.
                self.pending_error = Some(error);
                cx.waker().wake_by_ref();
                self.is_flowing = false;
                return Poll::Pending;
            }
            other => {
                self.is_flowing = false;
                return other;
            }
        };
        self.is_flowing = true;
        if first.len() >= LARGE_PIECE {
            return Poll::Ready(Some(Ok(first)));
        }
        // Nothing is copied, and no buffer allocated, as long as there is only one piece.
        let mut joined = BytesMut::new();
        while joined.len() < JOINED_LENGTH && !self.is_end() {
            match self.poll_data(cx) {
                Poll::Ready(Some(Ok(next))) => {
                    if joined.is_empty() {
                        joined.reserve(JOINED_LENGTH + LARGE_PIECE);
                        joined.extend_from_slice(&first);
                    }
                    joined.extend_from_slice(&next);
                }
                Poll::Ready(Some(Err(error))) => {
                    self.pending_error = Some(error);
                    break;
                }
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        let data = if joined.is_empty() { first } else { joined.freeze() };
        Poll::Ready(Some(Ok(data)))
    }

    /// Whether the whole body has been read, including an error that ends it.
    pub fn is_end(&self) -> bool {
        let ended = match &self.source {
            UpstreamBodySource::Http1(body) => body.is_end(),
            UpstreamBodySource::Reqwest(body) => body.is_end(),
        };
        ended && self.pending_error.is_none()
    }

    /// The length of the rest, as far as it is known.
    pub fn size_hint(&self) -> SizeHint {
        match &self.source {
            UpstreamBodySource::Http1(body) => body.size_hint(),
            UpstreamBodySource::Reqwest(body) => body.size_hint(),
        }
    }

    /// Reads the rest of the body into memory, up to `limit` bytes; what follows is not read.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long.
    pub async fn collect(mut self, limit: usize) -> Result<CollectedBody, BodyError> {
        // A body that arrives in one piece, as most do, is not copied.
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(piece) = std::future::poll_fn(|cx| self.poll_data(cx)).await {
            let piece = piece?;
            if first.is_empty() && all.is_empty() && piece.len() <= limit {
                first = piece;
                continue;
            }
            if all.is_empty() {
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            let room = limit.saturating_sub(all.len());
            all.extend_from_slice(piece.get(..room).unwrap_or(&piece));
            if piece.len() > room {
                return Ok(CollectedBody {
                    bytes: all.freeze(),
                    is_truncated: true,
                });
            }
        }
        Ok(CollectedBody {
            bytes: if all.is_empty() { first } else { all.freeze() },
            is_truncated: false,
        })
    }
}
