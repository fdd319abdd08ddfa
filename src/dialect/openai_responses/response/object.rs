//! The response object: what complete responses contain, and the first and last events of streams.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::canonical::{Error, Usage as CanonicalUsage};
use crate::dialect::openai_responses::error;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::usage::{self, ResponseOutcome};
use crate::dialect::shared::call_ids;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::{RequestEcho, ResponseContext, ResponseLinks};

/// Most characters of an item's identifier that the API accepts when the item comes back.
const ID_LIMIT: usize = 64;

/// The members of a request that its response repeats, in the client's own words. Each has an arm in [`echo_member`].
pub const ECHOED_MEMBERS: &[&str] = &[
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

/// What all response objects of one response share: a stream has several, which differ in status and output.
#[derive(Debug)]
pub struct ResponseObject {
    context: ResponseContext,
    id: String,
    service_tier: Option<String>,
}

impl ResponseObject {
    /// The object of a response to which the upstream gave this identifier.
    pub fn new(context: ResponseContext, id: Option<&str>, service_tier: Option<String>) -> Self {
        let id = match &context.preferences.links.id {
            // A response that is kept has an identifier by which the response store finds it.
            Some(id) => id.clone(),
            None => call_ids::with_prefix("resp_", id.unwrap_or(&context.request_id)),
        };
        Self {
            context,
            id,
            service_tier,
        }
    }

    /// The identifier of the item at this index of the output: prefix, identifier of the response, index.
    pub fn item_id(&self, prefix: &str, index: usize) -> String {
        let tail = self.id.strip_prefix("resp_").unwrap_or(&self.id);
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let tail: String = tail.chars().filter(|c| legal(*c)).collect();
        let suffix = format!("_{index}");
        let room = ID_LIMIT.saturating_sub(prefix.len() + 1 + suffix.len());
        let tail = tail.get(tail.len().saturating_sub(room)..).unwrap_or_default();
        format!("{prefix}_{tail}{suffix}")
    }

    /// Whether the client searches for tools itself.
    pub fn has_client_search(&self) -> bool {
        self.echo().is_some_and(|echo| echo.tool_search)
    }

    fn echo(&self) -> Option<&RequestEcho> {
        self.context.preferences.echo.as_deref()
    }

    /// Writes the object of a response that is in progress.
    pub fn write_in_progress(&self) -> Response {
        self.write(ResponseStatus::InProgress, Vec::new())
    }

    /// Writes the object of a response that has ended.
    pub fn write_final(
        &self,
        output: Vec<OutputItem>,
        end: ResponseOutcome,
        counts: Option<CanonicalUsage>,
    ) -> Response {
        let mut out = self.write(end.write_status(), output);
        out.incomplete_details = end.write_incomplete();
        let counts = counts.unwrap_or_default();
        out.usage = Some(usage::write_usage(counts));
        out.tool_usage = usage::write_tool_usage(counts);
        out
    }

    /// Writes the object of a response that failed; `output` is what it had until then.
    pub fn write_failed(&self, output: Vec<OutputItem>, failure: &Error) -> Response {
        let mut out = self.write(ResponseStatus::Failed, output);
        out.error = Some(error::write_failed(failure));
        out
    }

    fn write(&self, status: ResponseStatus, output: Vec<OutputItem>) -> Response {
        let mut out = Response::new();
        out.id = Some(self.id.clone());
        out.created_at = Some(self.context.created.into());
        out.status = Some(status);
        out.background = Some(false);
        out.model = Some(self.context.model.clone());
        out.output = Some(output);
        // The defaults of what a request may leave out: clients' types require these members.
        out.parallel_tool_calls = Some(true);
        out.tool_choice = Some(to_raw_json(&"auto"));
        out.tools = Some(to_raw_json(&[(); 0]));
        out.metadata = Some(to_raw_json(&serde_json::json!({})));
        out.text = Some(to_raw_json(&serde_json::json!({"format": {"type": "text"}})));
        out.truncation = Some(ResponseTruncation::Disabled);
        // The vendor's own responses always have these, with null if the request had none.
        out.extra.push_null("instructions");
        out.extra.push_null("reasoning");
        let ResponseLinks { id, previous } = &self.context.preferences.links;
        // A response that failed is not kept.
        let is_kept = id.is_some() && out.status != Some(ResponseStatus::Failed);
        out.extra.push("store", to_raw_json(&is_kept));
        out.previous_response_id.clone_from(previous);
        // Clients recognise only the vendor's own tiers.
        let tier = self.service_tier.as_deref().map(ResponseServiceTier::from);
        out.service_tier = tier.filter(|tier| !matches!(tier, ResponseServiceTier::Other(_)));
        for (name, json) in self
            .echo()
            .map(|echo| echo.members.as_slice())
            .unwrap_or_default()
        {
            echo_member(name, json, &mut out);
        }
        out
    }
}

/// Repeats a member of the request in its response.
fn echo_member(name: &str, json: &RawValue, out: &mut Response) {
    fn read<T: DeserializeOwned>(json: &RawValue) -> Option<T> {
        serde_json::from_str(json.get()).ok()
    }
    let exact = || Some(json.to_owned());
    match name {
        "instructions" => out.instructions = exact(),
        "max_output_tokens" => out.max_output_tokens = read(json),
        "max_tool_calls" => out.max_tool_calls = read(json),
        "metadata" => out.metadata = exact(),
        "parallel_tool_calls" => out.parallel_tool_calls = read(json),
        "prompt_cache_key" => out.prompt_cache_key = read(json),
        "reasoning" => out.reasoning = exact(),
        "safety_identifier" => out.safety_identifier = read(json),
        "temperature" => out.temperature = read(json),
        "text" => out.text = exact(),
        "tool_choice" => out.tool_choice = exact(),
        "tools" => out.tools = exact(),
        "top_logprobs" => out.top_logprobs = read(json),
        "top_p" => out.top_p = read(json),
        "user" => out.user = read(json),
        _ => {}
    }
}
