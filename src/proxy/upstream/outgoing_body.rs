//! The body of a request to an upstream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body of known length in several parts. They are sent as they are (with vectored writes), since joining them would
/// copy a body of many megabytes.
#[derive(Debug)]
pub struct OutgoingBody {
    parts: VecDeque<Bytes>,
    remaining: u64,
}

impl OutgoingBody {
    /// A body of these parts, in this order.
    pub fn new(parts: Vec<Bytes>) -> Self {
        let remaining = parts.iter().map(length).sum();
        Self {
            parts: parts.into(),
            remaining,
        }
    }
}

fn length(part: &Bytes) -> u64 {
    u64::try_from(part.len()).unwrap_or(u64::MAX)
}

impl Body for OutgoingBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let part = self.parts.pop_front();
        if let Some(part) = &part {
            self.remaining = self.remaining.saturating_sub(length(part));
        }
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }

    /// Exact, so that hyper writes `content-length` and no chunks.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
