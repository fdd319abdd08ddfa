//! Edits of the system prompt: replacements, an appended text, a summary of the session's progress.
//!
//! The system prompt is the leading instructions: a top-level field, or the run of `system` and `developer` messages
//! before the first other message. Instructions in the middle of a conversation are part of the conversation and stay as
//! they are, on translated and on same-dialect routes alike.

mod plan;
mod progress;
mod words;

use std::borrow::Cow;

use crate::canonical::{Request, SystemBlock, SystemOrigin};

pub use progress::{MAX_CHARS, summary};

/// The edits that a route asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemEdits {
    /// What is replaced, and with what, one after another in this order, each on the outcome of the one before.
    pub replacements: Vec<(String, String)>,
    /// Text that is added as a block of its own; nothing is where it is blank.
    pub append: String,
    /// Whether [`summary`] is added as the last block.
    pub inject_progress: bool,
}

impl SystemEdits {
    /// Whether there is nothing to edit.
    pub fn is_empty(&self) -> bool {
        self.replacements.is_empty() && self.append.is_empty() && !self.inject_progress
    }

    /// Applies the edits. A block that the replacements leave blank goes, and its cache breakpoint with it; what is added
    /// comes in blocks of its own after the last one, so that the text before it stays as prompt caches know it.
    pub fn apply(&self, request: &mut Request) {
        if !self.replacements.is_empty() {
            request.system.retain_mut(|block| {
                let Cow::Owned(text) = self.replace(&block.text) else {
                    return true;
                };
                block.text = text.into();
                !block.text.is_blank()
            });
        }
        let last = request.system.last();
        let origin = last.map_or(SystemOrigin::SystemMessage, |block| block.origin);
        let additions = self.additions(request);
        request
            .system
            .extend(additions.into_iter().map(|text| SystemBlock {
                text: text.into(),
                origin,
                cache: None,
            }));
    }

    /// The text after the replacements; borrowed where none of them applies.
    pub fn replace<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut edited = Cow::Borrowed(text);
        // An empty pattern would stand between any two characters.
        for (old, new) in self.replacements.iter().filter(|(old, _)| !old.is_empty()) {
            if edited.contains(old.as_str()) {
                edited = Cow::Owned(edited.replace(old.as_str(), new));
            }
        }
        edited
    }

    /// The texts that are added after the system prompt, in order, each as a block of its own.
    pub fn additions(&self, request: &Request) -> Vec<String> {
        let append = (!self.append.trim().is_empty()).then(|| self.append.clone());
        let progress = self.inject_progress.then(|| summary(request)).flatten();
        append.into_iter().chain(progress).collect()
    }
}

#[cfg(test)]
mod tests;
