//! The HTTP client towards the upstreams: one request in, one answer with a streaming body out.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use reqwest::redirect::Policy;
use url::{Host, Url};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an upstream may be silent: before its answer begins, and between two pieces of it. Answers that do not
/// stream take minutes when a model thinks for long.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// How long an unused connection is kept; below the 60 s after which common load balancers close theirs.
const POOL_IDLE: Duration = Duration::from_secs(50);
/// How late a pooled connection that the upstream had closed already can show it. A request that fails without one
/// byte of an answer within this time is sent once more.
const STALE_WINDOW: Duration = Duration::from_secs(1);
/// HTTP/2 flow control: unread bytes per stream and per connection, so that one stalled client does not stop others.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
/// How often an HTTP/2 connection in use is asked whether it is alive, and how long that may take.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// A pool of connections to all upstreams.
#[derive(Clone, Debug)]
pub struct Client {
    remote: reqwest::Client,
    /// For upstreams on this machine, which no proxy from the environment can reach.
    local: reqwest::Client,
}

/// Makes TLS possible; has to come before any client is built.
pub fn install_crypto() {
    // Fails when a provider is installed already, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A request to an upstream.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// HTTP method.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// All headers but those that the connection needs.
    pub headers: HeaderMap,
    /// The body, in parts; none for a request without one.
    pub body: Vec<Bytes>,
}

impl Client {
    /// A client. `tls` says whether any upstream needs TLS: without, no certificate authorities have to be installed.
    ///
    /// # Errors
    /// When TLS is needed and the system's certificate authorities cannot be loaded.
    pub fn new(tls: bool) -> io::Result<Self> {
        install_crypto();
        let build = |builder: reqwest::ClientBuilder| {
            let builder = builder
                .redirect(Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(SILENCE_TIMEOUT)
                .pool_idle_timeout(POOL_IDLE)
                .tcp_nodelay(true)
                .http2_initial_stream_window_size(STREAM_WINDOW)
                .http2_initial_connection_window_size(CONNECTION_WINDOW)
                .http2_keep_alive_interval(PING_INTERVAL)
                .http2_keep_alive_timeout(PING_TIMEOUT);
            let builder = if tls { builder } else { builder.tls_certs_only([]) };
            builder.build().map_err(|error| {
                io::Error::other(format!("the HTTP client cannot be set up: {}", chain(&error)))
            })
        };
        Ok(Self {
            remote: build(reqwest::Client::builder())?,
            local: build(reqwest::Client::builder().no_proxy())?,
        })
    }

    /// Sends a request and waits for the head of its answer. Dropping the future, or later the body, ends the
    /// exchange with the upstream at once.
    ///
    /// A request that meets a pooled connection which the upstream has just closed is sent once more.
    ///
    /// # Errors
    /// When no answer begins.
    pub async fn send(&self, request: Outgoing) -> Result<Response<Body>, SendError> {
        let began = Instant::now();
        match self.attempt(request.clone()).await {
            Err(error) if error.is_lost() && began.elapsed() < STALE_WINDOW => self.attempt(request).await,
            outcome => outcome,
        }
    }

    async fn attempt(&self, request: Outgoing) -> Result<Response<Body>, SendError> {
        let local = match request.url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let client = if local { &self.local } else { &self.remote };
        let mut outgoing = reqwest::Request::new(request.method, request.url);
        *outgoing.headers_mut() = request.headers;
        *outgoing.body_mut() = body(request.body);
        let answer = client.execute(outgoing).await.map_err(SendError)?;
        Ok(Response::from(answer).map(Body))
    }
}

fn body(mut parts: Vec<Bytes>) -> Option<reqwest::Body> {
    match parts.len() {
        0 => None,
        1 => parts.pop().map(reqwest::Body::from),
        _ => Some(reqwest::Body::wrap(Parts::new(parts))),
    }
}

/// A body of known length that lies in several places.
struct Parts {
    parts: VecDeque<Bytes>,
    remaining: u64,
}

impl Parts {
    fn new(parts: Vec<Bytes>) -> Self {
        let length = |part: &Bytes| u64::try_from(part.len()).unwrap_or(u64::MAX);
        let remaining = parts.iter().map(length).sum();
        Self {
            parts: parts.into(),
            remaining,
        }
    }
}

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let part = self.parts.pop_front();
        if let Some(part) = &part {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            self.remaining = self.remaining.saturating_sub(length);
        }
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

/// The body of an upstream's answer.
#[derive(Debug)]
pub struct Body(reqwest::Body);

impl Body {
    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(BodyError(error)))),
                // Trailers belong to the connection with the upstream.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }

    /// Whether all of the body has been given.
    pub fn is_end(&self) -> bool {
        self.0.is_end_stream()
    }

    /// The length of the rest, as far as it is known.
    pub fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }

    /// The whole rest of the body, up to `limit` bytes; what lies behind the limit is left out and the second value
    /// says so.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long.
    pub async fn collect(mut self, limit: usize) -> Result<(Bytes, bool), BodyError> {
        let mut all = bytes::BytesMut::new();
        while let Some(piece) = std::future::poll_fn(|cx| self.poll_data(cx)).await {
            let piece = piece?;
            let room = limit.saturating_sub(all.len());
            all.extend_from_slice(piece.get(..room).unwrap_or(&piece));
            if piece.len() > room {
                return Ok((all.freeze(), true));
            }
        }
        Ok((all.freeze(), false))
    }
}

/// Why no answer came. Shows the cause without the address that was asked.
#[derive(Debug)]
pub struct SendError(reqwest::Error);

impl SendError {
    /// Whether the upstream was too slow.
    pub fn is_timeout(&self) -> bool {
        self.0.is_timeout()
    }

    /// Whether there was no connection.
    pub fn is_connect(&self) -> bool {
        self.0.is_connect()
    }

    /// Whether the connection was closed before anything came back.
    fn is_lost(&self) -> bool {
        let closed = |error: &(dyn StdError + 'static)| {
            let by_http = error
                .downcast_ref::<hyper::Error>()
                .is_some_and(|error| error.is_incomplete_message() || error.is_canceled());
            let by_system = error.downcast_ref::<io::Error>().is_some_and(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
                )
            });
            by_http || by_system
        };
        !self.0.is_connect() && !self.0.is_timeout() && sources(&self.0).any(closed)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&causes(&self.0))
    }
}

/// Why an answer broke off. Shows the cause without the address that was asked.
#[derive(Debug)]
pub struct BodyError(reqwest::Error);

impl BodyError {
    /// Whether the upstream was too slow.
    pub fn is_timeout(&self) -> bool {
        self.0.is_timeout()
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&causes(&self.0))
    }
}

impl StdError for BodyError {}

/// What lies behind an error of the client: its own text names the address.
fn causes(error: &reqwest::Error) -> String {
    error
        .source()
        .map_or_else(|| "the request failed".to_owned(), chain)
}

/// An error's text and those of its causes.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    for cause in sources(error) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// The causes of an error, the nearest first.
fn sources<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}
