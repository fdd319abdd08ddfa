//! Writes a request: its scalars; messages and tools have files of their own.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::types::*;
use super::{endpoints, history, tools};
use crate::canonical::{
    Effort, Losses, OutputFormat, Request, Restoration, Sampling, Scope, ServiceTier as CanonicalTier,
    Verbosity,
};
use crate::capability::{Capabilities, SamplingSupport};
use crate::dialect::openai::effort;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::{end_user, json_schema};
use crate::dialect::{Target, WrittenRequest};

/// Most characters of a tool's name.
const NAME_LIMIT: usize = 64;

/// Most stop sequences in one request.
const MOST_STOPS: usize = 4;

/// Most characters of `safety_identifier`.
const END_USER_LIMIT: usize = 128;

/// Name of a schema that has none; the API wants one.
const UNNAMED_SCHEMA: &str = "response";

/// Writes a request.
pub fn write(request: &Request, target: &Target<'_>, losses: &mut Losses) -> WrittenRequest {
    let Request {
        fields,
        // The upstream's name of the model stands in its place.
        model: _,
        stream,
        system: _,
        messages: _,
        tools: _,
        tool_choice: _,
        parallel_tool_calls: _,
        max_output_tokens,
        sampling,
        stop,
        reasoning: _,
        output_format,
        verbosity,
        end_user,
        cache_key,
        metadata,
        service_tier,
        logprobs,
    } = request;
    let Target {
        model, capabilities, ..
    } = *target;
    // The fields of OpenAI's own models that compatible servers do not know, and may refuse.
    let is_openai = capabilities.max_completion_tokens;
    let names = ToolNames::new(&mut Scope::root(losses), request, NAME_LIMIT);
    let mut out = CompletionCreateParams::new(
        history::write(request, &names, capabilities, losses),
        model.to_owned(),
    );
    tools::write(request, &names, model, capabilities, &mut out, losses);
    let mut restoration = Restoration::default();

    if *stream {
        out.stream = Some(true);
        if capabilities.stream_usage {
            let mut options = ChatCompletionStreamOptionsParam::new();
            options.include_usage = Some(true);
            out.stream_options = Some(options);
        }
    }
    if let Some(limit) = *max_output_tokens {
        write_limit(limit, fields.max_output_tokens, capabilities, &mut out, losses);
    }
    out.reasoning_effort = write_effort(request, capabilities, losses);
    write_sampling(sampling, capabilities, &mut out, losses);
    if !stop.is_empty() && !capabilities.stop_sequences {
        losses.approximate(fields.stop, "the proxy cuts the answer at stop sequences itself");
        restoration.stop.clone_from(stop);
    } else if !stop.is_empty() {
        if stop.len() > MOST_STOPS {
            losses.drop_field(fields.stop, "only four stop sequences are taken");
        }
        let stops = stop.iter().take(MOST_STOPS).cloned().collect();
        out.stop = Some(CompletionCreateParamsStop::Array(stops));
    }
    out.response_format = output_format
        .as_ref()
        .map(|format| write_format(format, fields.output_format, capabilities, losses));
    if let Some(verbosity) = verbosity {
        if is_openai {
            out.verbosity = Some(match verbosity {
                Verbosity::Low => CompletionCreateParamsVerbosity::Low,
                Verbosity::Medium => CompletionCreateParamsVerbosity::Medium,
                Verbosity::High => CompletionCreateParamsVerbosity::High,
            });
        } else {
            losses.drop_field(fields.verbosity, "this model has no verbosity");
        }
    }
    out.safety_identifier = end_user.as_ref().map(|id| {
        if id.chars().count() > END_USER_LIMIT {
            end_user::digest(id)
        } else {
            id.clone()
        }
    });
    if let Some(key) = cache_key {
        if is_openai {
            out.prompt_cache_key = Some(key.clone());
        } else {
            losses.ignore("prompt_cache_key", "a caching hint");
        }
    }
    if !metadata.is_empty() {
        losses.ignore("metadata", "answers are not stored");
    }
    out.service_tier = service_tier.map(|tier| write_tier(tier, losses));
    if let Some(top) = *logprobs {
        out.logprobs = Some(true);
        out.top_logprobs = i64::try_from(top).ok().filter(|top| *top > 0);
    }

    restoration.tools = names.into_original_tools();
    let mut body = target.buffer();
    write_request_into(&out, &mut body);
    WrittenRequest {
        path: Cow::Borrowed(endpoints::CHAT_COMPLETIONS),
        headers: Vec::new(),
        body,
        restoration,
    }
}

