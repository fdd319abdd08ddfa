//! Messages and the blocks they consist of.

use serde::Serialize;

use super::RawJson;
use crate::wire::json::{LazyStr, join, parse_text};

/// The dialects that share content, reasoning state and identifiers. `bedrock` speaks the claude family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Chat Completions.
    OpenaiChat,
    /// Responses.
    OpenaiResponses,
    /// Anthropic Messages, also inside Bedrock.
    Claude,
}

/// The speaker of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person or program that uses the model. Tool results are in its messages, too.
    User,
    /// The model.
    Assistant,
    /// Instructions in the middle of a conversation. Leading instructions are [`super::Request::system`].
    System,
}

/// One message of the client's list. Consecutive messages of one role stay separate here; a writer merges them if its
/// dialect requires it.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// The speaker.
    pub role: Role,
    /// The blocks, in order.
    pub content: Vec<Block>,
    /// Position in the client's list, for the paths of losses.
    pub index: usize,
    /// The speaker's name, if the dialect has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The Responses `phase` of an assistant message (`commentary`, `final_answer`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
}

impl Message {
    /// A message without name or phase.
    pub fn new(role: Role, index: usize, content: Vec<Block>) -> Self {
        Self {
            role,
            content,
            index,
            name: None,
            phase: None,
        }
    }
}

/// The position of a leading instruction in the client's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemOrigin {
    /// A top-level field that holds one string (`instructions`, claude `system` as a string).
    Field,
    /// A block of a top-level list (claude `system` blocks).
    Block,
    /// A message at the head of the list with the role `system`.
    SystemMessage,
    /// The same with the role `developer`.
    DeveloperMessage,
}

/// One leading instruction. The instructions are not joined: prompt caches keep the ones before a change.
#[derive(Clone, Debug, Serialize)]
pub struct SystemBlock {
    /// The text; never empty.
    pub text: LazyStr,
    /// Its position in the client's request.
    pub origin: SystemOrigin,
    /// A prompt-cache breakpoint after this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheBreakpoint>,
}

/// A piece of a message.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    /// Plain text.
    Text(Text),
    /// The model's own words of refusal.
    Refusal {
        /// The words.
        text: LazyStr,
    },
    /// An image.
    Image(Image),
    /// A PDF or text document.
    Document(Document),
    /// Recorded sound.
    Audio(Audio),
    /// A search result that the client supplies for citation.
    SearchResult(SearchResult),
    /// The model's reasoning.
    Reasoning(Reasoning),
    /// A call of a tool that the client runs.
    ToolCall(ToolCall),
    /// The result of such a call.
    ToolResult(ToolResult),
    /// A call or result of a tool that the vendor runs.
    ServerTool(ServerTool),
}

/// Plain text.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Text {
    /// The text; may be empty, since some dialects send it so.
    pub text: LazyStr,
    /// Citations of the text's sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
    /// A prompt-cache breakpoint after this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheBreakpoint>,
}

impl<T: Into<LazyStr>> From<T> for Text {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// A citation of a web page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Annotation {
    /// The page.
    pub url: String,
    /// Its title; empty if the source has none.
    pub title: String,
    /// The range of the block's text that it supports, in Unicode scalar values; without one, the whole block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<(u64, u64)>,
}

/// The location of media bytes.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum MediaSource {
    /// In the request, in standard base64.
    Base64 {
        /// MIME type, such as `image/png`.
        media_type: String,
        /// The base64 text.
        data: LazyStr,
    },
    /// At an address that the upstream fetches.
    Url {
        /// The address.
        url: LazyStr,
    },
    /// In the vendor's file store; never portable.
    File {
        /// The vendor's identifier.
        id: String,
    },
}

/// OpenAI's `detail` of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ImageDetail(pub String);

/// An image.
#[derive(Clone, Debug, Serialize)]
pub struct Image {
    /// Its location.
    #[serde(flatten)]
    pub source: MediaSource,
    /// How closely OpenAI's models look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<ImageDetail>,
    /// A prompt-cache breakpoint after this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheBreakpoint>,
}

/// What a document consists of.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum DocumentSource {
    /// Bytes of a file, usually a PDF.
    Media(MediaSource),
    /// Plain text.
    Text {
        /// The text.
        text: LazyStr,
    },
    /// Text and image blocks.
    Blocks {
        /// The blocks.
        content: Vec<Block>,
    },
}

/// A document.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// What it consists of.
    pub source: DocumentSource,
    /// Title or file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Facts about the document that the model must not cite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whether the model is asked to cite it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub citations: bool,
    /// A prompt-cache breakpoint after this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheBreakpoint>,
}

