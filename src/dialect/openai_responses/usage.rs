//! Token counts, and why a response ended.

use super::types::*;
use crate::canonical::{Finish, FinishReason, Scope, Usage as CanonicalUsage};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai::usage::{WrittenCounts, read_count, write_count};

/// Reads the token counts of a response, and the number of web searches from its counts of tool calls.
pub fn read_usage(usage: ResponseUsage, tools: Option<ToolUsage>) -> CanonicalUsage {
    let ResponseUsage {
        input_tokens,
        input_tokens_details,
        output_tokens,
        output_tokens_details,
        total_tokens: _,
        extra: _,
    } = usage;
    let InputTokensDetails {
        cache_write_tokens,
        cache_write_tokens_details: _,
        cached_tokens,
        extra: _,
    } = input_tokens_details.unwrap_or_default();
    let reasoning = output_tokens_details.and_then(
        |OutputTokensDetails {
             reasoning_tokens,
             extra: _,
         }| reasoning_tokens,
    );
    let searches = tools.and_then(|tools| {
        let ToolUsage {
            image_gen: _,
            web_search,
            extra: _,
        } = tools;
        let ToolUsageWebSearch {
            num_requests,
            extra: _,
        } = web_search?;
        num_requests
    });
    CanonicalUsage {
        reasoning: reasoning.map(read_count),
        web_searches: searches.map(read_count).unwrap_or_default(),
        // The API counts cached tokens as part of the input.
        ..CanonicalUsage::from_total(
            input_tokens.map(read_count).unwrap_or_default(),
            cached_tokens.map(read_count).unwrap_or_default(),
            cache_write_tokens.map(read_count).unwrap_or_default(),
            output_tokens.map(read_count).unwrap_or_default(),
        )
    }
}

/// Writes token counts. Clients' types require every number, so an unknown one is zero.
pub fn write_usage(usage: CanonicalUsage) -> ResponseUsage {
    let WrittenCounts {
        input,
        cache_read,
        cache_write,
        output,
        reasoning,
        total,
    } = WrittenCounts::new(Some(usage));
    let mut input_details = InputTokensDetails::new();
    input_details.cached_tokens = Some(cache_read);
    input_details.cache_write_tokens = Some(cache_write);
    let mut output_details = OutputTokensDetails::new();
    output_details.reasoning_tokens = Some(reasoning);
    let mut out = ResponseUsage::new();
    out.input_tokens = Some(input);
    out.input_tokens_details = Some(input_details);
    out.output_tokens = Some(output);
    out.output_tokens_details = Some(output_details);
    out.total_tokens = Some(total);
    out
}

/// Writes the counts of calls of the vendor's tools; `None` if there were none.
pub fn write_tool_usage(usage: CanonicalUsage) -> Option<ToolUsage> {
    (usage.web_searches > 0).then(|| ToolUsage {
        web_search: Some(ToolUsageWebSearch {
            num_requests: Some(write_count(usage.web_searches)),
            ..ToolUsageWebSearch::new()
        }),
        ..ToolUsage::new()
    })
}

/// Reads why a response is incomplete. Whatever the API adds to these reasons is taken for a limit: the text broke off.
pub fn read_incomplete(details: Option<IncompleteDetails>) -> FinishReason {
    let reason = details.and_then(|IncompleteDetails { reason, extra: _ }| reason);
    match reason {
        Some(IncompleteDetailsReason::ContentFilter) => FinishReason::ContentFilter,
        None
        | Some(
            IncompleteDetailsReason::MaxOutputTokens
            | IncompleteDetailsReason::MaxMessages
            | IncompleteDetailsReason::Steered
            | IncompleteDetailsReason::Other(_),
        ) => FinishReason::Length,
    }
}

/// Whether the model refused in words of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnRefusal {
    /// It did not.
    #[default]
    Absent,
    /// The response has a refusal with text.
    Present,
}

/// How a response ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseOutcome {
    /// Complete.
    Completed,
    /// The output limit was reached.
    Truncated,
    /// A filter or a refusal of the vendor interrupted it.
    Filtered,
}

impl ResponseOutcome {
    /// The end that a finish reason amounts to. A refusal in the model's own words is a complete response.
    pub fn from_finish(scope: &mut Scope<'_>, finish: &Finish, refusal: OwnRefusal) -> Self {
        let Finish {
            reason,
            stop_sequence: _,
            explanation: _,
        } = finish;
        match reason {
            FinishReason::End | FinishReason::StopSequence | FinishReason::ToolUse => Self::Completed,
            FinishReason::Pause | FinishReason::Compaction => {
                scope
                    .field("finish_reason")
                    .approximate(OpenAiReason::Interrupted);
                Self::Completed
            }
            FinishReason::Refusal if refusal == OwnRefusal::Present => Self::Completed,
            FinishReason::Length | FinishReason::ContextFull => Self::Truncated,
            FinishReason::ContentFilter | FinishReason::Refusal => Self::Filtered,
        }
    }

    /// The vendor's explanation of a refusal, unless the response has one in the model's own words.
    pub fn explanation(self, finish: &Finish, refusal: OwnRefusal) -> Option<&str> {
        let Finish {
            reason: _,
            stop_sequence: _,
            explanation,
        } = finish;
        let text = explanation.as_deref().filter(|text| !text.is_empty())?;
        (self == Self::Filtered && refusal == OwnRefusal::Absent).then_some(text)
    }

    /// The status of the response object.
    pub fn write_status(self) -> ResponseStatus {
        match self {
            Self::Completed => ResponseStatus::Completed,
            Self::Truncated | Self::Filtered => ResponseStatus::Incomplete,
        }
    }

    /// Why the response is incomplete.
    pub fn write_incomplete(self) -> Option<IncompleteDetails> {
        let reason = match self {
            Self::Completed => return None,
            Self::Truncated => IncompleteDetailsReason::MaxOutputTokens,
            Self::Filtered => IncompleteDetailsReason::ContentFilter,
        };
        Some(IncompleteDetails {
            reason: Some(reason),
            ..IncompleteDetails::new()
        })
    }
}
