//! Writes a request: the members that are neither conversation, tools nor reasoning.

use std::borrow::Cow;

use serde_json::Number;

use super::{LOGPROBS, output_format};
use crate::canonical::{
    FieldNames, OutputFormat, Request, Restoration, Sampling, Scope, ServiceTier, Verbosity,
};
use crate::capability::{Capabilities, SamplingSupport};
use crate::dialect::openai_responses::messages::WrittenInput;
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::{endpoints, messages, reasoning, tools};
use crate::dialect::shared::end_user;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::{Target, WrittenRequest};

/// Most characters of a tool's name that the API accepts.
const NAME_LIMIT: usize = 64;

/// Most characters of `safety_identifier` that the API accepts.
const END_USER_LIMIT: usize = 128;

/// The least `max_output_tokens` that the API accepts.
const LEAST_OUTPUT: u64 = 16;

/// The member of `include` that asks for the reasoning state in the response.
const REASONING_STATE: &str = "reasoning.encrypted_content";

/// Writes a request.
pub fn write(scope: &mut Scope<'_>, request: &Request, target: &Target<'_>) -> WrittenRequest {
    let Request {
        fields,
        // The target has the upstream's name of the model.
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
    let names = ToolNames::new(scope, request, NAME_LIMIT);
    let mut out = ResponseCreateParams::new(model);
    let WrittenInput { instructions, items } = messages::write(scope, request, &names, capabilities);
    out.instructions = instructions;
    out.input = Some(ResponseCreateParamsInput::Array(items));
    tools::write(scope, request, &names, capabilities, &mut out);
    if *stream {
        out.stream = Some(true);
        // The padding hides the length of tokens from eavesdroppers; between proxy and upstream it only costs bytes.
        let mut options = StreamOptions::new();
        options.include_obfuscation = Some(false);
        out.stream_options = Some(options);
    }
    // The default is true: the vendor would keep every response.
    out.store = Some(false);
    let mut include = Vec::new();
    // Without a store at the vendor, reasoning goes on in the next turn only if its encrypted state comes back.
    if !capabilities.efforts.is_empty() {
        include.push(REASONING_STATE.to_owned());
    }
    if let Some(top) = *logprobs {
        include.push(LOGPROBS.to_owned());
        out.top_logprobs = i64::try_from(top).ok();
    }
    out.include = (!include.is_empty()).then_some(include);
    out.max_output_tokens = max_output_tokens.and_then(|limit| {
        let mut scope = scope.at(fields.max_output_tokens);
        write_output_limit(&mut scope, limit, capabilities)
    });
    out.reasoning = reasoning::write_control(scope, request, capabilities);
    write_sampling(scope, sampling, capabilities, &mut out);
    if !stop.is_empty() {
        scope.at(fields.stop).approximate(ResponsesReason::StopSequences);
    }
    out.text = write_text_config(scope, output_format.as_ref(), *verbosity, fields, capabilities);
    out.safety_identifier = end_user.as_ref().map(|id| {
        if id.chars().count() > END_USER_LIMIT {
            end_user::digest(id)
        } else {
            id.clone()
        }
    });
    out.prompt_cache_key.clone_from(cache_key);
    out.metadata = (!metadata.is_empty()).then(|| metadata.iter().cloned().collect());
    out.service_tier = service_tier.map(write_service_tier);
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

/// Writes the limit of output tokens, within what the API and this model accept.
fn write_output_limit(scope: &mut Scope<'_>, limit: u64, capabilities: &Capabilities) -> Option<i64> {
    if limit == 0 {
        scope.refuse(ResponsesReason::NoOutputTokens);
        return None;
    }
    let most = capabilities.max_output.unwrap_or(u64::MAX);
    let fitted = limit.min(most).max(LEAST_OUTPUT);
    if fitted < limit {
        scope.approximate(ResponsesReason::OutputLimit { most });
    } else if fitted > limit {
        let least = LEAST_OUTPUT;
        scope.approximate(ResponsesReason::LeastOutput { least });
    }
    Some(i64::try_from(fitted).unwrap_or(i64::MAX))
}

/// Writes the sampling parameters. `out.reasoning` has to be written before: some models accept them only without
/// reasoning.
fn write_sampling(
    scope: &mut Scope<'_>,
    sampling: &Sampling,
    capabilities: &Capabilities,
    out: &mut ResponseCreateParams,
) {
    let Sampling {
        temperature,
        top_p,
        top_k,
        seed,
        frequency_penalty,
        presence_penalty,
    } = sampling;
    let is_accepted = match capabilities.sampling {
        SamplingSupport::None => false,
        SamplingSupport::WithoutReasoning => {
            let reasoning = out.reasoning.as_ref();
            reasoning.and_then(|reasoning| reasoning.effort.as_ref()) == Some(&Effort::None)
        }
        SamplingSupport::All => true,
    };
    let mut accept = |value: &Option<Number>, name: &'static str| {
        if is_accepted {
            value.clone()
        } else {
            scope.drop_member(name, value, ResponsesReason::NoSampling);
            None
        }
    };
    out.temperature = accept(temperature, "temperature");
    out.top_p = accept(top_p, "top_p");
    if out.temperature.is_some() && out.top_p.is_some() && !capabilities.temperature_with_top_p {
        scope.at("top_p").drop(ResponsesReason::TemperatureOrTopP);
        out.top_p = None;
    }
    scope.drop_member("top_k", top_k, ResponsesReason::NoSuchParameter);
    scope.drop_member("seed", seed, ResponsesReason::NoSuchParameter);
    scope.drop_member(
        "frequency_penalty",
        frequency_penalty,
        ResponsesReason::NoSuchParameter,
    );
    scope.drop_member(
        "presence_penalty",
        presence_penalty,
        ResponsesReason::NoSuchParameter,
    );
}

/// Writes `text`; `None` if the request leaves all of it to the defaults.
fn write_text_config(
    scope: &mut Scope<'_>,
    format: Option<&OutputFormat>,
    verbosity: Option<Verbosity>,
    fields: &FieldNames,
    capabilities: &Capabilities,
) -> Option<ResponseTextConfigParam> {
    if format.is_none() && verbosity.is_none() {
        return None;
    }
    let mut text = ResponseTextConfigParam::new();
    text.format = format.map(|format| output_format::write_format(scope, format, fields, capabilities));
    text.verbosity = verbosity.map(|verbosity| match verbosity {
        Verbosity::Low => ResponseTextConfigParamVerbosity::Low,
        Verbosity::Medium => ResponseTextConfigParamVerbosity::Medium,
        Verbosity::High => ResponseTextConfigParamVerbosity::High,
    });
    Some(text)
}

fn write_service_tier(tier: ServiceTier) -> ResponseCreateParamsServiceTier {
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
