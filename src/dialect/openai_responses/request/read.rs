//! Reads a request: the members that are neither conversation, tools nor reasoning.

use std::sync::Arc;

use serde::Deserialize;

use super::{LOGPROBS, output_format};
use crate::canonical::{Error, FieldNames, Request, Sampling, Scope, ServiceTier, Verbosity};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai::request::read::{
    ModerationMode, invalid_request, read_unsigned, record_moderation,
};
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::tools::choice;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::{messages, reasoning, response, tools};
use crate::dialect::shared::unknown::drop_unknown;
use crate::dialect::{ClientRequest, Preferences, ReadRequest, RequestEcho};
use crate::wire::json::{RawJson, parse_with_raw_members};

/// How this dialect calls the fields of a request, for each of the two names of the end user.
static FIELDS: [FieldNames; 2] = [field_names("safety_identifier"), field_names("user")];

const fn field_names(end_user: &'static str) -> FieldNames {
    FieldNames {
        system: "instructions",
        messages: "input",
        max_output_tokens: "max_output_tokens",
        // The API has no such parameter.
        stop: "stop",
        effort: "reasoning.effort",
        thinking: "reasoning.effort",
        output_format: "text.format",
        verbosity: "text.verbosity",
        parallel_tool_calls: "parallel_tool_calls",
        end_user,
        logprobs: "top_logprobs",
    }
}

/// Reads a request.
///
/// # Errors
/// An invalid request, naming the field.
pub fn read(scope: &mut Scope<'_>, inbound: &ClientRequest<'_>) -> Result<ReadRequest, Error> {
    let parsed = parse_with_raw_members(inbound.body, response::object::ECHOED_MEMBERS);
    let (params, mut echoed) = parsed.map_err(|error| invalid_request(&error))?;
    // An explicit null asks for the default, which the response object has without the echo.
    echoed.retain(|(_, json)| json.get() != "null");
    let ResponseCreateParams {
        access_programs,
        background,
        background_options,
        client_metadata,
        context_management,
        conversation,
        image,
        include,
        input,
        instructions,
        max_output_tokens,
        max_tool_calls,
        metadata,
        model,
        moderation,
        parallel_tool_calls,
        previous_response_id,
        prompt,
        prompt_cache_key,
        prompt_cache_options,
        prompt_cache_retention,
        reasoning,
        safety_identifier,
        service_tier,
        store,
        stream,
        stream_options,
        temperature,
        text,
        tool_choice,
        tools,
        top_logprobs,
        top_p,
        truncation,
        user,
        extra,
    } = params;
    drop_unknown(scope, &extra);
    scope.refuse_member(
        "access_programs",
        &access_programs,
        ResponsesReason::AccessPrograms,
    );
    let background = background.filter(|background| *background);
    scope.refuse_member("background", &background, ResponsesReason::VendorState);
    scope.ignore_member(
        "background_options",
        &background_options,
        ResponsesReason::BackgroundOptions,
    );
    scope.ignore_member(
        "client_metadata",
        &client_metadata,
        ResponsesReason::ClientMetadata,
    );
    scope.drop_member(
        "context_management",
        &context_management,
        ResponsesReason::ContextManagement,
    );
    scope.refuse_member("conversation", &conversation, ResponsesReason::VendorState);
    scope.ignore_member("image", &image, ResponsesReason::ImageContext);
    scope.drop_member("max_tool_calls", &max_tool_calls, ResponsesReason::ToolCallLimit);
    // The response store, where it is configured, has replaced this by the earlier items before the request is read.
    scope.refuse_member(
        "previous_response_id",
        &previous_response_id,
        ResponsesReason::NoResponseStore,
    );
    scope.refuse_member("prompt", &prompt, ResponsesReason::VendorState);
    read_cache_options(&mut scope.field("prompt_cache_options"), prompt_cache_options);
    scope.ignore_member(
        "prompt_cache_retention",
        &prompt_cache_retention,
        OpenAiReason::CachingHint,
    );
    read_moderation(&mut scope.field("moderation"), moderation);
    // True is the API's default; if an absent `store` were recorded too, nearly every request would have this entry.
    if store == Some(true) {
        scope.field("store").ignore(ResponsesReason::StoreByConfiguration);
    }
    if let Some(StreamOptions {
        include_obfuscation: _,
        extra,
    }) = stream_options
    {
        drop_unknown(&mut scope.field("stream_options"), &extra);
    }
    match truncation {
        None | Some(ResponseCreateParamsTruncation::Disabled) => {}
        Some(ResponseCreateParamsTruncation::Auto | ResponseCreateParamsTruncation::Other(_)) => {
            scope.field("truncation").drop(ResponsesReason::Truncation);
        }
    }

    let [by_identifier, by_user] = &FIELDS;
    let is_user = safety_identifier.is_none() && user.is_some();
    let names = if is_user { by_user } else { by_identifier };
    let model = inbound.model.map_or(model, str::to_owned);
    let mut request = Request::new(names, model);
    // `user` is the deprecated name of `safety_identifier`.
    if safety_identifier.is_some() && user.is_some() {
        scope.field("user").ignore(OpenAiReason::SupersededUser);
    }
    request.end_user = safety_identifier.or(user).filter(|id| !id.is_empty());
    request.stream = inbound.stream.or(stream).unwrap_or_default();
    request.max_output_tokens = max_output_tokens
        .map(|limit| read_unsigned(limit, "max_output_tokens"))
        .transpose()?;
    request.sampling = Sampling {
        temperature,
        top_p,
        ..Sampling::default()
    };
    let top = top_logprobs
        .map(|top| read_unsigned(top, "top_logprobs"))
        .transpose()?;
    // `include` asks for the tokens' own probabilities, `top_logprobs` for those of alternatives.
    let asks = include.into_iter().flatten().any(|member| member == LOGPROBS);
    request.logprobs = if asks {
        Some(top.unwrap_or_default())
    } else {
        top.filter(|top| *top > 0)
    };
    request.reasoning = reasoning::read_control(&mut scope.field("reasoning"), reasoning);
    read_text_config(&mut scope.field("text"), text, &mut request);
    request.cache_key = prompt_cache_key;
    request.metadata = metadata.into_iter().flatten().collect();
    request.service_tier =
        service_tier.and_then(|tier| read_service_tier(&mut scope.field("service_tier"), &tier));
    request.parallel_tool_calls = parallel_tool_calls;
    let tools = tools::read(&mut scope.field("tools"), tools.unwrap_or_default());
    let echo = RequestEcho {
        members: echoed,
        tool_search: tools.has_client_search,
    };
    request.tools = tools.tools;
    request.tool_choice =
        tool_choice.and_then(|choice| choice::read(&mut scope.field("tool_choice"), choice));
    messages::read(scope, instructions, input, &mut request);
    let preferences = Preferences {
        echo: Some(Arc::new(echo)),
        ..Preferences::default()
    };
    Ok(ReadRequest { request, preferences })
}

