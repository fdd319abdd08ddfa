//! The HTTP server of the scripted upstream.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode, request};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::{Value, json};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::chat::DemoChat;
use super::claude::DemoClaude;
use super::dialect::{CREATED, DemoDialect, ResponseIds};
use super::guide::{CLAUDE_MODEL, OPENAI_MODEL};
use super::record::{CREDENTIALS, DemoCounts, DemoState, RecordedRequest};
use super::responses::DemoResponses;
use super::script::{
    DemoFailure, DemoFault, DemoOutcome, DemoPlan, DemoRequest, DemoTurn, Pace, plan_response,
};
use super::stream::PacedBody;

/// The maximum size of a request body, in bytes: 64 MiB.
const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// How long a shutdown waits for responses that are being sent.
const GRACE: Duration = Duration::from_secs(2);

type DemoResponse = Response<Either<Full<Bytes>, PacedBody>>;

/// A running scripted upstream. Dropping it stops it at once; [`shutdown`](Self::shutdown) stops it gracefully.
pub struct Demo {
    address: SocketAddr,
    state: Arc<DemoState>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Demo {
    /// Starts a server at `address`; port 0 means any free port.
    ///
    /// # Errors
    ///
    /// If the address cannot be used.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::bind_recording(address, 0).await
    }

    /// Starts a server that keeps the last `capacity` requests for [`requests`](Self::requests).
    ///
    /// # Errors
    ///
    /// If the address cannot be used.
    pub async fn bind_recording(address: impl ToSocketAddrs, capacity: usize) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(DemoState::new(capacity));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept_connections(listener, Arc::clone(&state), stopped));
        Ok(Self {
            address,
            state,
            stop: Some(stop),
            task,
        })
    }

    /// The address of the server.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of the server, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The recorded requests, the oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.recorded()
    }

    /// The counts until now.
    pub fn counts(&self) -> DemoCounts {
        self.state.counts()
    }

    /// Lets streams with `step` in the user's text send `pieces` more pieces of output.
    pub fn step(&self, pieces: usize) {
        self.state.steps.add_permits(pieces);
    }

    /// Stops accepting connections, waits up to two seconds for responses that are being sent, and then ends them.
    pub async fn shutdown(mut self) {
        drop(self.stop.take());
        // An error means that the task has ended, as intended.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept_connections(
    listener: TcpListener,
    state: Arc<DemoState>,
    mut stopped: oneshot::Receiver<()>,
) {
    let graceful = GracefulShutdown::new();
    // Dropping the set with this task ends the connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Without this, small writes wait for the acknowledgement of earlier ones (Nagle's algorithm).
                    let _ = stream.set_nodelay(true);
                    let state = Arc::clone(&state);
                    let service = service_fn(move |request| {
                        let state = Arc::clone(&state);
                        async move { Ok::<_, Infallible>(handle_request(request, state).await) }
                    });
                    let connection =
                        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
                    let connection = graceful.watch(connection);
                    connections.spawn(async move {
                        // Clients may break connections; tests do.
                        let _ = connection.await;
                    });
                }
                // The process is probably out of file descriptors. Wait for other connections to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}

async fn handle_request(request: Request<Incoming>, state: Arc<DemoState>) -> DemoResponse {
    let ids = ResponseIds(state.count());
    let (head, body) = request.into_parts();
    let dialect = find_dialect(&head);
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return respond_with_failure(
            dialect,
            ids,
            &DemoFailure::new(413, "the request's body cannot be read or is too large"),
        );
    };
    let body = body.to_bytes();
    state.record(&head, &body);
    match respond(dialect, ids, &head, &body, state).await {
        Ok(response) => response,
        Err(failure) => respond_with_failure(dialect, ids, &failure),
    }
}

async fn respond(
    dialect: &'static dyn DemoDialect,
    ids: ResponseIds,
    head: &request::Parts,
    body: &Bytes,
    state: Arc<DemoState>,
) -> Result<DemoResponse, DemoFailure> {
    let path = head.uri.path();
    if path == "/" {
        return Ok(Response::new(Either::Left(Full::default())));
    }
    let (_, call) = path.split_once("/v1/").unwrap_or_default();
    let counting = call == "messages/count_tokens";
    match call {
        "chat/completions" | "messages" | "messages/count_tokens" | "responses"
            if head.method != Method::POST =>
        {
            return Err(DemoFailure::new(405, "method not allowed"));
        }
        "chat/completions" | "messages" | "messages/count_tokens" | "responses" => {}
        _ => return list_models(dialect, ids, head, call),
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| DemoFailure::new(400, format!("the request's body is not JSON: {error}")))?;
    let mut ask = dialect.read_request(head, &body)?;
    if counting {
        let tokens = body.to_string().len() / 4;
        return Ok(respond_with_json(
            dialect,
            ids,
            StatusCode::OK,
            &json!({"input_tokens": tokens}),
        ));
    }
    ask.request = body;
    let DemoPlan { name, outcome } = plan_response(&ask, describe_http_request(dialect, head));
    let mut response = match outcome {
        DemoOutcome::Fail(failure) => return Err(failure),
        DemoOutcome::Respond { turn, pace, fault } if ask.stream => {
            let pieces = dialect.write_stream(ids, &ask, turn);
            let play = PacedBody::new(pieces, pace, fault, dialect, state);
            let mut response = Response::new(Either::Right(play));
            response.headers_mut().insert(
                CONTENT_TYPE,
                HeaderValue::from_static("text/event-stream; charset=utf-8"),
            );
            response
                .headers_mut()
                .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            set_request_id(&mut response, dialect, ids);
            response
        }
        DemoOutcome::Respond { turn, pace, fault } => {
            respond_at_once(dialect, ids, &ask, &turn, pace, fault, state).await?
        }
    };
    response
        .headers_mut()
        .insert("x-demo-script", HeaderValue::from_static(name));
    Ok(response)
}

