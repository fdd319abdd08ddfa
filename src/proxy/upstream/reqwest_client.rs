//! Everything but plain HTTP/1.1: TLS, HTTP/2, and the proxies that the environment names.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http_body::Body as HttpBody;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use super::error::{BodyError, SendError, chain};
use super::outgoing_body::OutgoingBody;
use super::{
    CONNECT_TIMEOUT, OutgoingRequest, POOL_IDLE, SILENCE_TIMEOUT, STALE_WINDOW, install_crypto, is_local,
};

/// HTTP/2 flow control: unread bytes per stream and per connection, so that one stalled client does not stop others.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
/// How often an HTTP/2 connection in use is asked whether it is alive, and how long that may take.
const PING_INTERVAL: std::time::Duration = std::time::Duration::from_secs(30);
const PING_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

/// reqwest, twice.
#[derive(Debug)]
pub struct ReqwestClients {
    far: reqwest::Client,
    /// For upstreams on this machine, which no proxy from the environment can reach.
    local: reqwest::Client,
    tls: Option<ClientConfig>,
}

impl ReqwestClients {
    /// Clients. Without `tls` no certificate authorities have to be installed.
    ///
    /// # Errors
    /// When TLS is needed and the system's certificate authorities cannot be loaded.
    pub fn new(tls: bool) -> io::Result<Self> {
        install_crypto();
        let config = || {
            let mut config = ClientConfig::builder()
                .with_platform_verifier()?
                .with_no_client_auth();
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            Ok(config)
        };
        let tls = tls.then(config).transpose();
        Self::with(tls.map_err(|error: rustls::Error| unusable(&error))?)
    }

    /// The same, with connections of their own: the certificate authorities are loaded once.
    ///
    /// # Errors
    /// When the clients cannot be set up.
    pub fn sibling(&self) -> io::Result<Self> {
        Self::with(self.tls.clone())
    }

    fn with(tls: Option<ClientConfig>) -> io::Result<Self> {
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
            let builder = match &tls {
                Some(config) => builder.tls_backend_preconfigured(config.clone()),
                None => builder.tls_certs_only([]),
            };
            builder.build().map_err(|error| unusable(&error))
        };
        Ok(Self {
            far: build(reqwest::Client::builder())?,
            local: build(reqwest::Client::builder().no_proxy())?,
            tls,
        })
    }

    /// Sends a request and waits for the head of the answer; once more where the connection is lost at once, as pooled
    /// ones are that the upstream has just closed.
    ///
    /// # Errors
    /// When no answer begins.
    pub async fn send(&self, request: OutgoingRequest) -> Result<Response<ReqwestBody>, SendError> {
        let began = Instant::now();
        match self.attempt(request.clone()).await {
            Err(error) if error.is_lost() && began.elapsed() < STALE_WINDOW => self.attempt(request).await,
            outcome => outcome,
        }
    }

    async fn attempt(&self, request: OutgoingRequest) -> Result<Response<ReqwestBody>, SendError> {
        let client = if is_local(&request.url) {
            &self.local
        } else {
            &self.far
        };
        let mut outgoing = reqwest::Request::new(request.method, request.url);
        *outgoing.headers_mut() = request.headers;
        *outgoing.body_mut() = body(request.body);
        let answer = client.execute(outgoing).await.map_err(SendError::Remote)?;
        Ok(Response::from(answer).map(ReqwestBody))
    }
}

fn unusable(error: &(dyn std::error::Error + 'static)) -> io::Error {
    io::Error::other(format!("the HTTP client cannot be set up: {}", chain(error)))
}

fn body(mut parts: Vec<Bytes>) -> Option<reqwest::Body> {
    match parts.len() {
        0 => None,
        1 => parts.pop().map(reqwest::Body::from),
        _ => Some(reqwest::Body::wrap(OutgoingBody::new(parts))),
    }
}

/// The body of an answer.
#[derive(Debug)]
pub struct ReqwestBody(reqwest::Body);

impl ReqwestBody {
    /// The next piece of the body; `None` at its end.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Remote(error)))),
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
    pub fn size_hint(&self) -> http_body::SizeHint {
        self.0.size_hint()
    }
}
