//! A timer that fires after a time of silence.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Completes when nothing has been heard for a period.
///
/// A stream hears something for every piece, and never waits for the timer: so [`heard`](Self::heard) only sets a
/// flag. The clock is read when somebody waits again, and the runtime's timer, which is behind a lock, is moved when
/// it fires, at most once in a period.
#[derive(Debug)]
pub struct IdleTimer {
    period: Duration,
    /// The beginning of the silence, as of the last wait.
    since: Instant,
    /// Whether something has been heard since the last wait.
    was_heard: bool,
    /// Set up by the first wait: most responses arrive before anybody has to wait.
    sleep: Option<Pin<Box<Sleep>>>,
    /// The task that `sleep` wakes.
    task: Option<Waker>,
}

impl IdleTimer {
    /// A timer whose silence begins now.
    pub fn new(period: Duration) -> Self {
        Self {
            period,
            since: Instant::now(),
            was_heard: false,
            sleep: None,
            task: None,
        }
    }

    /// Ends the silence. The next one begins with the next wait.
    pub fn heard(&mut self) {
        self.was_heard = true;
    }

    /// Completes when the silence has lasted for the whole period, and stays complete until something is heard.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.was_heard) {
            self.since = Instant::now();
        }
        let due = self.since + self.period;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        // The timer runs and wakes this task. It may fire too early, before the deadline that has moved in the
        // meantime; then the loop below sets it again.
        if !sleep.is_elapsed() && self.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        self.task = Some(cx.waker().clone());
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= due {
                return Poll::Ready(());
            }
            // It fired for a silence that has ended since. Polled once more, it wakes this task at the new deadline.
            sleep.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sound_postpones_the_end() {
        let began = Instant::now();
        let mut timer = IdleTimer::new(Duration::from_secs(10));
        let mut step = tokio::time::interval(Duration::from_secs(4));
        for _ in 0..5 {
            tokio::select! {
                biased;
                () = std::future::poll_fn(|cx| timer.poll(cx)) => panic!("fired although there was no silence"),
                _ = step.tick() => timer.heard(),
            }
        }
        std::future::poll_fn(|cx| timer.poll(cx)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(16 + 10));
        // It stays complete until something is heard.
        assert!(
            timer
                .poll(&mut Context::from_waker(std::task::Waker::noop()))
                .is_ready()
        );
        timer.heard();
        assert!(
            timer
                .poll(&mut Context::from_waker(std::task::Waker::noop()))
                .is_pending()
        );
    }
}