fn write_limit(
    limit: u64,
    field: &'static str,
    capabilities: &Capabilities,
    out: &mut CompletionCreateParams,
    losses: &mut Losses,
) {
    if limit == 0 {
        losses.refuse(field, "an answer without any token cannot be asked for");
        return;
    }
    let most = capabilities.max_output.unwrap_or(u64::MAX);
    if limit > most {
        losses.approximate(field, format!("this model writes at most {most} tokens"));
    }
    let limit = Some(i64::try_from(limit.min(most)).unwrap_or(i64::MAX));
    if capabilities.max_completion_tokens {
        out.max_completion_tokens = limit;
    } else {
        out.max_tokens = limit;
    }
}

fn write_sampling(
    sampling: &Sampling,
    capabilities: &Capabilities,
    out: &mut CompletionCreateParams,
    losses: &mut Losses,
) {
    let Sampling {
        temperature,
        top_p,
        top_k,
        seed,
        frequency_penalty,
        presence_penalty,
    } = sampling;
    let is_taken = match capabilities.sampling {
        SamplingSupport::None => false,
        SamplingSupport::WithoutReasoning => out.reasoning_effort == Some(ReasoningEffort::None),
        SamplingSupport::All => true,
    };
    let mut taken = |value: &Option<Number>, field: &'static str| {
        if value.is_some() && !is_taken {
            losses.drop_field(field, "this model takes no sampling parameters");
        }
        value.clone().filter(|_| is_taken)
    };
    out.temperature = taken(temperature, "temperature");
    out.top_p = taken(top_p, "top_p");
    out.frequency_penalty = taken(frequency_penalty, "frequency_penalty");
    out.presence_penalty = taken(presence_penalty, "presence_penalty");
    if out.temperature.is_some() && out.top_p.is_some() && !capabilities.temperature_with_top_p {
        losses.drop_field("top_p", "this model takes `temperature` or `top_p`, not both");
        out.top_p = None;
    }
    if top_k.is_some() {
        losses.drop_field("top_k", "the API has no such parameter");
    }
    out.seed = seed.as_ref().and_then(Number::as_i64);
    if seed.is_some() && out.seed.is_none() {
        losses.drop_field("seed", "a seed is a whole number of 64 bits");
    }
}

/// What is shown of the reasoning cannot be chosen: compatible servers show it, OpenAI's models do not.
fn write_effort(
    request: &Request,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Option<ReasoningEffort> {
    Some(
        match effort::nearest(&mut Scope::root(losses), request, capabilities)? {
            Effort::None => ReasoningEffort::None,
            Effort::Minimal => ReasoningEffort::Minimal,
            Effort::Low => ReasoningEffort::Low,
            Effort::Medium => ReasoningEffort::Medium,
            Effort::High => ReasoningEffort::High,
            Effort::Xhigh => ReasoningEffort::Xhigh,
            Effort::Max => ReasoningEffort::Max,
        },
    )
}

fn write_format(
    format: &OutputFormat,
    field: &'static str,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> ResponseFormat {
    let OutputFormat::JsonSchema {
        name,
        description,
        schema,
        strict,
    } = format
    else {
        return ResponseFormatJsonObject::new().into();
    };
    if !capabilities.structured_output {
        losses.approximate(field, "this model is held to JSON, not to a schema");
        return ResponseFormatJsonObject::new().into();
    }
    let mut out = JsonSchema::new(name.as_deref().unwrap_or(UNNAMED_SCHEMA));
    out.description.clone_from(description);
    out.strict = *strict;
    if *strict == Some(true) {
        let parsed: Value = serde_json::from_str(schema.get()).unwrap_or_default();
        if !json_schema::is_openai_strict(&parsed) {
            losses.approximate(field, "the schema is outside the subset that can be enforced");
            out.strict = Some(false);
        }
    }
    out.schema = Some(schema.clone());
    ResponseFormatJsonSchema::new(out).into()
}

fn write_tier(tier: CanonicalTier, losses: &mut Losses) -> ServiceTier {
    match tier {
        CanonicalTier::Auto => ServiceTier::Auto,
        CanonicalTier::Default => ServiceTier::Default,
        CanonicalTier::Flex => ServiceTier::Flex,
        CanonicalTier::Scale => ServiceTier::Scale,
        CanonicalTier::Priority => ServiceTier::Priority,
        CanonicalTier::Fast => ServiceTier::Fast,
        CanonicalTier::Ultrafast => {
            losses.approximate("service_tier", "the fastest tier here is `fast`");
            ServiceTier::Fast
        }
    }
}
