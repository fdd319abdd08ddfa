//! Numbers of input tokens where nobody has counted them.
//!
//! [`rough`] is a guess from the length of the text, for the beginning of streams: it costs nothing. [`Estimate`] really
//! tokenizes, with OpenAI's vocabulary; how far it is from the truth stands in `docs/token-counts.md`.

mod image;
mod schema;
mod tokenizer;

use crate::canonical::{
    Block, Document, DocumentSource, Family, OutputFormat, Request, Tool, ToolChoice, ToolInput,
};
use crate::wire::json::LazyStr;
use tokenizer::{Tally, Weights};

/// Bytes of text that make about one token of English or code.
const BYTES_PER_TOKEN: usize = 4;
/// What frames a message: its role and its ends.
/// <https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken>
const MESSAGE: u64 = 3;
/// What begins the answer.
const ANSWER: u64 = 3;
/// The instructions that Claude gets where a request has tools, and where it has to call one:
/// <https://platform.claude.com/docs/en/about-claude/pricing#tool-use-pricing>.
const CLAUDE_TOOLS: u64 = 346;
const CLAUDE_FORCED_TOOL: u64 = 313;

/// About as many input tokens as the request's text has, by its length alone. Media count nothing.
pub fn rough(request: &Request) -> u64 {
    let mut bytes = 0_usize;
    for_each_text(request, &mut |text| {
        bytes += match text {
            Words::Plain(text) => text.len(),
            Words::Lazy(text) => text.len(),
        }
    });
    u64::try_from(bytes / BYTES_PER_TOKEN)
        .unwrap_or(u64::MAX)
        .saturating_add(1)
}

/// A text of a request.
enum Words<'a> {
    Plain(&'a str),
    /// How long it is, is known without decoding it.
    Lazy(&'a LazyStr),
}

impl<'a> Words<'a> {
    fn as_str(&self) -> &'a str {
        match self {
            Self::Plain(text) => text,
            Self::Lazy(text) => text.as_str(),
        }
    }
}

/// Whose models count, as far as they count differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Model {
    /// OpenAI's, and all others that are not known.
    OpenAi {
        /// Images count by tiles, as in the models before GPT-5.1, instead of by patches.
        tiles: bool,
    },
    /// Claude.
    Claude {
        /// The tokenizer that came with Opus 4.7.
        newer: bool,
    },
}

impl Model {
    /// The model of a name, which may have the vendor and a region in front of it.
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

    /// How much each of what the tokenizer sees counts. Claude's are fitted; see `docs/token-counts.md`.
    fn weights(self) -> Weights {
        let (token, punctuation, uppercase) = match self {
            Self::OpenAi { .. } => (1000, 0, 0),
            Self::Claude { newer: false } => (1020, 280, 70),
            Self::Claude { newer: true } => (1300, 245, 600),
        };
        Weights {
            token,
            punctuation,
            uppercase,
        }
    }
}

/// Whether a Claude of this name has the tokenizer from before Opus 4.7. `-` stands between all parts of the name.
fn is_older_claude(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    // A date or a revision is no version: those have one or two digits.
    let number = |part: &&str| (part.len() <= 2).then(|| part.parse::<u32>().ok()).flatten();
    let mut numbers = parts
        .iter()
        .skip_while(|part| !part.ends_with("claude"))
        .filter_map(number);
    let is_named_otherwise = name.contains("claude-v") || name.contains("claude-instant");
    match (numbers.next(), numbers.next()) {
        (Some(4), Some(minor)) => minor < 7,
        (Some(major), _) => major <= 4,
        (None, _) => is_named_otherwise,
    }
}

/// A request whose tokens are to be counted for a model.
#[derive(Debug)]
pub struct Estimate {
    request: Request,
    model: Model,
}

impl Estimate {
    /// An estimate for the upstream's model.
    pub(super) fn new(request: Request, family: Family, model: &str) -> Self {
        Self {
            request,
            model: Model::of(family, model),
        }
    }

