//! What is recorded of a stream while it is translated.

use crate::canonical::{Error, Losses};

/// What is recorded of a stream while it is translated.
#[derive(Debug, Default)]
pub(in crate::translate) struct StreamProgress {
    /// What the translation of the response has lost.
    pub losses: Losses,
    /// Whether the first event has been written.
    pub is_started: bool,
    /// Whether the status has been sent to the client.
    pub is_committed: bool,
    /// How the stream ended; `None` while it lasts.
    pub end: Option<Result<(), Error>>,
}

impl StreamProgress {
    /// Whether the stream has ended.
    pub fn is_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the client has received anything, be it only the status. Before that, a failure is not written: the
    /// proxy responds with the failure's own status instead.
    pub fn has_sent(&self) -> bool {
        self.is_started || self.is_committed
    }
}
