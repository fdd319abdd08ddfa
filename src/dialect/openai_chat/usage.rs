//! Token counts and finish reasons, which complete and streamed responses share.

use super::reasons::ChatReason;
use super::response::calls::ChatCallForm;
use super::types::*;
use crate::canonical::{Block, Finish, FinishReason as CanonicalReason, Scope, Usage};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai::usage::{WrittenCounts, read_count};

/// Reads token counts. Those that the upstream does not send are 0, but for reasoning tokens, which remain unknown.
pub fn read(usage: CompletionUsage) -> Usage {
    let CompletionUsage {
        completion_tokens,
        completion_tokens_details,
        prompt_tokens,
        prompt_tokens_details,
        total_tokens: _,
        extra: _,
    } = usage;
    let count = |count: Option<i64>| read_count(count.unwrap_or_default());
    let (cached, cache_written) = match prompt_tokens_details {
        Some(PromptTokensDetails {
            audio_tokens: _,
            cache_write_tokens,
            cached_tokens,
            image_tokens: _,
            text_tokens: _,
            extra: _,
        }) => (count(cached_tokens), count(cache_write_tokens)),
        None => (0, 0),
    };
    let reasoning = completion_tokens_details.and_then(|details| {
        let CompletionTokensDetails {
            accepted_prediction_tokens: _,
            audio_tokens: _,
            reasoning_tokens,
            rejected_prediction_tokens: _,
            text_tokens: _,
            extra: _,
        } = details;
        u64::try_from(reasoning_tokens?).ok()
    });
    Usage {
        reasoning,
        ..Usage::from_total(
            count(prompt_tokens),
            cached,
            cache_written,
            count(completion_tokens),
        )
    }
}

/// Writes token counts.
pub fn write(usage: Option<Usage>) -> CompletionUsage {
    let WrittenCounts {
        input,
        cache_read,
        cache_write,
        output,
        reasoning,
        total,
    } = WrittenCounts::new(usage);
    let mut prompt = PromptTokensDetails::new();
    prompt.cached_tokens = Some(cache_read);
    prompt.cache_write_tokens = Some(cache_write);
    let mut completion = CompletionTokensDetails::new();
    completion.reasoning_tokens = Some(reasoning);
    let mut out = CompletionUsage::new();
    out.prompt_tokens = Some(input);
    out.completion_tokens = Some(output);
    out.total_tokens = Some(total);
    out.prompt_tokens_details = Some(prompt);
    out.completion_tokens_details = Some(completion);
    out
}

/// Whether a response contains a refusal in the model's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelRefusal {
    /// It does not.
    #[default]
    Absent,
    /// It does, in `refusal`.
    Written,
}

impl ModelRefusal {
    /// By the blocks of a response.
    pub fn of_content(content: &[Block]) -> Self {
        if content.iter().any(|block| matches!(block, Block::Refusal { .. })) {
            Self::Written
        } else {
            Self::Absent
        }
    }

    /// By the text of the refusal.
    pub fn of_text(text: &str) -> Self {
        if text.is_empty() {
            Self::Absent
        } else {
            Self::Written
        }
    }
}

/// Reads why a response ended; `scope` is that of the finish reason.
pub fn read_finish(scope: &mut Scope<'_>, reason: &FinishReason, refusal: ModelRefusal) -> Finish {
    Finish::new(match reason {
        FinishReason::Stop if refusal == ModelRefusal::Written => CanonicalReason::Refusal,
        FinishReason::Stop => CanonicalReason::End,
        FinishReason::Length => CanonicalReason::Length,
        FinishReason::ToolCalls | FinishReason::FunctionCall => CanonicalReason::ToolUse,
        FinishReason::ContentFilter => CanonicalReason::ContentFilter,
        FinishReason::Other(_) => {
            scope.approximate(ChatReason::UnknownFinish);
            CanonicalReason::End
        }
    })
}

/// Writes why a response ended; `scope` is that of the response.
pub fn write_finish(
    scope: &mut Scope<'_>,
    reason: CanonicalReason,
    refusal: ModelRefusal,
    call_form: ChatCallForm,
) -> FinishReason {
    match reason {
        CanonicalReason::End | CanonicalReason::StopSequence => FinishReason::Stop,
        CanonicalReason::Pause | CanonicalReason::Compaction => {
            scope.at("finish_reason").approximate(OpenAiReason::Interrupted);
            FinishReason::Stop
        }
        CanonicalReason::ToolUse => match call_form {
            ChatCallForm::FunctionCall => FinishReason::FunctionCall,
            ChatCallForm::ToolCalls => FinishReason::ToolCalls,
        },
        CanonicalReason::Length | CanonicalReason::ContextFull => FinishReason::Length,
        CanonicalReason::ContentFilter => FinishReason::ContentFilter,
        // A model that refuses in words has simply stopped. A vendor that cuts the model off is a filter, which agents
        // have to notice.
        CanonicalReason::Refusal => match refusal {
            ModelRefusal::Written => FinishReason::Stop,
            ModelRefusal::Absent => FinishReason::ContentFilter,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Losses;

    #[test]
    fn written_counts_are_read_back() {
        let usage = Usage {
            fresh: 10,
            cache_read: 5,
            cache_write: 3,
            output: 7,
            reasoning: Some(2),
            ..Usage::default()
        };
        let written = write(Some(usage));
        assert_eq!(written.prompt_tokens, Some(18));
        assert_eq!(written.total_tokens, Some(25));
        assert_eq!(read(written), usage);
    }

    #[test]
    fn more_cached_tokens_than_tokens_are_counted_beside_them() {
        let mut details = PromptTokensDetails::new();
        details.cached_tokens = Some(120);
        let mut usage = CompletionUsage::new();
        usage.prompt_tokens = Some(100);
        usage.prompt_tokens_details = Some(details);
        assert_eq!(read(usage).fresh, 100);
    }

    fn finish(reason: CanonicalReason, refusal: ModelRefusal) -> (FinishReason, usize) {
        let mut losses = Losses::new();
        let scope = &mut Scope::root(&mut losses);
        let written = write_finish(scope, reason, refusal, ChatCallForm::ToolCalls);
        (written, losses.notable().count())
    }

    #[test]
    fn a_refusal_without_words_is_a_filter() {
        let refusal = CanonicalReason::Refusal;
        assert_eq!(finish(refusal, ModelRefusal::Written), (FinishReason::Stop, 0));
        let filtered = (FinishReason::ContentFilter, 0);
        assert_eq!(finish(refusal, ModelRefusal::Absent), filtered);
    }

    #[test]
    fn an_interruption_by_the_vendor_is_an_approximate_end() {
        for reason in [CanonicalReason::Pause, CanonicalReason::Compaction] {
            assert_eq!(finish(reason, ModelRefusal::Absent), (FinishReason::Stop, 1));
        }
    }

    #[test]
    fn a_client_of_function_call_gets_its_finish_reason() {
        let mut losses = Losses::new();
        let scope = &mut Scope::root(&mut losses);
        let (reason, form) = (CanonicalReason::ToolUse, ChatCallForm::FunctionCall);
        let written = write_finish(scope, reason, ModelRefusal::Absent, form);
        assert_eq!(written, FinishReason::FunctionCall);
    }

    #[test]
    fn an_unknown_finish_reason_is_an_approximate_end() {
        let mut losses = Losses::new();
        let reason = FinishReason::from("tired");
        let finish = read_finish(&mut Scope::root(&mut losses), &reason, ModelRefusal::Absent);
        assert_eq!(finish.reason, CanonicalReason::End);
        assert_eq!(losses.notable().count(), 1);
    }
}
