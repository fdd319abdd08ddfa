//! Token counts, the tier that processed a response, and why a response ended.

use super::types::*;
use crate::canonical::{Finish, FinishReason, Losses, Usage as CanonicalUsage};

/// Token counts as they come in, in one object or in several of a stream: later ones overwrite.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    cache_write_1h: Option<u64>,
    output: u64,
    reasoning: Option<u64>,
    web_searches: u64,
}

impl Counts {
    /// The counts of an answer, or of its beginning.
    pub fn with(mut self, usage: Usage) -> Self {
        let Usage {
            cache_creation,
            cache_creation_input_tokens,
            cache_read_input_tokens,
            fallback_credit: _,
            inference_geo: _,
            input_tokens,
            iterations: _,
            output_tokens,
            output_tokens_details,
            server_tool_use,
            service_tier: _,
            speed: _,
            extra: _,
        } = usage;
        let long = cache_creation.and_then(|created| {
            let CacheCreation {
                ephemeral_1h_input_tokens,
                ephemeral_5m_input_tokens: _,
                extra: _,
            } = created;
            ephemeral_1h_input_tokens
        });
        self.cache_write_1h = long.map(count).or(self.cache_write_1h);
        self.update(
            input_tokens,
            cache_read_input_tokens,
            cache_creation_input_tokens,
            output_tokens,
            output_tokens_details,
            server_tool_use,
        );
        self
    }

    /// The counts at the end of a stream.
    pub fn with_delta(mut self, usage: MessageDeltaUsage) -> Self {
        let MessageDeltaUsage {
            cache_creation_input_tokens,
            cache_read_input_tokens,
            fallback_credit: _,
            input_tokens,
            iterations: _,
            output_tokens,
            output_tokens_details,
            server_tool_use,
            extra: _,
        } = usage;
        self.update(
            input_tokens,
            cache_read_input_tokens,
            cache_creation_input_tokens,
            output_tokens,
            output_tokens_details,
            server_tool_use,
        );
        self
    }

    fn update(
        &mut self,
        input: Option<i64>,
        cache_read: Option<i64>,
        cache_write: Option<i64>,
        output: Option<i64>,
        details: Option<OutputTokensDetails>,
        server: Option<ServerToolUsage>,
    ) {
        let reasoning = details.and_then(
            |OutputTokensDetails {
                 thinking_tokens,
                 extra: _,
             }| thinking_tokens,
        );
        let searches = server.and_then(|server| {
            let ServerToolUsage {
                web_fetch_requests: _,
                web_search_requests,
                extra: _,
            } = server;
            web_search_requests
        });
        self.input = input.map_or(self.input, count);
        self.cache_read = cache_read.map_or(self.cache_read, count);
        self.cache_write = cache_write.map_or(self.cache_write, count);
        self.output = output.map_or(self.output, count);
        self.reasoning = reasoning.map(count).or(self.reasoning);
        self.web_searches = searches.map_or(self.web_searches, count);
    }

    /// The canonical counts.
    pub fn usage(self) -> CanonicalUsage {
        let Self {
            input,
            cache_read,
            cache_write,
            cache_write_1h,
            output,
            reasoning,
            web_searches,
        } = self;
        CanonicalUsage {
            fresh: input,
            cache_read,
            cache_write,
            cache_write_1h,
            output,
            reasoning,
            web_searches,
        }
    }
}

/// A count; a negative one is a broken upstream's and counts nothing.
fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// Writes token counts; clients want every number, so unknown ones are zero.
pub fn write_usage(usage: CanonicalUsage, tier: Option<&str>, losses: &mut Losses) -> Usage {
    let CanonicalUsage {
        fresh,
        cache_read,
        cache_write,
        cache_write_1h,
        output,
        reasoning,
        web_searches,
    } = usage;
    let mut out = Usage::new();
    out.input_tokens = Some(signed(fresh));
    out.cache_read_input_tokens = Some(signed(cache_read));
    out.cache_creation_input_tokens = Some(signed(cache_write));
    out.cache_creation = cache_write_1h.map(|long| CacheCreation {
        ephemeral_1h_input_tokens: Some(signed(long)),
        ephemeral_5m_input_tokens: Some(signed(cache_write.saturating_sub(long))),
        ..CacheCreation::new()
    });
    out.output_tokens = Some(signed(output));
    out.output_tokens_details = reasoning.map(thinking_tokens);
    out.server_tool_use = (web_searches > 0).then(|| searches(web_searches));
    out.service_tier = tier.and_then(|tier| write_tier(tier, losses));
    out
}

