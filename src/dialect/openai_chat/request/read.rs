//! Reads a request: its scalars; messages and tools have files of their own.

use serde_json::Number;

use crate::canonical::{
    Effort, Error, ErrorClass, FieldNames, Losses, OutputFormat, Path, ReasoningControl, ReasoningDisplay,
    Request, Sampling, ServiceTier as CanonicalTier, Tool, Verbosity,
};
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::{messages, tools};
use crate::dialect::shared::legacy::{
    drop_some, drop_unknown, ignore_some, refuse_no_object, refuse_some, refuse_variant,
};
use crate::dialect::{ClientRequest, Preferences, ReadRequest};
use crate::wire::json::{Map, ReadError};

/// How this dialect calls the fields of a request, for each choice among two names of one thing.
static FIELDS: [FieldNames; 4] = [
    fields("max_completion_tokens", "safety_identifier"),
    fields("max_completion_tokens", "user"),
    fields("max_tokens", "safety_identifier"),
    fields("max_tokens", "user"),
];

const fn fields(max_output_tokens: &'static str, end_user: &'static str) -> FieldNames {
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

fn invalid(error: &ReadError) -> Error {
    let class = ErrorClass::InvalidRequest;
    match error.path.as_str() {
        "" => Error::new(class, error.message.clone()),
        path => Error::new(class, error.to_string()).at(path),
    }
}

/// Reads a request.
///
/// # Errors
/// An invalid request, naming the field.
pub fn read(inbound: &ClientRequest<'_>, losses: &mut Losses) -> Result<ReadRequest, Error> {
    let params = parse_shared_request(inbound.body).map_err(|error| invalid(&error))?;
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
    let root = Path::Root;
    drop_unknown(&extra, &root, losses);
    refuse_some(audio.as_ref(), root.field("audio"), "answers are text", losses);
    read_modalities(modalities.unwrap_or_default(), losses);
    read_moderation(moderation, losses);
    if n.is_some_and(|n| n != 1) {
        losses.refuse("n", "one answer to a request");
    }
    let biased = logit_bias.filter(|bias: &Map<Number>| !bias.is_empty());
    drop_some(
        biased.as_ref(),
        root.field("logit_bias"),
        "no token has the same number elsewhere",
        losses,
    );
    ignore_some(
        prediction.as_ref(),
        root.field("prediction"),
        "a hint for speed",
        losses,
    );
    ignore_some(
        prompt_cache_options.as_ref(),
        root.field("prompt_cache_options"),
        "a caching hint",
        losses,
    );
    ignore_some(
        prompt_cache_retention.as_ref(),
        root.field("prompt_cache_retention"),
        "a caching hint",
        losses,
    );
    if store == Some(true) {
        losses.ignore("store", "answers are stored by nobody else");
    }

    let old_limit = max_completion_tokens.is_none() && max_tokens.is_some();
    let old_user = safety_identifier.is_none() && user.is_some();
    let names = match (old_limit, old_user) {
        (false, false) => &FIELDS[0],
        (false, true) => &FIELDS[1],
        (true, false) => &FIELDS[2],
        (true, true) => &FIELDS[3],
    };
    let mut request = Request::new(names, model);
    if max_completion_tokens.is_some() && max_tokens.is_some() {
        losses.ignore("max_tokens", "`max_completion_tokens` stands for it");
    }
    if safety_identifier.is_some() && user.is_some() {
        losses.ignore("user", "`safety_identifier` stands for it");
    }
    if let Some(limit) = max_completion_tokens.or(max_tokens) {
        request.max_output_tokens = Some(unsigned(limit, names.max_output_tokens)?);
    }
    request.end_user = safety_identifier.or(user);
    request.stream = inbound.stream.unwrap_or(stream.unwrap_or_default());
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
    request.logprobs = read_logprobs(logprobs, top_logprobs, losses)?;
    request.reasoning = read_effort(reasoning_effort, losses);
    request.output_format = response_format.and_then(|format| read_format(format, losses));
    request.verbosity = verbosity.and_then(|verbosity| match verbosity {
        CompletionCreateParamsVerbosity::Low => Some(Verbosity::Low),
        CompletionCreateParamsVerbosity::Medium => Some(Verbosity::Medium),
        CompletionCreateParamsVerbosity::High => Some(Verbosity::High),
        CompletionCreateParamsVerbosity::Other(_) => {
            losses.drop_field("verbosity", "a verbosity that the translation does not know");
            None
        }
    });
    request.cache_key = prompt_cache_key;
    request.metadata = metadata.into_iter().flatten().collect();
    request.service_tier = service_tier.and_then(|tier| read_tier(&tier, losses));
    request.parallel_tool_calls = parallel_tool_calls;

    messages::read::read(messages, &mut request, losses);
    let legacy_functions = tools.is_none() && functions.is_some();
    request.tools = tools::read(tools.unwrap_or_default(), losses);
    request.tool_choice = tool_choice.and_then(|choice| tools::read_choice(choice, losses));
    if legacy_functions {
        request.tools = tools::read_functions(functions.unwrap_or_default(), losses);
        request.tool_choice = function_call.and_then(|choice| tools::read_function_call(choice, losses));
        // `function_call` of an answer holds one call.
        request.parallel_tool_calls = Some(false);
    } else {
        let reason = "`tools` stands for it";
        drop_some(functions.as_ref(), root.field("functions"), reason, losses);
        drop_some(
            function_call.as_ref(),
            root.field("function_call"),
            reason,
            losses,
        );
    }
    if let Some(options) = web_search_options {
        let search = tools::read_web_search(options, request.tools.len(), losses);
        request.tools.push(Tool::WebSearch(search));
    }

    let preferences = Preferences {
        include_usage: stream_options.is_some_and(|options| read_stream_options(options, losses)),
        legacy_functions,
        ..Preferences::default()
    };
    Ok(ReadRequest { request, preferences })
}

fn unsigned(value: i64, field: &'static str) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| {
        Error::new(
            ErrorClass::InvalidRequest,
            format!("{field}: has to be 0 or more"),
        )
        .at(field)
    })
}

