//! What an upstream model accepts: data in `models.yaml`, looked up by the model's name.

mod table;

use crate::canonical::Effort;

pub use table::lookup;

/// What an upstream model accepts.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Most output tokens that a request may ask for. `None` where no limit is known and the dialect demands no number;
    /// never on `claude` and `bedrock`, which demand one.
    pub max_output: Option<u64>,
    /// Sampling parameters.
    pub sampling: SamplingSupport,
    /// Whether `temperature` and `top_p` may stand in one request.
    pub temperature_with_top_p: bool,
    /// Thinking modes.
    pub thinking: ThinkingSupport,
    /// Reasoning efforts, ascending; empty where the model takes none.
    pub efforts: Vec<Effort>,
    /// Whether a trailing assistant message is continued.
    pub prefill: bool,
    /// Whether a tool call can be forced.
    pub forced_tool: bool,
    /// Whether an answer can be held to a JSON Schema.
    pub structured_output: bool,
    /// Whether a tool's arguments can be held to its schema.
    pub strict_tools: bool,
    /// Whether instructions may stand in the middle of a conversation.
    pub mid_system: bool,
    /// Whether content can carry prompt-cache breakpoints.
    pub cache_breakpoints: bool,
    /// Role of instructions: `developer` instead of `system`.
    pub developer_role: bool,
    /// Name of the output limit in Chat Completions: `max_completion_tokens` instead of `max_tokens`.
    pub max_completion_tokens: bool,
    /// Whether stop sequences are taken.
    pub stop_sequences: bool,
    /// Whether `parallel_tool_calls` is taken.
    pub parallel_tool_calls: bool,
    /// Whether freeform tools are taken.
    pub freeform_tools: bool,
    /// What becomes of reasoning text in a Chat Completions history.
    pub reasoning_replay: ReasoningReplay,
    /// Whether only one leading system message is taken.
    pub single_system: bool,
    /// Whether tool results take images.
    pub tool_images: bool,
    /// Whether `stream_options` is taken.
    pub stream_usage: bool,
    /// Whether the service behind Anthropic's bodies searches the web. In Chat Completions the model's name tells.
    pub web_search: bool,
}

/// Which sampling parameters a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplingSupport {
    /// None.
    None,
    /// All, when reasoning effort is `none`.
    WithoutReasoning,
    /// All.
    All,
}

/// Which of Anthropic's thinking modes a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThinkingSupport {
    /// `adaptive`
    pub adaptive: bool,
    /// `enabled` with a budget.
    pub budget: bool,
    /// `disabled`
    pub disabled: DisabledThinking,
    /// `between_tools`
    pub between_tools: bool,
}

/// Whether thinking can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledThinking {
    /// Never.
    Never,
    /// Up to effort `high`.
    UpToHigh,
    /// Always.
    Always,
}

/// What becomes of reasoning text in a Chat Completions history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningReplay {
    /// Not sent.
    None,
    /// Sent back as `reasoning_content`; the server demands it.
    ReasoningContent,
    /// Sent back as `reasoning`; the server accepts it.
    Reasoning,
}
