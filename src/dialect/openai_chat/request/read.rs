//! Reads a client's request.

use serde_json::Number;

use super::{format, service_tier};
use crate::canonical::{Error, ErrorClass, FieldNames, Request, Sampling, Scope, Tool, Verbosity};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai::request::read::{
    ModerationMode, invalid_request, read_unsigned, record_moderation,
};
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::{messages, reasoning, tools};
use crate::dialect::shared::unknown::drop_unknown;
use crate::dialect::{ClientRequest, Preferences, ReadRequest};
use crate::wire::json::Map;

/// The names that this dialect has for the fields of a request, for each choice between the current and the deprecated
/// name of the output limit and of the end user.
static FIELDS: [FieldNames; 4] = [
    field_names("max_completion_tokens", "safety_identifier"),
    field_names("max_completion_tokens", "user"),
    field_names("max_tokens", "safety_identifier"),
    field_names("max_tokens", "user"),
];

const fn field_names(max_output_tokens: &'static str, end_user: &'static str) -> FieldNames {
    FieldNames {
        system: "messages",
        messages: "messages",
        max_output_tokens,
        stop: "stop",
        effort: "reasoning_effort",
        thinking: "reasoning_effort",
        output_format: "response_format",
        verbosity: "verbosity",
        parallel_tool_calls: "parallel_tool_calls",
        end_user,
        logprobs: "logprobs",
    }
}

/// Reads a request. `scope` is that of its body.
///
/// # Errors
/// An invalid request, naming the field.
pub fn read(scope: &mut Scope<'_>, client: &ClientRequest<'_>) -> Result<ReadRequest, Error> {
    let params = parse_shared_request(client.body).map_err(|error| invalid_request(&error))?;
    let CompletionCreateParams {
        audio,
        frequency_penalty,
        function_call,
        functions,
        logit_bias,
        logprobs,
        max_completion_tokens,
        max_tokens,
        messages,
        metadata,
        modalities,
        model,
        moderation,
        n,
        parallel_tool_calls,
        prediction,
        presence_penalty,
        prompt_cache_key,
        prompt_cache_options,
        prompt_cache_retention,
        reasoning_effort,
        response_format,
        safety_identifier,
        seed,
        service_tier,
        stop,
        store,
        stream,
        stream_options,
        temperature,
        tool_choice,
        tools,
        top_logprobs,
        top_p,
        user,
        verbosity,
        web_search_options,
        extra,
    } = params;
    if messages.is_empty() {
        let message = "messages: at least one message is needed";
        return Err(Error::new(ErrorClass::InvalidRequest, message).at("messages"));
    }
    drop_unknown(scope, &extra);
    scope.refuse_member("audio", &audio, ChatReason::TextOnly);
    read_modalities(&mut scope.field("modalities"), modalities.unwrap_or_default());
    read_moderation(&mut scope.field("moderation"), moderation);
    if n.is_some_and(|n| n != 1) {
        scope.field("n").refuse(ChatReason::OneResponse);
    }
    let biased = logit_bias.filter(|bias: &Map<Number>| !bias.is_empty());
    scope.drop_member("logit_bias", &biased, ChatReason::TokenNumbers);
    scope.ignore_member("prediction", &prediction, OpenAiReason::SpeedHint);
    scope.ignore_member(
        "prompt_cache_options",
        &prompt_cache_options,
        OpenAiReason::CachingHint,
    );
    scope.ignore_member(
        "prompt_cache_retention",
        &prompt_cache_retention,
        OpenAiReason::CachingHint,
    );
    if store == Some(true) {
        scope.field("store").ignore(ChatReason::NotStored);
    }

    // Losses of a writer name the field that the client used.
    let uses_old_limit = max_completion_tokens.is_none() && max_tokens.is_some();
    let uses_old_user = safety_identifier.is_none() && user.is_some();
    let fields = match (uses_old_limit, uses_old_user) {
        (false, false) => &FIELDS[0],
        (false, true) => &FIELDS[1],
        (true, false) => &FIELDS[2],
        (true, true) => &FIELDS[3],
    };
    let mut request = Request::new(fields, model);
    if max_completion_tokens.is_some() {
        scope.ignore_member("max_tokens", &max_tokens, ChatReason::SupersededLimit);
    }
    if safety_identifier.is_some() {
        scope.ignore_member("user", &user, OpenAiReason::SupersededUser);
    }
    if let Some(limit) = max_completion_tokens.or(max_tokens) {
        request.max_output_tokens = Some(read_unsigned(limit, fields.max_output_tokens)?);
    }
    request.end_user = safety_identifier.or(user);
    request.stream = client.stream.unwrap_or(stream.unwrap_or_default());
    request.sampling = Sampling {
        temperature,
        top_p,
        top_k: None,
        seed: seed.map(Number::from),
        frequency_penalty,
        presence_penalty,
    };
    request.stop = match stop {
        Some(CompletionCreateParamsStop::String(stop)) => vec![stop],
        Some(CompletionCreateParamsStop::Array(stops)) => stops,
        None => Vec::new(),
    };
    request.logprobs = read_logprobs(scope, logprobs, top_logprobs)?;
    request.reasoning = reasoning::read_control(&mut scope.field("reasoning_effort"), reasoning_effort);
    request.output_format =
        response_format.and_then(|format| format::read(&mut scope.field("response_format"), format));
    request.verbosity =
        verbosity.and_then(|verbosity| read_verbosity(&mut scope.field("verbosity"), verbosity));
    request.cache_key = prompt_cache_key;
    request.metadata = metadata.into_iter().flatten().collect();
    request.service_tier =
        service_tier.and_then(|tier| service_tier::read(&mut scope.field("service_tier"), tier));
    request.parallel_tool_calls = parallel_tool_calls;

    messages::read(&mut scope.field("messages"), messages, &mut request);
    let legacy_functions = tools.is_none() && functions.is_some();
    request.tools = tools::read(&mut scope.field("tools"), tools.unwrap_or_default());
    request.tool_choice =
        tool_choice.and_then(|choice| tools::read_choice(&mut scope.field("tool_choice"), choice));
    if legacy_functions {
        request.tools = tools::read_functions(&mut scope.field("functions"), functions.unwrap_or_default());
        request.tool_choice = function_call
            .and_then(|choice| tools::read_function_call(&mut scope.field("function_call"), choice));
        // `function_call` of a response holds one call.
        request.parallel_tool_calls = Some(false);
    } else {
        scope.drop_member("functions", &functions, ChatReason::SupersededFunctions);
        scope.drop_member("function_call", &function_call, ChatReason::SupersededFunctions);
    }
    if let Some(options) = web_search_options {
        let index = request.tools.len();
        let search = tools::read_web_search(&mut scope.field("web_search_options"), options, index);
        request.tools.push(Tool::WebSearch(search));
    }

    let preferences = Preferences {
        include_usage: stream_options
            .is_some_and(|options| read_stream_options(&mut scope.field("stream_options"), options)),
        legacy_functions,
        ..Preferences::default()
    };
    Ok(ReadRequest { request, preferences })
}

