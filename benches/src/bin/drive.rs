//! The load driver: opens a number of connections, sends one request after another on each, and prints one line of JSON
//! with the results.

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
use llm_proxy_benches::response::MARK;
use llm_proxy_benches::{now, path, request};
use serde::Serialize;
use tokio::net::TcpStream;

#[derive(Parser, Clone)]
struct DriveOptions {
    /// Address to send requests to
    #[arg(long)]
    target: SocketAddr,
    /// Prefix of the dialect's path
    #[arg(long, default_value = "")]
    prefix: String,
    /// The client's dialect
    #[arg(long)]
    dialect: DialectName,
    /// `small`, `code` or `image`
    #[arg(long)]
    request: String,
    /// Pieces that each streamed response must have; 0 for complete responses
    #[arg(long, default_value_t = 0)]
    pieces: usize,
    /// Number of concurrent connections
    #[arg(long)]
    connections: usize,
    /// Total number of requests
    #[arg(long)]
    requests: usize,
    /// Milliseconds over which the starts of the connections are distributed
    #[arg(long, default_value_t = 0)]
    spread: u64,
}

type DriveError = Box<dyn std::error::Error + Send + Sync>;

/// The results of one connection. Times in nanoseconds.
#[derive(Default)]
struct ConnectionStats {
    requests: usize,
    pieces: usize,
    bytes: usize,
    whole: Vec<u64>,
    first: Vec<u64>,
    piece: Vec<u64>,
}

/// The output. Times in microseconds.
#[derive(Serialize)]
struct DriveReport {
    requests: usize,
    pieces: usize,
    bytes: usize,
    seconds: f64,
    whole: Option<DriveQuantiles>,
    first: Option<DriveQuantiles>,
    piece: Option<DriveQuantiles>,
}

#[derive(Serialize)]
struct DriveQuantiles {
    p50: f64,
    p99: f64,
    p999: f64,
}

impl DriveQuantiles {
    fn of(mut all: Vec<u64>) -> Option<Self> {
        all.sort_unstable();
        let last = all.len().checked_sub(1)?;
        // The quantile is given in thousandths.
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

/// The work that all connections share.
struct SharedLoad {
    options: DriveOptions,
    uri: String,
    body: Bytes,
    left: AtomicUsize,
}

impl SharedLoad {
    fn take(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, DriveError> {
        let socket = TcpStream::connect(self.options.target).await?;
        socket.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn run(&self, wait: Duration) -> Result<ConnectionStats, DriveError> {
        tokio::time::sleep(wait).await;
        let mut stats = ConnectionStats::default();
        let mut sender = self.connect().await?;
        while self.take() {
            sender.ready().await?;
            self.send_request(&mut sender, &mut stats).await?;
        }
        Ok(stats)
    }

    async fn send_request(
        &self,
        sender: &mut SendRequest<Full<Bytes>>,
        stats: &mut ConnectionStats,
    ) -> Result<(), DriveError> {
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
        let mut response = sender.send_request(request).await?;
        if !response.status().is_success() {
            let body = response.collect().await?.to_bytes();
            return Err(format!("{}: {}", self.uri, String::from_utf8_lossy(&body)).into());
        }
        let mut pieces = PieceCounter::new(self.options.dialect);
        let before = stats.pieces;
        while let Some(frame) = response.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if stats.bytes == 0 || stats.first.len() == stats.requests {
                stats.first.push(nanoseconds(began));
            }
            stats.bytes += data.len();
            if self.options.pieces > 0 {
                pieces.count(data, stats)?;
            }
        }
        stats.whole.push(nanoseconds(began));
        stats.requests += 1;
        let pieces = stats.pieces - before;
        if pieces != self.options.pieces {
            return Err(format!("{}: {pieces} pieces arrived", self.uri).into());
        }
        Ok(())
    }
}

/// Counts the pieces of a stream, and measures their latency if they contain the time at which they were sent.
struct PieceCounter {
    decoder: llm_proxy::wire::framing::FrameDecoder,
    encoded: bool,
}

impl PieceCounter {
    fn new(dialect: DialectName) -> Self {
        Self {
            decoder: dialect::find(dialect).framing().decoder(),
            encoded: dialect == DialectName::Bedrock,
        }
    }

    fn count(&mut self, data: Bytes, stats: &mut ConnectionStats) -> Result<(), DriveError> {
        self.decoder.push(data);
        while let Some(frame) = self.decoder.next()? {
            let decoded;
            let event: &[u8] = if self.encoded {
                #[derive(serde::Deserialize)]
                struct BedrockChunk<'a> {
                    bytes: &'a str,
                }
                decoded = STANDARD.decode(serde_json::from_slice::<BedrockChunk<'_>>(&frame.data)?.bytes)?;
                &decoded
            } else {
                &frame.data
            };
            // An event that repeats the whole text at the end of a response is not a piece.
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
            stats.pieces += 1;
            let stamp = event.get(at + MARK.len()..).and_then(|rest| rest.get(..19));
            let stamp = stamp.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
            if let Some(left) = stamp {
                stats.piece.push(now().saturating_sub(left));
            }
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), DriveError> {
    let options = DriveOptions::parse();
    let kind = request::RequestKind::named(&options.request).ok_or("no such request")?;
    let stream = options.pieces > 0;
    let work = Arc::new(SharedLoad {
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
    let mut all = ConnectionStats::default();
    while let Some(stats) = tasks.join_next().await {
        let mut stats = stats??;
        all.requests += stats.requests;
        all.pieces += stats.pieces;
        all.bytes += stats.bytes;
        all.whole.append(&mut stats.whole);
        all.first.append(&mut stats.first);
        all.piece.append(&mut stats.piece);
    }
    let report = DriveReport {
        requests: all.requests,
        pieces: all.pieces,
        bytes: all.bytes,
        seconds: began.elapsed().as_secs_f64(),
        whole: DriveQuantiles::of(all.whole),
        first: DriveQuantiles::of(all.first),
        piece: DriveQuantiles::of(all.piece),
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
