//! The answer's object and what its items have in common, for whole answers and for streams.

use serde_json::value::RawValue;

use super::types::*;
use crate::canonical::{Annotation, Error, Finish, FinishReason, Losses, Usage as CanonicalUsage};
use crate::dialect::shared::call_ids;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::{RequestEcho, ResponseContext, ResponseLinks};
use crate::wire::json::{RawJson, Unknown};

use super::{content, error};

/// Most characters of an item's identifier.
const ID_LIMIT: usize = 64;

/// What all objects of one answer share.
#[derive(Debug)]
pub struct Envelope {
    reply: ResponseContext,
    id: String,
    service_tier: Option<String>,
}

impl Envelope {
    /// The envelope of an answer, given the upstream's identifier of it.
    pub fn new(reply: ResponseContext, id: Option<&str>, service_tier: Option<String>) -> Self {
        let id = match &reply.preferences.links.id {
            Some(id) => id.clone(),
            None => call_ids::with_prefix("resp_", id.unwrap_or(&reply.request_id)),
        };
        Self {
            reply,
            id,
            service_tier,
        }
    }

    /// The identifier of an item: the answer's, with the item's kind and place.
    pub fn item_id(&self, kind: &str, index: usize) -> String {
        let tail = self.id.strip_prefix("resp_").unwrap_or(&self.id);
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let tail: String = tail.chars().filter(|c| legal(*c)).collect();
        let place = format!("_{index}");
        let room = ID_LIMIT.saturating_sub(kind.len() + 1 + place.len());
        let tail = tail.get(tail.len().saturating_sub(room)..).unwrap_or_default();
        format!("{kind}_{tail}{place}")
    }

    /// Whether the client searches for tools itself.
    pub fn searches_tools(&self) -> bool {
        self.echo().is_some_and(|echo| echo.tool_search)
    }

    fn echo(&self) -> Option<&RequestEcho> {
        self.reply.preferences.echo.as_deref()
    }

    /// The object of an answer that is still going on.
    pub fn begun(&self) -> Response {
        self.response(ResponseStatus::InProgress, Vec::new())
    }

    /// The object of an answer that has ended.
    pub fn ended(&self, output: Vec<OutputItem>, end: &End, usage: Option<CanonicalUsage>) -> Response {
        let mut out = self.response(end.status(), output);
        out.incomplete_details = end.reason().map(|reason| IncompleteDetails {
            reason: Some(reason),
            ..IncompleteDetails::new()
        });
        let usage = usage.unwrap_or_default();
        out.usage = Some(write_usage(usage));
        out.tool_usage = (usage.web_searches > 0).then(|| ToolUsage {
            web_search: Some(ToolUsageWebSearch {
                num_requests: Some(signed(usage.web_searches)),
                ..ToolUsageWebSearch::new()
            }),
            ..ToolUsage::new()
        });
        out
    }

    /// The object of an answer that broke off.
    pub fn failed(&self, output: Vec<OutputItem>, failure: &Error) -> Response {
        let mut out = self.response(ResponseStatus::Failed, output);
        out.error = Some(error::write_failed(failure));
        out
    }

    fn response(&self, status: ResponseStatus, output: Vec<OutputItem>) -> Response {
        let mut out = Response::new();
        out.id = Some(self.id.clone());
        out.created_at = Some(self.reply.created.into());
        out.status = Some(status);
        out.background = Some(false);
        out.model = Some(self.reply.model.clone());
        out.output = Some(output);
        out.parallel_tool_calls = Some(true);
        out.tool_choice = Some(to_raw_json(&"auto"));
        out.tools = Some(to_raw_json(&[(); 0]));
        out.metadata = Some(to_raw_json(&serde_json::json!({})));
        out.text = Some(to_raw_json(&serde_json::json!({"format": {"type": "text"}})));
        out.truncation = Some(ResponseTruncation::Disabled);
        // Always there in the vendor's own answers, null where the request said nothing.
        out.extra.push_null("instructions");
        out.extra.push_null("reasoning");
        let ResponseLinks { id, previous } = &self.reply.preferences.links;
        // An answer that failed is not kept.
        let kept = id.is_some() && out.status != Some(ResponseStatus::Failed);
        out.extra.push("store", to_raw_json(&kept));
        out.previous_response_id.clone_from(previous);
        // Clients know the vendor's own tiers only.
        let tier = self.service_tier.as_deref().map(ResponseServiceTier::from);
        out.service_tier = tier.filter(|tier| !matches!(tier, ResponseServiceTier::Other(_)));
        for (name, json) in self
            .echo()
            .map(|echo| echo.members.as_slice())
            .unwrap_or_default()
        {
            repeat(name, json, &mut out);
        }
        out
    }
}

