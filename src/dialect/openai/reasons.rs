//! Reasons for losses that both of OpenAI's dialects have.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost on the way to either of OpenAI's dialects.
    pub(crate) enum OpenAiReason {
        /// OpenAI's models have no thinking that is limited to the time between tool calls.
        ThinkingBetweenTools => "reasoning between tool calls only became low effort",
        NoEffort => "this model takes no reasoning effort",
        NearestEffort { nearest: &'static str } => "this model takes effort `{nearest}` at nearest",
    }
}