    /// About as many input tokens as the request has. Takes a second or two for the largest requests: not for a thread
    /// that others wait for.
    pub fn input_tokens(&self) -> u64 {
        let request = &self.request;
        let mut tally = Tally::default();
        for_each_text_but_tools(request, &mut |text| tally.add(text.as_str()));
        let mut fixed = ANSWER;
        for _ in &request.system {
            fixed += MESSAGE;
        }
        for message in &request.messages {
            fixed += MESSAGE;
            for block in &message.content {
                fixed += self.beside_text(block);
            }
        }
        for tool in &request.tools {
            fixed += self.tool(tool, &mut tally);
        }
        if matches!(self.model, Model::Claude { .. }) && !request.tools.is_empty() {
            let forced = matches!(
                request.tool_choice,
                Some(ToolChoice::Any | ToolChoice::Named { .. })
            );
            fixed += if forced { CLAUDE_FORCED_TOOL } else { CLAUDE_TOOLS };
        }
        fixed.saturating_add(tally.weighted(self.model.weights()))
    }

    /// What a block costs beside its text.
    fn beside_text(&self, block: &Block) -> u64 {
        let all = |blocks: &[Block]| blocks.iter().map(|block| self.beside_text(block)).sum::<u64>();
        match block {
            Block::Image(image) => image::tokens(image, self.model),
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

    /// Adds a tool's text and gives what it costs beside that.
    fn tool(&self, tool: &Tool, tally: &mut Tally) -> u64 {
        if let (Model::OpenAi { .. }, Tool::Function(tool)) = (self.model, tool) {
            return schema::function(tool, tally);
        }
        for_each_text_of_tool(tool, &mut |text| tally.add(text.as_str()));
        match tool {
            Tool::Function(_) | Tool::Freeform(_) => MESSAGE,
            Tool::WebSearch(_) => 0,
        }
    }
}

fn for_each_text(request: &Request, with: &mut dyn FnMut(Words<'_>)) {
    for_each_text_but_tools(request, with);
    for tool in &request.tools {
        for_each_text_of_tool(tool, with);
    }
}

fn for_each_text_but_tools(request: &Request, with: &mut dyn FnMut(Words<'_>)) {
    for block in &request.system {
        with(Words::Lazy(&block.text));
    }
    for message in &request.messages {
        if let Some(name) = &message.name {
            with(Words::Plain(name));
        }
        for block in &message.content {
            for_each_text_of_block(block, with);
        }
    }
    if let Some(OutputFormat::JsonSchema { schema, .. }) = &request.output_format {
        with(Words::Plain(schema.get()));
    }
}

fn for_each_text_of_block(block: &Block, with: &mut dyn FnMut(Words<'_>)) {
    match block {
        Block::Text(text) => with(Words::Lazy(&text.text)),
        Block::Refusal { text } => with(Words::Lazy(text)),
        Block::Reasoning(reasoning) => reasoning.parts.iter().for_each(|part| with(Words::Lazy(part))),
        Block::ToolCall(call) => {
            with(Words::Plain(&call.name));
            match &call.input {
                ToolInput::Object { json } => with(Words::Plain(json.get())),
                ToolInput::Malformed { text } | ToolInput::Freeform { text } => with(Words::Lazy(text)),
            }
        }
        Block::ToolResult(result) => {
            for block in &result.content {
                for_each_text_of_block(block, with);
            }
        }
        Block::SearchResult(result) => {
            with(Words::Plain(&result.source));
            with(Words::Plain(&result.title));
            result.content.iter().for_each(|text| with(Words::Lazy(text)));
        }
        Block::Document(document) => {
            for text in [&document.title, &document.context].into_iter().flatten() {
                with(Words::Plain(text));
            }
            match &document.source {
                DocumentSource::Text { text } => with(Words::Lazy(text)),
                DocumentSource::Blocks { content } => {
                    for block in content {
                        for_each_text_of_block(block, with);
                    }
                }
                // What a file's pages cost is known to the vendor alone.
                DocumentSource::Media(_) => {}
            }
        }
        Block::Image(_) | Block::Audio(_) | Block::ServerTool(_) => {}
    }
}

fn for_each_text_of_tool(tool: &Tool, with: &mut dyn FnMut(Words<'_>)) {
    match tool {
        Tool::Function(tool) => {
            with(Words::Plain(&tool.name));
            if let Some(description) = &tool.description {
                with(Words::Lazy(description));
            }
            if let Some(parameters) = &tool.parameters {
                with(Words::Plain(parameters.get()));
            }
        }
        Tool::Freeform(tool) => {
            with(Words::Plain(&tool.name));
            if let Some(description) = &tool.description {
                with(Words::Lazy(description));
            }
            if let Some(grammar) = &tool.grammar {
                with(Words::Plain(&grammar.definition));
            }
        }
        Tool::WebSearch(_) => {}
    }
}

#[cfg(test)]
mod tests;
