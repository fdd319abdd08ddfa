//! The client for everything but plain HTTP/1.1: TLS, HTTP/2, and the proxies that the environment names.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

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

/// HTTP/2 flow control: the most unread bytes of one stream and of one connection. The connection's share is many times
/// that of a stream, so that a client which does not read its response does not stop the others on the same connection.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
/// How often an HTTP/2 connection in use is pinged, and how long the reply may take.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Two reqwest clients: reqwest decides for a whole client whether it uses the proxies that the environment names.
#[derive(Debug)]
pub struct ReqwestClients {
    remote: reqwest::Client,
    /// For upstreams on this machine, which a proxy from the environment cannot reach.
    local: reqwest::Client,
    tls: Option<ClientConfig>,
}

impl ReqwestClients {
    /// Clients that speak TLS, among others.
    ///
    /// # Errors
    /// When the system's certificate authorities cannot be loaded.
    pub fn with_tls() -> io::Result<Self> {
        install_crypto();
        let config = tls_config().map_err(|error| setup_error(&error))?;
        Self::build(Some(config))
    }

    /// Clients that speak no TLS. They do not need certificate authorities, which a container may not have.
    ///
    /// # Errors
    /// When the clients cannot be set up.
    pub fn without_tls() -> io::Result<Self> {
        install_crypto();
        Self::build(None)
    }

    /// The same clients for another worker, with connections of their own. The certificate authorities are not loaded
    /// again.
    ///
    /// # Errors
    /// When the clients cannot be set up.
    pub fn sibling(&self) -> io::Result<Self> {
        Self::build(self.tls.clone())
    }

    fn build(tls: Option<ClientConfig>) -> io::Result<Self> {
        let configure = |builder: reqwest::ClientBuilder| {
            // A redirect goes back to the client: the proxy must not send a credential to another host.
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
                // Otherwise reqwest loads the system's certificate authorities, and fails if there are none.
                None => builder.tls_certs_only([]),
            };
            builder.build().map_err(|error| setup_error(&error))
        };
        Ok(Self {
            remote: configure(reqwest::Client::builder())?,
            local: configure(reqwest::Client::builder().no_proxy())?,
            tls,
        })
    }

    /// Sends a request and waits for the head of its response. It is sent once more if the connection is lost at
    /// once, as happens on a pooled connection that the upstream has just closed. reqwest does not report whether a
    /// connection was pooled, so a request that a new connection loses at once is repeated as well.
    ///
    /// # Errors
    /// When no response begins.
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
            &self.remote
        };
        let mut outgoing = reqwest::Request::new(request.method, request.url);
        *outgoing.headers_mut() = request.headers;
        *outgoing.body_mut() = to_reqwest_body(request.body);
        let response = client.execute(outgoing).await.map_err(SendError::Reqwest)?;
        Ok(Response::from(response).map(ReqwestBody))
    }
}

fn tls_config() -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder()
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn setup_error(error: &(dyn std::error::Error + 'static)) -> io::Error {
    io::Error::other(format!("the HTTP client cannot be set up: {}", chain(error)))
}

/// `None` without parts: an empty body would add a `content-length` that the client did not send.
fn to_reqwest_body(mut parts: Vec<Bytes>) -> Option<reqwest::Body> {
    match parts.len() {
        0 => None,
        1 => parts.pop().map(reqwest::Body::from),
        _ => Some(reqwest::Body::wrap(OutgoingBody::new(parts))),
    }
}

/// The body of a response.
#[derive(Debug)]
pub struct ReqwestBody(reqwest::Body);

impl ReqwestBody {
    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// When the connection breaks or is silent for too long.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Reqwest(error)))),
                // Trailers belong to the connection with the upstream.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }

    /// Whether the whole body has been read.
    pub fn is_end(&self) -> bool {
        self.0.is_end_stream()
    }

    /// The length of the rest, as far as it is known.
    pub fn size_hint(&self) -> http_body::SizeHint {
        self.0.size_hint()
    }
}
