//! The HTTP client towards the upstreams: one request in, one answer with a streaming body out.
//!
//! Two clients stand behind it. Plain HTTP goes over connections of our own ([`h1_pool`]), which the body of an answer
//! drives itself: what has arrived is there at once, without a hand-over between tasks for every chunk. TLS, HTTP/2 and
//! proxies are reqwest's ([`reqwest_client`]).

mod error;
mod h1_pool;
mod http1_connection;
mod outgoing_body;
mod reqwest_client;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Response, Uri};
use http_body::SizeHint;
use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

pub use error::{BodyError, SendError};

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
/// How often the system asks a silent peer whether it is there, and how often in vain until it is not.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;
/// What has arrived together is handed over together, up to about this many bytes.
pub const JOINED: usize = 16 * 1024;
/// A piece of at least this many bytes is handed over as it is: copying it would cost more than joining saves.
const LARGE: usize = 4 * 1024;

/// Connections to all upstreams.
#[derive(Debug)]
pub struct UpstreamClient {
    /// By host and port.
    direct: HashMap<String, Arc<h1_pool::Http1Upstream>>,
    /// `None` where all upstreams speak plain HTTP.
    remote: Option<reqwest_client::ReqwestClients>,
}

/// Makes TLS possible; has to come before any client is built.
pub fn install_crypto() {
    // Fails when a provider is installed already, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A request to an upstream.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// HTTP method.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// All headers but those that the connection needs.
    pub headers: HeaderMap,
    /// The body, in parts; none for a request without one.
    pub body: Vec<Bytes>,
}

impl UpstreamClient {
    /// A client for the upstreams at these addresses.
    ///
    /// # Errors
    /// When TLS is needed and the system's certificate authorities cannot be loaded.
    pub fn new<'u>(upstreams: impl Iterator<Item = &'u Url>) -> io::Result<Self> {
        let proxies = Matcher::from_system();
        let mut direct = HashMap::new();
        let (mut remote, mut tls) = (false, false);
        for url in upstreams {
            if url.scheme() == "http" && (is_local(url) || !intercepted(&proxies, url)) {
                let host = h1_pool::Http1Upstream::new(url).map_err(io::Error::other)?;
                direct.entry(h1_pool::authority(url).to_owned()).or_insert(host);
            } else {
                remote = true;
                tls |= url.scheme() == "https";
            }
        }
        Ok(Self {
            direct,
            remote: if remote {
                Some(reqwest_client::ReqwestClients::new(tls)?)
            } else {
                None
            },
        })
    }

    /// A client for the same upstreams, with connections of its own.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn sibling(&self) -> io::Result<Self> {
        let direct = self.direct.iter();
        Ok(Self {
            direct: direct
                .map(|(name, host)| (name.clone(), host.sibling()))
                .collect(),
            remote: self
                .remote
                .as_ref()
                .map(reqwest_client::ReqwestClients::sibling)
                .transpose()?,
        })
    }

    /// Sends a request and waits for the head of its answer. Dropping the future, or later the body, ends the
    /// exchange with the upstream at once.
    ///
    /// A request that meets a pooled connection which the upstream has just closed is sent once more.
    ///
    /// # Errors
    /// When no answer begins.
    pub async fn send(&self, request: OutgoingRequest) -> Result<Response<UpstreamBody>, SendError> {
        let direct = self
            .direct
            .get(h1_pool::authority(&request.url))
            .filter(|_| request.url.scheme() == "http");
        match (direct, &self.remote) {
            (Some(host), _) => {
                let answer = host.send(request).await?;
                Ok(answer.map(|body| UpstreamBody::new(UpstreamBodySource::Direct(body))))
            }
            (None, Some(remote)) => {
                let answer = Box::pin(remote.send(request)).await?;
                Ok(answer.map(|body| UpstreamBody::new(UpstreamBodySource::Remote(body))))
            }
            (None, None) => Err(SendError::Unknown),
        }
    }
}

/// Whether the upstream is on this machine.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a proxy that the environment names stands before an upstream.
fn intercepted(proxies: &Matcher, url: &Url) -> bool {
    Uri::try_from(url.as_str()).is_ok_and(|uri| proxies.intercept(&uri).is_some())
}

/// The body of an upstream's answer.
#[derive(Debug)]
pub struct UpstreamBody {
    source: UpstreamBodySource,
    /// Data was handed over since the last wait.
    flowing: bool,
    /// An error that has to wait until the data before it is sent.
    failed: Option<BodyError>,
}

#[derive(Debug)]
enum UpstreamBodySource {
    Direct(h1_pool::Http1Body),
    Remote(reqwest_client::ReqwestBody),
}

impl UpstreamBody {
    fn new(source: UpstreamBodySource) -> Self {
        Self {
            source,
            flowing: false,
            failed: None,
        }
    }

    /// The next piece of the body, as it arrived; `None` at its end.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match &mut self.source {
            UpstreamBodySource::Direct(body) => body.poll_data(cx),
            UpstreamBodySource::Remote(body) => body.poll_data(cx),
        }
    }

    /// The next pieces of the body that are here already, small ones together; `None` at its end.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long; not before what came until then could be sent, since the
    /// end of a broken answer is that of the client's connection.
    pub fn poll_joined(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let polled = self.poll_data(cx);
        let first = match polled {
            Poll::Ready(Some(Ok(first))) => first,
            Poll::Ready(Some(Err(error))) if self.flowing => {
                self.failed = Some(error);
                cx.waker().wake_by_ref();
                self.flowing = false;
                return Poll::Pending;
            }
            other => {
                self.flowing = false;
                return other;
            }
        };
        self.flowing = true;
        if first.len() >= LARGE {
            return Poll::Ready(Some(Ok(first)));
        }
        let mut joined = BytesMut::new();
        while joined.len() < JOINED && !self.is_end() {
            match self.poll_data(cx) {
                Poll::Ready(Some(Ok(next))) => {
                    if joined.is_empty() {
                        joined.reserve(JOINED + LARGE);
                        joined.extend_from_slice(&first);
                    }
                    joined.extend_from_slice(&next);
                }
                Poll::Ready(Some(Err(error))) => {
                    self.failed = Some(error);
                    break;
                }
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        let data = if joined.is_empty() { first } else { joined.freeze() };
        Poll::Ready(Some(Ok(data)))
    }

    /// Whether all of the body has been given.
    pub fn is_end(&self) -> bool {
        let ended = match &self.source {
            UpstreamBodySource::Direct(body) => body.is_end(),
            UpstreamBodySource::Remote(body) => body.is_end(),
        };
        ended && self.failed.is_none()
    }

    /// The length of the rest, as far as it is known.
    pub fn size_hint(&self) -> SizeHint {
        match &self.source {
            UpstreamBodySource::Direct(body) => body.size_hint(),
            UpstreamBodySource::Remote(body) => body.size_hint(),
        }
    }

    /// The whole rest of the body, up to `limit` bytes; what lies behind the limit is left out and the second value
    /// says so.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long.
    pub async fn collect(mut self, limit: usize) -> Result<(Bytes, bool), BodyError> {
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
                return Ok((all.freeze(), true));
            }
        }
        Ok((if all.is_empty() { first } else { all.freeze() }, false))
    }
}
