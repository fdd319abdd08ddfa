//! Reads a request.

use super::system::read_system;
use crate::canonical::{
    Error, ErrorClass, FieldNames, Losses, OutputFormat, Path, Request, Sampling, ServiceTier,
};
use crate::dialect::claude::messages::read::read_messages;
use crate::dialect::claude::types::*;
use crate::dialect::claude::{reasoning, tools};
use crate::dialect::shared::end_user;
use crate::dialect::shared::legacy::{drop_some, drop_unknown, ignore_some, refuse_no_object, refuse_some};
use crate::dialect::{ClientRequest, Preferences, ReadRequest};
use crate::wire::json::ReadError;

static FIELDS: FieldNames = FieldNames {
    system: "system",
    messages: "messages",
    max_output_tokens: "max_tokens",
    stop: "stop_sequences",
    effort: "output_config.effort",
    thinking: "thinking",
    output_format: "output_config.format",
    verbosity: "verbosity",
    parallel_tool_calls: "tool_choice.disable_parallel_tool_use",
    end_user: "metadata.user_id",
    logprobs: "logprobs",
};

/// An invalid request, from what the reader of its JSON says.
pub fn invalid(error: ReadError) -> Error {
    let invalid = Error::new(ErrorClass::InvalidRequest, error.to_string());
    if error.path.is_empty() {
        invalid
    } else {
        invalid.at(error.path)
    }
}

/// Reads a request.
///
/// # Errors
/// An invalid request, naming the field.
pub fn read(inbound: &ClientRequest<'_>, losses: &mut Losses) -> Result<ReadRequest, Error> {
    let MessageCreateParams {
        billing_policy,
        cache_control,
        compaction,
        container,
        context_management,
        diagnostics,
        fallback_credit_token,
        fallbacks,
        inference_geo,
        max_tokens,
        mcp_servers,
        messages,
        metadata,
        model,
        output_config,
        output_format,
        service_tier,
        speed,
        stop_sequences,
        stream,
        system,
        temperature,
        thinking,
        thread,
        tool_choice,
        tools,
        top_k,
        top_p,
        extra,
    } = parse_shared_request(inbound.body).map_err(invalid)?;
    let root = Path::Root;
    drop_unknown(&extra, &root, losses);
    drop_some(
        billing_policy.as_ref(),
        root.field("billing_policy"),
        "the vendor's own billing",
        losses,
    );
    ignore_some(
        cache_control.as_ref(),
        root.field("cache_control"),
        "other vendors cache by themselves",
        losses,
    );
    drop_some(
        compaction.as_ref(),
        root.field("compaction"),
        "the vendor's own compaction",
        losses,
    );
    refuse_some(
        container.as_ref(),
        root.field("container"),
        "state that the vendor holds",
        losses,
    );
    let no_editing = "the context is not edited on the way";
    drop_some(
        context_management.as_ref(),
        root.field("context_management"),
        no_editing,
        losses,
    );
    drop_some(
        diagnostics.as_ref(),
        root.field("diagnostics"),
        "the vendor's own diagnostics",
        losses,
    );
    let no_fallback = "the vendor's own fallback";
    drop_some(
        fallback_credit_token.as_ref(),
        root.field("fallback_credit_token"),
        no_fallback,
        losses,
    );
    drop_some(fallbacks.as_ref(), root.field("fallbacks"), no_fallback, losses);
    let residency = "where data stays is a promise that another vendor does not make";
    refuse_some(
        inference_geo.as_ref(),
        root.field("inference_geo"),
        residency,
        losses,
    );
    let servers = mcp_servers.filter(|servers| !servers.is_empty());
    refuse_some(
        servers.as_ref(),
        root.field("mcp_servers"),
        "servers that the vendor connects to",
        losses,
    );
    refuse_some(
        thread.as_ref(),
        root.field("thread"),
        "state that the vendor holds",
        losses,
    );

    let mut request = Request::new(&FIELDS, inbound.model.map_or(model, str::to_owned));
    let negative =
        || Error::new(ErrorClass::InvalidRequest, "max_tokens: must not be negative").at("max_tokens");
    request.max_output_tokens = Some(u64::try_from(max_tokens).map_err(|_| negative())?);
    request.stream = inbound.stream.or(stream).unwrap_or_default();
    request.tools = tools::read(tools.unwrap_or_default(), losses);
    request.system = read_system(system, losses);
    read_messages(messages, &mut request, losses);
    if let Some(choice) = tool_choice {
        (request.tool_choice, request.parallel_tool_calls) = tools::read_choice(choice, losses);
    }
    let top_k = top_k.and_then(|top_k| u64::try_from(top_k).ok());
    request.sampling = Sampling {
        temperature,
        top_p,
        top_k,
        ..Sampling::default()
    };
    request.stop = stop_sequences.unwrap_or_default();
    read_output_config(output_config, output_format, thinking, &mut request, losses);
    request.service_tier = match (speed, service_tier) {
        (Some(MessageCreateParamsSpeed::Fast), _) => Some(ServiceTier::Fast),
        (_, Some(MessageCreateParamsServiceTier::Auto)) => Some(ServiceTier::Auto),
        (_, Some(MessageCreateParamsServiceTier::StandardOnly)) => Some(ServiceTier::Default),
        (_, Some(MessageCreateParamsServiceTier::Other(_))) => {
            losses.drop_field("service_tier", "a tier that is not known");
            None
        }
        (Some(MessageCreateParamsSpeed::Standard | MessageCreateParamsSpeed::Other(_)) | None, None) => None,
    };
    request.end_user = metadata.and_then(|MetadataParam { user_id, extra }| {
        let metadata = root.field("metadata");
        drop_unknown(&extra, &metadata, losses);
        user_id.filter(|id| !id.is_empty())
    });
    request.cache_key = cache_key(inbound, request.end_user.as_deref());
    Ok(ReadRequest {
        request,
        preferences: Preferences::default(),
    })
}

/// A key that stays the same through a session: without one, prompt caches of other vendors are hit by chance only.
fn cache_key(inbound: &ClientRequest<'_>, end_user: Option<&str>) -> Option<String> {
    let session = inbound
        .headers
        .get("x-claude-code-session-id")
        .and_then(|value| value.to_str().ok());
    session
        .map(str::to_owned)
        .or_else(|| end_user.map(end_user::digest))
}

fn read_output_config(
    config: Option<OutputConfigParam>,
    former_format: Option<JsonOutputFormatParam>,
    thinking: Option<ThinkingConfigParam>,
    request: &mut Request,
    losses: &mut Losses,
) {
    let at = Path::Root.field("output_config");
    let OutputConfigParam {
        effort,
        format,
        task_budget,
        extra,
    } = config.unwrap_or_default();
    drop_unknown(&extra, &at, losses);
    drop_some(
        task_budget.as_ref(),
        at.field("task_budget"),
        "a budget for a whole task",
        losses,
    );
    request.reasoning = reasoning::read_control(thinking, effort, losses);
    let format = format.map(|format| (format, at.field("format")));
    let former = former_format.map(|format| (format, Path::Root.field("output_format")));
    request.output_format = format.or(former).map(|(format, at)| {
        let JsonOutputFormatParam { schema, extra } = format;
        drop_unknown(&extra, &at, losses);
        refuse_no_object(Some(&schema), at.field("schema"), losses);
        OutputFormat::JsonSchema {
            name: None,
            description: None,
            schema,
            // What this API is given a schema for, it holds the answer to.
            strict: Some(true),
        }
    });
}
