//! Tool definitions and the tool choice.

use serde::Serialize;

use super::{CacheBreakpoint, RawJson};
use crate::wire::json::LazyStr;

/// A tool that the model may call.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Tool {
    /// A function with JSON arguments.
    Function(FunctionTool),
    /// A tool that takes plain text.
    Freeform(FreeformTool),
    /// Web search that the vendor runs.
    WebSearch(WebSearchTool),
}

/// A function with JSON arguments.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionTool {
    /// Its name, as the client wrote it.
    pub name: String,
    /// The Responses namespace of the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<LazyStr>,
    /// JSON Schema of its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<RawJson>,
    /// Whether the vendor guarantees that arguments match the schema. An absent value stays absent, because the
    /// dialects' defaults differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// A prompt-cache breakpoint after this definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheBreakpoint>,
    /// Position in the client's list.
    pub index: usize,
}

/// A tool that takes plain text.
#[derive(Clone, Debug, Serialize)]
pub struct FreeformTool {
    /// Its name, as the client wrote it.
    pub name: String,
    /// The Responses namespace of the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<LazyStr>,
    /// The grammar of its input; without one, any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grammar: Option<Grammar>,
    /// Position in the client's list.
    pub index: usize,
}

/// Grammar of a freeform tool's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Grammar {
    /// `lark` or `regex`.
    pub syntax: String,
    /// The grammar.
    pub definition: String,
}

/// Web search that the vendor runs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WebSearchTool {
    /// The most searches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    /// The only domains that are searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_domains: Option<Vec<String>>,
    /// Domains that are not searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_domains: Option<Vec<String>>,
    /// The location of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_location: Option<UserLocation>,
    /// OpenAI's `search_context_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_size: Option<String>,
    /// Position in the client's list, if the client declared it in a list.
    pub index: usize,
}

/// An approximate location.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserLocation {
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Two-letter country code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Region or state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// IANA time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// Which tools the model may or must call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No call.
    None,
    /// At least one call of any tool.
    Any,
    /// A call of this tool.
    Named {
        /// Its name, as the client wrote it.
        name: String,
        /// Its Responses namespace.
        namespace: Option<String>,
    },
    /// Only tools of this list.
    Subset {
        /// Whether one of them has to be called.
        required: bool,
        /// Their names, as the client wrote them.
        names: Vec<String>,
    },
}
