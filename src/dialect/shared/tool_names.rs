//! Tool names: unchanged if the target accepts them, else mapped.
//!
//! The mapping has no state. It is made from the tools and the history of each request, and is the same for the
//! same names, so that prompt caches stay valid.

use std::fmt::Write as _;

use foldhash::{HashMap, HashMapExt};
use sha2::{Digest, Sha256};

use super::reasons::SharedReason;
use crate::canonical::{Block, CallKind, OriginalTool, Path, Request, Scope, Tool};

/// The one parameter of a function that wraps a freeform tool.
pub const PARAMETER: &str = "input";

/// The tool names of one request as the target knows them: their names on the wire.
#[derive(Debug)]
pub struct ToolNames {
    limit: usize,
    /// By the client's name, the name on the wire for each namespace.
    by_name: HashMap<String, Vec<WireName>>,
    /// By the name on the wire, the tool as the client knows it.
    original: HashMap<String, OriginalTool>,
}

/// The name on the wire of a tool in a namespace.
#[derive(Debug)]
struct WireName {
    namespace: Option<String>,
    name: String,
}

impl ToolNames {
    /// The names for a target that accepts letters, digits, `_` and `-`, at most `limit` (over 9) of them. Two tools
    /// whose names become the same are refused: a call of one could not be distinguished from a call of the other.
    pub fn new(scope: &mut Scope<'_>, request: &Request, limit: usize) -> Self {
        let mut names = Self {
            limit,
            by_name: HashMap::new(),
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
                    // A call of a tool that is no longer declared may share a mapped name: only calls in the response
                    // are mapped back.
                    let _ = names.add(&call.name, call.namespace.as_deref(), CallKind::Function);
                }
            }
        }
        names
    }

    /// Adds a name; `false` if another tool already has the same name on the wire.
    fn add(&mut self, name: &str, namespace: Option<&str>, call: CallKind) -> bool {
        if self.find(name, namespace).is_some() {
            return true;
        }
        let wire = map_name(namespace, name, self.limit);
        let original = OriginalTool {
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            call,
        };
        let is_free = !self.original.contains_key(&wire);
        self.by_name.entry(name.to_owned()).or_default().push(WireName {
            namespace: namespace.map(str::to_owned),
            name: wire.clone(),
        });
        if is_free {
            self.original.insert(wire, original);
        }
        is_free
    }

    /// The name on the wire of a tool.
    pub fn wire_name(&self, name: &str, namespace: Option<&str>) -> String {
        match self.find(name, namespace) {
            Some(found) => found.name.clone(),
            None => map_name(namespace, name, self.limit),
        }
    }

    fn find(&self, name: &str, namespace: Option<&str>) -> Option<&WireName> {
        let names = self.by_name.get(name)?;
        names.iter().find(|wire| wire.namespace.as_deref() == namespace)
    }

    /// The name on the wire of a tool that a tool choice names without its namespace. Of several the shortest is used:
    /// that of the tool without a namespace, if there is one.
    pub fn wire_name_of_choice(&self, name: &str) -> String {
        let declared = self.by_name.get(name).into_iter().flatten();
        let shortest = declared
            .map(|wire| &wire.name)
            .min_by_key(|name| (name.len(), name.as_str()));
        shortest
            .cloned()
            .unwrap_or_else(|| map_name(None, name, self.limit))
    }

    /// The tools that have to be restored in the response, by their names on the wire: those whose name changed, and
    /// freeform tools, which a server may call as functions even if it accepts them as freeform.
    pub fn into_original_tools(self) -> std::collections::HashMap<String, OriginalTool> {
        let changed = |(wire, original): &(String, OriginalTool)| {
            *wire != original.name || original.namespace.is_some() || original.call == CallKind::Freeform
        };
        self.original.into_iter().filter(changed).collect()
    }
}

/// A name that the target accepts: the namespace before it, other characters replaced, the end of a name that is too
/// long replaced by a hash of the whole.
fn map_name(namespace: Option<&str>, name: &str, limit: usize) -> String {
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
    let mut mapped: String = full.chars().map(legal).collect();
    if mapped.is_empty() {
        mapped.push('_');
    }
    if mapped.len() > limit {
        mapped.truncate(limit.saturating_sub(9));
        mapped.push('_');
        for byte in Sha256::digest(&full).iter().take(4) {
            // Writing to a String cannot fail.
            let _ = write!(mapped, "{byte:02x}");
        }
    }
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_name_has_only_legal_characters_and_no_more_than_the_limit() {
        assert_eq!(map_name(None, "get_weather", 64), "get_weather");
        assert_eq!(map_name(None, "mcp.server/tool", 64), "mcp_server_tool");
        assert_eq!(map_name(Some("crm"), "find", 64), "crm__find");
        let long = "x".repeat(90);
        let short = map_name(None, &long, 64);
        assert_eq!(short.len(), 64);
        assert_ne!(short, map_name(None, &"x".repeat(91), 64));
    }
}
