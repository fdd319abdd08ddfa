//! One HTTP/1.1 connection, driven by whoever waits for its answer: no task of its own, and nothing handed over between
//! two.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::outgoing_body::OutgoingBody;

/// A connection to an upstream. Dropping it closes it.
#[derive(Debug)]
pub struct Http1Connection {
    sender: SendRequest<OutgoingBody>,
    /// `None` once it has ended.
    connection: Option<Connection<TokioIo<TcpStream>, OutgoingBody>>,
    gate: Arc<WakeFilter>,
    /// The gate, as the connection knows it.
    waker: Waker,
}

impl Http1Connection {
    /// Begins to speak HTTP/1.1 on a connection.
    ///
    /// # Errors
    /// None are known.
    pub async fn open(io: TokioIo<TcpStream>) -> hyper::Result<Self> {
        let (sender, connection) = http1::handshake(io).await?;
        let gate = Arc::new(WakeFilter::default());
        Ok(Self {
            sender,
            connection: Some(connection),
            waker: Waker::from(Arc::clone(&gate)),
            gate,
        })
    }

    /// Sends a request and waits for the head of its answer. The body comes only while [`poll_with`](Self::poll_with)
    /// is called.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is not HTTP.
    pub async fn send(&mut self, request: Request<OutgoingBody>) -> hyper::Result<Response<Incoming>> {
        let mut answer = pin!(self.sender.send_request(request));
        poll_fn(|cx| self.poll_with(cx, |quiet| answer.as_mut().poll(quiet))).await
    }

    /// Polls something that only the connection can bring further, and the connection where that is needed, until
    /// there is a result or both have to wait.
    ///
    /// `step` gets a context that wakes nobody: what it waits for happens in here. So whoever asks again while nothing
    /// has happened is told so at once: hyper asks once more behind every piece of a body.
    pub fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.gate.is_waiting(cx.waker()) {
            return Poll::Pending;
        }
        self.gate.close(Some(cx.waker()));
        let mut quiet = Context::from_waker(Waker::noop());
        let mut again = false;
        loop {
            if let Poll::Ready(result) = step(&mut quiet) {
                return Poll::Ready(result);
            }
            let Some(connection) = &mut self.connection else {
                // Nothing can come any more, and hyper says so to all who wait.
                return Poll::Pending;
            };
            if Pin::new(connection)
                .poll(&mut Context::from_waker(&self.waker))
                .is_ready()
            {
                // Its errors reach the answer.
                self.connection = None;
                continue;
            }
            if let Poll::Ready(result) = step(&mut quiet) {
                return Poll::Ready(result);
            }
            if self.gate.open() {
                return Poll::Pending;
            }
            // Something was ready while the gate was closed. What is ready for ever gets its turn as other tasks do.
            if std::mem::replace(&mut again, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.gate.close(None);
        }
    }

    /// Whether the connection is open, the last exchange over, and the next one can begin.
    pub fn is_reusable(&mut self) -> bool {
        self.gate.rest();
        let Some(connection) = &mut self.connection else {
            return false;
        };
        let ended = Pin::new(connection)
            .poll(&mut Context::from_waker(&self.waker))
            .is_ready();
        if ended {
            self.connection = None;
        }
        !ended && self.sender.is_ready()
    }
}

/// Wakes the task that waits, but only while it waits: what happens while the connection is being polled would else
/// have the task polled once more for every event.
#[derive(Debug, Default)]
struct WakeFilter {
    state: AtomicU8,
    task: Mutex<Option<Waker>>,
}

/// Nobody is woken: whoever closed the gate looks for himself.
const CLOSED: u8 = 0;
/// So, and something has happened since.
const MISSED: u8 = 1;
/// The task is woken.
const OPEN: u8 = 2;
/// It has been woken; whatever else happens it finds when it looks.
const PASSED: u8 = 3;

impl WakeFilter {
    /// Wakes nobody from now on. `task` is woken after the gate is opened.
    fn close(&self, task: Option<&Waker>) {
        self.state.store(CLOSED, Ordering::Release);
        if let Some(waker) = task {
            let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *task {
                Some(known) => known.clone_from(waker),
                None => *task = Some(waker.clone()),
            }
        }
    }

    /// Wakes the task from now on; whether it missed nothing so far. It is not woken after it has.
    fn open(&self) -> bool {
        self.state
            .compare_exchange(CLOSED, OPEN, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Whether the task will be woken, since nothing has happened yet.
    fn is_waiting(&self, task: &Waker) -> bool {
        let knows = |known: &Waker| known.will_wake(task);
        self.state.load(Ordering::Acquire) == OPEN
            && self
                .task
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_ref()
                .is_some_and(knows)
    }

    /// Nobody waits any more.
    fn rest(&self) {
        self.state.store(CLOSED, Ordering::Release);
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Wake for WakeFilter {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let change = |from, to| {
            self.state
                .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
        };
        if change(CLOSED, MISSED) == Err(OPEN)
            && change(OPEN, PASSED).is_ok()
            && let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner)
        {
            task.wake_by_ref();
        }
    }
}
