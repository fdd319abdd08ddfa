//! What a writer changed in a request that has to be undone in its answer.

use std::collections::HashMap;

use super::CallKind;

/// What a writer changed in a request that has to be undone in its answer.
#[derive(Clone, Debug, Default)]
pub struct Restoration {
    /// Tool names as the upstream knows them, with what the client calls them. Unchanged names are absent.
    pub tools: HashMap<String, OriginalTool>,
    /// The name of the tool that stands for the answer's JSON text, where structured output is played with a tool.
    pub json_tool: Option<String>,
    /// Stop sequences that the upstream does not take and the proxy has to watch for.
    pub stop: Vec<String>,
}

impl Restoration {
    /// Whether answers pass unchanged.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.json_tool.is_none() && self.stop.is_empty()
    }
}

/// How the client knows a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalTool {
    /// Its name.
    pub name: String,
    /// Its Responses namespace.
    pub namespace: Option<String>,
    /// Whether the client takes text where the upstream writes `{"input": text}`.
    pub call: CallKind,
}
