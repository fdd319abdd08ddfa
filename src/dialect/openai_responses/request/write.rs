//! Writes a request: the members that are neither conversation, tools nor reasoning.

use std::borrow::Cow;

use super::{LOGPROBS, output_format};
use crate::canonical::{
    Effort as CanonicalEffort, FieldNames, OutputFormat, Request, Restoration, Sampling, Scope, ServiceTier,
    Verbosity,
};
use crate::capability::Capabilities;
use crate::dialect::openai::effort;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai::request::write::{
    SamplingWriter, TOOL_NAME_LIMIT, write_end_user, write_output_limit,
};
use crate::dialect::openai_responses::messages::WrittenInput;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::{endpoints, messages, reasoning, tools};
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::{Target, WrittenRequest};

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
    let names = ToolNames::new(scope, request, TOOL_NAME_LIMIT);
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
        write_output_limit(&mut scope, limit, LEAST_OUTPUT, capabilities)
    });
    let effort = effort::nearest(scope, request, capabilities);
    out.reasoning = reasoning::write_control(request, effort, capabilities);
    write_sampling(scope, sampling, effort, capabilities, &mut out);
    if !stop.is_empty() {
        scope.at(fields.stop).approximate(OpenAiReason::StopsCutByProxy);
    }
    out.text = write_text_config(scope, output_format.as_ref(), *verbosity, fields, capabilities);
    out.safety_identifier = end_user.as_deref().map(write_end_user);
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

/// Writes the sampling parameters. Some models accept them only without reasoning, which depends on the effort.
fn write_sampling(
    scope: &mut Scope<'_>,
    sampling: &Sampling,
    effort: Option<CanonicalEffort>,
    capabilities: &Capabilities,
    out: &mut ResponseCreateParams,
) {
    let Sampling {
        temperature: _,
        top_p: _,
        top_k,
        seed,
        frequency_penalty,
        presence_penalty,
    } = sampling;
    let writer = SamplingWriter::new(capabilities, effort);
    (out.temperature, out.top_p) = writer.write_temperature_and_top_p(scope, sampling);
    scope.drop_member("top_k", top_k, OpenAiReason::NoSuchParameter);
    scope.drop_member("seed", seed, OpenAiReason::NoSuchParameter);
    scope.drop_member(
        "frequency_penalty",
        frequency_penalty,
        OpenAiReason::NoSuchParameter,
    );
    scope.drop_member(
        "presence_penalty",
        presence_penalty,
        OpenAiReason::NoSuchParameter,
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
