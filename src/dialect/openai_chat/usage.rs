//! Token counts, finish reasons and tiers, which whole and streamed answers share.

use super::types::*;
use crate::canonical::{Finish, FinishReason as CanonicalReason, Losses, Usage};

/// Reads token counts.
pub fn read(usage: CompletionUsage) -> Usage {
    let CompletionUsage {
        completion_tokens,
        completion_tokens_details,
        prompt_tokens,
        prompt_tokens_details,
        total_tokens: _,
        extra: _,
    } = usage;
    let count = |count: Option<i64>| u64::try_from(count.unwrap_or_default()).unwrap_or_default();
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

/// Writes token counts; zeros where the upstream gave none, because clients read them without asking.
pub fn write(usage: Option<Usage>) -> CompletionUsage {
    let usage = usage.unwrap_or_default();
    let input = usage.input_total();
    let Usage {
        fresh: _,
        cache_read,
        cache_write,
        cache_write_1h: _,
        output,
        reasoning,
        web_searches: _,
    } = usage;
    let count = |count: u64| Some(i64::try_from(count).unwrap_or(i64::MAX));
    let mut prompt = PromptTokensDetails::new();
    prompt.cached_tokens = count(cache_read);
    prompt.cache_write_tokens = count(cache_write);
    let mut completion = CompletionTokensDetails::new();
    completion.reasoning_tokens = count(reasoning.unwrap_or_default());
    let mut out = CompletionUsage::new();
    out.prompt_tokens = count(input);
    out.completion_tokens = count(output);
    out.total_tokens = count(input.saturating_add(output));
    out.prompt_tokens_details = Some(prompt);
    out.completion_tokens_details = Some(completion);
    out
}

/// Reads why an answer ended; `refused` says whether it holds a refusal.
pub fn read_finish(reason: &FinishReason, refused: bool, losses: &mut Losses) -> Finish {
    Finish::new(match reason {
        FinishReason::Stop if refused => CanonicalReason::Refusal,
        FinishReason::Stop => CanonicalReason::End,
        FinishReason::Length => CanonicalReason::Length,
        FinishReason::ToolCalls | FinishReason::FunctionCall => CanonicalReason::ToolUse,
        FinishReason::ContentFilter => CanonicalReason::ContentFilter,
        FinishReason::Other(_) => {
            losses.approximate(
                "choices[0].finish_reason",
                "a reason that the translation does not know",
            );
            CanonicalReason::End
        }
    })
}

/// Writes why an answer ended; `refused` says whether its message holds the model's own refusal, `legacy` whether the
/// client takes calls as `function_call`.
pub fn write_finish(
    reason: CanonicalReason,
    refused: bool,
    legacy: bool,
    losses: &mut Losses,
) -> FinishReason {
    match reason {
        CanonicalReason::End | CanonicalReason::StopSequence => FinishReason::Stop,
        CanonicalReason::Pause | CanonicalReason::Compaction => {
            losses.approximate(
                "finish_reason",
                "the vendor interrupted the answer; here that is an end",
            );
            FinishReason::Stop
        }
        CanonicalReason::ToolUse if legacy => FinishReason::FunctionCall,
        CanonicalReason::ToolUse => FinishReason::ToolCalls,
        CanonicalReason::Length | CanonicalReason::ContextFull => FinishReason::Length,
        CanonicalReason::ContentFilter => FinishReason::ContentFilter,
        // A model that refuses in words stops; a vendor that cuts it off is a filter, which agents have to notice.
        CanonicalReason::Refusal if refused => FinishReason::Stop,
        CanonicalReason::Refusal => FinishReason::ContentFilter,
    }
}

/// The tier in OpenAI's words; `None` where there is none.
pub fn write_tier(tier: Option<&str>) -> Option<ServiceTier> {
    match ServiceTier::from(tier?) {
        ServiceTier::Other(other) if other == "standard" || other == "batch" => Some(ServiceTier::Default),
        ServiceTier::Other(_) => None,
        known @ (ServiceTier::Auto
        | ServiceTier::Default
        | ServiceTier::Flex
        | ServiceTier::Scale
        | ServiceTier::Priority
        | ServiceTier::Fast) => Some(known),
    }
}

/// An identifier for a call that came without one; the same each time it is asked for.
pub fn call_id(answer: Option<&str>, index: usize) -> String {
    // With the prefix and a number, 40 characters at most, which is what the strictest servers take back.
    const TAIL: usize = 24;
    let legal: Vec<char> = answer
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let tail: String = legal.iter().skip(legal.len().saturating_sub(TAIL)).collect();
    format!("call_{tail}_{index}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_as_they_went() {
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

    #[test]
    fn minted_identifiers_fit() {
        let id = call_id(Some("chatcmpl-0123456789abcdefghijklmnopqrstuvwxyz"), 12);
        assert_eq!(id, "call_cdefghijklmnopqrstuvwxyz_12");
        assert!(id.len() <= 40);
    }
}
