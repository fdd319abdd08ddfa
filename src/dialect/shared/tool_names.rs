//! Tool names, kept when legal for the target and mapped without state when not.

use std::fmt::Write as _;

use foldhash::{HashMap, HashMapExt};
use sha2::{Digest, Sha256};

use super::reasons::SharedReason;
use crate::canonical::{Block, CallKind, OriginalTool, Path, Request, Scope, Tool};

/// The one parameter of a function that wraps a freeform tool.
pub const PARAMETER: &str = "input";

/// The tool names of one request as the target knows them. Made anew from each request's own tools and history.
#[derive(Debug)]
pub struct ToolNames {
    limit: usize,
    /// By the name, those of each namespace.
    wire: HashMap<String, Vec<Known>>,
    original: HashMap<String, OriginalTool>,
}

/// A name that is known.
#[derive(Debug)]
struct Known {
    namespace: Option<String>,
    wire: String,
}

impl ToolNames {
    /// The names for a target that takes letters, digits, `_` and `-`, at most `limit` (over 9) of them. Two tools whose
    /// names become one are a refused loss.
    pub fn new(scope: &mut Scope<'_>, request: &Request, limit: usize) -> Self {
        let mut names = Self {
            limit,
            wire: HashMap::new(),
            original: HashMap::new(),
        };
        for tool in &request.tools {
            let (index, added) = match tool {
                Tool::Function(tool) => (
                    tool.index,
                    names.add(&tool.name, tool.namespace.as_deref(), CallKind::Function),
                ),
                Tool::Freeform(tool) => (
                    tool.index,
                    names.add(&tool.name, tool.namespace.as_deref(), CallKind::Freeform),
                ),
                Tool::WebSearch(_) => continue,
            };
            if !added {
                scope
                    .at(Path::element("tools", index))
                    .refuse(SharedReason::ToolNameClash);
            }
        }
        for message in &request.messages {
            for block in &message.content {
                if let Block::ToolCall(call) = block {
                    // A tool that is no longer declared may share a mapped name; history alone needs no way back.
                    let _ = names.add(&call.name, call.namespace.as_deref(), CallKind::Function);
                }
            }
        }
        names
    }

    /// Adds a name; `false` where another one already is the same on the wire.
    fn add(&mut self, name: &str, namespace: Option<&str>, call: CallKind) -> bool {
        if self.known(name, namespace).is_some() {
            return true;
        }
        let wire = fitted(namespace, name, self.limit);
        let original = OriginalTool {
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            call,
        };
        let free = !self.original.contains_key(&wire);
        self.wire.entry(name.to_owned()).or_default().push(Known {
            namespace: namespace.map(str::to_owned),
            wire: wire.clone(),
        });
        if free {
            self.original.insert(wire, original);
        }
        free
    }

    /// The name on the wire.
    pub fn wire(&self, name: &str, namespace: Option<&str>) -> String {
        match self.known(name, namespace) {
            Some(known) => known.wire.clone(),
            None => fitted(namespace, name, self.limit),
        }
    }

    fn known(&self, name: &str, namespace: Option<&str>) -> Option<&Known> {
        let known = self.wire.get(name)?;
        known.iter().find(|known| known.namespace.as_deref() == namespace)
    }

    /// The name on the wire of a tool that is named without its namespace, as tool choices do.
    pub fn wire_of(&self, name: &str) -> String {
        let declared = self.wire.get(name).into_iter().flatten();
        let shortest = declared
            .map(|known| &known.wire)
            .min_by_key(|wire| (wire.len(), wire.as_str()));
        shortest
            .cloned()
            .unwrap_or_else(|| fitted(None, name, self.limit))
    }

    /// What has to be undone in the answer: the names that changed and the freeform tools, which even servers that take
    /// them as such may call as functions.
    pub fn into_restoration(self) -> std::collections::HashMap<String, OriginalTool> {
        let changed = |(wire, original): &(String, OriginalTool)| {
            *wire != original.name || original.namespace.is_some() || original.call == CallKind::Freeform
        };
        self.original.into_iter().filter(changed).collect()
    }
}

/// A name that the target takes: the namespace in front, other characters replaced, a hash in place of what is too long.
fn fitted(namespace: Option<&str>, name: &str, limit: usize) -> String {
    let full = match namespace {
        Some(namespace) => format!("{namespace}__{name}"),
        None => name.to_owned(),
    };
    let legal = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let mut fitted: String = full.chars().map(legal).collect();
    if fitted.is_empty() {
        fitted.push('_');
    }
    if fitted.len() > limit {
        fitted.truncate(limit.saturating_sub(9));
        fitted.push('_');
        for byte in Sha256::digest(&full).iter().take(4) {
            // Writing to a String cannot fail.
            let _ = write!(fitted, "{byte:02x}");
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fitted() {
        assert_eq!(fitted(None, "get_weather", 64), "get_weather");
        assert_eq!(fitted(None, "mcp.server/tool", 64), "mcp_server_tool");
        assert_eq!(fitted(Some("crm"), "find", 64), "crm__find");
        let long = "x".repeat(90);
        let short = fitted(None, &long, 64);
        assert_eq!(short.len(), 64);
        assert_ne!(short, fitted(None, &"x".repeat(91), 64));
    }
}
