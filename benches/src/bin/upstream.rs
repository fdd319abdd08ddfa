//! The scripted upstream. The path says what it answers:
//! `/<kind>/<pieces>/<milliseconds>/<dialect>/…`, where the kind is `complete`, `text`, `tool` or `reasoning`.
//!
//! Without a pause all events are ready at once; with one, the head and the first piece leave at once and each further
//! piece when its time has come, with the time of its departure in its text.

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
use llm_proxy_benches::answer::{self, Kind, Script};
use llm_proxy_benches::now;
use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep, sleep_until};

#[derive(Parser)]
struct Options {
    /// Port to listen on
    #[arg(long)]
    port: u16,
}

/// What a path asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Asked {
    kind: &'static str,
    pieces: usize,
    pause: u64,
    dialect: DialectName,
}

impl Asked {
    fn read(path: &str) -> Option<Self> {
        let mut parts = path.split('/').skip(1);
        let kind = parts.next()?;
        Some(Self {
            kind: Kind::named(kind).map_or("complete", Kind::as_str),
            pieces: parts.next()?.parse().ok()?,
            pause: parts.next()?.parse().ok()?,
            dialect: parts.next()?.parse().ok()?,
        })
    }
}

/// What was written once and is sent many times.
enum Prepared {
    Complete(Bytes),
    Burst(Vec<Bytes>),
    Paced(Script),
}

impl Prepared {
    fn new(asked: Asked) -> Self {
        match Kind::named(asked.kind) {
            None => Self::Complete(answer::complete(asked.dialect)),
            Some(kind) if asked.pause == 0 => Self::Burst(Script::events(asked.dialect, kind, asked.pieces)),
            Some(kind) => Self::Paced(Script::new(asked.dialect, kind, asked.pieces)),
        }
    }
}

/// The body of an answer.
struct Play {
    prepared: Arc<Prepared>,
    asked: Asked,
    sent: usize,
    next: Pin<Box<Sleep>>,
}

impl Body for Play {
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
                let (head, pieces) = (script.head.len(), this.asked.pieces);
                if sent > head && sent < head + pieces {
                    ready!(this.next.as_mut().poll(cx));
                    let due = this.next.deadline() + Duration::from_millis(this.asked.pause);
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

async fn answer(
    prepared: &Mutex<HashMap<Asked, Arc<Prepared>>>,
    request: Request<Incoming>,
) -> Response<Play> {
    let asked = Asked::read(request.uri().path());
    let drained = request.into_body().collect().await.is_ok();
    let found = asked.filter(|_| drained).map(|asked| {
        let mut prepared = prepared.lock().unwrap_or_else(PoisonError::into_inner);
        let found = prepared
            .entry(asked)
            .or_insert_with(|| Arc::new(Prepared::new(asked)));
        (asked, Arc::clone(found))
    });
    let (status, media_type, asked, prepared) = match found {
        Some((asked, found)) => {
            let media_type = match *found {
                Prepared::Complete(_) => "application/json",
                _ => answer::media_type(asked.dialect),
            };
            (StatusCode::OK, media_type, asked, found)
        }
        None => {
            let nothing = Asked {
                kind: "complete",
                pieces: 0,
                pause: 0,
                dialect: DialectName::Claude,
            };
            let body = Prepared::Complete(Bytes::from_static(b"the path asks for nothing\n"));
            (StatusCode::NOT_FOUND, "text/plain", nothing, Arc::new(body))
        }
    };
    let first = Instant::now() + Duration::from_millis(asked.pause);
    let mut response = Response::new(Play {
        prepared,
        asked,
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
    let options = Options::parse();
    let prepared: Arc<Mutex<HashMap<Asked, Arc<Prepared>>>> = Arc::default();
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], options.port))).await?;
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let prepared = Arc::clone(&prepared);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let prepared = &prepared;
                async move { Ok::<_, std::convert::Infallible>(answer(prepared, request).await) }
            });
            // A proxy that goes away ends its streams.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
