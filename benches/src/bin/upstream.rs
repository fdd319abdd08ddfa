//! The scripted upstream. The path selects its response:
//! `/<kind>/<pieces>/<milliseconds>/<dialect>/…`, with the kind `complete`, `text`, `tool` or `reasoning`.
//!
//! With 0 milliseconds, all events are ready at once. Otherwise the head and the first piece are sent at once, and each
//! further piece after this pause. The text of a piece then contains the time at which it was sent, for the load
//! driver.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use clap::Parser;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use llm_proxy::dialect::DialectName;
use llm_proxy_benches::now;
use llm_proxy_benches::response::{self, StreamKind, StreamScript};
use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep, sleep_until};

#[derive(Parser)]
struct UpstreamOptions {
    /// Port to listen on
    #[arg(long)]
    port: u16,
}

/// The response that a path selects.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ScriptedPath {
    kind: &'static str,
    pieces: usize,
    pause: u64,
    dialect: DialectName,
}

impl ScriptedPath {
    fn read(path: &str) -> Option<Self> {
        let mut parts = path.split('/').skip(1);
        let kind = parts.next()?;
        Some(Self {
            kind: StreamKind::named(kind).map_or("complete", StreamKind::as_str),
            pieces: parts.next()?.parse().ok()?,
            pause: parts.next()?.parse().ok()?,
            dialect: parts.next()?.parse().ok()?,
        })
    }
}

/// A response that is prepared once and sent many times.
enum Prepared {
    Complete(Bytes),
    Burst(Vec<Bytes>),
    Paced(StreamScript),
}

impl Prepared {
    fn new(wanted: ScriptedPath) -> Self {
        match StreamKind::named(wanted.kind) {
            None => Self::Complete(response::complete(wanted.dialect)),
            Some(kind) if wanted.pause == 0 => {
                Self::Burst(StreamScript::events(wanted.dialect, kind, wanted.pieces))
            }
            Some(kind) => Self::Paced(StreamScript::new(wanted.dialect, kind, wanted.pieces)),
        }
    }
}

/// The body of a response.
struct ScriptedBody {
    prepared: Arc<Prepared>,
    wanted: ScriptedPath,
    sent: usize,
    next: Pin<Box<Sleep>>,
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let sent = this.sent;
        let data = match &*this.prepared {
            Prepared::Complete(body) => (sent == 0).then(|| body.clone()),
            Prepared::Burst(events) => events.get(sent).cloned(),
            Prepared::Paced(script) => {
                let (head, pieces) = (script.head.len(), this.wanted.pieces);
                if sent > head && sent < head + pieces {
                    ready!(this.next.as_mut().poll(cx));
                    let due = this.next.deadline() + Duration::from_millis(this.wanted.pause);
                    this.next.as_mut().reset(due);
                }
                match sent.checked_sub(head) {
                    None => script.head.get(sent).cloned(),
                    Some(piece) if piece < pieces => Some(script.piece(piece, &format!("{:019}", now()))),
                    Some(piece) => script.tail.get(piece - pieces).cloned(),
                }
            }
        };
        this.sent += 1;
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }
}

async fn respond(
    prepared: &Mutex<HashMap<ScriptedPath, Arc<Prepared>>>,
    request: Request<Incoming>,
) -> Response<ScriptedBody> {
    let wanted = ScriptedPath::read(request.uri().path());
    let drained = request.into_body().collect().await.is_ok();
    let found = wanted.filter(|_| drained).map(|wanted| {
        let mut prepared = prepared.lock().unwrap_or_else(PoisonError::into_inner);
        let found = prepared
            .entry(wanted)
            .or_insert_with(|| Arc::new(Prepared::new(wanted)));
        (wanted, Arc::clone(found))
    });
    let (status, media_type, wanted, prepared) = match found {
        Some((wanted, found)) => {
            let media_type = match *found {
                Prepared::Complete(_) => "application/json",
                _ => response::media_type(wanted.dialect),
            };
            (StatusCode::OK, media_type, wanted, found)
        }
        None => {
            let nothing = ScriptedPath {
                kind: "complete",
                pieces: 0,
                pause: 0,
                dialect: DialectName::Claude,
            };
            let body = Prepared::Complete(Bytes::from_static(b"the path does not select a response\n"));
            (StatusCode::NOT_FOUND, "text/plain", nothing, Arc::new(body))
        }
    };
    let first = Instant::now() + Duration::from_millis(wanted.pause);
    let mut response = Response::new(ScriptedBody {
        prepared,
        wanted,
        sent: 0,
        next: Box::pin(sleep_until(first)),
    });
    *response.status_mut() = status;
    let media_type = http::HeaderValue::from_static(media_type);
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, media_type);
    response
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let options = UpstreamOptions::parse();
    let prepared: Arc<Mutex<HashMap<ScriptedPath, Arc<Prepared>>>> = Arc::default();
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], options.port))).await?;
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let prepared = Arc::clone(&prepared);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let prepared = &prepared;
                async move { Ok::<_, std::convert::Infallible>(respond(prepared, request).await) }
            });
            // A proxy that disconnects ends its streams; this is not an error.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