/// Recorded sound.
#[derive(Clone, Debug, Serialize)]
pub struct Audio {
    /// `wav` or `mp3`.
    pub format: String,
    /// Standard base64.
    pub data: LazyStr,
}

/// A search result that the client supplies for citation.
#[derive(Clone, Debug, Serialize)]
pub struct SearchResult {
    /// Address or name of the source.
    pub source: String,
    /// Title of the result.
    pub title: String,
    /// The text of the result, piece by piece.
    pub content: Vec<LazyStr>,
    /// Whether the model is asked to cite it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub citations: bool,
    /// A prompt-cache breakpoint after this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheBreakpoint>,
}

/// State that only its vendor can read, such as a signature or encrypted reasoning.
#[derive(Clone, Debug, Serialize)]
pub struct Opaque {
    /// The vendor's family.
    pub origin: Family,
    /// The exact JSON of the vendor's block or item.
    pub json: RawJson,
    /// Whether its origin is certain.
    #[serde(skip)]
    pub authenticity: Authenticity,
}

impl Opaque {
    /// State that came from its vendor.
    pub fn new(origin: Family, json: RawJson) -> Self {
        Self {
            origin,
            json,
            authenticity: Authenticity::default(),
        }
    }
}

/// The authenticity of a vendor's state. State that a client of another vendor carried could be forged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authenticity {
    /// It came from its vendor, or from a client of that vendor, and not in a carrier.
    #[default]
    FromVendor,
    /// It came in a carrier with this mark, or is sent in one. Whether the mark is valid has not been checked.
    Marked([u8; 16]),
    /// It came in a carrier without a mark.
    Unmarked,
}

/// The model's reasoning.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reasoning {
    /// The parts that may be shown, in order; empty if the vendor hides them.
    pub parts: Vec<LazyStr>,
    /// The vendor's state, which clients have to send back with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opaque: Option<Opaque>,
}

impl Reasoning {
    /// The parts as one text, joined by a blank line.
    pub fn text(&self) -> LazyStr {
        join(&self.parts, "\n\n")
    }
}

/// The input of a tool call.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum ToolInput {
    /// A JSON object, as text.
    Object {
        /// The object.
        json: RawJson,
    },
    /// Arguments that are no object: broken JSON, or JSON of another kind.
    Malformed {
        /// The text as it came.
        text: LazyStr,
    },
    /// The input of a freeform tool.
    Freeform {
        /// The text as it came.
        text: LazyStr,
    },
}

/// A call of a tool that the client runs.
#[derive(Clone, Debug, Serialize)]
pub struct ToolCall {
    /// Pairs the call with its result; unique in a history.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The Responses namespace that the tool belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its input.
    pub input: ToolInput,
    /// A prompt-cache breakpoint after this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheBreakpoint>,
}

/// The result of a tool call.
#[derive(Clone, Debug, Serialize)]
pub struct ToolResult {
    /// The [`ToolCall::id`] that it belongs to.
    pub call_id: String,
    /// Text, images and documents.
    pub content: Vec<Block>,
    /// Whether the tool failed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
    /// A prompt-cache breakpoint after this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheBreakpoint>,
}

/// A call or result of a tool that the vendor runs. It is never written for another family.
#[derive(Clone, Debug, Serialize)]
pub struct ServerTool {
    /// The vendor's family.
    pub origin: Family,
    /// The vendor's block or item type, such as `web_search_tool_result`.
    pub item: String,
    /// The query, if it is a web search call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// Marks the end of a prefix that the vendor may cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CacheBreakpoint {
    /// Its lifetime; without one, the vendor's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<CacheTtl>,
}

/// Lifetimes of cached prefixes that vendors offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheTtl {
    /// Five minutes (Anthropic).
    FiveMinutes,
    /// Half an hour (OpenAI).
    HalfHour,
    /// One hour (Anthropic).
    OneHour,
    /// Twelve hours (OpenAI).
    TwelveHours,
}

impl ToolInput {
    /// Reads the argument text of a function call: an object if it is one, `{}` if it is blank.
    pub fn from_arguments(text: impl Into<LazyStr>) -> Self {
        let text = text.into();
        let trimmed = text.trim();
        let source = if trimmed.is_empty() { "{}" } else { trimmed };
        if source.starts_with('{')
            && let Ok(json) = parse_text::<RawJson>(source)
        {
            return Self::Object { json };
        }
        Self::Malformed { text }
    }
}
