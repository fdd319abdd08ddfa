//! Writes a request for an upstream.

use http::{HeaderName, HeaderValue};

use super::sampling::{self, ClaudeSampling};
use super::system;
use crate::canonical::{Request, Restoration, Scope, ServiceTier};
use crate::dialect::claude::endpoints;
use crate::dialect::claude::messages;
use crate::dialect::claude::messages::turns::{self, ClaudeTurns};
use crate::dialect::claude::reasoning::{self, ThinkingContext};
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::tools::{self, ClaudeTools};
use crate::dialect::claude::types::*;
use crate::dialect::shared::end_user;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::{Target, WrittenRequest};

/// Version of the API that requests are written for: the last one that takes sampling parameters.
pub const VERSION: &str = "2023-06-01";

/// Longest tool name that the API takes, in characters.
const TOOL_NAME_LIMIT: usize = 128;

/// Output tokens if neither the client nor the model's data gives a number: the API requires one.
const DEFAULT_MAX_TOKENS: u64 = 8192;

/// Writes a request. `tier` is written instead of the request's own service tier, since Bedrock has it in a header.
pub fn write(
    scope: &mut Scope<'_>,
    request: &Request,
    target: &Target<'_>,
    tier: Option<ServiceTier>,
) -> WrittenRequest {
    let Request {
        fields,
        model: _,
        stream,
        system,
        messages: _,
        tools: _,
        tool_choice: _,
        parallel_tool_calls: _,
        max_output_tokens,
        sampling,
        stop,
        reasoning: _,
        output_format: _,
        verbosity,
        end_user,
        cache_key,
        metadata,
        service_tier: _,
        logprobs,
    } = request;
    let Target {
        model,
        capabilities,
        length: _,
    } = target;
    let names = ToolNames::new(scope, request, TOOL_NAME_LIMIT);
    let ClaudeTurns {
        turns,
        system_as_user,
    } = turns::shape(scope, request, capabilities);
    let ClaudeTools {
        tools,
        choice,
        format,
        json_tool,
    } = tools::write(scope, request, &names, capabilities);

    let max_tokens = write_max_tokens(
        &mut scope.at(fields.max_output_tokens),
        *max_output_tokens,
        target,
    );
    let context = ThinkingContext {
        max_tokens,
        forced_tool: matches!(choice, Some(ToolChoiceParam::Any(_) | ToolChoiceParam::Tool(_))),
        lost_thinking: turns::has_lost_thinking(&turns),
    };
    let thinking = reasoning::write_control(scope, request, capabilities, context);
    let messages = messages::write(scope, turns, &names);
    let ClaudeSampling {
        temperature,
        top_p,
        top_k,
    } = sampling::write(scope, sampling, target, &thinking);

    let max_tokens = i64::try_from(max_tokens).unwrap_or(i64::MAX);
    let mut out = MessageCreateParams::new(max_tokens, messages, *model);
    out.stream = stream.then_some(true);
    let system = match system.split_last() {
        Some((_, rest)) if system_as_user => rest,
        _ => system,
    };
    out.system = system::write(system);
    out.tools = (!tools.is_empty()).then_some(tools);
    out.tool_choice = choice;
    out.temperature = temperature;
    out.top_p = top_p;
    out.top_k = top_k;
    if thinking.effort.is_some() || format.is_some() {
        out.output_config = Some(OutputConfigParam {
            effort: thinking.effort,
            format,
            ..OutputConfigParam::new()
        });
    }
    out.thinking = thinking.thinking;
    out.stop_sequences = write_stop(&mut scope.at(fields.stop), stop);
    out.metadata = end_user.as_ref().map(|id| MetadataParam {
        user_id: Some(end_user::make_opaque(id)),
        ..MetadataParam::new()
    });
    out.service_tier = write_tier(scope, tier);
    if verbosity.is_some() {
        scope.at(fields.verbosity).drop(ClaudeReason::Verbosity);
    }
    if logprobs.is_some() {
        scope.at(fields.logprobs).refuse(ClaudeReason::LogprobsOfRequest);
    }
    scope.ignore_member("prompt_cache_key", cache_key, ClaudeReason::CacheKey);
    if !metadata.is_empty() {
        scope.field("metadata").ignore(ClaudeReason::Metadata);
    }

    let mut body = target.buffer();
    write_request_into(&out, &mut body);
    let version = HeaderName::from_static("anthropic-version");
    WrittenRequest {
        path: endpoints::MESSAGES.into(),
        headers: vec![(version, HeaderValue::from_static(VERSION))],
        body,
        restoration: Restoration {
            tools: names.into_original_tools(),
            json_tool,
            stop: Vec::new(),
        },
    }
}

fn write_max_tokens(scope: &mut Scope<'_>, wanted: Option<u64>, target: &Target<'_>) -> u64 {
    match (wanted, target.capabilities.max_output) {
        (Some(wanted), Some(limit)) if wanted > limit => {
            scope.approximate(ClaudeReason::OutputLimit { limit });
            limit
        }
        (Some(wanted), _) => wanted,
        (None, limit) => limit.unwrap_or(DEFAULT_MAX_TOKENS),
    }
}

/// Writes the stop sequences without blank ones, which the API refuses.
fn write_stop(scope: &mut Scope<'_>, stop: &[String]) -> Option<Vec<String>> {
    let kept: Vec<String> = stop
        .iter()
        .filter(|text| !text.trim().is_empty())
        .cloned()
        .collect();
    if kept.len() < stop.len() {
        scope.drop(ClaudeReason::BlankStop);
    }
    (!kept.is_empty()).then_some(kept)
}

fn write_tier(scope: &mut Scope<'_>, tier: Option<ServiceTier>) -> Option<MessageCreateParamsServiceTier> {
    match tier? {
        ServiceTier::Auto => Some(MessageCreateParamsServiceTier::Auto),
        ServiceTier::Default => Some(MessageCreateParamsServiceTier::StandardOnly),
        // Reserved capacity is used whenever the account has it, which is what `auto` asks for.
        ServiceTier::Priority => {
            scope
                .field("service_tier")
                .approximate(ClaudeReason::PriorityTier);
            Some(MessageCreateParamsServiceTier::Auto)
        }
        ServiceTier::Flex | ServiceTier::Scale | ServiceTier::Fast | ServiceTier::Ultrafast => {
            scope.field("service_tier").drop(ClaudeReason::ForeignServiceTier);
            None
        }
    }
}
