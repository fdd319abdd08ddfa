//! A complete answer.

use serde::Serialize;

use super::{Block, RawJson, Usage};

/// A complete answer.
#[derive(Clone, Debug, Serialize)]
pub struct Response {
    /// The upstream's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The model that the upstream says answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The answer, in order.
    pub content: Vec<Block>,
    /// Why it ended.
    pub finish: Finish,
    /// Token counts; absent where the upstream sends none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The tier that processed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Log probabilities of the text, in OpenAI's form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<RawJson>,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finish {
    /// The reason.
    pub reason: FinishReason,
    /// The stop sequence that was met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_sequence: Option<String>,
    /// The vendor's explanation of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

impl Finish {
    /// A reason without details.
    pub fn new(reason: FinishReason) -> Self {
        Self {
            reason,
            stop_sequence: None,
            explanation: None,
        }
    }

    /// The reason that follows from the content: a truncation stays one, a call of a client's tool makes it
    /// [`FinishReason::ToolUse`], and a claimed tool use without a call is an end.
    #[must_use]
    pub fn settled(mut self, has_tool_call: bool) -> Self {
        self.reason = match self.reason {
            FinishReason::End | FinishReason::StopSequence if has_tool_call => FinishReason::ToolUse,
            FinishReason::ToolUse if !has_tool_call => FinishReason::End,
            other => other,
        };
        self
    }
}

/// Why an answer ended. Closed: no vendor's unknown word reaches another vendor's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done.
    End,
    /// A stop sequence was met.
    StopSequence,
    /// The model calls tools.
    ToolUse,
    /// The output limit was reached.
    Length,
    /// The context window is full.
    ContextFull,
    /// A content filter cut in.
    ContentFilter,
    /// The model refused.
    Refusal,
    /// The vendor paused a long turn of its own tools.
    Pause,
    /// The vendor compacted the context.
    Compaction,
}
