//! Writes a request: its scalars; items and tools have files of their own.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::request::LOGPROBS;
use super::types::*;
use super::{endpoints, history, reasoning, tools};
use crate::canonical::{
    FieldNames, Losses, OutputFormat, Request, Restoration, Sampling, Scope, ServiceTier, Verbosity,
};
use crate::capability::{Capabilities, SamplingSupport};
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::shared::{end_user, json_schema};
use crate::dialect::{Target, WrittenRequest};

/// Most characters of a tool's name.
const NAME_LIMIT: usize = 64;

/// Most characters of `safety_identifier`.
const END_USER_LIMIT: usize = 128;

/// The least that `max_output_tokens` may be.
const LEAST_OUTPUT: u64 = 16;

/// Name of a schema that has none; the API wants one.
const UNNAMED_SCHEMA: &str = "response";

/// The member of `include` that asks for reasoning state in the answer.
const REASONING_STATE: &str = "reasoning.encrypted_content";

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
    let names = ToolNames::new(&mut Scope::root(losses), request, NAME_LIMIT);
    let mut out = ResponseCreateParams::new(model);
    let history::Written { instructions, items } = history::write(request, &names, capabilities, losses);
    out.instructions = instructions;
    out.input = Some(ResponseCreateParamsInput::Array(items));
    tools::write(request, &names, capabilities, &mut out, losses);
    if *stream {
        out.stream = Some(true);
        // Padding against eavesdroppers who count bytes: between proxy and upstream it costs and helps nobody.
        let mut options = StreamOptions::new();
        options.include_obfuscation = Some(false);
        out.stream_options = Some(options);
    }
    // Left out it would mean that the vendor keeps the answer.
    out.store = Some(false);
    let mut include = Vec::new();
    if !capabilities.efforts.is_empty() {
        include.push(REASONING_STATE.to_owned());
    }
    if let Some(top) = *logprobs {
        include.push(LOGPROBS.to_owned());
        out.top_logprobs = i64::try_from(top).ok();
    }
    out.include = (!include.is_empty()).then_some(include);
    out.max_output_tokens =
        max_output_tokens.and_then(|limit| write_limit(limit, fields, capabilities, losses));
    out.reasoning = reasoning::write_control(request, capabilities, losses);
    write_sampling(sampling, capabilities, &mut out, losses);
    if !stop.is_empty() {
        losses.approximate(fields.stop, "the proxy cuts the answer at stop sequences itself");
    }
    write_text(
        output_format.as_ref(),
        *verbosity,
        fields,
        capabilities,
        &mut out,
        losses,
    );
    out.safety_identifier = end_user.as_ref().map(|id| {
        if id.chars().count() > END_USER_LIMIT {
            end_user::digest(id)
        } else {
            id.clone()
        }
    });
    out.prompt_cache_key.clone_from(cache_key);
    out.metadata = (!metadata.is_empty()).then(|| metadata.iter().cloned().collect());
    out.service_tier = service_tier.map(write_tier);
    let restoration = Restoration {
        tools: names.into_original_tools(),
        json_tool: None,
        stop: stop.clone(),
    };
    let mut body = target.buffer();
    write_request_into(&out, &mut body);
    WrittenRequest {
        path: Cow::Borrowed(endpoints::RESPONSES),
        headers: Vec::new(),
        body,
        restoration,
    }
}