/// Reads `prompt_cache_options`: hints, except for `prewarm`, which asks to fill the cache without a response.
fn read_cache_options(scope: &mut Scope<'_>, options: Option<RawJson>) {
    #[derive(Deserialize)]
    struct CacheOptions {
        prewarm: Option<bool>,
    }
    let Some(options) = options else { return };
    match serde_json::from_str(options.get()) {
        Ok(CacheOptions { prewarm: Some(true) }) => scope.field("prewarm").refuse(ResponsesReason::Prewarm),
        Ok(CacheOptions { prewarm: _ }) | Err(_) => scope.ignore(OpenAiReason::CachingHint),
    }
}

fn read_moderation(scope: &mut Scope<'_>, moderation: Option<ResponseCreateParamsModeration>) {
    let Some(ResponseCreateParamsModeration {
        model: _,
        policy,
        extra: _,
    }) = moderation
    else {
        return;
    };
    let (input, output) = match policy {
        Some(ModerationPolicy {
            input,
            output,
            extra: _,
        }) => (input, output),
        None => (None, None),
    };
    let input = input.map(|ModerationPolicyInput { mode, extra: _ }| match mode {
        ModerationPolicyInputMode::Score => ModerationMode::Score,
        ModerationPolicyInputMode::Block | ModerationPolicyInputMode::Other(_) => ModerationMode::Block,
    });
    let output = output.map(|ModerationPolicyOutput { mode, extra: _ }| match mode {
        ModerationPolicyOutputMode::Score => ModerationMode::Score,
        ModerationPolicyOutputMode::Block | ModerationPolicyOutputMode::Other(_) => ModerationMode::Block,
    });
    record_moderation(scope, [input, output]);
}

fn read_text_config(scope: &mut Scope<'_>, text: Option<ResponseTextConfigParam>, request: &mut Request) {
    let Some(ResponseTextConfigParam {
        format,
        verbosity,
        extra,
    }) = text
    else {
        return;
    };
    drop_unknown(scope, &extra);
    request.output_format =
        format.and_then(|format| output_format::read_format(&mut scope.field("format"), format));
    request.verbosity =
        verbosity.and_then(|verbosity| read_verbosity(&mut scope.field("verbosity"), &verbosity));
}

fn read_verbosity(scope: &mut Scope<'_>, verbosity: &ResponseTextConfigParamVerbosity) -> Option<Verbosity> {
    match verbosity {
        ResponseTextConfigParamVerbosity::Low => Some(Verbosity::Low),
        ResponseTextConfigParamVerbosity::Medium => Some(Verbosity::Medium),
        ResponseTextConfigParamVerbosity::High => Some(Verbosity::High),
        ResponseTextConfigParamVerbosity::Other(_) => {
            scope.drop(OpenAiReason::UnknownVerbosity);
            None
        }
    }
}

fn read_service_tier(scope: &mut Scope<'_>, tier: &ResponseCreateParamsServiceTier) -> Option<ServiceTier> {
    Some(match tier {
        ResponseCreateParamsServiceTier::Auto => ServiceTier::Auto,
        ResponseCreateParamsServiceTier::Default => ServiceTier::Default,
        ResponseCreateParamsServiceTier::Fast => ServiceTier::Fast,
        ResponseCreateParamsServiceTier::Flex => ServiceTier::Flex,
        ResponseCreateParamsServiceTier::Priority => ServiceTier::Priority,
        ResponseCreateParamsServiceTier::Scale => ServiceTier::Scale,
        ResponseCreateParamsServiceTier::Ultrafast => ServiceTier::Ultrafast,
        ResponseCreateParamsServiceTier::Other(_) => {
            scope.drop(OpenAiReason::UnknownServiceTier);
            return None;
        }
    })
}
