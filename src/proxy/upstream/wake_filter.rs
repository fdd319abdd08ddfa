//! The waker that an upstream connection is polled with: it lets a wake-up through to the task only while the task
//! waits.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// Wakes the task that waits for a connection, once for each wait.
///
/// Within one poll, the connection wakes the reader of its body and the reader wakes the connection. If these wake-ups
/// reached the task, it would be polled again for every event that it has already handled.
#[derive(Debug, Default)]
pub struct WakeFilter {
    state: AtomicU8,
    task: Mutex<Option<Waker>>,
}

/// The task is being polled, or nobody waits; nothing has happened since. A wake-up changes the state to [`MISSED`] and
/// wakes nobody: the poll looks at the state before it lets the task sleep.
const SUPPRESSED: u8 = 0;
/// As [`SUPPRESSED`], and at least one wake-up has been swallowed. The task must not sleep before it has polled the
/// connection again, or it would never learn of that event.
const MISSED: u8 = 1;
/// The task sleeps. The first wake-up changes the state to [`WOKEN`] and wakes the task.
const ARMED: u8 = 2;
/// The task has been woken and has not been polled yet. More wake-ups do nothing, since the poll to come handles their
/// events, too.
const WOKEN: u8 = 3;

impl WakeFilter {
    /// Swallows wake-ups from now on, as a poll begins. `task` is woken after the filter is [armed](Self::arm).
    pub fn suppress(&self, task: &Waker) {
        self.suppress_again();
        let mut known = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *known {
            // Keeps the old waker if both wake the same task, which saves a reference count.
            Some(known) => known.clone_from(task),
            None => *known = Some(task.clone()),
        }
    }

    /// Swallows wake-ups from now on, in a later round of the same poll. Forgets those that it has missed.
    pub fn suppress_again(&self) {
        self.state.store(SUPPRESSED, Ordering::Release);
    }

    /// Lets the next wake-up through, before the task sleeps. False if a wake-up has been swallowed in the meantime:
    /// then the filter is not armed, and the task must not sleep.
    ///
    /// It is a single exchange, so a wake-up comes either before it and is reported here, or after it and wakes the
    /// task.
    pub fn arm(&self) -> bool {
        self.state
            .compare_exchange(SUPPRESSED, ARMED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Whether this task sleeps and nothing has happened since it began to.
    pub fn is_armed_for(&self, task: &Waker) -> bool {
        let is_same = |known: &Waker| known.will_wake(task);
        self.state.load(Ordering::Acquire) == ARMED
            && self
                .task
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_ref()
                .is_some_and(is_same)
    }

    /// Swallows wake-ups and forgets the task, when nobody waits for the connection any more.
    pub fn detach(&self) {
        self.suppress_again();
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Wake for WakeFilter {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let change = |from, to| {
            self.state
                .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
        };
        // The first exchange succeeds or reports the state; only the exchange that leaves ARMED wakes the task, so two
        // wake-ups at the same time wake it once.
        if change(SUPPRESSED, MISSED) == Err(ARMED)
            && change(ARMED, WOKEN).is_ok()
            && let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner)
        {
            task.wake_by_ref();
        }
    }
}
