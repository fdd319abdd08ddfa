//! Writes a request for an upstream.

use std::borrow::Cow;

use serde_json::Number;

use super::{format, service_tier};
use crate::canonical::{Effort, Request, Restoration, Sampling, Scope, Verbosity};
use crate::capability::Capabilities;
use crate::dialect::openai::effort;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai::request::write::{
    SamplingWriter, TOOL_NAME_LIMIT, write_end_user, write_output_limit,
};
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::{endpoints, messages, tools};
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::{Target, WrittenRequest};

/// The most stop sequences of one request (OpenAI API reference, `stop`).
const MOST_STOPS: usize = 4;

/// The API has no minimum of output tokens besides 0, which it refuses.
const LEAST_OUTPUT: u64 = 0;

/// Writes a request. `scope` is that of the client's body.
pub fn write(scope: &mut Scope<'_>, request: &Request, target: &Target<'_>) -> WrittenRequest {
    let Request {
        fields,
        // The upstream's name of the model replaces it.
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
    // Compatible servers do not know some fields of OpenAI's own models, and may refuse a request that contains them.
    let is_openai = capabilities.max_completion_tokens;
    let names = ToolNames::new(scope, request, TOOL_NAME_LIMIT);
    let messages = messages::write(scope, request, &names, capabilities);
    let mut out = CompletionCreateParams::new(messages, model.to_owned());
    tools::write(scope, request, &names, target, &mut out);
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
        let mut scope = scope.at(fields.max_output_tokens);
        let limit = write_output_limit(&mut scope, limit, LEAST_OUTPUT, capabilities);
        if capabilities.max_completion_tokens {
            out.max_completion_tokens = limit;
        } else {
            out.max_tokens = limit;
        }
    }
    let effort = effort::nearest(scope, request, capabilities);
    out.reasoning_effort = effort.map(|effort| ReasoningEffort::from(effort.as_str()));
    write_sampling(scope, sampling, effort, capabilities, &mut out);
    if !stop.is_empty() && !capabilities.stop_sequences {
        scope.at(fields.stop).approximate(OpenAiReason::StopsCutByProxy);
        restoration.stop.clone_from(stop);
    } else if !stop.is_empty() {
        if stop.len() > MOST_STOPS {
            scope.at(fields.stop).drop(ChatReason::TooManyStops);
        }
        let stops = stop.iter().take(MOST_STOPS).cloned().collect();
        out.stop = Some(CompletionCreateParamsStop::Array(stops));
    }
    out.response_format = output_format
        .as_ref()
        .map(|format| format::write(&mut scope.at(fields.output_format), format, capabilities));
    if is_openai {
        out.verbosity = verbosity.map(write_verbosity);
    } else if verbosity.is_some() {
        scope.at(fields.verbosity).drop(ChatReason::NoVerbosity);
    }
    out.safety_identifier = end_user.as_deref().map(write_end_user);
    if is_openai {
        out.prompt_cache_key.clone_from(cache_key);
    } else {
        scope.ignore_member("prompt_cache_key", cache_key, OpenAiReason::CachingHint);
    }
    if !metadata.is_empty() {
        scope.field("metadata").ignore(ChatReason::MetadataNotStored);
    }
    out.service_tier = service_tier.map(|tier| service_tier::write(&mut scope.field("service_tier"), tier));
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

fn write_sampling(
    scope: &mut Scope<'_>,
    sampling: &Sampling,
    effort: Option<Effort>,
    capabilities: &Capabilities,
    out: &mut CompletionCreateParams,
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
    out.frequency_penalty = writer.write(scope, "frequency_penalty", frequency_penalty.as_ref());
    out.presence_penalty = writer.write(scope, "presence_penalty", presence_penalty.as_ref());
    scope.drop_member("top_k", top_k, OpenAiReason::NoSuchParameter);
    out.seed = seed.as_ref().and_then(Number::as_i64);
    if out.seed.is_none() {
        scope.drop_member("seed", seed, ChatReason::SeedRange);
    }
}

fn write_verbosity(verbosity: Verbosity) -> CompletionCreateParamsVerbosity {
    match verbosity {
        Verbosity::Low => CompletionCreateParamsVerbosity::Low,
        Verbosity::Medium => CompletionCreateParamsVerbosity::Medium,
        Verbosity::High => CompletionCreateParamsVerbosity::High,
    }
}
