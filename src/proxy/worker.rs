//! A worker: a thread with a runtime of its own, and the connections that it serves.
//!
//! A connection stays with its worker, and so do the connections to upstreams that its requests use. Therefore a task
//! is always woken on the thread that received the event: no lock is contended, and no other thread has to be woken
//! by a system call, which would be the largest cost of passing on a chunk. The price is that a long translation
//! delays the other streams of the same worker.

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

/// How long a client may take to send the head of a request, and may stay connected without a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// HTTP/2 flow control for requests' bodies, in bytes per stream and per connection.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// How often an HTTP/2 client is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// The handle of a worker, for the task that accepts connections. The worker ends when this is dropped.
///
/// A worker ends in two steps: [`begin_drain`](Self::begin_drain) lets its connections end, and [`end`](Self::end)
/// closes what is left, once all workers have drained or the time for it is over.
#[derive(Debug)]
pub(super) struct Worker {
    /// Hands connections to the worker. `None` once the drain has begun.
    connections: Option<mpsc::UnboundedSender<StdTcpStream>>,
    /// How many connections are open or on their way to the worker.
    open: Arc<AtomicUsize>,
    /// Completes when the last connection has ended after the drain began.
    drained: oneshot::Receiver<()>,
    /// Dropped to end the worker. Nothing is ever sent.
    end: oneshot::Sender<Infallible>,
    /// Completes when the worker has ended.
    ended: oneshot::Receiver<()>,
}

impl Worker {
    /// Starts a worker.
    ///
    /// # Errors
    /// When the system provides no thread, or no event queue.
    pub(super) fn start(name: String, proxy: Proxy) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (connections, arriving) = mpsc::unbounded_channel();
        let open = Arc::new(AtomicUsize::new(0));
        let (drained_sender, drained) = oneshot::channel();
        let (end, end_receiver) = oneshot::channel();
        let (ended_sender, ended) = oneshot::channel();
        let mut worker = WorkerThread {
            proxy: Arc::new(proxy),
            http: Arc::new(ClientHttp::new()),
            graceful: GracefulShutdown::new(),
            connections: JoinSet::new(),
            open: Arc::clone(&open),
        };
        thread::Builder::new().name(name).spawn(move || {
            runtime.block_on(async {
                worker.run(arriving, drained_sender, end_receiver).await;
                worker.connections.shutdown().await;
            });
            // Before the end is reported: with the last worker, the response store is dropped, which waits for its
            // writes.
            drop(worker);
            drop(runtime);
            // Fails if nobody waits any more, since the whole process ends.
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

    /// The number of connections that are open or on their way.
    pub(super) fn open_connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Gives the worker a connection to serve.
    pub(super) fn serve(&self, connection: StdTcpStream) {
        self.open.fetch_add(1, Ordering::Relaxed);
        let sent = self.connections.as_ref().map(|sender| sender.send(connection));
        // Only a panic ends a worker too early; then its connections are lost with it.
        if !matches!(sent, Some(Ok(()))) {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Lets every connection end: after the response that is being sent, and at once if it is unused.
    pub(super) fn begin_drain(&mut self) {
        self.connections = None;
    }

    /// Waits until the last connection has ended after [`begin_drain`](Self::begin_drain).
    pub(super) async fn wait_for_drain(&mut self) {
        // An error means that the worker is gone, and its connections with it.
        let _ = (&mut self.drained).await;
    }

    /// Closes the connections that are still open, and waits until the worker has ended.
    pub(super) async fn end(self) {
        drop(self.end);
        let _ = self.ended.await;
    }
}

/// A worker on its own thread.
struct WorkerThread {
    proxy: Arc<Proxy>,
    http: Arc<ClientHttp>,
    graceful: GracefulShutdown,
    connections: JoinSet<()>,
    open: Arc<AtomicUsize>,
}

impl WorkerThread {
    /// Serves the connections that arrive until the drain begins, lets them end, and waits for the end of the worker.
    async fn run(
        &mut self,
        mut arriving: mpsc::UnboundedReceiver<StdTcpStream>,
        drained: oneshot::Sender<()>,
        mut end: oneshot::Receiver<Infallible>,
    ) {
        loop {
            tokio::select! {
                arrived = arriving.recv() => match arrived {
                    Some(stream) => self.spawn_connection(stream),
                    None => break,
                },
                // Takes the finished tasks out of the set, which would grow for ever.
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
        // This runtime has to go on until all workers have drained: a connection that they share, such as that to
        // Redis, is driven by the runtime of the worker that happened to make it.
        let _ = end.await;
    }

    fn spawn_connection(&mut self, stream: StdTcpStream) {
        let guard = OpenConnectionGuard(Arc::clone(&self.open));
        match TcpStream::from_std(stream) {
            Ok(stream) => {
                let connection = serve_connection(
                    Arc::clone(&self.proxy),
                    stream,
                    Arc::clone(&self.http),
                    self.graceful.watcher(),
                );
                self.connections.spawn(async move {
                    connection.await;
                    drop(guard);
                });
            }
            Err(error) => tracing::error!(cause = %error, "a client connection cannot be registered"),
        }
    }
}

/// Subtracts a connection from the number of open ones when it has ended, even by a panic.
struct OpenConnectionGuard(Arc<AtomicUsize>);

impl Drop for OpenConnectionGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The settings of HTTP with clients.
#[derive(Clone, Debug)]
struct ClientHttp {
    http1: http1::Builder,
    /// For clients that may speak HTTP/2.
    http1_or_2: auto::Builder<TokioExecutor>,
}

impl ClientHttp {
    fn new() -> Self {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        let mut http1_or_2 = auto::Builder::new(TokioExecutor::new());
        http1_or_2
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT);
        http1_or_2
            .http2()
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(PING_INTERVAL);
        Self { http1, http1_or_2 }
    }
}

/// Whether a client's first bytes may begin HTTP/2 (RFC 9113, section 3.4).
fn may_be_http2(bytes: &[u8]) -> bool {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0";
    PREFACE.starts_with(bytes) || bytes.starts_with(PREFACE)
}

/// Serves a connection to its end.
async fn serve_connection(proxy: Arc<Proxy>, stream: TcpStream, http: Arc<ClientHttp>, watcher: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(cause = %error, "cannot set TCP_NODELAY");
    }
    // The first bytes show which version of HTTP the client speaks. hyper can detect that, too, but then every
    // connection keeps the memory that HTTP/2 needs. A client that sends nothing is not waited for.
    let mut start = [0; 14];
    let Ok(Ok(length @ 1..)) = timeout(HEAD_TIMEOUT, stream.peek(&mut start)).await else {
        return;
    };
    let service = service_fn(move |request| {
        let proxy = Arc::clone(&proxy);
        async move { Ok::<_, Infallible>(handle::handle(&proxy, request).await) }
    });
    let io = TokioIo::new(stream);
    let log_failure = |cause: &dyn Display| tracing::debug!(%cause, "a client's connection failed");
    if may_be_http2(start.get(..length).unwrap_or_default()) {
        let connection = http.http1_or_2.serve_connection(io, service).into_owned();
        // Boxed: the many connections without HTTP/2 would have to have room for it.
        if let Err(error) = Box::pin(watcher.watch(connection)).await {
            log_failure(&error);
        }
    } else if let Err(error) = watcher.watch(http.http1.serve_connection(io, service)).await {
        log_failure(&error);
    }
}
