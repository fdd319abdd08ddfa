//! A worker: a thread with a runtime of its own, and the connections that it serves.
//!
//! A connection stays with its worker, and so do the connections to upstreams that its requests use: whoever waits for an
//! answer is woken on the thread that receives it, without a lock or a call to wake another.

use std::convert::Infallible;
use std::fmt::Display;
use std::io;
use std::net::TcpStream as StdTcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Proxy, handle};

/// How long a client may take for the head of a request, and stay connected without one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// HTTP/2 flow control for requests' bodies, in bytes per stream and per connection.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// How often an HTTP/2 client is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// A worker, as the one who accepts connections sees it. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Worker {
    /// `None` after the drain has begun.
    connections: Option<mpsc::UnboundedSender<StdTcpStream>>,
    open: Arc<AtomicUsize>,
    /// Done when the last connection has ended after the drain began.
    drained: oneshot::Receiver<()>,
    /// Dropped to have the worker end.
    end: oneshot::Sender<Infallible>,
    /// Done when the worker has ended.
    ended: oneshot::Receiver<()>,
}

impl Worker {
    /// Starts a worker.
    ///
    /// # Errors
    /// When the system gives no thread, or no poll.
    pub(super) fn start(name: String, proxy: Proxy) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (connections, arriving) = mpsc::unbounded_channel();
        let open = Arc::new(AtomicUsize::new(0));
        let (drained_sender, drained) = oneshot::channel();
        let (end, end_receiver) = oneshot::channel();
        let (ended_sender, ended) = oneshot::channel();
        let mut serving = WorkerThread {
            proxy: Arc::new(proxy),
            http: Arc::new(ClientHttp::new()),
            graceful: GracefulShutdown::new(),
            connections: JoinSet::new(),
            open: Arc::clone(&open),
        };
        thread::Builder::new().name(name).spawn(move || {
            runtime.block_on(async {
                serving.run(arriving, drained_sender, end_receiver).await;
                serving.connections.shutdown().await;
            });
            drop(serving);
            drop(runtime);
            // Nobody waits any more when the whole process ends.
            let _ = ended_sender.send(());
        })?;
        Ok(Self {
            connections: Some(connections),
            open,
            drained,
            end,
            ended,
        })
    }

    /// Connections that are open or on their way.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Gives the worker a connection to serve.
    pub(super) fn serve(&self, connection: StdTcpStream) {
        self.open.fetch_add(1, Ordering::Relaxed);
        let sent = self.connections.as_ref().map(|sender| sender.send(connection));
        // A worker ends before it is told to only by a panic; then its connections are lost with it.
        if !matches!(sent, Some(Ok(()))) {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Has every connection end with the answer that is being sent, and the idle ones at once.
    pub(super) fn drain(&mut self) {
        self.connections = None;
    }

    /// Waits for the last connection after the [drain](Self::drain) has begun.
    pub(super) async fn drained(&mut self) {
        // An error would mean that the worker is gone, and its connections with it.
        let _ = (&mut self.drained).await;
    }

    /// Closes what is still open, and waits for it.
    pub(super) async fn end(self) {
        drop(self.end);
        let _ = self.ended.await;
    }
}

/// A worker, on its own thread.
struct WorkerThread {
    proxy: Arc<Proxy>,
    http: Arc<ClientHttp>,
    graceful: GracefulShutdown,
    connections: JoinSet<()>,
    open: Arc<AtomicUsize>,
}

impl WorkerThread {
    /// Serves the connections that arrive until there can be no more, lets them end, and waits for the end.
    async fn run(
        &mut self,
        mut arriving: mpsc::UnboundedReceiver<StdTcpStream>,
        drained: oneshot::Sender<()>,
        mut end: oneshot::Receiver<Infallible>,
    ) {
        loop {
            tokio::select! {
                arrived = arriving.recv() => match arrived {
                    Some(stream) => self.begin(stream),
                    None => break,
                },
                Some(_) = self.connections.join_next() => {}
                _ = &mut end => return,
            }
        }
        let graceful = std::mem::take(&mut self.graceful);
        tokio::select! {
            () = graceful.shutdown() => {}
            _ = &mut end => return,
        }
        let _ = drained.send(());
        // What other workers still send may hang on connections that were made here.
        let _ = end.await;
    }

    fn begin(&mut self, stream: StdTcpStream) {
        let counted = OpenConnectionGuard(Arc::clone(&self.open));
        match TcpStream::from_std(stream) {
            Ok(stream) => {
                let connection = connection(
                    Arc::clone(&self.proxy),
                    stream,
                    Arc::clone(&self.http),
                    self.graceful.watcher(),
                );
                self.connections.spawn(async move {
                    connection.await;
                    drop(counted);
                });
            }
            Err(error) => tracing::error!(cause = %error, "a connection cannot be polled"),
        }
    }
}

/// Counts a connection out when it has ended, however it did.
struct OpenConnectionGuard(Arc<AtomicUsize>);

impl Drop for OpenConnectionGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How HTTP is spoken with clients.
#[derive(Clone, Debug)]
struct ClientHttp {
    first: http1::Builder,
    /// For those who may mean HTTP/2.
    either: auto::Builder<TokioExecutor>,
}

impl ClientHttp {
    fn new() -> Self {
        let mut first = http1::Builder::new();
        first.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        let mut either = auto::Builder::new(TokioExecutor::new());
        either
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT);
        either
            .http2()
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(PING_INTERVAL);
        Self { first, either }
    }
}

/// Whether a client's first bytes may begin HTTP/2 (RFC 9113, section 3.4).
fn may_be_http2(bytes: &[u8]) -> bool {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0";
    PREFACE.starts_with(bytes) || bytes.starts_with(PREFACE)
}

/// Serves a connection to its end.
async fn connection(proxy: Arc<Proxy>, stream: TcpStream, http: Arc<ClientHttp>, watcher: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(cause = %error, "cannot set TCP_NODELAY");
    }
    // Which version of HTTP a client speaks is seen from its first bytes; who sends none is not waited for.
    let mut start = [0; 14];
    let Ok(Ok(length @ 1..)) = timeout(HEAD_TIMEOUT, stream.peek(&mut start)).await else {
        return;
    };
    let service = service_fn(move |request| {
        let proxy = Arc::clone(&proxy);
        async move { Ok::<_, Infallible>(handle::handle(&proxy, request).await) }
    });
    let io = TokioIo::new(stream);
    let failed = |cause: &dyn Display| tracing::debug!(%cause, "a client's connection failed");
    if may_be_http2(start.get(..length).unwrap_or_default()) {
        let connection = http.either.serve_connection(io, service).into_owned();
        // Boxed: the room for HTTP/2 is not to be kept for the many that do not speak it.
        if let Err(error) = Box::pin(watcher.watch(connection)).await {
            failed(&error);
        }
    } else if let Err(error) = watcher.watch(http.first.serve_connection(io, service)).await {
        failed(&error);
    }
}
