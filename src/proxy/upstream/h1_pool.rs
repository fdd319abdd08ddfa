//! Plain HTTP/1.1 to an upstream: a pool of connections, each polled by the body of the response that it carries.
//!
//! A connection is in one of two places: with the request or response that uses it, or unused in the pool. It returns
//! to the pool when its response has been read to the end, and is closed in every other case. Nothing polls an unused
//! connection, which saves a task for each; therefore nothing notices when the upstream closes one. That is made up
//! for twice: a connection is polled once when it is taken from the pool, and a request that still meets a closed one
//! is sent again on a new connection.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body::{Body as HttpBody, SizeHint};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};
use tower_service::Service;
use url::{Position, Url};

use super::super::idle_timer::IdleTimer;
use super::error::{BodyError, SendError};
use super::http1_connection::Http1Connection;
use super::outgoing_body::OutgoingBody;
use super::{
    CONNECT_TIMEOUT, KEEPALIVE, KEEPALIVE_RETRIES, OutgoingRequest, POOL_IDLE, SILENCE_TIMEOUT, STALE_WINDOW,
};

/// The most unused connections that are kept for one upstream; further ones are closed.
const IDLE_LIMIT: usize = 1024;

/// One upstream, identified by its host and port, and the pool of connections to it.
#[derive(Debug)]
pub struct Http1Upstream {
    uri: Uri,
    host: HeaderValue,
    connector: HttpConnector,
    pool: Mutex<ConnectionPool>,
}

#[derive(Debug, Default)]
struct ConnectionPool {
    /// Unused connections, in the order in which they were released.
    idle: VecDeque<PoolEntry>,
    /// Whether a task runs that closes connections which have been unused for too long.
    has_sweeper: bool,
}

#[derive(Debug)]
struct PoolEntry {
    connection: Box<Http1Connection>,
    released_at: Instant,
}

impl Http1Upstream {
    /// The upstream that a URL names.
    ///
    /// # Errors
    /// When the host cannot be part of a request.
    pub fn new(url: &Url) -> Result<Arc<Self>, http::Error> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // An upstream that has vanished does not reply to probes; without them, a request would wait for the whole
        // silence timeout, which has to be long.
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_keepalive_interval(Some(KEEPALIVE));
        connector.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        Ok(Arc::new(Self {
            uri: Uri::try_from(&url[..Position::AfterPort])?,
            host: HeaderValue::try_from(authority(url))?,
            connector,
            pool: Mutex::default(),
        }))
    }

    /// The same upstream for another worker, with a pool of its own that is still empty.
    pub fn sibling(&self) -> Arc<Self> {
        Arc::new(Self {
            uri: self.uri.clone(),
            host: self.host.clone(),
            connector: self.connector.clone(),
            pool: Mutex::default(),
        })
    }

    /// Sends a request and waits for the head of its response. A request that meets a pooled connection which the
    /// upstream has just closed is sent once more, on a new one.
    ///
    /// # Errors
    /// When no response begins.
    pub async fn send(self: &Arc<Self>, request: OutgoingRequest) -> Result<Response<Http1Body>, SendError> {
        if let Some(connection) = self.take_connection() {
            let began = Instant::now();
            match self.exchange(connection, request.clone()).await {
                // Almost always the upstream closed the connection while it was unused, and its FIN was still under
                // way: it never read the request. A connection that is lost later, or a new one that is lost, may
                // have been lost in the middle of the upstream's work, which must not be done twice; hence the short
                // window, and no second attempt below.
                Err(error) if error.is_lost() && began.elapsed() < STALE_WINDOW => {}
                outcome => return outcome,
            }
        }
        let connection = self.connect().await?;
        self.exchange(connection, request).await
    }

    async fn connect(&self) -> Result<Box<Http1Connection>, SendError> {
        let mut connector = self.connector.clone();
        poll_fn(|cx| connector.poll_ready(cx))
            .await
            .map_err(|error| SendError::Connect(error.into()))?;
        let io = connector
            .call(self.uri.clone())
            .await
            .map_err(|error| SendError::Connect(error.into()))?;
        Ok(Box::new(Http1Connection::open(io).await?))
    }

    /// Sends a request on this connection and waits for the head of its response.
    async fn exchange(
        self: &Arc<Self>,
        mut connection: Box<Http1Connection>,
        request: OutgoingRequest,
    ) -> Result<Response<Http1Body>, SendError> {
        let mut outgoing = Request::new(OutgoingBody::new(request.body));
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = Uri::try_from(request_target(&request.url)).map_err(|_| SendError::Target)?;
        *outgoing.headers_mut() = request.headers;
        outgoing.headers_mut().insert(HOST, self.host.clone());
        let mut silence = IdleTimer::new(SILENCE_TIMEOUT);
        let response = {
            let mut response = pin!(connection.send(outgoing));
            poll_fn(|cx| match response.as_mut().poll(cx) {
                Poll::Ready(response) => Poll::Ready(Some(response)),
                Poll::Pending => silence.poll(cx).map(|()| None),
            })
            .await
        };
        let response = response.ok_or(SendError::Silent)??;
        silence.heard();
        Ok(response.map(|incoming| {
            let mut body = Http1Body {
                incoming,
                connection: Some(connection),
                upstream: Arc::clone(self),
                silence,
            };
            // Nobody reads the end of an empty body, so its connection has to be released here.
            if body.incoming.is_end_stream() {
                body.release_connection();
            }
            body
        }))
    }

    /// Takes an unused connection that is still open, the one that was released last: the others can grow old and be
    /// closed.
    fn take_connection(&self) -> Option<Box<Http1Connection>> {
        loop {
            // The lock is released at the end of this statement: nothing is polled under it.
            let mut entry = self.lock_pool().idle.pop_back()?;
            if entry.released_at.elapsed() < POOL_IDLE && entry.connection.is_reusable() {
                return Some(entry.connection);
            }
        }
    }

    /// Puts a connection into the pool, for the next request.
    fn return_connection(self: &Arc<Self>, connection: Box<Http1Connection>) {
        let released_at = Instant::now();
        let mut pool = self.lock_pool();
        if pool.idle.len() < IDLE_LIMIT {
            pool.idle.push_back(PoolEntry {
                connection,
                released_at,
            });
        }
        if pool.has_sweeper {
            return;
        }
        // A body may be dropped after its runtime has ended; then there is nothing left to sweep for.
        if let Ok(runtime) = Handle::try_current() {
            pool.has_sweeper = true;
            runtime.spawn(close_expired(Arc::downgrade(self), released_at + POOL_IDLE));
        }
    }

    /// Removes the connections that have been unused for too long. The second value is the time at which the next one
    /// will have been; without one, the sweeper ends.
    fn remove_expired(&self) -> (Vec<PoolEntry>, Option<Instant>) {
        let now = Instant::now();
        let mut pool = self.lock_pool();
        let count = pool
            .idle
            .partition_point(|entry| entry.released_at + POOL_IDLE <= now);
        let expired = pool.idle.drain(..count).collect();
        let next = pool.idle.front().map(|entry| entry.released_at + POOL_IDLE);
        pool.has_sweeper = next.is_some();
        (expired, next)
    }

    fn lock_pool(&self) -> std::sync::MutexGuard<'_, ConnectionPool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections when they have been unused for too long, until none is left.
