//! The load driver: so many connections, each with one request after another, and one line of JSON about them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use llm_proxy::dialect::{self, DialectName};
use llm_proxy_benches::answer::MARK;
use llm_proxy_benches::{now, path, request};
use serde::Serialize;
use tokio::net::TcpStream;

#[derive(Parser, Clone)]
struct Options {
    /// Whom to load
    #[arg(long)]
    target: SocketAddr,
    /// What stands before the dialect's own path
    #[arg(long, default_value = "")]
    prefix: String,
    /// The client's dialect
    #[arg(long)]
    dialect: DialectName,
    /// `small`, `code` or `image`
    #[arg(long)]
    request: String,
    /// Pieces that each streamed answer has to have; 0 for complete answers
    #[arg(long, default_value_t = 0)]
    pieces: usize,
    /// Connections, all at once
    #[arg(long)]
    connections: usize,
    /// Requests in all
    #[arg(long)]
    requests: usize,
    /// Milliseconds over which the connections begin
    #[arg(long, default_value_t = 0)]
    spread: u64,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What one connection saw. Times in nanoseconds.
#[derive(Default)]
struct Seen {
    requests: usize,
    pieces: usize,
    bytes: usize,
    whole: Vec<u64>,
    first: Vec<u64>,
    piece: Vec<u64>,
}

/// What is told. Times in microseconds.
#[derive(Serialize)]
struct Told {
    requests: usize,
    pieces: usize,
    bytes: usize,
    seconds: f64,
    whole: Option<Quantiles>,
    first: Option<Quantiles>,
    piece: Option<Quantiles>,
}

#[derive(Serialize)]
struct Quantiles {
    p50: f64,
    p99: f64,
    p999: f64,
}

impl Quantiles {
    fn of(mut all: Vec<u64>) -> Option<Self> {
        all.sort_unstable();
        let last = all.len().checked_sub(1)?;
        // The position of a quantile in thousandths; the length of a sample fits any float.
        let at = |thousandths: usize| {
            let nanoseconds = all.get(last * thousandths / 1000).copied().unwrap_or_default();
            Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
        };
        Some(Self {
            p50: at(500),
            p99: at(990),
            p999: at(999),
        })
    }
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The connections' common work.
struct Work {
    options: Options,
    uri: String,
    body: Bytes,
    left: AtomicUsize,
}

impl Work {
    fn take(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let socket = TcpStream::connect(self.options.target).await?;
        socket.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn run(&self, wait: Duration) -> Result<Seen, Failure> {
        tokio::time::sleep(wait).await;
        let mut seen = Seen::default();
        let mut sender = self.connect().await?;
        while self.take() {
            sender.ready().await?;
            self.ask(&mut sender, &mut seen).await?;
        }
        Ok(seen)
    }

    async fn ask(&self, sender: &mut SendRequest<Full<Bytes>>, seen: &mut Seen) -> Result<(), Failure> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.uri)
            .header("host", self.options.target.to_string())
            .header("content-type", "application/json")
            .header("authorization", "Bearer benches")
            .header("anthropic-version", "2023-06-01")
            .header("accept", "*/*")
            .header("user-agent", "llm-proxy-benches")
            .body(Full::new(self.body.clone()))?;
        let began = Instant::now();
        let mut answer = sender.send_request(request).await?;
        if !answer.status().is_success() {
            let body = answer.collect().await?.to_bytes();
            return Err(format!("{}: {}", self.uri, String::from_utf8_lossy(&body)).into());
        }
        let mut pieces = Pieces::new(self.options.dialect);
        let before = seen.pieces;
        while let Some(frame) = answer.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if seen.bytes == 0 || seen.first.len() == seen.requests {
                seen.first.push(nanoseconds(began));
            }
            seen.bytes += data.len();
            if self.options.pieces > 0 {
                pieces.count(data, seen)?;
            }
        }
        seen.whole.push(nanoseconds(began));
        seen.requests += 1;
        let pieces = seen.pieces - before;
        if pieces != self.options.pieces {
            return Err(format!("{}: {pieces} pieces arrived", self.uri).into());
        }
        Ok(())
    }
}

/// Counts the pieces of a stream, and reads when they left where they say so.
struct Pieces {
    decoder: llm_proxy::wire::framing::FrameDecoder,
    encoded: bool,
}

impl Pieces {
    fn new(dialect: DialectName) -> Self {
        let framing = Some(dialect::find(dialect).framing());
        Self {
            decoder: framing
                .unwrap_or(llm_proxy::wire::framing::Framing::Sse)
                .decoder(),
            encoded: dialect == DialectName::Bedrock,
        }
    }

    fn count(&mut self, data: Bytes, seen: &mut Seen) -> Result<(), Failure> {
        self.decoder.push(data);
        while let Some(frame) = self.decoder.next()? {
            let decoded;
            let event: &[u8] = if self.encoded {
                #[derive(serde::Deserialize)]
                struct Chunk<'a> {
                    bytes: &'a str,
                }
                decoded = STANDARD.decode(serde_json::from_slice::<Chunk<'_>>(&frame.data)?.bytes)?;
                &decoded
            } else {
                &frame.data
            };
            // What repeats the whole answer in the end is no piece.
            let mut marks = memchr::memmem::find_iter(event, MARK);
            let (Some(at), None) = (marks.next(), marks.next()) else {
                continue;
            };
            if frame
                .name()
                .is_some_and(|name| name.ends_with(".done") || name.ends_with("completed"))
            {
                continue;
            }
            seen.pieces += 1;
            let stamp = event.get(at + MARK.len()..).and_then(|rest| rest.get(..19));
            let stamp = stamp.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
            if let Some(left) = stamp {
                seen.piece.push(now().saturating_sub(left));
            }
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let kind = request::Kind::named(&options.request).ok_or("no such request")?;
    let stream = options.pieces > 0;
    let work = Arc::new(Work {
        uri: format!("{}{}", options.prefix, path(options.dialect, stream)),
        body: request::request(kind, options.dialect, stream),
        left: AtomicUsize::new(options.requests),
        options: options.clone(),
    });
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..options.connections {
        let work = Arc::clone(&work);
        let share = u64::try_from(number)? * options.spread * 1000 / u64::try_from(options.connections)?;
        tasks.spawn(async move { work.run(Duration::from_micros(share)).await });
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        let mut seen = seen??;
        all.requests += seen.requests;
        all.pieces += seen.pieces;
        all.bytes += seen.bytes;
        all.whole.append(&mut seen.whole);
        all.first.append(&mut seen.first);
        all.piece.append(&mut seen.piece);
    }
    let told = Told {
        requests: all.requests,
        pieces: all.pieces,
        bytes: all.bytes,
        seconds: began.elapsed().as_secs_f64(),
        whole: Quantiles::of(all.whole),
        first: Quantiles::of(all.first),
        piece: Quantiles::of(all.piece),
    };
    println!("{}", serde_json::to_string(&told)?);
    Ok(())
}