/// Writes the token counts at the end of a stream.
pub fn write_delta_usage(usage: CanonicalUsage) -> MessageDeltaUsage {
    let CanonicalUsage {
        fresh,
        cache_read,
        cache_write,
        cache_write_1h: _,
        output,
        reasoning,
        web_searches,
    } = usage;
    let mut out = MessageDeltaUsage::new();
    out.input_tokens = Some(signed(fresh));
    out.cache_read_input_tokens = Some(signed(cache_read));
    out.cache_creation_input_tokens = Some(signed(cache_write));
    out.output_tokens = Some(signed(output));
    out.output_tokens_details = reasoning.map(thinking_tokens);
    out.server_tool_use = (web_searches > 0).then(|| searches(web_searches));
    out
}

fn thinking_tokens(tokens: u64) -> OutputTokensDetails {
    OutputTokensDetails {
        thinking_tokens: Some(signed(tokens)),
        ..OutputTokensDetails::new()
    }
}

fn searches(searches: u64) -> ServerToolUsage {
    let (fetches, searches) = (Some(0), Some(signed(searches)));
    ServerToolUsage {
        web_fetch_requests: fetches,
        web_search_requests: searches,
        ..ServerToolUsage::new()
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The tier that processed an answer, in OpenAI's words.
pub fn read_tier(usage: &Usage) -> Option<String> {
    usage.service_tier.as_ref().map(|tier| match tier {
        UsageServiceTier::Standard | UsageServiceTier::Batch => "default".to_owned(),
        UsageServiceTier::Priority => "priority".to_owned(),
        UsageServiceTier::Other(other) => other.clone(),
    })
}

/// The tier in Anthropic's words; it has no others.
fn write_tier(tier: &str, losses: &mut Losses) -> Option<UsageServiceTier> {
    match tier {
        "default" => Some(UsageServiceTier::Standard),
        "priority" => Some(UsageServiceTier::Priority),
        _ => {
            losses.ignore("service_tier", "a tier that this vendor does not have");
            None
        }
    }
}

/// Why an answer ended.
pub fn read_finish(
    reason: Option<StopReason>,
    stop_sequence: Option<String>,
    details: Option<RefusalStopDetails>,
    losses: &mut Losses,
) -> Finish {
    let reason = match reason {
        Some(StopReason::EndTurn) | None => FinishReason::End,
        Some(StopReason::Other(_)) => {
            losses.approximate("stop_reason", "a reason that the translation does not know");
            FinishReason::End
        }
        Some(StopReason::MaxTokens) => FinishReason::Length,
        Some(StopReason::StopSequence) => FinishReason::StopSequence,
        Some(StopReason::ToolUse) => FinishReason::ToolUse,
        Some(StopReason::PauseTurn) => FinishReason::Pause,
        Some(StopReason::Compaction) => FinishReason::Compaction,
        Some(StopReason::Refusal) => FinishReason::Refusal,
        Some(StopReason::ModelContextWindowExceeded) => FinishReason::ContextFull,
    };
    let explanation = details.and_then(|details| {
        let RefusalStopDetails {
            category: _,
            explanation,
            fallback_credit_token: _,
            fallback_has_prefill_claim: _,
            recommended_model: _,
            extra: _,
        } = details;
        explanation
    });
    Finish {
        reason,
        stop_sequence,
        explanation,
    }
}

/// How an answer's end is written.
pub struct WrittenFinish {
    /// `stop_reason`
    pub reason: StopReason,
    /// `stop_sequence`
    pub sequence: Option<String>,
    /// `stop_details`
    pub details: Option<RefusalStopDetails>,
}

/// Writes why an answer ended; `refusal` are the model's own words of it.
pub fn write_finish(finish: Finish, refusal: Option<String>) -> WrittenFinish {
    let Finish {
        reason,
        stop_sequence,
        explanation,
    } = finish;
    let reason = match reason {
        FinishReason::End => StopReason::EndTurn,
        FinishReason::StopSequence => StopReason::StopSequence,
        FinishReason::ToolUse => StopReason::ToolUse,
        FinishReason::Length => StopReason::MaxTokens,
        FinishReason::ContextFull => StopReason::ModelContextWindowExceeded,
        FinishReason::ContentFilter | FinishReason::Refusal => StopReason::Refusal,
        FinishReason::Pause => StopReason::PauseTurn,
        FinishReason::Compaction => StopReason::Compaction,
    };
    let sequence = stop_sequence.filter(|_| reason == StopReason::StopSequence);
    let details = (reason == StopReason::Refusal).then(|| {
        let mut details = RefusalStopDetails::new();
        details.explanation = explanation.or(refusal);
        details.extra.push_null("category");
        details.extra.push_null("explanation");
        details
    });
    WrittenFinish {
        reason,
        sequence,
        details,
    }
}