fn write_limit(
    limit: u64,
    fields: &FieldNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Option<i64> {
    if limit == 0 {
        losses.refuse(
            fields.max_output_tokens,
            "an answer without any token cannot be asked for",
        );
        return None;
    }
    let most = capabilities.max_output.unwrap_or(u64::MAX);
    let fitted = limit.min(most).max(LEAST_OUTPUT);
    if fitted < limit {
        let reason = format!("this model writes at most {most} tokens");
        losses.approximate(fields.max_output_tokens, reason);
    } else if fitted > limit {
        let reason = format!("the limit is at least {LEAST_OUTPUT} tokens");
        losses.approximate(fields.max_output_tokens, reason);
    }
    Some(i64::try_from(fitted).unwrap_or(i64::MAX))
}

fn write_sampling(
    sampling: &Sampling,
    capabilities: &Capabilities,
    out: &mut ResponseCreateParams,
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
    let does_not_reason = || {
        let effort = out
            .reasoning
            .as_ref()
            .and_then(|reasoning| reasoning.effort.as_ref());
        effort == Some(&Effort::None)
    };
    let is_taken = match capabilities.sampling {
        SamplingSupport::None => false,
        SamplingSupport::WithoutReasoning => does_not_reason(),
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
    if out.temperature.is_some() && out.top_p.is_some() && !capabilities.temperature_with_top_p {
        losses.drop_field("top_p", "this model takes `temperature` or `top_p`, not both");
        out.top_p = None;
    }
    for (is_set, field) in [
        (top_k.is_some(), "top_k"),
        (seed.is_some(), "seed"),
        (frequency_penalty.is_some(), "frequency_penalty"),
        (presence_penalty.is_some(), "presence_penalty"),
    ] {
        if is_set {
            losses.drop_field(field, "the API has no such parameter");
        }
    }
}

fn write_text(
    format: Option<&OutputFormat>,
    verbosity: Option<Verbosity>,
    fields: &FieldNames,
    capabilities: &Capabilities,
    out: &mut ResponseCreateParams,
    losses: &mut Losses,
) {
    if format.is_none() && verbosity.is_none() {
        return;
    }
    let mut text = ResponseTextConfigParam::new();
    text.format = format.map(|format| write_format(format, fields, capabilities, losses));
    text.verbosity = verbosity.map(|verbosity| match verbosity {
        Verbosity::Low => ResponseTextConfigParamVerbosity::Low,
        Verbosity::Medium => ResponseTextConfigParamVerbosity::Medium,
        Verbosity::High => ResponseTextConfigParamVerbosity::High,
    });
    out.text = Some(text);
}

fn write_format(
    format: &OutputFormat,
    fields: &FieldNames,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> TextFormatParam {
    let OutputFormat::JsonSchema {
        name,
        description,
        schema,
        strict,
    } = format
    else {
        return ResponseFormatJsonObjectParam::new().into();
    };
    if !capabilities.structured_output {
        losses.approximate(
            fields.output_format,
            "this model is held to JSON, not to a schema",
        );
        return ResponseFormatJsonObjectParam::new().into();
    }
    let mut out = JsonSchemaFormatParam::new(name.as_deref().unwrap_or(UNNAMED_SCHEMA), schema.clone());
    out.description.clone_from(description);
    let parsed: Value = serde_json::from_str(schema.get()).unwrap_or_default();
    let is_enforceable = json_schema::is_openai_strict(&parsed);
    out.strict = Some(match strict {
        // A dialect that knows no such word holds every answer to its schema.
        Some(true) | None if !is_enforceable => {
            losses.approximate(
                fields.output_format,
                "the schema is outside the subset that can be enforced",
            );
            false
        }
        Some(true) | None => true,
        Some(false) => false,
    });
    out.into()
}

fn write_tier(tier: ServiceTier) -> ResponseCreateParamsServiceTier {
    match tier {
        ServiceTier::Auto => ResponseCreateParamsServiceTier::Auto,
        ServiceTier::Default => ResponseCreateParamsServiceTier::Default,
        ServiceTier::Flex => ResponseCreateParamsServiceTier::Flex,
        ServiceTier::Scale => ResponseCreateParamsServiceTier::Scale,
        ServiceTier::Priority => ResponseCreateParamsServiceTier::Priority,
        ServiceTier::Fast => ResponseCreateParamsServiceTier::Fast,
        ServiceTier::Ultrafast => ResponseCreateParamsServiceTier::Ultrafast,
    }
}
