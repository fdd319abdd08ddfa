//! A proxy and an upstream in this process, and helpers to send requests to them.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use llm_proxy::{config, proxy};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// How long a test waits for something that has to happen.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The smallest request for the model `m`.
pub const PING: &str = r#"{"model":"m"}"#;

/// A request as the upstream received it.
#[derive(Clone, Debug)]
pub struct SeenRequest {
    pub method: Method,
    pub uri: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl SeenRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub type ScriptedResponse = Response<Either<Full<Bytes>, FedBody>>;

/// A scripted upstream that records the requests it receives.
pub struct Upstream {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<SeenRequest>>>,
    task: JoinHandle<()>,
}

impl Upstream {
    /// An upstream that responds to every request with `{}`.
    pub async fn plain() -> Self {
        Self::start(|_| json("{}")).await
    }

    pub async fn start(respond: impl Fn(SeenRequest) -> ScriptedResponse + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen: Arc<Mutex<Vec<SeenRequest>>> = Arc::default();
        let respond = Arc::new(respond);
        let recorded = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("a socket option");
                let (respond, seen) = (Arc::clone(&respond), Arc::clone(&recorded));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (respond, seen) = (Arc::clone(&respond), Arc::clone(&seen));
                    async move {
                        let (parts, body) = request.into_parts();
                        let request = SeenRequest {
                            method: parts.method,
                            uri: parts.uri.to_string(),
                            headers: parts.headers,
                            body: body.collect().await.expect("a whole body").to_bytes(),
                        };
                        seen.lock().expect("a lock").push(request.clone());
                        Ok::<_, Infallible>(respond(request))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, seen, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn seen(&self) -> Vec<SeenRequest> {
        self.seen.lock().expect("a lock").clone()
    }

    /// The only request that it has received.
    pub fn only(&self) -> SeenRequest {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn json(body: &'static str) -> ScriptedResponse {
    let body = Either::Left(Full::new(Bytes::from_static(body.as_bytes())));
    let mut response = Response::new(body);
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    response
}

/// A body that a test feeds piece by piece.
pub struct FedBody {
    pieces: mpsc::UnboundedReceiver<&'static str>,
    _gone: oneshot::Sender<()>,
}

impl Body for FedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))))
    }
}

/// The test's end of a [`FedBody`] body.
pub struct Feed {
    pieces: mpsc::UnboundedSender<&'static str>,
    gone: oneshot::Receiver<()>,
}

impl Feed {
    pub fn send(&self, piece: &'static str) {
        self.pieces.send(piece).expect("a body that is still there");
    }

    /// Waits until the proxy has dropped the body.
    pub async fn abandoned(self) {
        let gone = tokio::time::timeout(PATIENCE, self.gone).await;
        assert!(gone.is_ok(), "the upstream's response was not given up");
    }
}

/// An event stream that a test feeds.
pub fn fed_response() -> (Feed, ScriptedResponse) {
    let (pieces, receiver) = mpsc::unbounded_channel();
    let (sender, gone) = oneshot::channel();
    let body = FedBody {
        pieces: receiver,
        _gone: sender,
    };
    let mut response = Response::new(Either::Right(body));
    let events = http::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert("content-type", events);
    (Feed { pieces, gone }, response)
}

/// An upstream that responds once, with a fed body.
pub async fn feeding_upstream() -> (Feed, Upstream) {
    let (feed, response) = fed_response();
    let response = Mutex::new(Some(response));
    let upstream = Upstream::start(move |_| {
        let response = response.lock().expect("a lock").take();
        response.expect("one request only")
    });
    (feed, upstream.await)
}

/// A running proxy.
pub struct TestProxy {
    pub address: SocketAddr,
    pub client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    pub task: JoinHandle<std::io::Result<()>>,
}

impl TestProxy {
    /// A proxy with one model in plain proxy mode, `m` at `/p`.
    pub async fn forwarding_to(url: &str) -> Self {
        Self::serve(&plain("/p", "m", "m", url)).await
    }

    /// A proxy for a list of models in YAML.
    pub async fn serve(models: &str) -> Self {
        Self::serve_file(&format!("models:\n{models}")).await
    }

    /// A proxy for a whole configuration file.
    pub async fn serve_file(text: &str) -> Self {
        let loaded = config::parse(text, &|_| None);
        let config = loaded.expect("a valid configuration").config;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(proxy::serve(config, listener, shutdown));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .expect("a client");
        Self {
            address,
            client,
            stop: Some(stop),
            task,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        let request = self.client.post(self.url(path)).body(body);
        request.header("content-type", "application/json")
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.url(path))
    }

    /// Asks the proxy to end.
    pub fn stop(&mut self) {
        self.stop.take();
    }

    /// Sends bytes as they are, and returns everything until the proxy closes the connection.
    pub async fn send_raw(&self, request: &str) -> String {
        let (address, request) = (self.address, request.to_owned());
        let exchange = move || {
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(request.as_bytes())?;
            let mut response = String::new();
            stream.read_to_string(&mut response)?;
            Ok::<_, std::io::Error>(response)
        };
        let response = tokio::task::spawn_blocking(exchange).await;
        response.expect("a task").expect("an exchange")
    }
}

/// Sends a request that has to get a response.
pub trait FetchResponse {
    async fn fetch(self) -> reqwest::Response;
}

impl FetchResponse for reqwest::RequestBuilder {
    async fn fetch(self) -> reqwest::Response {
        self.send().await.expect("a response")
    }
}

/// Reads the JSON body of a response.
pub async fn read_json(response: reqwest::Response) -> serde_json::Value {
    serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON")
}

/// A model in plain proxy mode.
pub fn plain(prefix: &str, name: &str, backend: &str, url: &str) -> String {
    format!(
        "  - {{frontend_model_name: \"{name}\", frontend_base_url: {prefix}, backend_model_name: \"{backend}\", \
         backend_base_url: \"{url}\"}}\n"
    )
}

/// A model with more keys, which are written as in a YAML flow mapping.
pub fn model(prefix: &str, name: &str, backend: &str, url: &str, more: &str) -> String {
    plain(prefix, name, backend, url).replace("}\n", &format!(", {more}}}\n"))
}

/// The keys of a model with these dialects.
pub fn dialects(frontend: &str, backend: &str) -> String {
    format!("frontend_dialect: {frontend}, backend_dialect: {backend}")
}
