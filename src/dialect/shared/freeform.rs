//! Freeform tools towards dialects without them: functions with one string.

use crate::canonical::Grammar;

use super::tool_names::PARAMETER;

/// What a model has to know of a freeform tool that it sees as a function.
pub fn description(description: Option<&str>, grammar: Option<&Grammar>) -> String {
    let mut text = description.unwrap_or_default().to_owned();
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str("Put the raw text of the input into `");
    text.push_str(PARAMETER);
    text.push_str("`, unescaped apart from what JSON needs.");
    if let Some(Grammar { syntax, definition }) = grammar {
        text.push_str(&format!(" It has to follow this {syntax} grammar:\n{definition}"));
    }
    text
}
