//! A complete response.

use serde::Serialize;

use super::{Block, RawJson, Usage};

/// A complete response.
#[derive(Clone, Debug, Serialize)]
pub struct Response {
    /// The upstream's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The model that responded, as the upstream names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The content blocks, in order.
    pub content: Vec<Block>,
    /// Why it ended.
    pub finish: Finish,
    /// Token counts; absent if the upstream sends none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The tier that processed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Log probabilities of the text, in OpenAI's form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<RawJson>,
}

/// Why a response ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finish {
    /// The reason.
    pub reason: FinishReason,
    /// The stop sequence that ended it.
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

    /// Corrects the reason of a response that calls a tool of the client. Clients run the tools only if the reason is
    /// [`FinishReason::ToolUse`], and some upstreams report an ordinary end. A truncation stays one.
    pub fn correct_for_tool_call(&mut self) {
        if matches!(self.reason, FinishReason::End | FinishReason::StopSequence) {
            self.reason = FinishReason::ToolUse;
        }
    }

    /// Corrects the reason of a response that calls no tool of the client: a client would wait for a call.
    pub fn correct_for_no_tool_call(&mut self) {
        if self.reason == FinishReason::ToolUse {
            self.reason = FinishReason::End;
        }
    }
}

/// The reasons why a response ends. The list is closed: a word of one vendor that another vendor's client does not know
/// never reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done.
    End,
    /// A stop sequence occurred.
    StopSequence,
    /// The model calls tools.
    ToolUse,
    /// The output limit was reached.
    Length,
    /// The context window is full.
    ContextFull,
    /// A content filter stopped it.
    ContentFilter,
    /// The model refused.
    Refusal,
    /// The vendor paused a long turn of its own tools.
    Pause,
    /// The vendor compacted the context.
    Compaction,
}
