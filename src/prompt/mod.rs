//! Edits of the system prompt.

/// The edits that a route asks for.
#[derive(Clone, Debug, Default)]
pub struct SystemEdits {}

impl SystemEdits {
    /// Applies the edits.
    pub fn apply(&self, _request: &mut crate::canonical::Request) {}
}
