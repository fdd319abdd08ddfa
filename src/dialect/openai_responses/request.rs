//! Reads a request: its scalars; items and tools have files of their own.

use std::sync::Arc;

use serde::Deserialize;

use super::types::*;
use super::{choice, items, reasoning, tools};
use crate::canonical::{
    Error, ErrorClass, FieldNames, Losses, OutputFormat, Path, Request, Sampling, ServiceTier, Verbosity,
};
use crate::dialect::shared::legacy::{drop_some, drop_unknown, ignore_some, refuse_some, refuse_variant};
use crate::dialect::{ClientRequest, Preferences, ReadRequest, RequestEcho};
use crate::wire::json::{RawJson, ReadError, parse_with_raw_members};

/// How this dialect calls the fields of a request, for each of the two names of the end user.
static FIELDS: [FieldNames; 2] = [fields("safety_identifier"), fields("user")];

const fn fields(end_user: &'static str) -> FieldNames {
    FieldNames {
        system: "instructions",
        messages: "input",
        max_output_tokens: "max_output_tokens",
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

/// The member of `include` that asks for log probabilities.
pub const LOGPROBS: &str = "message.output_text.logprobs";

/// The members that an answer repeats, in the client's own words.
const REPEATED: &[&str] = &[
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
];

const VENDOR_STATE: &str = "state that the vendor holds";
/// Why what an earlier answer says cannot be put in here.
pub const NO_STORE: &str =
    "earlier answers are not kept here: `server.response_store` in the configuration keeps them";

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
    let (params, mut repeated) =
        parse_with_raw_members(inbound.body, REPEATED).map_err(|error| invalid(&error))?;
    repeated.retain(|(_, json)| json.get() != "null");
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
    let root = Path::Root;
    drop_unknown(&extra, &root, losses);
    refuse_some(
        access_programs.as_ref(),
        root.field("access_programs"),
        "programs of the vendor's own",
        losses,
    );
    let background = background.filter(|background| *background);
    refuse_some(
        background.as_ref(),
        root.field("background"),
        VENDOR_STATE,
        losses,
    );
    ignore_some(
        background_options.as_ref(),
        root.field("background_options"),
        "only for answers in the background",
        losses,
    );
    ignore_some(
        client_metadata.as_ref(),
        root.field("client_metadata"),
        "it tells the vendor of the client",
        losses,
    );
    drop_some(
        context_management.as_ref(),
        root.field("context_management"),
        "the context is not edited on the way",
        losses,
    );
    refuse_some(
        conversation.as_ref(),
        root.field("conversation"),
        VENDOR_STATE,
        losses,
    );
    ignore_some(
        image.as_ref(),
        root.field("image"),
        "how the vendor keeps images in its context",
        losses,
    );
    drop_some(
        max_tool_calls.as_ref(),
        root.field("max_tool_calls"),
        "calls are not counted",
        losses,
    );
    refuse_some(
        previous_response_id.as_ref(),
        root.field("previous_response_id"),
        NO_STORE,
        losses,
    );
    refuse_some(prompt.as_ref(), root.field("prompt"), VENDOR_STATE, losses);
    read_cache_options(prompt_cache_options, losses);
    ignore_some(
        prompt_cache_retention.as_ref(),
        root.field("prompt_cache_retention"),
        "a caching hint",
        losses,
    );
    read_moderation(moderation, losses);
    if store == Some(true) {
        losses.ignore(
            "store",
            "answers are kept only where `server.response_store` says so",
        );
    }
    if let Some(StreamOptions {
        include_obfuscation: _,
        extra,
    }) = stream_options
    {
        drop_unknown(&extra, &root.field("stream_options"), losses);
    }
    match truncation {
        None | Some(ResponseCreateParamsTruncation::Disabled) => {}
        Some(ResponseCreateParamsTruncation::Auto | ResponseCreateParamsTruncation::Other(_)) => {
            losses.drop_field("truncation", "a conversation that is too long is not cut");
        }
    }

    let [by_identifier, by_user] = &FIELDS;
    let is_user = safety_identifier.is_none() && user.is_some();
    let names = if is_user { by_user } else { by_identifier };
    let model = inbound.model.map_or(model, str::to_owned);
    let mut request = Request::new(names, model);
    if safety_identifier.is_some() && user.is_some() {
        losses.ignore("user", "`safety_identifier` stands for it");
    }
    request.end_user = safety_identifier.or(user).filter(|id| !id.is_empty());
    request.stream = inbound.stream.or(stream).unwrap_or_default();
    request.max_output_tokens = max_output_tokens
        .map(|limit| unsigned(limit, "max_output_tokens"))
        .transpose()?;
    request.sampling = Sampling {
        temperature,
        top_p,
        ..Sampling::default()
    };
    let top = top_logprobs
        .map(|top| unsigned(top, "top_logprobs"))
        .transpose()?;
    let asks = include.into_iter().flatten().any(|word| word == LOGPROBS);
    request.logprobs = if asks {
        Some(top.unwrap_or_default())
    } else {
        top.filter(|top| *top > 0)
    };
    request.reasoning = reasoning::read_control(reasoning, losses);
    read_text_config(text, &mut request, losses);
    request.cache_key = prompt_cache_key;
    request.metadata = metadata.into_iter().flatten().collect();
    request.service_tier = service_tier.and_then(|tier| read_tier(&tier, losses));
    request.parallel_tool_calls = parallel_tool_calls;
    let tools = tools::read(tools.unwrap_or_default(), losses);
    let echo = RequestEcho {
        members: repeated,
        tool_search: tools.searches,
    };
    request.tools = tools.tools;
    request.tool_choice = tool_choice.and_then(|choice| choice::read(choice, losses));
    items::read(instructions, input, &mut request, losses);
    let preferences = Preferences {
        echo: Some(Arc::new(echo)),
        ..Preferences::default()
    };
    Ok(ReadRequest { request, preferences })
}

fn unsigned(value: i64, field: &'static str) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| {
        let message = format!("{field}: has to be 0 or more");
        Error::new(ErrorClass::InvalidRequest, message).at(field)
    })
}

