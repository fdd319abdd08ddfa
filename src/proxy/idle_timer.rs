//! A timer for silence.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Is done when nothing has been heard for a while. Hearing something costs nothing: the clock is looked at when somebody
/// waits again, and the timer itself is moved when it fires.
#[derive(Debug)]
pub struct IdleTimer {
    period: Duration,
    since: Instant,
    /// Something has been heard since the last wait.
    heard: bool,
    /// Set up by the first wait: most answers are there before anybody has to wait.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Who is woken when the timer fires.
    task: Option<Waker>,
}

impl IdleTimer {
    /// A timer whose silence begins now.
    pub fn new(period: Duration) -> Self {
        Self {
            period,
            since: Instant::now(),
            heard: false,
            sleep: None,
            task: None,
        }
    }

    /// Begins the silence anew, with the next wait.
    pub fn heard(&mut self) {
        self.heard = true;
    }

    /// Done when the silence has lasted for the whole period.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.heard) {
            self.since = Instant::now();
        }
        let due = self.since + self.period;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if !sleep.is_elapsed() && self.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        self.task = Some(cx.waker().clone());
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_heard_postpones_the_end() {
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
        // Until something is heard again it stays so.
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
