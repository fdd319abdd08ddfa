//! Plain HTTP/1.1 to an upstream: a pool of connections, each driven by the body of the answer that it carries.

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

/// The most unused connections that are kept for one upstream.
const IDLE_LIMIT: usize = 1024;

/// One upstream, told by its host and port.
#[derive(Debug)]
pub struct Http1Upstream {
    uri: Uri,
    name: HeaderValue,
    connector: HttpConnector,
    pool: Mutex<ConnectionPool>,
}

#[derive(Debug, Default)]
struct ConnectionPool {
    /// Those that came back last are at the end.
    idle: VecDeque<PoolEntry>,
    /// Somebody closes what is kept for too long.
    swept: bool,
}

#[derive(Debug)]
struct PoolEntry {
    link: Box<Http1Connection>,
    since: Instant,
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
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_keepalive_interval(Some(KEEPALIVE));
        connector.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        Ok(Arc::new(Self {
            uri: Uri::try_from(&url[..Position::AfterPort])?,
            name: HeaderValue::try_from(authority(url))?,
            connector,
            pool: Mutex::default(),
        }))
    }

    /// The same upstream, without any connection.
    pub fn sibling(&self) -> Arc<Self> {
        Arc::new(Self {
            uri: self.uri.clone(),
            name: self.name.clone(),
            connector: self.connector.clone(),
            pool: Mutex::default(),
        })
    }

    /// Sends a request and waits for the head of the answer. One that meets a pooled connection which the upstream has
    /// just closed is sent once more, on a new one.
    ///
    /// # Errors
    /// When no answer begins.
    pub async fn send(self: &Arc<Self>, request: OutgoingRequest) -> Result<Response<Http1Body>, SendError> {
        if let Some(link) = self.take() {
            let began = Instant::now();
            match self.exchange(link, request.clone()).await {
                Err(error) if error.is_lost() && began.elapsed() < STALE_WINDOW => {}
                outcome => return outcome,
            }
        }
        let link = self.connect().await?;
        self.exchange(link, request).await
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

    async fn exchange(
        self: &Arc<Self>,
        mut link: Box<Http1Connection>,
        request: OutgoingRequest,
    ) -> Result<Response<Http1Body>, SendError> {
        let mut outgoing = Request::new(OutgoingBody::new(request.body));
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = Uri::try_from(target(&request.url)).map_err(|_| SendError::Target)?;
        *outgoing.headers_mut() = request.headers;
        outgoing.headers_mut().insert(HOST, self.name.clone());
        let mut silence = IdleTimer::new(SILENCE_TIMEOUT);
        let answer = {
            let mut answer = pin!(link.send(outgoing));
            poll_fn(|cx| match answer.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending => silence.poll(cx).map(|()| None),
            })
            .await
        };
        let answer = answer.ok_or(SendError::Silent)??;
        silence.heard();
        Ok(answer.map(|incoming| {
            let mut body = Http1Body {
                incoming,
                link: Some(link),
                host: Arc::clone(self),
                silence,
            };
            if body.incoming.is_end_stream() {
                body.release();
            }
            body
        }))
    }

    /// The unused connection that was in use last, if it is still open.
    fn take(&self) -> Option<Box<Http1Connection>> {
        loop {
            let mut idle = self.lock().idle.pop_back()?;
            if idle.since.elapsed() < POOL_IDLE && idle.link.is_reusable() {
                return Some(idle.link);
            }
        }
    }

    /// Keeps a connection for the next request.
    fn keep(self: &Arc<Self>, link: Box<Http1Connection>) {
        let since = Instant::now();
        let mut pool = self.lock();
        if pool.idle.len() < IDLE_LIMIT {
            pool.idle.push_back(PoolEntry { link, since });
        }
        if pool.swept {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            pool.swept = true;
            runtime.spawn(sweep(Arc::downgrade(self), since + POOL_IDLE));
        }
    }

    /// Takes out what has been unused for too long, and says when to look again.
    fn expired(&self) -> (Vec<PoolEntry>, Option<Instant>) {
        let now = Instant::now();
        let mut pool = self.lock();
        let count = pool.idle.partition_point(|idle| idle.since + POOL_IDLE <= now);
        let expired = pool.idle.drain(..count).collect();
        let next = pool.idle.front().map(|idle| idle.since + POOL_IDLE);
        pool.swept = next.is_some();
        (expired, next)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ConnectionPool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections when they have been unused for too long, until none is left.
async fn sweep(host: Weak<Http1Upstream>, mut due: Instant) {
    loop {
        sleep_until(due).await;
        let Some(host) = host.upgrade() else { return };
        match host.expired() {
            (_, Some(next)) => due = next,
            (_, None) => return,
        }
    }
}

/// Host and port, as they stand in a `Host` header and distinguish upstreams.
pub fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// What the request line says.
fn target(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

/// The body of an answer, and the connection that it comes on.
#[derive(Debug)]
pub struct Http1Body {
    incoming: Incoming,
    /// `None` once the body has come to its end or broken off.
    link: Option<Box<Http1Connection>>,
    host: Arc<Http1Upstream>,
    silence: IdleTimer,
}

impl Http1Body {
    /// The next piece of the body; `None` at its end.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let polled = self.poll_link(cx);
        match &polled {
            Poll::Ready(_) => self.silence.heard(),
            Poll::Pending if self.silence.poll(cx).is_ready() => {
                self.link = None;
                return Poll::Ready(Some(Err(BodyError::Silent)));
            }
            Poll::Pending => {}
        }
        polled
    }

    fn poll_link(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let Self { incoming, link, .. } = self;
            let Some(link) = link else {
                return Poll::Ready(None);
            };
            match ready!(link.poll_with(cx, |cx| Pin::new(&mut *incoming).poll_frame(cx))) {
                Some(Ok(frame)) => {
                    if self.incoming.is_end_stream() {
                        self.release();
                    }
                    // Trailers belong to the connection with the upstream.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => {
                    self.link = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    self.release();
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Gives the connection back after the whole body; one that cannot be used again is closed.
    fn release(&mut self) {
        if let Some(mut link) = self.link.take()
            && link.is_reusable()
        {
            self.host.keep(link);
        }
    }

    /// Whether all of the body has been given, or nothing more will come.
    pub fn is_end(&self) -> bool {
        self.link.is_none()
    }

    /// The length of the rest, as far as it is known.
    pub fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Http1Body {
    /// Whoever read the last event of a stream has seen its end, though not that of the body, which may be here as well.
    fn drop(&mut self) {
        if self.link.is_some() {
            let _ = self.poll_link(&mut Context::from_waker(Waker::noop()));
        }
    }
}
