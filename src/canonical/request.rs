//! A request for a response of a model.

use serde::Serialize;
use serde_json::Number;

use super::{Message, Path, RawJson, SystemBlock, Tool, ToolChoice};
use crate::wire::json::LazyStr;

/// A request for a response of a model.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// The client's names of the fields below, for the paths of losses.
    #[serde(skip)]
    pub fields: &'static FieldNames,
    /// The model, as the client named it.
    pub model: String,
    /// Whether the response is streamed.
    pub stream: bool,
    /// Leading instructions, in order.
    pub system: Vec<SystemBlock>,
    /// The conversation.
    pub messages: Vec<Message>,
    /// Tools, in the client's order, which prompt caches depend on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Which of them may or must be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether one response may contain several calls; without a value, the vendor's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// Limit on output tokens, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// Sampling parameters.
    pub sampling: Sampling,
    /// Texts that end the response.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// How much the model reasons and what it shows of it.
    pub reasoning: ReasoningControl,
    /// The form of the response's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_format: Option<OutputFormat>,
    /// How wordy the response is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<Verbosity>,
    /// Identifier of the end user, for abuse detection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_user: Option<String>,
    /// Requests with the same key share a prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_key: Option<String>,
    /// Pairs that the vendor stores with the response.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<(String, String)>,
    /// Processing tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<ServiceTier>,
    /// Log probabilities of output tokens; the number of alternatives for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u64>,
}

impl Request {
    /// An empty request.
    pub fn new(fields: &'static FieldNames, model: String) -> Self {
        Self {
            fields,
            model,
            stream: false,
            system: Vec::new(),
            messages: Vec::new(),
            tools: Vec::new(),
            tool_choice: None,
            parallel_tool_calls: None,
            max_output_tokens: None,
            sampling: Sampling::default(),
            stop: Vec::new(),
            reasoning: ReasoningControl::default(),
            output_format: None,
            verbosity: None,
            end_user: None,
            cache_key: None,
            metadata: Vec::new(),
            service_tier: None,
            logprobs: None,
        }
    }

    /// The path of a message in the client's body.
    pub fn message_path(&self, message: &Message) -> Path<'static> {
        Path::element(self.fields.messages, message.index)
    }

    /// The path of a block of a message in the client's body.
    pub fn block_path(&self, message: &Message, block: usize) -> Path<'static> {
        Path::block(self.fields.messages, message.index, block)
    }
}

/// A dialect's names of the fields of a request. With them a writer reports a loss by the name that the client wrote.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldNames {
    /// Leading instructions.
    pub system: &'static str,
    /// The conversation.
    pub messages: &'static str,
    /// Limit on output tokens.
    pub max_output_tokens: &'static str,
    /// Texts that end the response.
    pub stop: &'static str,
    /// Reasoning effort.
    pub effort: &'static str,
    /// Thinking mode and budget.
    pub thinking: &'static str,
    /// Form of the response's text.
    pub output_format: &'static str,
    /// Verbosity.
    pub verbosity: &'static str,
    /// Several calls in one response.
    pub parallel_tool_calls: &'static str,
    /// End user.
    pub end_user: &'static str,
    /// Log probabilities.
    pub logprobs: &'static str,
}

/// Sampling parameters, with the client's spelling of the numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sampling {
    /// Randomness: 0 to 2 in OpenAI's dialects, 0 to 1 in Anthropic's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Number>,
    /// Nucleus sampling, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<Number>,
    /// Sampling from the k likeliest tokens (Anthropic).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u64>,
    /// Best-effort repeatability (Chat Completions).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<Number>,
    /// Chat Completions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<Number>,
    /// Chat Completions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<Number>,
}

/// How much a model reasons and what it shows of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ReasoningControl {
    /// Reasoning effort.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    /// Anthropic's thinking mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Thinking>,
    /// How much of the reasoning the client wants to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<ReasoningDisplay>,
}

/// Reasoning effort, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// No reasoning.
    None,
    /// The least effort with reasoning.
    Minimal,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Extra high.
    Xhigh,
    /// The highest effort.
    Max,
}

impl Effort {
    /// The name that both vendors use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// Anthropic's thinking modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Thinking {
    /// The model decides how much.
    Adaptive,
    /// Up to a budget.
    Enabled {
        /// Tokens; at least 1024 and below the output limit.
        budget: u64,
    },
    /// None.
    Disabled,
    /// Only between tool calls.
    BetweenTools,
}

/// How much of the reasoning a client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningDisplay {
    /// A summary.
    Summarized,
    /// Nothing.
    Omitted,
}

/// The form of the response's text.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OutputFormat {
    /// Any JSON object.
    JsonObject,
    /// JSON that a schema describes.
    JsonSchema {
        /// Name of the schema.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Its purpose.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<LazyStr>,
        /// The JSON Schema.
        schema: RawJson,
        /// Whether the vendor guarantees that the response matches it.
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

/// How wordy a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// Terse.
    Low,
    /// The default.
    Medium,
    /// Wordy.
    High,
}

/// Processing tiers of all vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceTier {
    /// The account's setting decides.
    Auto,
    /// Standard processing only.
    Default,
    /// Cheaper and slower.
    Flex,
    /// Reserved capacity.
    Scale,
    /// Faster.
    Priority,
    /// The vendor's fast mode.
    Fast,
    /// Faster than fast (Responses).
    Ultrafast,
}
