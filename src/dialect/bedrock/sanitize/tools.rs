//! The tools.

use super::super::reasons::BedrockReason;
use super::{Sanitizer, has_elements, type_of};
use crate::canonical::Scope;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::wire::splice::{JsonKind, ScanError, SpliceNode};

const TOOL_STREAMING: &str = "fine-grained-tool-streaming-2025-05-14";
const TOOL_SEARCH: &str = "tool-search-tool-2025-10-19";
const TOOL_EXAMPLES: &str = "tool-examples-2025-10-29";

/// The types of the web search tool begin with this.
const WEB_SEARCH: &str = "web_search_";

/// The types of tools that Anthropic's own service runs begin with these.
const SERVER_TOOLS: [&str; 6] = [
    WEB_SEARCH,
    "web_fetch_",
    "code_execution_",
    "mcp_toolset",
    "advisor_",
    "tool_search_tool_bm25",
];

/// Tools of the vendor that the client runs, by the beginning of their type, with the beta that each needs.
const CLIENT_TOOLS: [(&str, &str); 4] = [
    ("computer_20241022", "computer-use-2024-10-22"),
    ("computer_20250124", "computer-use-2025-01-24"),
    ("computer_20251124", "computer-use-2025-11-24"),
    ("tool_search_tool_regex", TOOL_SEARCH),
];

impl Sanitizer<'_> {
    /// Refuses tools that Anthropic's own service runs. A web search is left out instead if other tools remain and the
    /// request does not force it: the conversation can go on without it.
    pub(super) fn sanitize_tools(
        &mut self,
        scope: &mut Scope<'_>,
        tools: &SpliceNode<'_>,
    ) -> Result<(), ScanError> {
        let elements = tools.elements()?.collect::<Result<Vec<_>, _>>()?;
        let types = elements.iter().map(type_of).collect::<Result<Vec<_>, _>>()?;
        let is_search: Vec<bool> = types.iter().map(|kind| kind.starts_with(WEB_SEARCH)).collect();
        let may_drop_search = is_search.contains(&false) && !self.is_search_forced;
        for (index, (tool, kind)) in elements.iter().zip(&types).enumerate() {
            if tool.kind() != JsonKind::Object {
                continue;
            }
            let mut scope = scope.index(index);
            if may_drop_search && kind.starts_with(WEB_SEARCH) {
                scope.drop(ClaudeReason::SearchLeftOut);
                continue;
            }
            if SERVER_TOOLS.iter().any(|name| kind.starts_with(name)) {
                scope.refuse(ClaudeReason::NoServerTools);
                continue;
            }
            for (name, beta) in CLIENT_TOOLS {
                if kind.starts_with(name) {
                    self.require_beta(beta);
                }
            }
            self.sanitize_tool(&mut scope, tool)?;
        }
        if may_drop_search && is_search.contains(&true) {
            let stays = |index: usize| !is_search.get(index).copied().unwrap_or_default();
            self.splices.retain_elements(tools, |index, _| stays(index))?;
        }
        Ok(())
    }

    fn sanitize_tool(&mut self, scope: &mut Scope<'_>, tool: &SpliceNode<'_>) -> Result<(), ScanError> {
        self.sanitize_cache_control(scope, tool)?;
        for member in tool.members()? {
            let member = member?;
            let is_true = member.value.raw() == b"true";
            match &*member.key.text()? {
                "eager_input_streaming" if is_true => self.require_beta(TOOL_STREAMING),
                "defer_loading" if is_true => self.require_beta(TOOL_SEARCH),
                "input_examples" if has_elements(&member.value)? => self.require_beta(TOOL_EXAMPLES),
                "strict" if is_true && !self.capabilities.strict_tools => {
                    scope.field("strict").drop(BedrockReason::UnenforcedArguments);
                }
                "allowed_callers" => scope.field("allowed_callers").drop(BedrockReason::AllowedCallers),
                _ => {}
            }
        }
        let has_strict = self.capabilities.strict_tools;
        self.splices.retain_members(tool, |key, _| match key {
            // On Bedrock a beta has the effect of the first.
            "eager_input_streaming" | "allowed_callers" => false,
            "strict" => has_strict,
            _ => true,
        })?;
        Ok(())
    }
}

/// Whether the request forces the model to search the web.
pub(super) fn is_search_forced(document: &SpliceNode<'_>) -> Result<bool, ScanError> {
    if document.kind() != JsonKind::Object {
        return Ok(false);
    }
    let choice = document
        .get("tool_choice")?
        .filter(|choice| choice.kind() == JsonKind::Object);
    let name = match choice {
        Some(choice) => choice.get("name")?,
        None => None,
    };
    Ok(name.is_some_and(|name| name.is_text("web_search")))
}