fn read_modalities(modalities: Vec<CompletionCreateParamsModalitiesItem>, losses: &mut Losses) {
    for modality in modalities {
        match modality {
            CompletionCreateParamsModalitiesItem::Text => {}
            CompletionCreateParamsModalitiesItem::Audio | CompletionCreateParamsModalitiesItem::Other(_) => {
                losses.refuse("modalities", "answers are text");
            }
        }
    }
}

/// A policy that blocks is a promise about the answer; one that only scores adds to it.
fn read_moderation(moderation: Option<CompletionCreateParamsModeration>, losses: &mut Losses) {
    let Some(CompletionCreateParamsModeration {
        model: _,
        policy,
        extra: _,
    }) = moderation
    else {
        return;
    };
    let blocks = policy.is_some_and(|policy| {
        let ModerationPolicy {
            input,
            output,
            extra: _,
        } = policy;
        let input = input.is_some_and(|input| {
            let ModerationPolicyInput { mode, extra: _ } = input;
            match mode {
                ModerationPolicyInputMode::Block | ModerationPolicyInputMode::Other(_) => true,
                ModerationPolicyInputMode::Score => false,
            }
        });
        let output = output.is_some_and(|output| {
            let ModerationPolicyOutput { mode, extra: _ } = output;
            match mode {
                ModerationPolicyOutputMode::Block | ModerationPolicyOutputMode::Other(_) => true,
                ModerationPolicyOutputMode::Score => false,
            }
        });
        input || output
    });
    if blocks {
        losses.refuse("moderation", "no other vendor blocks by this policy");
    } else {
        losses.drop_field("moderation", "no other vendor scores by this policy");
    }
}

