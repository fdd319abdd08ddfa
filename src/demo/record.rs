//! The requests and counts that a running server records for tests.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use tokio::sync::Semaphore;

/// A request that was received.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers. Those with credentials are marked as sensitive, so `Debug` does not print their values.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Counts of a running server.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct DemoCounts {
    /// Requests received.
    pub requests: u64,
    /// Streams that are being sent.
    pub open_streams: u64,
    /// Streams whose client disconnected before their end.
    pub abandoned_streams: u64,
}

pub(super) struct DemoState {
    requests: AtomicU64,
    open: AtomicU64,
    abandoned: AtomicU64,
    capacity: usize,
    recorded: Mutex<VecDeque<RecordedRequest>>,
    pub steps: Semaphore,
}

impl DemoState {
    pub fn new(capacity: usize) -> Self {
        Self {
            requests: AtomicU64::new(0),
            open: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            capacity,
            recorded: Mutex::default(),
            steps: Semaphore::new(0),
        }
    }

    /// Counts a request and returns its number, from 1.
    pub fn count(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn counts(&self) -> DemoCounts {
        DemoCounts {
            requests: self.requests.load(Ordering::Relaxed),
            open_streams: self.open.load(Ordering::Relaxed),
            abandoned_streams: self.abandoned.load(Ordering::Relaxed),
        }
    }

    pub fn record(&self, head: &http::request::Parts, body: &Bytes) {
        if self.capacity == 0 {
            return;
        }
        let mut headers = head.headers.clone();
        for name in CREDENTIALS {
            if let http::header::Entry::Occupied(mut entry) = headers.entry(name) {
                entry.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
        let mut recorded = self.lock();
        if recorded.len() == self.capacity {
            recorded.pop_front();
        }
        let (method, uri) = (head.method.clone(), head.uri.clone());
        recorded.push_back(RecordedRequest {
            method,
            uri,
            headers,
            body: body.clone(),
        });
    }

    pub fn recorded(&self) -> Vec<RecordedRequest> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<RecordedRequest>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The headers that contain a key, in any dialect.
pub(super) const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "api-key", "cookie"];

/// Counts a stream as open until it is dropped, and as abandoned if it was not finished then.
pub(super) struct OpenStream {
    state: Arc<DemoState>,
    finished: bool,
}

impl OpenStream {
    pub fn new(state: Arc<DemoState>) -> Self {
        state.open.fetch_add(1, Ordering::Relaxed);
        Self {
            state,
            finished: false,
        }
    }

    pub fn finish(&mut self) {
        self.finished = true;
    }

    pub fn finished(&self) -> bool {
        self.finished
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.state.open.fetch_sub(1, Ordering::Relaxed);
        if !self.finished {
            self.state.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}
