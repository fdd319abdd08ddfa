//! Reads a client's request.

use http::HeaderMap;

use super::system;
use crate::canonical::{Error, ErrorClass, FieldNames, OutputFormat, Request, Sampling, Scope, ServiceTier};
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::claude::{messages, reasoning, tools};
use crate::dialect::shared::end_user;
use crate::dialect::shared::json_schema::refuse_unless_object;
use crate::dialect::shared::unknown::drop_unknown;
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

/// Reads a request.
///
/// # Errors
/// An invalid request, naming the field.
pub fn read(scope: &mut Scope<'_>, client_request: &ClientRequest<'_>) -> Result<ReadRequest, Error> {
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
    } = parse_shared_request(client_request.body).map_err(invalid)?;
    drop_unknown(scope, &extra);
    scope.drop_member("billing_policy", &billing_policy, ClaudeReason::VendorBilling);
    scope.ignore_member("cache_control", &cache_control, ClaudeReason::AutomaticCaching);
    scope.drop_member("compaction", &compaction, ClaudeReason::VendorCompaction);
    scope.refuse_member("container", &container, ClaudeReason::VendorState);
    scope.drop_member(
        "context_management",
        &context_management,
        ClaudeReason::ContextEditing,
    );
    scope.drop_member("diagnostics", &diagnostics, ClaudeReason::VendorDiagnostics);
    scope.drop_member(
        "fallback_credit_token",
        &fallback_credit_token,
        ClaudeReason::VendorFallback,
    );
    scope.drop_member("fallbacks", &fallbacks, ClaudeReason::VendorFallback);
    scope.refuse_member("inference_geo", &inference_geo, ClaudeReason::DataResidency);
    // An empty list asks for nothing.
    let mcp_servers = mcp_servers.filter(|servers| !servers.is_empty());
    scope.refuse_member("mcp_servers", &mcp_servers, ClaudeReason::McpServers);
    scope.refuse_member("thread", &thread, ClaudeReason::VendorState);

    let mut request = Request::new(&FIELDS, client_request.model.map_or(model, str::to_owned));
    request.max_output_tokens = Some(read_max_tokens(max_tokens)?);
    request.stream = client_request.stream.or(stream).unwrap_or_default();
    // Before the messages: these may add tools, which then follow those of the list.
    request.tools = tools::read(&mut scope.field("tools"), tools.unwrap_or_default());
    request.system = system::read(&mut scope.field("system"), system);
    messages::read(&mut scope.field("messages"), messages, &mut request);
    if let Some(choice) = tool_choice {
        (request.tool_choice, request.parallel_tool_calls) =
            tools::read_choice(&mut scope.field("tool_choice"), choice);
    }
    request.sampling = Sampling {
        temperature,
        top_p,
        top_k: top_k.and_then(|top_k| u64::try_from(top_k).ok()),
        ..Sampling::default()
    };
    request.stop = stop_sequences.unwrap_or_default();
    read_output_config(scope, output_config, output_format, thinking, &mut request);
    request.service_tier = read_tier(scope, speed, service_tier);
    request.end_user = metadata.and_then(|MetadataParam { user_id, extra }| {
        drop_unknown(&mut scope.field("metadata"), &extra);
        user_id.filter(|id| !id.is_empty())
    });
    request.cache_key = cache_key(client_request.headers, request.end_user.as_deref());
    Ok(ReadRequest {
        request,
        preferences: Preferences::default(),
    })
}

/// The error for a body that is no request of this API.
fn invalid(error: ReadError) -> Error {
    let invalid = Error::new(ErrorClass::InvalidRequest, error.to_string());
    if error.path.is_empty() {
        invalid
    } else {
        invalid.at(error.path)
    }
}

fn read_max_tokens(max_tokens: i64) -> Result<u64, Error> {
    u64::try_from(max_tokens).map_err(|_| {
        Error::new(ErrorClass::InvalidRequest, "max_tokens: must not be negative").at("max_tokens")
    })
}

/// Reads the service tier. Fast mode has a member of its own here; elsewhere it is a tier.
fn read_tier(
    scope: &mut Scope<'_>,
    speed: Option<MessageCreateParamsSpeed>,
    tier: Option<MessageCreateParamsServiceTier>,
) -> Option<ServiceTier> {
    match (speed, tier) {
        (Some(MessageCreateParamsSpeed::Fast), _) => Some(ServiceTier::Fast),
        (_, Some(MessageCreateParamsServiceTier::Auto)) => Some(ServiceTier::Auto),
        (_, Some(MessageCreateParamsServiceTier::StandardOnly)) => Some(ServiceTier::Default),
        (_, Some(MessageCreateParamsServiceTier::Other(_))) => {
            scope.field("service_tier").drop(ClaudeReason::UnknownServiceTier);
            None
        }
        (Some(MessageCreateParamsSpeed::Standard | MessageCreateParamsSpeed::Other(_)) | None, None) => None,
    }
}

/// A key that stays the same through a session: without one, prompt caches of other vendors are hit by chance only.
fn cache_key(headers: &HeaderMap, end_user: Option<&str>) -> Option<String> {
    let session = headers
        .get("x-claude-code-session-id")
        .and_then(|value| value.to_str().ok());
    session
        .map(str::to_owned)
        .or_else(|| end_user.map(end_user::digest))
}

/// Reads the settings of reasoning and of the output's format, two subjects that share the member `output_config`.
fn read_output_config(
    scope: &mut Scope<'_>,
    config: Option<OutputConfigParam>,
    former_format: Option<JsonOutputFormatParam>,
    thinking: Option<ThinkingConfigParam>,
    request: &mut Request,
) {
    let OutputConfigParam {
        effort,
        format,
        task_budget,
        extra,
    } = config.unwrap_or_default();
    let mut config_scope = scope.field("output_config");
    drop_unknown(&mut config_scope, &extra);
    config_scope.drop_member("task_budget", &task_budget, ClaudeReason::TaskBudget);
    request.reasoning = reasoning::read_control(scope, thinking, effort);
    request.output_format = match (format, former_format) {
        (Some(format), _) => {
            let mut config_scope = scope.field("output_config");
            Some(read_format(&mut config_scope.field("format"), format))
        }
        (None, Some(format)) => Some(read_format(&mut scope.field("output_format"), format)),
        (None, None) => None,
    };
}

fn read_format(scope: &mut Scope<'_>, format: JsonOutputFormatParam) -> OutputFormat {
    let JsonOutputFormatParam { schema, extra } = format;
    drop_unknown(scope, &extra);
    refuse_unless_object(&mut scope.field("schema"), Some(&schema));
    OutputFormat::JsonSchema {
        name: None,
        description: None,
        schema,
        // The API enforces every schema that it accepts; there is no member that asks for it.
        strict: Some(true),
    }
}
