//! What an upstream model accepts: data in `models.yaml`, looked up by the model's name.
//!
//! - `models.yaml`: the data, and the rule by which a name finds its row
//! - `table`: reads the data and looks names up

mod table;

use crate::canonical::Effort;

pub use table::lookup;

/// What an upstream model accepts.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// The most output tokens that a request may ask for. `None` if no limit is known. It is never `None` on `claude`
    /// and `bedrock`, whose requests have to contain a number.
    pub max_output: Option<u64>,
    /// Sampling parameters.
    pub sampling: SamplingSupport,
    /// Whether one request may contain both `temperature` and `top_p`.
    pub temperature_with_top_p: bool,
    /// Thinking modes.
    pub thinking: ThinkingSupport,
    /// The accepted reasoning efforts, ascending; empty if the model accepts none.
    pub efforts: Vec<Effort>,
    /// Whether the model continues an assistant message at the end of the conversation.
    pub prefill: bool,
    /// Whether a tool call can be forced.
    pub forced_tool: bool,
    /// Whether the service guarantees that a response matches a given JSON Schema.
    pub structured_output: bool,
    /// Whether the service guarantees that a tool's arguments match its schema, if the tool asks for it.
    pub strict_tools: bool,
    /// Whether instructions are accepted in the middle of a conversation.
    pub mid_system: bool,
    /// Whether content may contain prompt-cache breakpoints.
    pub cache_breakpoints: bool,
    /// Whether the role of instructions is `developer` instead of `system`.
    pub developer_role: bool,
    /// Whether the output limit of Chat Completions is named `max_completion_tokens` instead of `max_tokens`.
    pub max_completion_tokens: bool,
    /// Whether stop sequences are accepted.
    pub stop_sequences: bool,
    /// Whether `parallel_tool_calls` is accepted.
    pub parallel_tool_calls: bool,
    /// Whether freeform tools are accepted.
    pub freeform_tools: bool,
    /// The member in which a Chat Completions history sends reasoning text back.
    pub reasoning_replay: ReasoningReplay,
    /// Whether only one leading system message is accepted.
    pub single_system: bool,
    /// Whether tool results may contain images.
    pub tool_images: bool,
    /// Whether `stream_options` is accepted.
    pub stream_usage: bool,
    /// Whether the service that receives Anthropic bodies searches the web. For Chat Completions the model's name
    /// decides.
    pub web_search: bool,
}

/// The sampling parameters that a model accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplingSupport {
    /// None of them.
    None,
    /// All of them, if the reasoning effort is `none`.
    WithoutReasoning,
    /// All of them.
    All,
}

/// Anthropic's thinking modes that a model accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThinkingSupport {
    /// Whether `adaptive` is accepted.
    pub adaptive: bool,
    /// Whether `enabled` with a budget is accepted.
    pub budget: bool,
    /// When `disabled` is accepted.
    pub disabled: DisabledThinking,
    /// Whether `between_tools` is accepted.
    pub between_tools: bool,
}

/// When thinking can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledThinking {
    /// Never: the model always thinks.
    Never,
    /// With an effort of at most `high`.
    UpToHigh,
    /// With every effort.
    Always,
}

/// The member in which a Chat Completions history sends reasoning text back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningReplay {
    /// None: the text is not sent back.
    None,
    /// `reasoning_content`. The server refuses a history without it.
    ReasoningContent,
    /// `reasoning`. The server accepts a history with or without it.
    Reasoning,
}
