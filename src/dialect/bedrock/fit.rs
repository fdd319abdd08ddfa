//! What Bedrock takes of a body of the Messages API, as edits that leave all other bytes alone.
//!
//! Bedrock checks bodies strictly: a member that it does not know is an error, and so is an unknown beta. Its list of
//! both is in <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>.

use std::borrow::Cow;

use crate::canonical::Losses;
use crate::canonical::Path;
use crate::capability::Capabilities;
use crate::dialect::claude::request::{ATTRIBUTION, REMINDER};
use crate::dialect::claude::tools::{NO_SERVER_TOOLS, SEARCH_LEFT_OUT};
use crate::wire::splice::{
    JsonKind as Kind, ScanError, SpliceError, SpliceNode as Node, Splices, encode_str,
};

/// Why a request with an address in it is refused.
pub const NO_URLS: &str = "Bedrock fetches nothing: the content itself has to be sent";

/// Members of the body that are taken.
const TAKEN: [&str; 14] = [
    "context_management",
    "max_tokens",
    "messages",
    "metadata",
    "output_config",
    "safeguards",
    "stop_sequences",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// Betas that are taken.
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
const TOOL_STREAMING: &str = "fine-grained-tool-streaming-2025-05-14";
const TOOL_SEARCH: &str = "tool-search-tool-2025-10-19";
const TOOL_EXAMPLES: &str = "tool-examples-2025-10-29";
const COMPACTION: &str = "compact-2026-01-12";
const CLEARING: &str = "context-management-2025-06-27";

/// Edits of the context that are taken, each with the beta that it belongs to.
const CONTEXT_EDITS: [(&str, &str); 2] = [
    ("compact_20260112", COMPACTION),
    ("clear_tool_uses_20250919", CLEARING),
];

/// How the types of the web search begin.
const SEARCH: &str = "web_search_";

/// How the types of tools begin that run at Anthropic's.
const SERVER_TOOLS: [&str; 6] = [
    SEARCH,
    "web_fetch_",
    "code_execution_",
    "mcp_toolset",
    "advisor_",
    "tool_search_tool_bm25",
];

/// Tools that run at the client's, by the beginning of their type, with the beta that each needs.
const CLIENT_TOOLS: [(&str, &str); 4] = [
    ("computer_20241022", "computer-use-2024-10-22"),
    ("computer_20250124", "computer-use-2025-01-24"),
    ("computer_20251124", "computer-use-2025-11-24"),
    ("tool_search_tool_regex", TOOL_SEARCH),
];

/// How a body becomes one that Bedrock takes.
#[derive(Debug)]
pub struct Fitted {
    splices: Splices,
    /// Whether any member of the body stays.
    has_members: bool,
    /// The betas that it needs and those that the client asked for, as far as they are taken.
    pub betas: Vec<String>,
}

impl Fitted {
    /// The fitted body with other members in front of its own. `head` is their JSON, without braces.
    ///
    /// # Errors
    /// When members that are edited stand there more than once.
    pub fn with_head(mut self, head: &str, document: &Node<'_>, body: &[u8]) -> Result<Vec<u8>, ScanError> {
        let comma = if self.has_members { "," } else { "" };
        let open = document.span().start + 1;
        self.splices.replace(0..open, format!("{{{head}{comma}"));
        self.splices.copy(body).map_err(|error| ScanError {
            offset: match error {
                SpliceError::Overlap(at) | SpliceError::OutOfRange(at) => at,
            },
            expected: "members that each stand there once",
        })
    }
}

/// Fits a body. Losses are named by their place in it.
///
/// # Errors
/// When it is no JSON object.
pub fn body(
    document: &Node<'_>,
    betas: Vec<String>,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Result<Fitted, ScanError> {
    let mut fit = Fit {
        splices: Splices::new(),
        needed: Vec::new(),
        search_forced: forces_search(document)?,
        capabilities,
        losses,
    };
    let mut gone: Vec<Cow<'_, str>> = Vec::new();
    for member in document.members()? {
        let member = member?;
        let key = member.key.text()?;
        if !fit.member(&key, &member.value)? {
            gone.push(key);
        }
    }
    let left = fit
        .splices
        .retain_members(document, |key, _| !gone.iter().any(|gone| gone == key))?;
    let Fit {
        splices,
        needed,
        losses,
        ..
    } = fit;
    let mut kept: Vec<String> = Vec::new();
    for beta in betas {
        // These stand or fall with the edits of the context that they are for.
        let depends = [COMPACTION, CLEARING].contains(&&*beta) && !needed.contains(&&*beta);
        if depends || !BETAS.contains(&&*beta) {
            losses.drop_field(
                format!("anthropic-beta.{beta}"),
                "a beta that Bedrock does not know",
            );
        } else if !kept.contains(&beta) {
            kept.push(beta);
        }
    }
    for beta in needed {
        if !kept.iter().any(|kept| kept == beta) {
            kept.push(beta.to_owned());
        }
    }
    Ok(Fitted {
        splices,
        has_members: left > 0,
        betas: kept,
    })
}

struct Fit<'a> {
    splices: Splices,
    search_forced: bool,
    needed: Vec<&'static str>,
    capabilities: &'a Capabilities,
    losses: &'a mut Losses,
}

impl Fit<'_> {
    /// Fits a member of the body; `false` where it has to go.
    fn member(&mut self, key: &str, value: &Node<'_>) -> Result<bool, ScanError> {
        let at = Path::Root.field(key);
        match key {
            // The URL says them.
            "model" | "stream" => return Ok(false),
            "container" | "mcp_servers" | "thread" => {
                if value.kind() == Kind::Object || value.kind() == Kind::String || has_elements(value)? {
                    self.losses
                        .refuse(at, "state or servers that only Anthropic's own service has");
                }
                return Ok(false);
            }
            "inference_geo" => {
                if value.kind() != Kind::Null {
                    self.losses
                        .refuse(at, "where data stays is decided by the region of the upstream");
                }
                return Ok(false);
            }
            "cache_control" => {
                self.losses
                    .ignore(at, "Bedrock caches by the breakpoints of blocks only");
                return Ok(false);
            }
            "service_tier" => {
                self.losses.ignore(at, "the tier is a header here");
                return Ok(false);
            }
            _ if !TAKEN.contains(&key) => {
                if value.kind() != Kind::Null {
                    self.losses.drop_field(at, "Bedrock takes no member of this name");
                }
                return Ok(false);
            }
            "context_management" => return self.context_management(value, &at),
            "output_config" => return self.output_config(value, &at),
            "system" if value.kind() == Kind::Array => self.system(value, &at)?,
            "messages" if value.kind() == Kind::Array => self.messages(value, &at)?,
            "tools" if value.kind() == Kind::Array => return self.tools(value, &at),
            "tool_choice" if value.kind() == Kind::Object && !self.capabilities.parallel_tool_calls => {
                let name = "disable_parallel_tool_use";
                if value.get(name)?.is_some_and(|set| set.raw() == b"true") {
                    self.losses
                        .drop_field(at.field(name), "Bedrock takes no such limit");
                }
                self.splices.retain_members(value, |key, _| key != name)?;
            }
            _ => {}
        }
        Ok(true)
    }

    fn context_management(&mut self, value: &Node<'_>, at: &Path<'_>) -> Result<bool, ScanError> {
        if value.kind() != Kind::Object {
            return Ok(false);
        }
        let edits = value.get("edits")?.filter(|edits| edits.kind() == Kind::Array);
        let Some(edits) = edits else {
            self.losses.drop_field(*at, "no edit that Bedrock knows");
            return Ok(false);
        };
        let mut taken = Vec::new();
        let list = at.field("edits");
        for (index, edit) in edits.elements()?.enumerate() {
            let kind = kind_of(&edit?)?;
            let known = CONTEXT_EDITS.iter().find(|(name, _)| *name == kind);
            match known {
                Some((_, beta)) => self.need(beta),
                None => self
                    .losses
                    .drop_field(list.index(index), "an edit that Bedrock does not know"),
            }
            taken.push(known.is_some());
        }
        if !taken.contains(&true) {
            return Ok(false);
        }
        let stays = |index: usize| taken.get(index).copied().unwrap_or_default();
        self.splices.retain_elements(&edits, |index, _| stays(index))?;
        Ok(true)
    }

    fn output_config(&mut self, value: &Node<'_>, at: &Path<'_>) -> Result<bool, ScanError> {
        if value.kind() != Kind::Object {
            return Ok(false);
        }
        let mut kept = 0;
        for member in value.members()? {
            let member = member?;
            let key = member.key.text()?;
            match &*key {
                "effort" => kept += 1,
                "format" if self.capabilities.structured_output => kept += 1,
                "format" => self
                    .losses
                    .drop_field(at.field(&key), "this model's answers are not held to a schema"),
                _ => self
                    .losses
                    .drop_field(at.field(&key), "Bedrock takes no member of this name"),
            }
        }
        if kept == 0 {
            return Ok(false);
        }
        let structured = self.capabilities.structured_output;
        self.splices
            .retain_members(value, |key, _| key == "effort" || (key == "format" && structured))?;
        Ok(true)
    }

    fn system(&mut self, blocks: &Node<'_>, at: &Path<'_>) -> Result<(), ScanError> {
        let mut has_attribution = false;
        for (index, block) in blocks.elements()?.enumerate() {
            let block = block?;
            if block.kind() != Kind::Object {
                continue;
            }
            let text = block.get("text")?.filter(|text| text.kind() == Kind::String);
            let attribution = match text {
                Some(text) => text.text()?.starts_with(ATTRIBUTION),
                None => false,
            };
            if index == 0 && attribution {
                let reason = "the client's attribution line, different in every request";
                self.losses.ignore(at.index(index), reason);
                has_attribution = true;
                continue;
            }
            self.cache_control(&block, &at.index(index))?;
        }
        if has_attribution {
            self.splices.retain_elements(blocks, |index, _| index > 0)?;
        }
        Ok(())
    }

    fn messages(&mut self, messages: &Node<'_>, at: &Path<'_>) -> Result<(), ScanError> {
        for (index, message) in messages.elements()?.enumerate() {
            let message = message?;
            if message.kind() != Kind::Object {
                continue;
            }
            let at = at.index(index);
            let role = message.get("role")?;
            let is_system = role.is_some_and(|role| role.is_text("system"));
            let content = message.get("content")?;
            if let Some(role) = role.filter(|_| is_system && !self.capabilities.mid_system) {
                let reason = "instructions in the middle became framed text of the user";
                self.losses.approximate(at, reason);
                self.splices.replace(role.span(), "\"user\"");
                if let Some(content) = content {
                    self.frame(&content, &at.field("content"))?;
                }
                self.splices
                    .retain_members(&message, |key, _| key == "role" || key == "content")?;
            } else if let Some(content) = content.filter(|content| content.kind() == Kind::Array) {
                self.blocks(&content, &at.field("content"))?;
            }
        }
        Ok(())
    }

    /// Makes instructions text of the user.
    fn frame(&mut self, content: &Node<'_>, at: &Path<'_>) -> Result<(), ScanError> {
        let [begin, end] = REMINDER;
        match content.kind() {
            Kind::String => {
                let framed = format!("{begin}{}{end}", content.text()?);
                self.splices.replace(content.span(), encode_str(&framed));
            }
            Kind::Array => {
                let mut texts = Vec::new();
                for (index, block) in content.elements()?.enumerate() {
                    let block = block?;
                    let is_text = kind_of(&block)? == "text";
                    texts.push(is_text);
                    if !is_text {
                        let reason = "tools do not change in the middle of a conversation";
                        self.losses.drop_field(at.index(index), reason);
                        continue;
                    }
                    if let Some(text) = block.get("text")?.filter(|text| text.kind() == Kind::String) {
                        let framed = format!("{begin}{}{end}", text.text()?);
                        self.splices.replace(text.span(), encode_str(&framed));
                    }
                    self.cache_control(&block, &at.index(index))?;
                }
                let stays = |index: usize| texts.get(index).copied().unwrap_or_default();
                self.splices.retain_elements(content, |index, _| stays(index))?;
            }
            Kind::Object | Kind::Number | Kind::Bool | Kind::Null => {}
        }
        Ok(())
    }

    /// Fits the blocks of a message, of a tool's result or of a document.
    fn blocks(&mut self, blocks: &Node<'_>, at: &Path<'_>) -> Result<(), ScanError> {
        for (index, block) in blocks.elements()?.enumerate() {
            let block = block?;
            if block.kind() != Kind::Object {
                continue;
            }
            let at = at.index(index);
            self.cache_control(&block, &at)?;
            // What the vendor's own tools gave back may hold anything; it passes as it is.
            match &*kind_of(&block)? {
                "image" | "document" => {
                    let Some(source) = block
                        .get("source")?
                        .filter(|source| source.kind() == Kind::Object)
                    else {
                        continue;
                    };
                    match &*kind_of(&source)? {
                        "url" => self.losses.refuse(at.field("source"), NO_URLS),
                        "file" => self.losses.refuse(
                            at.field("source"),
                            "a file in Anthropic's store is not known to Bedrock",
                        ),
                        "content" => self.inner(&source, &at.field("source"))?,
                        _ => {}
                    }
                }
                "tool_result" => self.inner(&block, &at)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn inner(&mut self, holder: &Node<'_>, at: &Path<'_>) -> Result<(), ScanError> {
        match holder
            .get("content")?
            .filter(|content| content.kind() == Kind::Array)
        {
            Some(content) => self.blocks(&content, &at.field("content")),
            None => Ok(()),
        }
    }

    /// Leaves of a cache breakpoint what Bedrock knows.
    fn cache_control(&mut self, holder: &Node<'_>, at: &Path<'_>) -> Result<(), ScanError> {
        let found = holder.get("cache_control")?;
        let Some(control) = found.filter(|control| control.kind() == Kind::Object) else {
            return Ok(());
        };
        let at = at.field("cache_control");
        let taken = |key: &str| key == "type" || key == "ttl";
        for member in control.members()? {
            let key = member?.key.text()?;
            if !taken(&key) {
                self.losses
                    .ignore(at.field(&key), "Bedrock's caches have no such setting");
            }
        }
        self.splices.retain_members(&control, |key, _| taken(key))?;
        Ok(())
    }

    fn tools(&mut self, tools: &Node<'_>, at: &Path<'_>) -> Result<bool, ScanError> {
        let elements = tools.elements()?.collect::<Result<Vec<_>, _>>()?;
        let kinds = elements.iter().map(kind_of).collect::<Result<Vec<_>, _>>()?;
        let is_search: Vec<bool> = kinds.iter().map(|kind| kind.starts_with(SEARCH)).collect();
        let may_go = is_search.contains(&false) && !self.search_forced;
        for (index, (tool, kind)) in elements.iter().zip(&kinds).enumerate() {
            if tool.kind() != Kind::Object {
                continue;
            }
            let at = at.index(index);
            if may_go && kind.starts_with(SEARCH) {
                self.losses.drop_field(at, SEARCH_LEFT_OUT);
                continue;
            }
            if SERVER_TOOLS.iter().any(|name| kind.starts_with(name)) {
                self.losses.refuse(at, NO_SERVER_TOOLS);
                continue;
            }
            for (name, beta) in CLIENT_TOOLS {
                if kind.starts_with(name) {
                    self.need(beta);
                }
            }
            self.tool(tool, &at)?;
        }
        if may_go && is_search.contains(&true) {
            let stays = |index: usize| !is_search.get(index).copied().unwrap_or_default();
            self.splices.retain_elements(tools, |index, _| stays(index))?;
        }
        Ok(true)
    }

    fn tool(&mut self, tool: &Node<'_>, at: &Path<'_>) -> Result<(), ScanError> {
        self.cache_control(tool, at)?;
        for member in tool.members()? {
            let member = member?;
            let is_true = member.value.raw() == b"true";
            match &*member.key.text()? {
                "eager_input_streaming" if is_true => self.need(TOOL_STREAMING),
                "defer_loading" if is_true => self.need(TOOL_SEARCH),
                "input_examples" if has_elements(&member.value)? => self.need(TOOL_EXAMPLES),
                "strict" if is_true && !self.capabilities.strict_tools => self
                    .losses
                    .drop_field(at.field("strict"), "arguments are not held to the schema"),
                "allowed_callers" => self.losses.drop_field(
                    at.field("allowed_callers"),
                    "Bedrock runs no code that could call tools",
                ),
                _ => {}
            }
        }
        let strict = self.capabilities.strict_tools;
        self.splices.retain_members(tool, |key, _| match key {
            "eager_input_streaming" | "allowed_callers" => false,
            "strict" => strict,
            _ => true,
        })?;
        Ok(())
    }

    fn need(&mut self, beta: &'static str) {
        if !self.needed.contains(&beta) {
            self.needed.push(beta);
        }
    }
}

/// Whether the model is told to search.
fn forces_search(document: &Node<'_>) -> Result<bool, ScanError> {
    if document.kind() != Kind::Object {
        return Ok(false);
    }
    let choice = document
        .get("tool_choice")?
        .filter(|choice| choice.kind() == Kind::Object);
    let name = match choice {
        Some(choice) => choice.get("name")?,
        None => None,
    };
    Ok(name.is_some_and(|name| name.is_text("web_search")))
}

/// The text of an object's `type`; empty where it has none.
fn kind_of<'a>(node: &Node<'a>) -> Result<Cow<'a, str>, ScanError> {
    if node.kind() != Kind::Object {
        return Ok("".into());
    }
    match node.get("type")?.filter(|kind| kind.kind() == Kind::String) {
        Some(kind) => kind.text(),
        None => Ok("".into()),
    }
}

fn has_elements(node: &Node<'_>) -> Result<bool, ScanError> {
    Ok(node.kind() == Kind::Array && node.elements()?.next().transpose()?.is_some())
}
