//! One HTTP/1.1 connection, polled by the task that waits for its response: it has no task of its own, so no chunk of a
//! body is handed from one task to another.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::outgoing_body::OutgoingBody;
use super::wake_filter::WakeFilter;

/// A connection to an upstream. Dropping it closes it.
#[derive(Debug)]
pub struct Http1Connection {
    sender: SendRequest<OutgoingBody>,
    /// `None` once it has ended.
    connection: Option<Connection<TokioIo<TcpStream>, OutgoingBody>>,
    filter: Arc<WakeFilter>,
    /// The filter as the waker that the connection is polled with.
    waker: Waker,
}

impl Http1Connection {
    /// Begins to speak HTTP/1.1 on a TCP connection.
    ///
    /// # Errors
    /// None are known: nothing is sent or received yet.
    pub async fn open(io: TokioIo<TcpStream>) -> hyper::Result<Self> {
        let (sender, connection) = http1::handshake(io).await?;
        let filter = Arc::new(WakeFilter::default());
        Ok(Self {
            sender,
            connection: Some(connection),
            waker: Waker::from(Arc::clone(&filter)),
            filter,
        })
    }

    /// Sends a request and waits for the head of its response. The response's body arrives only while
    /// [`poll_with`](Self::poll_with) is called.
    ///
    /// # Errors
    /// When the connection breaks, or the response is not HTTP.
    pub async fn send(&mut self, request: Request<OutgoingBody>) -> hyper::Result<Response<Incoming>> {
        let mut response = pin!(self.sender.send_request(request));
        poll_fn(|cx| self.poll_with(cx, |quiet| response.as_mut().poll(quiet))).await
    }

    /// Polls `step`, which only this connection can bring further (the head of a response, a piece of its body), and
    /// polls the connection if that is needed, until `step` has a result or both have to wait.
    ///
    /// `step` gets a context that wakes nobody: whatever it waits for happens while the connection is polled, in here.
    pub fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // The last poll left this task asleep and no event has come since, so another poll would find nothing. hyper's
        // server causes many of these: it polls a body once more after every piece. Another task, or the same one with
        // another waker, must go on to be registered, or its wake-up would go to the old waker and be lost.
        if self.filter.is_armed_for(cx.waker()) {
            return Poll::Pending;
        }
        self.filter.suppress(cx.waker());
        let mut quiet = Context::from_waker(Waker::noop());
        let mut is_second_round = false;
        loop {
            // An earlier poll of the connection may have brought more than one piece; the next one costs no system
            // call. The filter stays suppressed: a caller that got a result polls again before it waits.
            if let Poll::Ready(result) = step(&mut quiet) {
                return Poll::Ready(result);
            }
            let Some(connection) = &mut self.connection else {
                // Nothing can come any more, and nothing will wake the task. This does not hang, since hyper makes
                // every pending response and body fail or end when it drops their connection: `step` was ready above.
                return Poll::Pending;
            };
            if Pin::new(connection)
                .poll(&mut Context::from_waker(&self.waker))
                .is_ready()
            {
                // The connection is over. hyper hands its error, or its end, to the response, where the next `step`
                // finds it; to wait here would be to wait for an event that has already happened.
                self.connection = None;
                continue;
            }
            // The connection may have received what `step` waits for; its wake-up for `step` went nowhere.
            if let Poll::Ready(result) = step(&mut quiet) {
                return Poll::Ready(result);
            }
            // The usual way to wait: both have been polled, and the next event wakes the task.
            if self.filter.arm() {
                return Poll::Pending;
            }
            // A wake-up was swallowed in this round: the socket became ready after the connection had looked at it, or
            // `step` made room that the connection waits for. To sleep now would lose that event, so both are polled
            // again; but once only. hyper and tokio wake a task that is ready too often and expect it to yield, and a
            // loop would take the thread away from every other stream of this worker.
            if std::mem::replace(&mut is_second_round, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.filter.suppress_again();
        }
    }

    /// Whether the connection is open, the last exchange is over, and the next one can begin.
    ///
    /// This polls the connection, which is the only way to learn that the upstream has closed it.
    pub fn is_reusable(&mut self) -> bool {
        // The task of the last request must not be woken, nor its waker kept, for as long as the connection is unused.
        self.filter.detach();
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
