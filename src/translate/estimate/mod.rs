//! Estimates of a request's input tokens, for upstreams that do not count them.
//!
//! [`estimate_from_length`] guesses from the length of the text, which costs nothing: it is made for every request,
//! because some dialects report input tokens at the start of a stream, before the upstream has. [`Estimate`] tokenizes
//! with OpenAI's vocabulary; `docs/token-counts.md` has its errors.
//!
//! - `tokenizer`: counts the tokens of texts
//! - `schema`: the tokens of a function, as OpenAI's models see it
//! - `image`: the tokens of an image

mod image;
mod schema;
mod tokenizer;

use crate::canonical::{
    Block, Document, DocumentSource, Family, OutputFormat, Request, Tool, ToolChoice, ToolInput,
};
use crate::wire::json::LazyStr;
use tokenizer::{TokenTally, TokenWeights};

/// About so many bytes of English text or code are one token.
const BYTES_PER_TOKEN: usize = 4;
/// The tokens around a message: its role and its delimiters.
/// <https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken>
const MESSAGE: u64 = 3;
/// The tokens with which the response begins.
const RESPONSE_START: u64 = 3;
/// The tokens of the instructions that Claude gets with tools, and with tools of which it has to call one:
/// <https://platform.claude.com/docs/en/about-claude/pricing#tool-use-pricing>.
const CLAUDE_TOOLS: u64 = 346;
const CLAUDE_FORCED_TOOL: u64 = 313;

/// About the number of input tokens, from the length of the request's text alone. Media do not count.
pub fn estimate_from_length(request: &Request) -> u64 {
    let mut bytes = 0_usize;
    for_each_text(request, &mut |text| {
        bytes += match text {
            RequestText::Plain(text) => text.len(),
            RequestText::Lazy(text) => text.len(),
        }
    });
    u64::try_from(bytes / BYTES_PER_TOKEN)
        .unwrap_or(u64::MAX)
        .saturating_add(1)
}

/// A text of a request.
enum RequestText<'a> {
    Plain(&'a str),
    /// Its length is known without decoding it.
    Lazy(&'a LazyStr),
}

impl<'a> RequestText<'a> {
    fn as_str(&self) -> &'a str {
        match self {
            Self::Plain(text) => text,
            Self::Lazy(text) => text.as_str(),
        }
    }
}

/// The models whose token counts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CountedModel {
    /// OpenAI's, and every model that is not known.
    OpenAi {
        /// Whether images count by tiles, as in the models before GPT-5.1, instead of by patches.
        tiles: bool,
    },
    /// Claude.
    Claude {
        /// Whether it has the tokenizer that came with Opus 4.7.
        newer: bool,
    },
}

impl CountedModel {
    /// The model of a name, which may begin with a vendor and a region.
    fn of(family: Family, name: &str) -> Self {
        let name = name.to_ascii_lowercase().replace(['.', '_', '@'], "-");
        let name = name.rsplit('/').next().unwrap_or_default();
        if family == Family::Claude || name.contains("claude") {
            return Self::Claude {
                newer: !is_older_claude(name),
            };
        }
        let version = name.find("gpt-").and_then(|at| name.get(at..)).unwrap_or(name);
        let tiles = ["gpt-4o", "gpt-4-1", "gpt-4-5", "gpt-4-turbo", "o1", "o3"]
            .iter()
            .any(|known| version.starts_with(known))
            && !version.contains("mini")
            && !version.contains("nano");
        Self::OpenAi {
            tiles: tiles || version == "gpt-5" || version.starts_with("gpt-5-2025"),
        }
    }

    /// The weights of what the tokenizer counts. Claude's tokenizer is not public; its weights are fitted to counts of
    /// the API (`docs/token-counts.md`).
    fn weights(self) -> TokenWeights {
        let (token, punctuation, uppercase) = match self {
            Self::OpenAi { .. } => (1000, 0, 0),
            Self::Claude { newer: false } => (1020, 280, 70),
            Self::Claude { newer: true } => (1300, 245, 600),
        };
        TokenWeights {
            token,
            punctuation,
            uppercase,
        }
    }
}

/// Whether a Claude of this name has the tokenizer from before Opus 4.7. The parts of the name are separated by `-`.
fn is_older_claude(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    // A number of more than two digits is a date or a revision, not a version.
    let number = |part: &&str| (part.len() <= 2).then(|| part.parse::<u32>().ok()).flatten();
    let mut numbers = parts
        .iter()
        .skip_while(|part| !part.ends_with("claude"))
        .filter_map(number);
    let has_old_name = name.contains("claude-v") || name.contains("claude-instant");
    match (numbers.next(), numbers.next()) {
        (Some(4), Some(minor)) => minor < 7,
        (Some(major), _) => major <= 4,
        (None, _) => has_old_name,
    }
}

/// A request whose tokens are to be counted for a model.
#[derive(Debug)]
pub struct Estimate {
    request: Request,
    model: CountedModel,
}

impl Estimate {
    /// An estimate for the upstream's model.
    pub(super) fn new(request: Request, family: Family, model: &str) -> Self {
        Self {
            request,
            model: CountedModel::of(family, model),
        }
    }

