//! Removes from a body of the Messages API what Bedrock does not accept, as edits that leave every other byte alone.
//!
//! Bedrock rejects members and betas that it does not know. It documents both in
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>.
//!
//! The body is edited and not rewritten, because prompt caches and the signatures of thinking blocks depend on its
//! bytes.
//!
//! - `members`: the members of the body, `context_management` and `output_config`
//! - `messages`: instructions, messages, content blocks and cache breakpoints
//! - `tools`: the tools

mod members;
mod messages;
mod tools;

use std::borrow::Cow;

use super::reasons::BedrockReason;
use crate::canonical::Scope;
use crate::capability::Capabilities;
use crate::wire::splice::{JsonKind, ScanError, SpliceError, SpliceNode, Splices};

/// Betas that Bedrock accepts.
const BETAS: [&str; 16] = [
    "compact-2026-01-12",
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "dev-full-thinking-2025-05-14",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "output-128k-2025-02-19",
    "thinking-display-updates-2026-08-18",
    "thinking-token-count-2026-05-13",
    "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19",
];
const COMPACTION: &str = "compact-2026-01-12";
const CLEARING: &str = "context-management-2025-06-27";

/// What has to be done to a body so that Bedrock accepts it.
#[derive(Debug)]
pub struct SanitizedBody {
    splices: Splices,
    /// Whether any member of the body remains.
    has_members: bool,
    /// The betas that the remaining members need, and those that the client asked for and Bedrock accepts.
    pub betas: Vec<String>,
}

impl SanitizedBody {
    /// Writes the body with other members before its own. `head` is their JSON, without braces.
    ///
    /// # Errors
    /// When a member that is edited occurs more than once.
    pub fn write_with_head(
        mut self,
        head: &str,
        document: &SpliceNode<'_>,
        body: &[u8],
    ) -> Result<Vec<u8>, ScanError> {
        let comma = if self.has_members { "," } else { "" };
        let start = document.span().start + 1;
        self.splices.replace(0..start, format!("{{{head}{comma}"));
        self.splices.copy(body).map_err(|error| ScanError {
            offset: match error {
                SpliceError::Overlap(at) | SpliceError::OutOfRange(at) => at,
            },
            expected: "members that occur only once",
        })
    }
}

/// Finds what has to be removed from a body. `scope` is that of the document.
///
/// # Errors
/// When the body is no JSON object.
pub fn sanitize_body(
    scope: &mut Scope<'_>,
    document: &SpliceNode<'_>,
    betas: Vec<String>,
    capabilities: &Capabilities,
) -> Result<SanitizedBody, ScanError> {
    let mut sanitizer = Sanitizer {
        splices: Splices::new(),
        needed_betas: Vec::new(),
        is_search_forced: tools::is_search_forced(document)?,
        capabilities,
    };
    let mut removed: Vec<Cow<'_, str>> = Vec::new();
    for member in document.members()? {
        let member = member?;
        let key = member.key.text()?;
        match sanitizer.sanitize_member(&mut scope.field(&key), &key, &member.value)? {
            Verdict::Keep => {}
            Verdict::Remove => removed.push(key),
        }
    }
    let remaining = sanitizer
        .splices
        .retain_members(document, |key, _| !removed.iter().any(|removed| removed == key))?;
    Ok(SanitizedBody {
        splices: sanitizer.splices,
        has_members: remaining > 0,
        betas: select_betas(scope, betas, &sanitizer.needed_betas),
    })
}

/// The betas of the client that Bedrock accepts, then those that the body needs.
fn select_betas(scope: &mut Scope<'_>, asked: Vec<String>, needed: &[&'static str]) -> Vec<String> {
    let mut betas: Vec<String> = Vec::new();
    for beta in asked {
        // These two are for an edit of the context. If the edit has been removed, its beta goes with it.
        let lacks_edit = [COMPACTION, CLEARING].contains(&&*beta) && !needed.contains(&&*beta);
        if lacks_edit || !BETAS.contains(&&*beta) {
            scope
                .at("anthropic-beta")
                .field(&beta)
                .drop(BedrockReason::UnknownBeta);
        } else if !betas.contains(&beta) {
            betas.push(beta);
        }
    }
    for beta in needed {
        if !betas.iter().any(|known| known == beta) {
            betas.push((*beta).to_owned());
        }
    }
    betas
}

/// Whether a member stays in the object that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Keep,
    Remove,
}

/// Collects the edits of one body.
struct Sanitizer<'a> {
    splices: Splices,
    /// Whether `tool_choice` forces a web search; leaving the search tool out would then leave the choice without its
    /// tool.
    is_search_forced: bool,
    /// Betas without which Bedrock refuses what the body contains.
    needed_betas: Vec<&'static str>,
    capabilities: &'a Capabilities,
}

impl Sanitizer<'_> {
    fn require_beta(&mut self, beta: &'static str) {
        if !self.needed_betas.contains(&beta) {
            self.needed_betas.push(beta);
        }
    }
}

/// The text of an object's `type`; empty if it has none.
fn type_of<'a>(node: &SpliceNode<'a>) -> Result<Cow<'a, str>, ScanError> {
    if node.kind() != JsonKind::Object {
        return Ok("".into());
    }
    match node.get("type")?.filter(|kind| kind.kind() == JsonKind::String) {
        Some(kind) => kind.text(),
        None => Ok("".into()),
    }
}

fn has_elements(node: &SpliceNode<'_>) -> Result<bool, ScanError> {
    Ok(node.kind() == JsonKind::Array && node.elements()?.next().transpose()?.is_some())
}
