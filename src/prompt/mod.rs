//! Edits of the system prompt: replacements, an appended text, a summary of the session's progress.
//!
//! The system prompt is the leading instructions: a top-level field, or the `system` and `developer` messages before
//! the first other message. Instructions in the middle of a conversation are part of the conversation and stay
//! unchanged, on translated and on same-dialect routes.
//!
//! - `progress`: the summary
//! - `plan`: the plan that an agent keeps with its tools, for the summary
//! - `user_text`: the user's own words in a message, for the summary

mod plan;
mod progress;
mod user_text;

use std::borrow::Cow;

use crate::canonical::{Request, SystemBlock, SystemOrigin};

pub use progress::{MAX_CHARS, summary};

/// The edits that a route asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemEdits {
    /// Texts and their replacements. They are applied in this order, each to the result of the one before.
    pub replacements: Vec<(String, String)>,
    /// Text that is added as a separate block; a blank one is not.
    pub append: String,
    /// Whether [`summary`] is added as the last block.
    pub inject_progress: bool,
}

impl SystemEdits {
    /// Whether there is nothing to edit.
    pub fn is_empty(&self) -> bool {
        self.replacements.is_empty() && self.append.is_empty() && !self.inject_progress
    }

    /// Applies the edits. A block that the replacements leave blank is removed with its cache breakpoint, because a
    /// [`SystemBlock`] is never blank. The added texts are separate blocks after the last one, so that prompt caches
    /// keep the text before them.
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
        let texts = self.added_texts(request);
        request.system.extend(texts.into_iter().map(|text| SystemBlock {
            text: text.into(),
            origin,
            cache: None,
        }));
    }

    /// The text after the replacements; borrowed if none of them applies.
    pub fn replace<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut edited = Cow::Borrowed(text);
        // An empty pattern matches between any two characters.
        for (old, new) in self.replacements.iter().filter(|(old, _)| !old.is_empty()) {
            if edited.contains(old.as_str()) {
                edited = Cow::Owned(edited.replace(old.as_str(), new));
            }
        }
        edited
    }

    /// The texts that are added after the system prompt, in order, each as a separate block.
    pub fn added_texts(&self, request: &Request) -> Vec<String> {
        let append = (!self.append.trim().is_empty()).then(|| self.append.clone());
        let progress = self.inject_progress.then(|| summary(request)).flatten();
        append.into_iter().chain(progress).collect()
    }
}

#[cfg(test)]
mod tests;
