//! Reads complete answers.

use super::super::types::*;
use super::super::{error, reasoning};
use super::object as envelope;
use crate::canonical::{
    Annotation, Block, Error, ErrorClass, Family, Finish, FinishReason, Losses, Path, RawJson,
    Response as CanonicalResponse, ServerTool, Text, ToolCall, ToolInput, Usage,
};

/// An answer's object, taken apart.
#[derive(Debug)]
pub struct Parts {
    /// The vendor's identifier.
    pub id: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The items.
    pub output: Vec<OutputItem>,
    /// Why it ended, or what it failed with.
    pub end: Result<Finish, Error>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// The tier that processed it.
    pub service_tier: Option<String>,
}

/// Takes an answer's object apart.
pub fn take_apart(response: Response) -> Parts {
    let Response {
        access_programs: _,
        background: _,
        completed_at: _,
        conversation: _,
        created_at: _,
        error,
        id,
        image: _,
        incomplete_details,
        input_transformations: _,
        instructions: _,
        max_output_tokens: _,
        max_tool_calls: _,
        metadata: _,
        model,
        moderation: _,
        output,
        parallel_tool_calls: _,
        previous_response_id: _,
        prompt: _,
        prompt_cache_diagnostics: _,
        prompt_cache_key: _,
        prompt_cache_options: _,
        prompt_cache_retention: _,
        reasoning: _,
        safety_identifier: _,
        service_tier,
        status,
        temperature: _,
        text: _,
        tool_choice: _,
        tool_usage,
        tools: _,
        top_logprobs: _,
        top_p: _,
        truncation: _,
        usage,
        user: _,
        extra: _,
    } = response;
    let end = match status {
        Some(ResponseStatus::Failed) => Err(error::read_failed(error)),
        Some(ResponseStatus::Cancelled) => Err(Error::new(
            ErrorClass::Upstream,
            "the upstream cancelled the answer",
        )),
        Some(ResponseStatus::Incomplete) => Ok(Finish::new(read_incomplete(incomplete_details))),
        None if error.is_some() => Err(error::read_failed(error)),
        None
        | Some(
            ResponseStatus::Completed
            | ResponseStatus::InProgress
            | ResponseStatus::Queued
            | ResponseStatus::Other(_),
        ) => Ok(Finish::new(FinishReason::End)),
    };
    Parts {
        id,
        model,
        output: output.unwrap_or_default(),
        end,
        usage: usage.map(|usage| envelope::read_usage(usage, tool_usage)),
        service_tier: service_tier.map(|tier| tier.as_str().to_owned()),
    }
}

fn read_incomplete(details: Option<IncompleteDetails>) -> FinishReason {
    let reason = details.and_then(|IncompleteDetails { reason, extra: _ }| reason);
    match reason {
        Some(IncompleteDetailsReason::ContentFilter) => FinishReason::ContentFilter,
        None
        | Some(
            IncompleteDetailsReason::MaxOutputTokens
            | IncompleteDetailsReason::MaxMessages
            | IncompleteDetailsReason::Steered
            | IncompleteDetailsReason::Other(_),
        ) => FinishReason::Length,
    }
}

/// Reads an answer.
///
/// # Errors
/// A body that is no answer of this dialect, or one that failed.
pub fn read(body: &[u8], losses: &mut Losses) -> Result<CanonicalResponse, Error> {
    let response = parse_response(body).map_err(|error| {
        let message = format!("the upstream's answer is no response of this API: {error}");
        Error::new(ErrorClass::Upstream, message)
    })?;
    let Parts {
        id,
        model,
        output,
        end,
        usage,
        service_tier,
    } = take_apart(response);
    let mut finish = end?;
    let list = Path::Root.field("output");
    let mut content = Vec::new();
    let mut logprobs = None;
    for (index, item) in output.into_iter().enumerate() {
        read_item(item, &list.index(index), &mut content, &mut logprobs, losses);
    }
    let refused = content
        .iter()
        .any(|block| matches!(block, Block::Refusal { text } if !text.is_empty()));
    if refused && finish.reason == FinishReason::End {
        finish.reason = FinishReason::Refusal;
    }
    Ok(CanonicalResponse {
        id,
        model,
        content,
        finish,
        usage,
        service_tier,
        logprobs,
    })
}

