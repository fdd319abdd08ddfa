//! Writes a request.

use http::{HeaderName, HeaderValue};

use super::sampling::write_sampling;
use super::system::write_system;
use crate::canonical::{FieldNames, Losses, Request, Restoration, Scope, ServiceTier};
use crate::dialect::claude::messages::turns::{self, Turns};
use crate::dialect::claude::messages::write::{has_lost_thinking, write_messages};
use crate::dialect::claude::reasoning::{self, Circumstances};
use crate::dialect::claude::types::*;
use crate::dialect::claude::{endpoints, tools};
use crate::dialect::shared::end_user;
use crate::dialect::shared::tool_names::ToolNames;
use crate::dialect::{Target, WrittenRequest};

/// Version of the API that requests are written for: the last one that takes sampling parameters.
pub const VERSION: &str = "2023-06-01";

/// Longest tool name that the API takes, in characters.
const TOOL_NAME_LIMIT: usize = 128;

/// Writes a request.
pub fn write(request: &Request, target: &Target<'_>, losses: &mut Losses) -> WrittenRequest {
    let Built { body, restoration } = build(request, target, request.service_tier, losses);
    let version = (
        HeaderName::from_static("anthropic-version"),
        HeaderValue::from_static(VERSION),
    );
    WrittenRequest {
        path: endpoints::MESSAGES.into(),
        headers: vec![version],
        body,
        restoration,
    }
}

/// A request without its envelope.
#[derive(Debug)]
pub struct Built {
    /// The JSON body.
    pub body: Vec<u8>,
    /// What has to be undone in the answer.
    pub restoration: Restoration,
}

/// Writes the body of a request, for a service tier of its own.
pub fn build(
    request: &Request,
    target: &Target<'_>,
    tier: Option<ServiceTier>,
    losses: &mut Losses,
) -> Built {
    let Request {
        fields: _,
        model: _,
        stream,
        system,
        messages: _,
        tools: _,
        tool_choice: _,
        parallel_tool_calls: _,
        max_output_tokens,
        sampling,
        stop,
        reasoning: _,
        output_format: _,
        verbosity,
        end_user,
        cache_key,
        metadata,
        service_tier: _,
        logprobs,
    } = request;
    let Target {
        model, capabilities, ..
    } = target;
    let names = ToolNames::new(&mut Scope::root(losses), request, TOOL_NAME_LIMIT);
    let Turns {
        turns,
        system_as_user,
    } = turns::shape(request, capabilities, losses);
    let tools::Written {
        tools,
        choice,
        format,
        json_tool,
    } = tools::write(request, &names, capabilities, losses);
    let forced = matches!(choice, Some(ToolChoiceParam::Any(_) | ToolChoiceParam::Tool(_)));

    let max_tokens = write_max_tokens(*max_output_tokens, target, request.fields, losses);
    let circumstances = Circumstances {
        max_tokens,
        forced_tool: forced,
        lost_thinking: has_lost_thinking(&turns),
    };
    let control = reasoning::write_control(request, capabilities, circumstances, losses);

    let messages = write_messages(turns, &names, losses);
    let max_tokens = i64::try_from(max_tokens).unwrap_or(i64::MAX);
    let mut out = MessageCreateParams::new(max_tokens, messages, *model);
    out.stream = stream.then_some(true);
    out.system = write_system(system, system_as_user);
    out.tools = (!tools.is_empty()).then_some(tools);
    out.tool_choice = choice;
    write_sampling(sampling, target, control.has_budget(), &mut out, losses);
    out.thinking = control.thinking;
    if control.effort.is_some() || format.is_some() {
        out.output_config = Some(OutputConfigParam {
            effort: control.effort,
            format,
            ..OutputConfigParam::new()
        });
    }
    let stop: Vec<String> = stop
        .iter()
        .filter(|text| !text.trim().is_empty())
        .cloned()
        .collect();
    if stop.len() < request.stop.len() {
        losses.drop_field(request.fields.stop, "blank stop sequences are not taken");
    }
    out.stop_sequences = (!stop.is_empty()).then_some(stop);
    out.metadata = end_user.as_ref().map(|id| {
        let user_id = Some(end_user::opaque(id));
        MetadataParam {
            user_id,
            ..MetadataParam::new()
        }
    });
    write_tier(tier, &mut out, losses);
    if verbosity.is_some() {
        losses.drop_field(request.fields.verbosity, "verbosity cannot be asked for");
    }
    if logprobs.is_some() {
        losses.refuse(request.fields.logprobs, "log probabilities are not given");
    }
    if cache_key.is_some() {
        losses.ignore("prompt_cache_key", "caching follows the content alone");
    }
    if !metadata.is_empty() {
        losses.ignore("metadata", "nothing is stored with the answer");
    }

    let restoration = Restoration {
        tools: names.into_restoration(),
        json_tool,
        stop: Vec::new(),
    };
    let mut body = target.buffer();
    write_request_into(&out, &mut body);
    Built { body, restoration }
}

/// Output tokens where neither the client nor the model's data gives a number; the API demands one.
const DEFAULT_MAX_TOKENS: u64 = 8192;

fn write_max_tokens(
    wanted: Option<u64>,
    target: &Target<'_>,
    fields: &FieldNames,
    losses: &mut Losses,
) -> u64 {
    let most = target.capabilities.max_output;
    match (wanted, most) {
        (Some(wanted), Some(most)) if wanted > most => {
            losses.approximate(
                fields.max_output_tokens,
                format!("cut to the model's limit of {most} tokens"),
            );
            most
        }
        (Some(wanted), _) => wanted,
        (None, most) => most.unwrap_or(DEFAULT_MAX_TOKENS),
    }
}

fn write_tier(tier: Option<ServiceTier>, out: &mut MessageCreateParams, losses: &mut Losses) {
    let Some(tier) = tier else { return };
    out.service_tier = match tier {
        ServiceTier::Auto => Some(MessageCreateParamsServiceTier::Auto),
        ServiceTier::Default => Some(MessageCreateParamsServiceTier::StandardOnly),
        ServiceTier::Priority => {
            losses.approximate("service_tier", "the account's own tier is used");
            Some(MessageCreateParamsServiceTier::Auto)
        }
        ServiceTier::Flex | ServiceTier::Scale | ServiceTier::Fast | ServiceTier::Ultrafast => {
            losses.drop_field("service_tier", "a tier that this vendor does not have");
            None
        }
    };
}
