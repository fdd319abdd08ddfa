//! Reads complete responses.

use super::logprobs;
use crate::canonical::{
    Annotation, Block, Error, ErrorClass, Family, Finish, FinishReason, RawJson,
    Response as CanonicalResponse, Scope, ServerTool, Text, ToolCall, ToolInput, Usage,
};
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::dialect::openai_responses::{content, error, reasoning, usage};

/// What is read of a response object, in a complete response and in the events of a stream.
#[derive(Debug)]
pub struct ResponseParts {
    /// The vendor's identifier.
    pub id: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The items.
    pub output: Vec<OutputItem>,
    /// Why it ended, or the error that it failed with.
    pub end: Result<Finish, Error>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// The tier that processed it.
    pub service_tier: Option<String>,
}

/// Takes a response object apart.
pub fn take_apart(response: Response) -> ResponseParts {
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
            "the upstream cancelled the response",
        )),
        Some(ResponseStatus::Incomplete) => Ok(Finish::new(usage::read_incomplete(incomplete_details))),
        // Compatible servers may leave the status out.
        None if error.is_some() => Err(error::read_failed(error)),
        None
        | Some(
            ResponseStatus::Completed
            | ResponseStatus::InProgress
            | ResponseStatus::Queued
            | ResponseStatus::Other(_),
        ) => Ok(Finish::new(FinishReason::End)),
    };
    ResponseParts {
        id,
        model,
        output: output.unwrap_or_default(),
        end,
        usage: usage.map(|usage| usage::read_usage(usage, tool_usage)),
        service_tier: service_tier.map(|tier| tier.as_str().to_owned()),
    }
}

/// Reads a response.
///
/// # Errors
/// A body that is no response of this dialect, or one that failed.
pub fn read(scope: &mut Scope<'_>, body: &[u8]) -> Result<CanonicalResponse, Error> {
    let response = parse_response(body).map_err(|error| {
        let message = format!("the upstream's response is not a response of this API: {error}");
        Error::new(ErrorClass::Upstream, message)
    })?;
    let ResponseParts {
        id,
        model,
        output,
        end,
        usage,
        service_tier,
    } = take_apart(response);
    let mut finish = end?;
    let mut list = scope.field("output");
    let mut content = Vec::new();
    let mut logprobs = None;
    for (index, item) in output.into_iter().enumerate() {
        read_item(&mut list.index(index), item, &mut content, &mut logprobs);
    }
    // The API has no status for a refusal: it is complete, with a part of its own.
    let is_refusal = |block: &Block| matches!(block, Block::Refusal { text } if !text.is_empty());
    if content.iter().any(is_refusal) && finish.reason == FinishReason::End {
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

fn read_item(scope: &mut Scope<'_>, item: OutputItem, out: &mut Vec<Block>, logprobs: &mut Option<RawJson>) {
    match item {
        OutputItem::Message(message) => read_message(scope, message, out, logprobs),
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
        OutputItem::Reasoning(item) => out.push(Block::Reasoning(reasoning::read_output_item(item))),
        item @ (OutputItem::WebSearchCall(_) | OutputItem::Unknown(_)) => {
            out.extend(read_server_tool(&item).map(Block::ServerTool));
        }
    }
}

fn read_message(
    scope: &mut Scope<'_>,
    message: OutputMessage,
    out: &mut Vec<Block>,
    logprobs: &mut Option<RawJson>,
) {
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
                // The model has one list for the whole response: that of the first text.
                if let Some(list) = list.filter(logprobs::has_entries) {
                    logprobs.get_or_insert(list);
                }
                let annotations = annotations.into_iter().flatten();
                let annotations = annotations.filter_map(|annotation| read_citation(scope, annotation));
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
                let tag = unknown.tag;
                scope.drop(ResponsesReason::UnknownPart { tag });
            }
        }
    }
}

/// Reads a citation of a web page; all others name objects at the vendor. The scope is at the object that has the
/// annotations.
pub fn read_citation(scope: &mut Scope<'_>, annotation: OutputAnnotation) -> Option<Annotation> {
    let citation = match annotation {
        OutputAnnotation::UrlCitation(UrlCitation {
            end_index,
            start_index,
            title,
            url,
            extra: _,
        }) => url.map(|url| Annotation {
            url,
            title: title.unwrap_or_default(),
            span: content::read_span(start_index, end_index),
        }),
        OutputAnnotation::Unknown(_) => None,
    };
    if citation.is_none() {
        scope.field("annotations").drop(ResponsesReason::VendorCitation);
    }
    citation
}

/// Reads an item of a vendor's own tool. What is lost of it depends on the client's dialect, so its writer records
/// that.
pub fn read_server_tool(item: &OutputItem) -> Option<ServerTool> {
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