    /// About the number of input tokens. It takes a second or two for the largest requests; an asynchronous task must
    /// not call it.
    pub fn input_tokens(&self) -> u64 {
        let request = &self.request;
        let mut tally = TokenTally::default();
        for_each_text_except_tools(request, &mut |text| tally.add(text.as_str()));
        let mut fixed = RESPONSE_START;
        for _ in &request.system {
            fixed += MESSAGE;
        }
        for message in &request.messages {
            fixed += MESSAGE;
            for block in &message.content {
                fixed += self.count_non_text(block);
            }
        }
        for tool in &request.tools {
            fixed += self.add_tool(tool, &mut tally);
        }
        if matches!(self.model, CountedModel::Claude { .. }) && !request.tools.is_empty() {
            let forced = matches!(
                request.tool_choice,
                Some(ToolChoice::Any | ToolChoice::Named { .. })
            );
            fixed += if forced { CLAUDE_FORCED_TOOL } else { CLAUDE_TOOLS };
        }
        fixed.saturating_add(tally.weigh(self.model.weights()))
    }

    /// The tokens of a block besides those of its text.
    fn count_non_text(&self, block: &Block) -> u64 {
        let all = |blocks: &[Block]| blocks.iter().map(|block| self.count_non_text(block)).sum::<u64>();
        match block {
            Block::Image(image) => image::count_tokens(image, self.model),
            Block::ToolCall(_) => MESSAGE,
            Block::ToolResult(result) => MESSAGE + all(&result.content),
            Block::Document(Document {
                source: DocumentSource::Blocks { content },
                ..
            }) => all(content),
            Block::Text(_)
            | Block::Refusal { .. }
            | Block::Document(_)
            | Block::Audio(_)
            | Block::SearchResult(_)
            | Block::Reasoning(_)
            | Block::ServerTool(_) => 0,
        }
    }

    /// Adds a tool's text and returns its other tokens.
    fn add_tool(&self, tool: &Tool, tally: &mut TokenTally) -> u64 {
        if let (CountedModel::OpenAi { .. }, Tool::Function(tool)) = (self.model, tool) {
            return schema::add_function(tool, tally);
        }
        for_each_text_of_tool(tool, &mut |text| tally.add(text.as_str()));
        match tool {
            Tool::Function(_) | Tool::Freeform(_) => MESSAGE,
            Tool::WebSearch(_) => 0,
        }
    }
}

fn for_each_text(request: &Request, visit: &mut dyn FnMut(RequestText<'_>)) {
    for_each_text_except_tools(request, visit);
    for tool in &request.tools {
        for_each_text_of_tool(tool, visit);
    }
}

fn for_each_text_except_tools(request: &Request, visit: &mut dyn FnMut(RequestText<'_>)) {
    for block in &request.system {
        visit(RequestText::Lazy(&block.text));
    }
    for message in &request.messages {
        if let Some(name) = &message.name {
            visit(RequestText::Plain(name));
        }
        for block in &message.content {
            for_each_text_of_block(block, visit);
        }
    }
    if let Some(OutputFormat::JsonSchema { schema, .. }) = &request.output_format {
        visit(RequestText::Plain(schema.get()));
    }
}

fn for_each_text_of_block(block: &Block, visit: &mut dyn FnMut(RequestText<'_>)) {
    match block {
        Block::Text(text) => visit(RequestText::Lazy(&text.text)),
        Block::Refusal { text } => visit(RequestText::Lazy(text)),
        Block::Reasoning(reasoning) => reasoning
            .parts
            .iter()
            .for_each(|part| visit(RequestText::Lazy(part))),
        Block::ToolCall(call) => {
            visit(RequestText::Plain(&call.name));
            match &call.input {
                ToolInput::Object { json } => visit(RequestText::Plain(json.get())),
                ToolInput::Malformed { text } | ToolInput::Freeform { text } => {
                    visit(RequestText::Lazy(text))
                }
            }
        }
        Block::ToolResult(result) => {
            for block in &result.content {
                for_each_text_of_block(block, visit);
            }
        }
        Block::SearchResult(result) => {
            visit(RequestText::Plain(&result.source));
            visit(RequestText::Plain(&result.title));
            result
                .content
                .iter()
                .for_each(|text| visit(RequestText::Lazy(text)));
        }
        Block::Document(document) => {
            for text in [&document.title, &document.context].into_iter().flatten() {
                visit(RequestText::Plain(text));
            }
            match &document.source {
                DocumentSource::Text { text } => visit(RequestText::Lazy(text)),
                DocumentSource::Blocks { content } => {
                    for block in content {
                        for_each_text_of_block(block, visit);
                    }
                }
                // Only the vendor knows the tokens of a file's pages.
                DocumentSource::Media(_) => {}
            }
        }
        Block::Image(_) | Block::Audio(_) | Block::ServerTool(_) => {}
    }
}

fn for_each_text_of_tool(tool: &Tool, visit: &mut dyn FnMut(RequestText<'_>)) {
    match tool {
        Tool::Function(tool) => {
            visit(RequestText::Plain(&tool.name));
            if let Some(description) = &tool.description {
                visit(RequestText::Lazy(description));
            }
            if let Some(parameters) = &tool.parameters {
                visit(RequestText::Plain(parameters.get()));
            }
        }
        Tool::Freeform(tool) => {
            visit(RequestText::Plain(&tool.name));
            if let Some(description) = &tool.description {
                visit(RequestText::Lazy(description));
            }
            if let Some(grammar) = &tool.grammar {
                visit(RequestText::Plain(&grammar.definition));
            }
        }
        Tool::WebSearch(_) => {}
    }
}

#[cfg(test)]
mod tests;
