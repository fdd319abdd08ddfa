//! Token counts, the tier that processed a response, and why a response ended.

use super::reasons::ClaudeReason;
use super::types::*;
use crate::canonical::{Finish, FinishReason, Scope, Usage as CanonicalUsage};

/// Token counts of a response, from one object or from several of a stream. Later counts replace earlier ones: those at
/// the end of a stream are totals.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClaudeTokenCounts {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    cache_write_1h: Option<u64>,
    output: u64,
    reasoning: Option<u64>,
    web_searches: u64,
}

impl ClaudeTokenCounts {
    /// Adds the counts of a complete response, or of the first event of a stream.
    #[must_use]
    pub fn merge(mut self, usage: Usage) -> Self {
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
        let cache_write_1h = cache_creation.and_then(|created| {
            let CacheCreation {
                ephemeral_1h_input_tokens,
                ephemeral_5m_input_tokens: _,
                extra: _,
            } = created;
            ephemeral_1h_input_tokens
        });
        self.cache_write_1h = cache_write_1h.map(to_count).or(self.cache_write_1h);
        self.merge_delta(MessageDeltaUsage {
            cache_creation_input_tokens,
            cache_read_input_tokens,
            input_tokens,
            output_tokens,
            output_tokens_details,
            server_tool_use,
            ..MessageDeltaUsage::new()
        })
    }

    /// Adds the counts of a stream's `message_delta`.
    #[must_use]
    pub fn merge_delta(mut self, usage: MessageDeltaUsage) -> Self {
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
        let reasoning = output_tokens_details.and_then(|details| {
            let OutputTokensDetails {
                thinking_tokens,
                extra: _,
            } = details;
            thinking_tokens
        });
        let web_searches = server_tool_use.and_then(|server| {
            let ServerToolUsage {
                web_fetch_requests: _,
                web_search_requests,
                extra: _,
            } = server;
            web_search_requests
        });
        self.input = input_tokens.map_or(self.input, to_count);
        self.cache_read = cache_read_input_tokens.map_or(self.cache_read, to_count);
        self.cache_write = cache_creation_input_tokens.map_or(self.cache_write, to_count);
        self.output = output_tokens.map_or(self.output, to_count);
        self.reasoning = reasoning.map(to_count).or(self.reasoning);
        self.web_searches = web_searches.map_or(self.web_searches, to_count);
        self
    }

    /// The canonical counts.
    pub fn to_usage(self) -> CanonicalUsage {
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

/// A count. A negative one, which only a broken upstream sends, is zero.
fn to_count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// Writes token counts; clients expect every number, so unknown ones are zero.
pub fn write_usage(scope: &mut Scope<'_>, usage: CanonicalUsage, tier: Option<&str>) -> Usage {
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
    out.input_tokens = Some(to_signed(fresh));
    out.cache_read_input_tokens = Some(to_signed(cache_read));
    out.cache_creation_input_tokens = Some(to_signed(cache_write));
    out.cache_creation = cache_write_1h.map(|long| CacheCreation {
        ephemeral_1h_input_tokens: Some(to_signed(long)),
        ephemeral_5m_input_tokens: Some(to_signed(cache_write.saturating_sub(long))),
        ..CacheCreation::new()
    });
    out.output_tokens = Some(to_signed(output));
    out.output_tokens_details = reasoning.map(write_thinking_tokens);
    out.server_tool_use = (web_searches > 0).then(|| write_searches(web_searches));
    out.service_tier = tier.and_then(|tier| write_tier(scope, tier));
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
    out.input_tokens = Some(to_signed(fresh));
    out.cache_read_input_tokens = Some(to_signed(cache_read));
    out.cache_creation_input_tokens = Some(to_signed(cache_write));
    out.output_tokens = Some(to_signed(output));
    out.output_tokens_details = reasoning.map(write_thinking_tokens);
    out.server_tool_use = (web_searches > 0).then(|| write_searches(web_searches));
    out
}

fn write_thinking_tokens(tokens: u64) -> OutputTokensDetails {
    OutputTokensDetails {
        thinking_tokens: Some(to_signed(tokens)),
        ..OutputTokensDetails::new()
    }
}

fn write_searches(searches: u64) -> ServerToolUsage {
    ServerToolUsage {
        web_fetch_requests: Some(0),
        web_search_requests: Some(to_signed(searches)),
        ..ServerToolUsage::new()
    }
}

fn to_signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Reads the tier that processed a response, as OpenAI names it. A batch is processed as standard.
pub fn read_tier(usage: &Usage) -> Option<String> {
    usage.service_tier.as_ref().map(|tier| match tier {
        UsageServiceTier::Standard | UsageServiceTier::Batch => "default".to_owned(),
        UsageServiceTier::Priority => "priority".to_owned(),
        UsageServiceTier::Other(other) => other.clone(),
    })
}

/// Writes the tier as Anthropic names it; it has no others.
fn write_tier(scope: &mut Scope<'_>, tier: &str) -> Option<UsageServiceTier> {
    match tier {
        "default" => Some(UsageServiceTier::Standard),
        "priority" => Some(UsageServiceTier::Priority),
        _ => {
            scope
                .field("service_tier")
                .ignore(ClaudeReason::ForeignServiceTier);
            None
        }
    }
}

/// Reads why a response ended. `scope` is that of the response.
pub fn read_finish(
    scope: &mut Scope<'_>,
    reason: Option<StopReason>,
    stop_sequence: Option<String>,
    details: Option<RefusalStopDetails>,
) -> Finish {
    let reason = match reason {
        Some(StopReason::EndTurn) | None => FinishReason::End,
        Some(StopReason::Other(_)) => {
            scope
                .field("stop_reason")
                .approximate(ClaudeReason::UnknownStopReason);
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

/// The members of a message that report why it ended.
pub struct ClaudeStop {
    /// `stop_reason`
    pub reason: StopReason,
    /// `stop_sequence`
    pub sequence: Option<String>,
    /// `stop_details`
    pub details: Option<RefusalStopDetails>,
}

/// Writes why a response ended. `refusal` is the model's refusal, which is the explanation if the upstream gave none.
pub fn write_finish(finish: Finish, refusal: Option<String>) -> ClaudeStop {
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
        // The API's clients expect both members, with `null` for what is not known.
        details.extra.push_null("category");
        details.extra.push_null("explanation");
        details
    });
    ClaudeStop {
        reason,
        sequence,
        details,
    }
}
