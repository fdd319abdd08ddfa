//! Accepts connections, hands them to the workers, and gives them time to end.

use std::io;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::Proxy;
use super::worker::Worker;

/// How long responses that are being sent may go on after the process was asked to end.
pub const DRAIN: Duration = Duration::from_secs(30);
/// The pause after the system could not accept a connection, as happens when file descriptors run out. Without it, the
/// loop would try again at once and keep a processor busy, since the connection is still waiting.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `shutdown` completes, then lets them end.
///
/// # Errors
/// When the workers cannot be started.
pub(super) async fn run(
    proxies: Vec<Proxy>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let start = |(number, proxy)| Worker::start(format!("worker-{number}"), proxy);
    let mut workers = proxies
        .into_iter()
        .enumerate()
        .map(start)
        .collect::<io::Result<Vec<_>>>()?;
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => {
                // Connections live long and cause about the same work, so the worker with the fewest has the least.
                if let Some(worker) = workers.iter().min_by_key(|worker| worker.open_connections()) {
                    worker.serve(stream);
                }
            }
            // The client gave up before its connection was accepted, which does not concern the next one. Any other
            // failure may last a while.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(cause = %error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // From now on the system refuses connections, so that a load balancer turns to another replica.
    drop(listener);
    let open = |workers: &[Worker]| workers.iter().map(Worker::open_connections).sum::<usize>();
    tracing::info!(
        connections = open(&workers),
        "stopping: no new connections are accepted"
    );
    // All workers drain at the same time, and are waited for one after another.
    workers.iter_mut().for_each(Worker::begin_drain);
    let drained = async {
        for worker in &mut workers {
            worker.wait_for_drain().await;
        }
    };
    if timeout(DRAIN, drained).await.is_err() {
        tracing::warn!(
            connections = open(&workers),
            "closing responses that were not finished in time"
        );
    }
    for worker in workers {
        worker.end().await;
    }
    Ok(())
}

/// Completes when the process is asked to end, by SIGTERM or an interrupt from the keyboard. A signal counts from the
/// call on, not from the first poll.
///
/// # Errors
/// When the system does not let a handler be set.
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

/// Completes when the process is asked to end by an interrupt from the keyboard.
///
/// # Errors
/// When the system does not let a handler be set.
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