fn read_item(
    item: OutputItem,
    at: &Path<'_>,
    out: &mut Vec<Block>,
    logprobs: &mut Option<RawJson>,
    losses: &mut Losses,
) {
    match item {
        OutputItem::Message(message) => {
            let OutputMessage {
                content,
                id: _,
                phase: _,
                status: _,
                extra: _,
            } = message;
            for part in content.into_iter().flatten() {
                match part {
                    OutputContent::OutputText(part) => {
                        let OutputText {
                            annotations,
                            logprobs: list,
                            text,
                            extra: _,
                        } = part;
                        if let Some(list) = list.filter(has_entries) {
                            logprobs.get_or_insert(list);
                        }
                        let annotations = annotations.into_iter().flatten();
                        let annotations =
                            annotations.filter_map(|annotation| read_citation(annotation, at, losses));
                        out.push(Block::Text(Text {
                            text: text.into(),
                            annotations: annotations.collect(),
                            cache: None,
                        }));
                    }
                    OutputContent::Refusal(Refusal { refusal, extra: _ }) => {
                        out.push(Block::Refusal { text: refusal.into() });
                    }
                    OutputContent::Unknown(unknown) => {
                        let tag = &unknown.tag;
                        losses.drop_field(*at, format!("a part of the unknown type `{tag}`"));
                    }
                }
            }
        }
        OutputItem::FunctionCall(call) => {
            let FunctionCall {
                arguments,
                async_: _,
                call_id,
                caller: _,
                id,
                name,
                namespace,
                status: _,
                extra: _,
            } = *call;
            out.push(Block::ToolCall(ToolCall {
                id: call_id.or(id).unwrap_or_default(),
                name,
                namespace,
                input: ToolInput::from_arguments(arguments.unwrap_or_default()),
                cache: None,
            }));
        }
        OutputItem::CustomToolCall(call) => {
            let CustomToolCall {
                async_: _,
                call_id,
                caller: _,
                id,
                input,
                name,
                namespace,
                status: _,
                extra: _,
            } = *call;
            out.push(Block::ToolCall(ToolCall {
                id: call_id.or(id).unwrap_or_default(),
                name,
                namespace,
                input: ToolInput::Freeform {
                    text: input.unwrap_or_default().into(),
                },
                cache: None,
            }));
        }
        OutputItem::Reasoning(item) => out.push(Block::Reasoning(reasoning::read_answer(item))),
        item @ (OutputItem::WebSearchCall(_) | OutputItem::Unknown(_)) => {
            out.extend(server_tool(&item).map(Block::ServerTool));
        }
    }
}

/// Whether log probabilities are there, and are what they should be: another dialect's client gets them as they are.
pub fn has_entries(list: &RawJson) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry<'a> {
        #[serde(borrow, rename = "token")]
        _token: std::borrow::Cow<'a, str>,
        #[serde(rename = "logprob")]
        _logprob: f64,
        #[serde(default, rename = "bytes")]
        _bytes: Option<Vec<u8>>,
        #[serde(default, rename = "top_logprobs")]
        _top: Vec<Entry<'a>>,
    }
    let is_empty = list.get().bytes().all(|byte| {
        b"[] 	
"
        .contains(&byte)
    });
    !is_empty && serde_json::from_str::<Vec<Entry<'_>>>(list.get()).is_ok()
}

/// Reads a citation, and says so where it is none that crosses.
pub fn read_citation(annotation: OutputAnnotation, at: &Path<'_>, losses: &mut Losses) -> Option<Annotation> {
    let read = envelope::read_citation(annotation);
    if read.is_none() {
        losses.drop_field(
            at.field("annotations"),
            "only citations of web pages cross dialects",
        );
    }
    read
}

/// What an item of a vendor's own tool amounts to elsewhere; what becomes of it is the writer's to tell.
pub fn server_tool(item: &OutputItem) -> Option<ServerTool> {
    let (item, query) = match item {
        OutputItem::WebSearchCall(WebSearchCall {
            action,
            id: _,
            status: _,
            extra: _,
        }) => {
            let query = match action {
                Some(WebSearchCallAction::Search(WebSearchAction {
                    queries,
                    query,
                    sources: _,
                    extra: _,
                })) => query
                    .clone()
                    .or_else(|| queries.as_ref().and_then(|queries| queries.first().cloned())),
                Some(WebSearchCallAction::Unknown(_)) | None => None,
            };
            ("web_search_call", query)
        }
        OutputItem::Unknown(unknown) => (unknown.tag.as_str(), None),
        OutputItem::Message(_)
        | OutputItem::FunctionCall(_)
        | OutputItem::CustomToolCall(_)
        | OutputItem::Reasoning(_) => return None,
    };
    Some(ServerTool {
        origin: Family::OpenaiResponses,
        item: item.to_owned(),
        query,
    })
}