async fn respond_at_once(
    dialect: &'static dyn DemoDialect,
    ids: ResponseIds,
    ask: &DemoRequest,
    turn: &DemoTurn,
    pace: Pace,
    fault: Option<DemoFault>,
    state: Arc<DemoState>,
) -> Result<DemoResponse, DemoFailure> {
    if let Pace::Every(pause) = pace {
        tokio::time::sleep(pause).await;
    }
    let body = dialect.write_response(&ids, ask, turn);
    match fault {
        None => Ok(respond_with_json(dialect, ids, StatusCode::OK, &body)),
        Some(DemoFault::Error) => Err(DemoFailure::new(
            500,
            "The demo upstream fails in the middle, as asked",
        )),
        Some(DemoFault::Cut) => {
            let text = body.to_string();
            let half = text.as_bytes().get(..text.len() / 2).unwrap_or_default();
            let play = PacedBody::cut(Bytes::copy_from_slice(half), dialect, state);
            let mut response = Response::new(Either::Right(play));
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response.headers_mut().insert(CONTENT_LENGTH, text.len().into());
            Ok(response)
        }
    }
}

/// The dialect of a request: by its path, or by its headers if the path is the same for several dialects.
fn find_dialect(head: &request::Parts) -> &'static dyn DemoDialect {
    let path = head.uri.path();
    let anthropic = ["anthropic-version", "x-api-key"]
        .iter()
        .any(|name| head.headers.contains_key(*name));
    if path.ends_with("/v1/chat/completions") {
        &DemoChat
    } else if path.ends_with("/v1/responses") {
        &DemoResponses
    } else if path.contains("/v1/messages") || anthropic {
        &DemoClaude
    } else {
        &DemoChat
    }
}

/// `GET /v1/models` and `/v1/models/{id}`.
fn list_models(
    dialect: &'static dyn DemoDialect,
    ids: ResponseIds,
    head: &request::Parts,
    call: &str,
) -> Result<DemoResponse, DemoFailure> {
    let known = [CLAUDE_MODEL, OPENAI_MODEL];
    let one = |id: &str| match dialect.name() {
        "claude" => {
            json!({"type": "model", "id": id, "display_name": id, "created_at": "2026-09-21T14:13:20Z"})
        }
        _ => json!({"id": id, "object": "model", "created": CREATED, "owned_by": "demo"}),
    };
    let missing = || {
        DemoFailure::new(
            404,
            format!(
                "the demo upstream has no endpoint {} {}",
                head.method,
                head.uri.path()
            ),
        )
    };
    let body = match (call, call.strip_prefix("models/")) {
        _ if head.method != Method::GET => return Err(missing()),
        ("models", _) => {
            let list: Vec<Value> = known.into_iter().map(one).collect();
            match dialect.name() {
                "claude" => {
                    json!({"data": list, "has_more": false, "first_id": CLAUDE_MODEL, "last_id": OPENAI_MODEL})
                }
                _ => json!({"object": "list", "data": list}),
            }
        }
        (_, Some(id)) => known
            .into_iter()
            .find(|one| *one == id)
            .map(one)
            .ok_or_else(missing)?,
        _ => return Err(missing()),
    };
    Ok(respond_with_json(dialect, ids, StatusCode::OK, &body))
}

/// The facts about the HTTP request that an `echo` contains, without the values of authentication headers.
fn describe_http_request(dialect: &dyn DemoDialect, head: &request::Parts) -> Value {
    let auth: Vec<&str> = CREDENTIALS
        .into_iter()
        .filter(|name| head.headers.contains_key(*name))
        .collect();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    json!({
        "dialect": dialect.name(),
        "path": head.uri.path(),
        "query": head.uri.query(),
        "auth": auth,
        "anthropic_version": header("anthropic-version"),
        "anthropic_beta": header("anthropic-beta"),
    })
}

fn respond_with_failure(dialect: &dyn DemoDialect, ids: ResponseIds, failure: &DemoFailure) -> DemoResponse {
    let (status, body) = dialect.write_failure(&ids, failure);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = respond_with_json(dialect, ids, status, &body);
    if let Some(seconds) = failure.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
        if dialect.name() != "claude" {
            let millis = HeaderValue::from(u64::from(seconds) * 1000);
            response
                .headers_mut()
                .insert(HeaderName::from_static("retry-after-ms"), millis);
        }
    }
    response
        .headers_mut()
        .insert("x-demo-script", HeaderValue::from_static("error"));
    response
}

fn respond_with_json(
    dialect: &dyn DemoDialect,
    ids: ResponseIds,
    status: StatusCode,
    body: &Value,
) -> DemoResponse {
    let mut response = Response::new(Either::Left(Full::from(body.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    set_request_id(&mut response, dialect, ids);
    response
}

fn set_request_id(response: &mut DemoResponse, dialect: &dyn DemoDialect, ids: ResponseIds) {
    if let Ok(id) = HeaderValue::try_from(ids.of("req_")) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(dialect.request_id_header()), id);
    }
}
