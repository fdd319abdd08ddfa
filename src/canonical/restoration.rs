//! What a writer changed in a request and has to be undone in the response.

use std::collections::HashMap;

use super::CallKind;

/// What a writer changed in a request and has to be undone in the response. `translate` does so.
#[derive(Clone, Debug, Default)]
pub struct Restoration {
    /// By the upstream's name of a tool, the tool as the client knows it. Unchanged tools are absent.
    pub tools: HashMap<String, OriginalTool>,
    /// The name of a tool that the client did not declare: the upstream has no structured output, so the model calls
    /// this tool with the JSON that the client expects as text.
    pub json_tool: Option<String>,
    /// Stop sequences that the upstream does not accept: the proxy finds them in the response.
    pub stop: Vec<String>,
}

impl Restoration {
    /// Whether there is nothing to undo.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.json_tool.is_none() && self.stop.is_empty()
    }
}

/// A tool as the client knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalTool {
    /// Its name.
    pub name: String,
    /// Its Responses namespace.
    pub namespace: Option<String>,
    /// The kind of input that the client expects. For a freeform tool the upstream may write `{"input": text}` instead.
    pub call: CallKind,
}