/// Puts a member of the request into its answer.
fn repeat(name: &str, json: &RawValue, out: &mut Response) {
    fn read<T: serde::de::DeserializeOwned>(json: &RawValue) -> Option<T> {
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

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Complete.
    Completed,
    /// The output limit was reached.
    Truncated,
    /// A filter, or the vendor's refusal, cut in.
    Filtered,
}

impl End {
    /// The end that a reason amounts to. A refusal in the model's own words is a complete answer.
    pub fn of(finish: &Finish, refused: bool, losses: &mut Losses) -> Self {
        let Finish {
            reason,
            stop_sequence: _,
            explanation: _,
        } = finish;
        match reason {
            FinishReason::End | FinishReason::StopSequence | FinishReason::ToolUse => Self::Completed,
            FinishReason::Pause | FinishReason::Compaction => {
                losses.approximate(
                    "finish_reason",
                    "the vendor interrupted the answer; here that is an end",
                );
                Self::Completed
            }
            FinishReason::Refusal if refused => Self::Completed,
            FinishReason::Length | FinishReason::ContextFull => Self::Truncated,
            FinishReason::ContentFilter | FinishReason::Refusal => Self::Filtered,
        }
    }

    fn status(self) -> ResponseStatus {
        match self {
            Self::Completed => ResponseStatus::Completed,
            Self::Truncated | Self::Filtered => ResponseStatus::Incomplete,
        }
    }

    fn reason(self) -> Option<IncompleteDetailsReason> {
        match self {
            Self::Completed => None,
            Self::Truncated => Some(IncompleteDetailsReason::MaxOutputTokens),
            Self::Filtered => Some(IncompleteDetailsReason::ContentFilter),
        }
    }
}

/// The status of an item that is complete, or that the answer's end cut off.
pub fn item_status(is_whole: bool) -> ItemStatus {
    if is_whole {
        ItemStatus::Completed
    } else {
        ItemStatus::Incomplete
    }
}

/// A message with one part.
pub fn message(id: &str, part: OutputContent, status: ItemStatus) -> OutputMessage {
    let mut item = OutputMessage::new();
    item.id = Some(id.to_owned());
    item.content = Some(vec![part]);
    item.status = Some(status);
    item
}

/// A text part.
pub fn text(
    text: impl Into<String>,
    annotations: Vec<OutputAnnotation>,
    logprobs: Option<RawJson>,
) -> OutputText {
    let mut part = OutputText::new(text);
    part.annotations = Some(annotations);
    part.logprobs = Some(logprobs.unwrap_or_else(|| to_raw_json(&[(); 0])));
    part
}

/// A citation of a text of `length` characters.
pub fn citation(annotation: Annotation, length: usize) -> OutputAnnotation {
    let Annotation { url, title, span } = annotation;
    let (start, end) = span.unwrap_or((0, length as u64));
    let mut out = UrlCitation::new();
    out.url = Some(url);
    out.title = Some(title);
    out.start_index = Some(signed(start));
    out.end_index = Some(signed(end));
    out.into()
}

/// Reads a citation; only those of web pages mean anything elsewhere.
pub fn read_citation(annotation: OutputAnnotation) -> Option<Annotation> {
    match annotation {
        OutputAnnotation::UrlCitation(UrlCitation {
            end_index,
            start_index,
            title,
            url,
            extra: _,
        }) => Some(Annotation {
            url: url?,
            title: title.unwrap_or_default(),
            span: content::span(start_index, end_index),
        }),
        OutputAnnotation::Unknown(_) => None,
    }
}

/// A search of the vendor's, as far as it can be told.
pub fn web_search(id: &str, query: &str) -> WebSearchCall {
    let mut action = WebSearchAction::new();
    action.query = Some(query.to_owned());
    let mut item = WebSearchCall::new();
    item.id = Some(id.to_owned());
    item.status = Some(WebSearchCallStatus::Completed);
    item.action = Some(action.into());
    item
}

/// A search for tools that the client runs. The SDK's types of answers know it; only its own client needs it here.
pub fn tool_search(id: &str, call_id: &str, arguments: &str, status: &str) -> OutputItem {
    let arguments =
        serde_json::from_str::<RawJson>(arguments).unwrap_or_else(|_| to_raw_json(&serde_json::json!({})));
    let members = vec![
        ("type".to_owned(), to_raw_json(&"tool_search_call")),
        ("id".to_owned(), to_raw_json(&id)),
        ("call_id".to_owned(), to_raw_json(&call_id)),
        ("execution".to_owned(), to_raw_json(&"client")),
        ("arguments".to_owned(), arguments),
        ("status".to_owned(), to_raw_json(&status)),
    ];
    OutputItem::Unknown(Unknown::new("tool_search_call", members))
}

/// Reads token counts.
pub fn read_usage(usage: ResponseUsage, tools: Option<ToolUsage>) -> CanonicalUsage {
    let ResponseUsage {
        input_tokens,
        input_tokens_details,
        output_tokens,
        output_tokens_details,
        total_tokens: _,
        extra: _,
    } = usage;
    let InputTokensDetails {
        cache_write_tokens,
        cache_write_tokens_details: _,
        cached_tokens,
        extra: _,
    } = input_tokens_details.unwrap_or_default();
    let reasoning = output_tokens_details.and_then(
        |OutputTokensDetails {
             reasoning_tokens,
             extra: _,
         }| reasoning_tokens,
    );
    let searches = tools.and_then(|tools| {
        let ToolUsage {
            image_gen: _,
            web_search,
            extra: _,
        } = tools;
        let ToolUsageWebSearch {
            num_requests,
            extra: _,
        } = web_search?;
        num_requests
    });
    CanonicalUsage {
        reasoning: reasoning.map(count),
        web_searches: searches.map(count).unwrap_or_default(),
        ..CanonicalUsage::from_total(
            input_tokens.map(count).unwrap_or_default(),
            cached_tokens.map(count).unwrap_or_default(),
            cache_write_tokens.map(count).unwrap_or_default(),
            output_tokens.map(count).unwrap_or_default(),
        )
    }
}

/// Writes token counts; clients want every number, so unknown ones are zero.
fn write_usage(usage: CanonicalUsage) -> ResponseUsage {
    let input = usage.input_total();
    let CanonicalUsage {
        fresh: _,
        cache_read,
        cache_write,
        cache_write_1h: _,
        output,
        reasoning,
        web_searches: _,
    } = usage;
    let mut details = InputTokensDetails::new();
    details.cached_tokens = Some(signed(cache_read));
    details.cache_write_tokens = Some(signed(cache_write));
    let mut reasoned = OutputTokensDetails::new();
    reasoned.reasoning_tokens = Some(signed(reasoning.unwrap_or_default()));
    let mut out = ResponseUsage::new();
    out.input_tokens = Some(signed(input));
    out.input_tokens_details = Some(details);
    out.output_tokens = Some(signed(output));
    out.output_tokens_details = Some(reasoned);
    out.total_tokens = Some(signed(input.saturating_add(output)));
    out
}

/// A count; a negative one is a broken upstream's and counts nothing.
fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
