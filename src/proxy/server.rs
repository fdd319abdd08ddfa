//! Connections: accepted, handed to the workers, and given time to end.

use std::io;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::Proxy;
use super::worker::Worker;

/// How long answers that are being sent may go on after the end was asked for.
pub const DRAIN: Duration = Duration::from_secs(30);
/// Pause after the system refused a connection, as it does when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `shutdown` is done, then lets them end.
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
                // Connections live long and differ little, so that the fewest are the least work.
                if let Some(worker) = workers.iter().min_by_key(|worker| worker.open()) {
                    worker.serve(stream);
                }
            }
            // One connection's failure is its own; anything else may last a while.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(cause = %error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let open = |workers: &[Worker]| workers.iter().map(Worker::open).sum::<usize>();
    tracing::info!(
        connections = open(&workers),
        "stopping: no connection is accepted any more"
    );
    workers.iter_mut().for_each(Worker::drain);
    let drained = async {
        for worker in &mut workers {
            worker.drained().await;
        }
    };
    if timeout(DRAIN, drained).await.is_err() {
        tracing::warn!(
            connections = open(&workers),
            "answers still being sent are cut off"
        );
    }
    for worker in workers {
        worker.end().await;
    }
    Ok(())
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
