//! Errors in a schema or an overlay.

use std::fmt;

/// An error in a schema or an overlay: one line with the position and the problem.
#[derive(Debug)]
pub struct SpecError(String);

impl SpecError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Puts the position in front of the message.
    pub(crate) fn within(self, position: &str) -> Self {
        Self(format!("{position}: {}", self.0))
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for SpecError {}
