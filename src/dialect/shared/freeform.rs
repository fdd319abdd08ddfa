//! Freeform tools for dialects without them: each becomes a function with one string parameter.

use crate::canonical::Grammar;

use super::tool_names::PARAMETER;

/// The description of a freeform tool that the model sees as a function. It has to tell the model about the parameter
/// and the grammar, which a function cannot declare.
pub fn describe(description: Option<&str>, grammar: Option<&Grammar>) -> String {
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