/// A caching hint, but for a request that is to fill the cache and answer nothing.
fn read_cache_options(options: Option<RawJson>, losses: &mut Losses) {
    #[derive(Deserialize)]
    struct Options {
        prewarm: Option<bool>,
    }
    let Some(options) = options else { return };
    match serde_json::from_str(options.get()) {
        Ok(Options { prewarm: Some(true) }) => {
            losses.refuse(
                "prompt_cache_options.prewarm",
                "a request without an answer cannot be made",
            );
        }
        Ok(Options { prewarm: _ }) | Err(_) => losses.ignore("prompt_cache_options", "a caching hint"),
    }
}

/// A policy that blocks is a promise about the answer; one that only scores adds to it.
fn read_moderation(moderation: Option<ResponseCreateParamsModeration>, losses: &mut Losses) {
    let Some(ResponseCreateParamsModeration {
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
        let input = input.is_some_and(|ModerationPolicyInput { mode, extra: _ }| match mode {
            ModerationPolicyInputMode::Block | ModerationPolicyInputMode::Other(_) => true,
            ModerationPolicyInputMode::Score => false,
        });
        let output = output.is_some_and(|ModerationPolicyOutput { mode, extra: _ }| match mode {
            ModerationPolicyOutputMode::Block | ModerationPolicyOutputMode::Other(_) => true,
            ModerationPolicyOutputMode::Score => false,
        });
        input || output
    });
    if blocks {
        losses.refuse("moderation", "no other vendor blocks by this policy");
    } else {
        losses.drop_field("moderation", "no other vendor scores by this policy");
    }
}

fn read_text_config(text: Option<ResponseTextConfigParam>, request: &mut Request, losses: &mut Losses) {
    let Some(ResponseTextConfigParam {
        format,
        verbosity,
        extra,
    }) = text
    else {
        return;
    };
    let at = Path::Root.field("text");
    drop_unknown(&extra, &at, losses);
    request.output_format = format.and_then(|format| read_format(format, &at.field("format"), losses));
    request.verbosity = verbosity.and_then(|verbosity| match verbosity {
        ResponseTextConfigParamVerbosity::Low => Some(Verbosity::Low),
        ResponseTextConfigParamVerbosity::Medium => Some(Verbosity::Medium),
        ResponseTextConfigParamVerbosity::High => Some(Verbosity::High),
        ResponseTextConfigParamVerbosity::Other(_) => {
            losses.drop_field(
                at.field("verbosity"),
                "a verbosity that the translation does not know",
            );
            None
        }
    });
}

/// Reads the format of the answer's text.
pub fn read_format(format: TextFormatParam, at: &Path<'_>, losses: &mut Losses) -> Option<OutputFormat> {
    match format {
        TextFormatParam::Text(ResponseFormatTextParam { extra }) => {
            drop_unknown(&extra, at, losses);
            None
        }
        TextFormatParam::JsonObject(ResponseFormatJsonObjectParam { extra }) => {
            drop_unknown(&extra, at, losses);
            Some(OutputFormat::JsonObject)
        }
        TextFormatParam::JsonSchema(format) => {
            let JsonSchemaFormatParam {
                description,
                name,
                schema,
                strict,
                extra,
            } = format;
            drop_unknown(&extra, at, losses);
            tools::check_schema(&schema, at.field("schema"), losses);
            Some(OutputFormat::JsonSchema {
                name: Some(name),
                description,
                schema,
                strict,
            })
        }
        TextFormatParam::Unknown(unknown) => {
            refuse_variant(&unknown, "text format", at, losses);
            None
        }
    }
}

fn read_tier(tier: &ResponseCreateParamsServiceTier, losses: &mut Losses) -> Option<ServiceTier> {
    Some(match tier {
        ResponseCreateParamsServiceTier::Auto => ServiceTier::Auto,
        ResponseCreateParamsServiceTier::Default => ServiceTier::Default,
        ResponseCreateParamsServiceTier::Fast => ServiceTier::Fast,
        ResponseCreateParamsServiceTier::Flex => ServiceTier::Flex,
        ResponseCreateParamsServiceTier::Priority => ServiceTier::Priority,
        ResponseCreateParamsServiceTier::Scale => ServiceTier::Scale,
        ResponseCreateParamsServiceTier::Ultrafast => ServiceTier::Ultrafast,
        ResponseCreateParamsServiceTier::Other(_) => {
            losses.drop_field("service_tier", "a tier that is not known");
            return None;
        }
    })
}
