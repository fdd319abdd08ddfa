//! The body of a streamed response: one frame per piece, with the pauses and faults of the script.

use std::future::Future;
use std::io;
use std::iter::Peekable;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};

use super::dialect::{DemoDialect, DemoPiece, DemoPieces};
use super::record::{DemoState, OpenStream};
use super::script::{DemoFault, Pace};

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The body of a streamed response.
pub(super) struct PacedBody {
    pieces: Peekable<DemoPieces>,
    pace: Pace,
    fault: Option<DemoFault>,
    dialect: &'static dyn DemoDialect,
    /// The number of pieces that were sent.
    sent: usize,
    /// The number of pieces of output that were sent.
    output: usize,
    held: Option<DemoPiece>,
    wait: Option<Wait>,
    flush: bool,
    state: Arc<DemoState>,
    open: OpenStream,
}

impl PacedBody {
    pub fn new(
        pieces: DemoPieces,
        pace: Pace,
        fault: Option<DemoFault>,
        dialect: &'static dyn DemoDialect,
        state: Arc<DemoState>,
    ) -> Self {
        let open = OpenStream::new(Arc::clone(&state));
        Self {
            pieces: pieces.peekable(),
            pace,
            fault,
            dialect,
            sent: 0,
            output: 0,
            held: None,
            wait: None,
            flush: false,
            state,
            open,
        }
    }

    /// A body that breaks off after `bytes`.
    pub fn cut(bytes: Bytes, dialect: &'static dyn DemoDialect, state: Arc<DemoState>) -> Self {
        let pieces = [DemoPiece::output(bytes), DemoPiece::framing(Bytes::new())];
        Self::new(
            Box::new(pieces.into_iter()),
            Pace::Free,
            Some(DemoFault::Cut),
            dialect,
            state,
        )
    }

    /// The fault, if it is due before `next`: after [`DemoFault::AFTER`] pieces of output, or at the end of the first
    /// output if that is shorter.
    fn due(&mut self, next: &DemoPiece) -> Option<DemoFault> {
        let due = self.output >= DemoFault::AFTER || self.output > 0 && !next.output;
        self.fault.take_if(|_| due)
    }

    fn pause(&self) -> Option<Wait> {
        match self.pace {
            Pace::Free => None,
            Pace::Every(pause) => Some(Box::pin(tokio::time::sleep(pause))),
            Pace::Stepped => {
                let state = Arc::clone(&self.state);
                Some(Box::pin(async move {
                    // The semaphore is never closed, so this cannot fail.
                    if let Ok(permit) = state.steps.acquire().await {
                        permit.forget();
                    }
                }))
            }
        }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        // hyper writes to the socket when a body is pending. One pending poll after each piece gives each piece a
        // separate write.
        if std::mem::take(&mut this.flush) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if this.held.is_none() {
            let Some(piece) = this.pieces.next() else {
                this.open.finish();
                return Poll::Ready(None);
            };
            match this.due(&piece) {
                Some(DemoFault::Cut) => {
                    this.open.finish();
                    return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
                }
                Some(DemoFault::Error) => {
                    let nothing: DemoPieces = Box::new(std::iter::empty());
                    this.pieces = nothing.peekable();
                    this.open.finish();
                    return Poll::Ready(Some(Ok(Frame::data(this.dialect.write_stream_error(this.sent)))));
                }
                None => {}
            }
            this.wait = if piece.output { this.pause() } else { None };
            this.held = Some(piece);
        }
        if let Some(wait) = &mut this.wait {
            ready!(wait.as_mut().poll(cx));
            this.wait = None;
        }
        let Some(piece) = this.held.take() else {
            return Poll::Ready(None);
        };
        this.sent += 1;
        this.output += usize::from(piece.output);
        if this.pieces.peek().is_some() {
            this.flush = true;
        } else {
            // Clients disconnect after the last event, before they read the end of the body. That is not an abandoned
            // stream.
            this.open.finish();
        }
        Poll::Ready(Some(Ok(Frame::data(piece.bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.open.finished()
    }
}
