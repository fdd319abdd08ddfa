//! The HTTP client that sends requests to upstreams: one request out, one response with a streaming body in.
//!
//! It consists of two clients. Plain HTTP/1.1 uses connections of our own ([`h1_pool`]), which the body of a response
//! polls itself: a chunk that has arrived is available at once, without a hand-over between tasks for every chunk. TLS,
//! HTTP/2 and the proxies that the environment names are left to reqwest ([`reqwest_client`]).
//!
//! | file | content |
//! | --- | --- |
//! | `h1_pool` | plain HTTP/1.1: connections by upstream, kept for the next request |
//! | `http1_connection` | one connection, polled together with the response that it carries |
//! | `wake_filter` | the waker of such a connection |
//! | `reqwest_client` | everything else, by reqwest |
//! | `outgoing_body` | the body of a request |
//! | `response_body` | the body of a response, from either client |
//! | `error` | why an exchange with an upstream failed |

mod error;
mod h1_pool;
mod http1_connection;
mod outgoing_body;
mod reqwest_client;
mod response_body;
mod wake_filter;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use h1_pool::Http1Upstream;
use reqwest_client::ReqwestClients;
use response_body::UpstreamBodySource;

pub use error::{BodyError, SendError};
pub use response_body::{CollectedBody, JOINED_LENGTH, UpstreamBody};

/// The longest time that a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest silence of an upstream, before its response begins and between two pieces of it. Responses that are not
/// streamed take minutes if a model thinks for long.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// The time that an unused connection is kept; below the 60 s after which common load balancers close theirs, so that
/// the proxy closes first and no request meets a closed connection.
const POOL_IDLE: Duration = Duration::from_secs(50);
/// The longest time until a pooled connection that the upstream had already closed shows it. A request that fails
/// without one byte of a response within this time is sent once more.
const STALE_WINDOW: Duration = Duration::from_secs(1);
/// How often the system probes a silent peer with TCP keep-alive, and how many unanswered probes end the connection.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;

/// The HTTP client of one worker, with connections to all upstreams.
#[derive(Debug)]
pub struct UpstreamClient {
    /// The upstreams of plain HTTP/1.1, by host and port.
    http1: HashMap<String, Arc<Http1Upstream>>,
    /// `None` if all upstreams speak plain HTTP/1.1: then no certificate authorities have to be installed.
    reqwest: Option<ReqwestClients>,
}

/// Installs the cryptography that TLS uses. Has to be called before any reqwest client is built.
pub fn install_crypto() {
    // Fails if a provider is already installed, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A request to an upstream.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// HTTP method.
    pub method: Method,
    /// The complete URL.
    pub url: Url,
    /// All headers but those that the connection needs.
    pub headers: HeaderMap,
    /// The body, in parts; none for a request without a body.
    pub body: Vec<Bytes>,
}

impl UpstreamClient {
    /// A client for the upstreams with these URLs.
    ///
    /// # Errors
    /// When TLS is needed and the system's certificate authorities cannot be loaded.
    pub fn new<'u>(upstreams: impl Iterator<Item = &'u Url>) -> io::Result<Self> {
        let proxies = Matcher::from_system();
        let mut http1 = HashMap::new();
        let (mut needs_reqwest, mut needs_tls) = (false, false);
        for url in upstreams {
            if url.scheme() == "http" && (is_local(url) || !is_intercepted(&proxies, url)) {
                let upstream = Http1Upstream::new(url).map_err(io::Error::other)?;
                http1
                    .entry(h1_pool::authority(url).to_owned())
                    .or_insert(upstream);
            } else {
                needs_reqwest = true;
                needs_tls |= url.scheme() == "https";
            }
        }
        let reqwest = match (needs_reqwest, needs_tls) {
            (false, _) => None,
            (true, false) => Some(ReqwestClients::without_tls()?),
            (true, true) => Some(ReqwestClients::with_tls()?),
        };
        Ok(Self { http1, reqwest })
    }

    /// A client for the same upstreams, with connections of its own, for another worker.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn sibling(&self) -> io::Result<Self> {
        let http1 = self.http1.iter();
        Ok(Self {
            http1: http1
                .map(|(name, upstream)| (name.clone(), upstream.sibling()))
                .collect(),
            reqwest: self.reqwest.as_ref().map(ReqwestClients::sibling).transpose()?,
        })
    }

    /// Sends a request and waits for the head of its response. Dropping the future, or later the body, ends the
    /// exchange with the upstream at once.
    ///
    /// A request that meets a pooled connection which the upstream has just closed is sent once more.
    ///
    /// # Errors
    /// When no response begins.
    pub async fn send(&self, request: OutgoingRequest) -> Result<Response<UpstreamBody>, SendError> {
        let upstream = self
            .http1
            .get(h1_pool::authority(&request.url))
            .filter(|_| request.url.scheme() == "http");
        match (upstream, &self.reqwest) {
            (Some(upstream), _) => {
                let response = upstream.send(request).await?;
                Ok(response.map(|body| UpstreamBody::new(UpstreamBodySource::Http1(body))))
            }
            (None, Some(clients)) => {
                // Boxed: reqwest's future is large, and the state of every request would have to have room for it.
                let response = Box::pin(clients.send(request)).await?;
                Ok(response.map(|body| UpstreamBody::new(UpstreamBodySource::Reqwest(body))))
            }
            (None, None) => Err(SendError::UnknownUpstream),
        }
    }
}

/// Whether the upstream is on this machine. A proxy from the environment cannot reach it there.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the environment names a proxy for this upstream.
fn is_intercepted(proxies: &Matcher, url: &Url) -> bool {
    Uri::try_from(url.as_str()).is_ok_and(|uri| proxies.intercept(&uri).is_some())
}
