//! Connections: accepted, limited, and given time to end.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Proxy, handle};

/// How long answers that are being sent may go on after the end was asked for.
pub const DRAIN: Duration = Duration::from_secs(30);
/// How long a client may take for the head of a request, and stay connected without one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Pause after the system refused a connection, as it does when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// HTTP/2 flow control for requests' bodies, in bytes per stream and per connection.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// How often an HTTP/2 client is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Accepts connections until `shutdown` is done, then lets them end.
pub(super) async fn run(proxy: Arc<Proxy>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let http = http();
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // One connection's failure is its own; anything else may last a while.
                if error.kind() != io::ErrorKind::ConnectionAborted {
                    tracing::error!(cause = %error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
                continue;
            }
        };
        connections.spawn(connection(
            Arc::clone(&proxy),
            stream,
            http.clone(),
            graceful.watcher(),
        ));
    }
    drop(listener);
    let open = graceful.count();
    tracing::info!(connections = open, "stopping: no connection is accepted any more");
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "answers still being sent are cut off"
        );
    }
    connections.shutdown().await;
}

fn http() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_INTERVAL);
    builder
}

async fn connection(
    proxy: Arc<Proxy>,
    stream: TcpStream,
    http: auto::Builder<TokioExecutor>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(cause = %error, "cannot set TCP_NODELAY");
    }
    // Which version of HTTP a client speaks is seen from its first bytes; who sends none is not waited for.
    if !matches!(timeout(HEAD_TIMEOUT, stream.readable()).await, Ok(Ok(()))) {
        return;
    }
    let service = service_fn(move |request| {
        let proxy = Arc::clone(&proxy);
        async move { Ok::<_, Infallible>(handle::handle(&proxy, request).await) }
    });
    let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(cause = %error, "a client's connection failed");
    }
}

/// Done when the process is asked to end: by SIGTERM or an interrupt from the keyboard. Signals are listened for from
/// the call on, not from the first poll.
///
/// # Errors
/// When the system lets no handler be set.
///
/// # Panics
/// Outside of a Tokio runtime.
#[cfg(unix)]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Done when the process is asked to end by an interrupt from the keyboard.
///
/// # Errors
/// When the system lets no handler be set.
///
/// # Panics
/// Outside of a Tokio runtime.
#[cfg(windows)]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