fn read_modalities(scope: &mut Scope<'_>, modalities: Vec<CompletionCreateParamsModalitiesItem>) {
    for modality in modalities {
        match modality {
            CompletionCreateParamsModalitiesItem::Text => {}
            CompletionCreateParamsModalitiesItem::Audio | CompletionCreateParamsModalitiesItem::Other(_) => {
                scope.refuse(ChatReason::TextOnly);
            }
        }
    }
}

fn read_moderation(scope: &mut Scope<'_>, moderation: Option<CompletionCreateParamsModeration>) {
    let Some(CompletionCreateParamsModeration {
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

/// The number of alternatives for each token; `None` if the client asks for no log probabilities. `scope` is that of
/// the body.
fn read_logprobs(
    scope: &mut Scope<'_>,
    logprobs: Option<bool>,
    top: Option<i64>,
) -> Result<Option<u64>, Error> {
    let top = top.map(|top| read_unsigned(top, "top_logprobs")).transpose()?;
    if logprobs == Some(true) {
        return Ok(Some(top.unwrap_or_default()));
    }
    if top.is_some_and(|top| top > 0) {
        scope.field("top_logprobs").drop(ChatReason::LogprobsNotRequested);
    }
    Ok(None)
}

fn read_verbosity(scope: &mut Scope<'_>, verbosity: CompletionCreateParamsVerbosity) -> Option<Verbosity> {
    Some(match verbosity {
        CompletionCreateParamsVerbosity::Low => Verbosity::Low,
        CompletionCreateParamsVerbosity::Medium => Verbosity::Medium,
        CompletionCreateParamsVerbosity::High => Verbosity::High,
        CompletionCreateParamsVerbosity::Other(_) => {
            scope.drop(OpenAiReason::UnknownVerbosity);
            return None;
        }
    })
}

/// Whether the client wants a chunk of token counts.
fn read_stream_options(scope: &mut Scope<'_>, options: ChatCompletionStreamOptionsParam) -> bool {
    let ChatCompletionStreamOptionsParam {
        include_obfuscation,
        include_usage,
        extra,
    } = options;
    drop_unknown(scope, &extra);
    if include_obfuscation == Some(true) {
        scope.field("include_obfuscation").ignore(ChatReason::NoPadding);
    }
    include_usage.unwrap_or_default()
}