fn read_logprobs(
    logprobs: Option<bool>,
    top: Option<i64>,
    losses: &mut Losses,
) -> Result<Option<u64>, Error> {
    let top = top.map(|top| unsigned(top, "top_logprobs")).transpose()?;
    if logprobs == Some(true) {
        return Ok(Some(top.unwrap_or_default()));
    }
    if top.is_some_and(|top| top > 0) {
        losses.drop_field("top_logprobs", "without `logprobs` it asks for nothing");
    }
    Ok(None)
}

fn read_effort(effort: Option<ReasoningEffort>, losses: &mut Losses) -> ReasoningControl {
    let effort = effort.and_then(|effort| match effort {
        ReasoningEffort::None => Some(Effort::None),
        ReasoningEffort::Minimal => Some(Effort::Minimal),
        ReasoningEffort::Low => Some(Effort::Low),
        ReasoningEffort::Medium => Some(Effort::Medium),
        ReasoningEffort::High => Some(Effort::High),
        ReasoningEffort::Xhigh => Some(Effort::Xhigh),
        ReasoningEffort::Max => Some(Effort::Max),
        ReasoningEffort::Other(_) => {
            losses.drop_field("reasoning_effort", "an effort that the translation does not know");
            None
        }
    });
    // Answers show reasoning in `reasoning_content`, which is empty unless it is asked for.
    let display = effort
        .filter(|effort| *effort != Effort::None)
        .map(|_| ReasoningDisplay::Summarized);
    ReasoningControl {
        effort,
        thinking: None,
        display,
    }
}

fn read_format(format: ResponseFormat, losses: &mut Losses) -> Option<OutputFormat> {
    let at = Path::Root.field("response_format");
    match format {
        ResponseFormat::Text(ResponseFormatText { extra }) => {
            drop_unknown(&extra, &at, losses);
            None
        }
        ResponseFormat::JsonObject(ResponseFormatJsonObject { extra }) => {
            drop_unknown(&extra, &at, losses);
            Some(OutputFormat::JsonObject)
        }
        ResponseFormat::JsonSchema(ResponseFormatJsonSchema { json_schema, extra }) => {
            drop_unknown(&extra, &at, losses);
            let at = at.field("json_schema");
            let JsonSchema {
                description,
                name,
                schema,
                strict,
                extra,
            } = json_schema;
            drop_unknown(&extra, &at, losses);
            let Some(schema) = schema else {
                losses.approximate(at, "a format without a schema is any JSON object");
                return Some(OutputFormat::JsonObject);
            };
            refuse_no_object(Some(&schema), at.field("schema"), losses);
            Some(OutputFormat::JsonSchema {
                name: Some(name),
                description,
                schema,
                strict,
            })
        }
        ResponseFormat::Unknown(unknown) => {
            refuse_variant(&unknown, "format", &at, losses);
            None
        }
    }
}

fn read_tier(tier: &ServiceTier, losses: &mut Losses) -> Option<CanonicalTier> {
    Some(match tier {
        ServiceTier::Auto => CanonicalTier::Auto,
        ServiceTier::Default => CanonicalTier::Default,
        ServiceTier::Flex => CanonicalTier::Flex,
        ServiceTier::Scale => CanonicalTier::Scale,
        ServiceTier::Priority => CanonicalTier::Priority,
        ServiceTier::Fast => CanonicalTier::Fast,
        ServiceTier::Other(_) => {
            losses.drop_field("service_tier", "a tier that the translation does not know");
            return None;
        }
    })
}

/// Whether the client wants a chunk of token counts.
fn read_stream_options(options: ChatCompletionStreamOptionsParam, losses: &mut Losses) -> bool {
    let ChatCompletionStreamOptionsParam {
        include_obfuscation,
        include_usage,
        extra,
    } = options;
    let at = Path::Root.field("stream_options");
    drop_unknown(&extra, &at, losses);
    if include_obfuscation == Some(true) {
        losses.ignore(at.field("include_obfuscation"), "chunks are not padded");
    }
    include_usage.unwrap_or_default()
}