///
/// It holds the upstream weakly, so that it does not keep the pool of a worker alive that has ended.
async fn close_expired(upstream: Weak<Http1Upstream>, mut due: Instant) {
    loop {
        sleep_until(due).await;
        let Some(upstream) = upstream.upgrade() else {
            return;
        };
        match upstream.remove_expired() {
            (_, Some(next)) => due = next,
            (_, None) => return,
        }
    }
}

/// Host and port of a URL, in the form of a `Host` header. They identify an upstream.
pub fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// Path and query of a URL, in the form of a request line.
fn request_target(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

/// The body of a response, and the connection that it arrives on.
#[derive(Debug)]
pub struct Http1Body {
    incoming: Incoming,
    /// `None` once the body has come to its end or broken off.
    connection: Option<Box<Http1Connection>>,
    upstream: Arc<Http1Upstream>,
    silence: IdleTimer,
}

impl Http1Body {
    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let polled = self.poll_connection(cx);
        match &polled {
            Poll::Ready(_) => self.silence.heard(),
            Poll::Pending if self.silence.poll(cx).is_ready() => {
                self.connection = None;
                return Poll::Ready(Some(Err(BodyError::Silent)));
            }
            Poll::Pending => {}
        }
        polled
    }

    fn poll_connection(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let Self {
                incoming, connection, ..
            } = self;
            let Some(connection) = connection else {
                return Poll::Ready(None);
            };
            match ready!(connection.poll_with(cx, |cx| Pin::new(&mut *incoming).poll_frame(cx))) {
                Some(Ok(frame)) => {
                    // With the last piece the end is often known already; the next request need not wait until
                    // somebody asks for it.
                    if self.incoming.is_end_stream() {
                        self.release_connection();
                    }
                    // Trailers belong to the connection with the upstream.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => {
                    self.connection = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    self.release_connection();
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Returns the connection to the pool after the whole body has been read. A connection that cannot carry another
    /// request, for example because the upstream closes it, is closed.
    fn release_connection(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && connection.is_reusable()
        {
            self.upstream.return_connection(connection);
        }
    }

    /// Whether the whole body has been read, or nothing more will come.
    pub fn is_end(&self) -> bool {
        self.connection.is_none()
    }

    /// The length of the rest, as far as it is known.
    pub fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Http1Body {
    /// Polls once more, to save the connection of a stream whose reader stopped at the last event: the end of the
    /// body has mostly arrived by then, in the same packet. Any other connection is closed with its body, which tells
    /// the upstream that nobody reads the response any more.
    fn drop(&mut self) {
        if self.connection.is_some() {
            let _ = self.poll_connection(&mut Context::from_waker(Waker::noop()));
        }
    }
}
