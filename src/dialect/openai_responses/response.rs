//! Complete answers.

use super::envelope::{self, End, Envelope};
use super::types::*;
use super::{error, reasoning, tools};
use crate::canonical::{
    Block, Error, ErrorClass, Family, Finish, FinishReason, Losses, RawJson, Response as CanonicalResponse,
    ServerTool, Text, ToolCall, ToolInput, Usage,
};
use crate::dialect::Reply;
use crate::dialect::extras::raw;
use crate::dialect::path::At;

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
    let list = At::Root.field("output");
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
    at: &At<'_>,
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
                        if let Some(list) = list.filter(|list| has_entries(list)) {
                            logprobs.get_or_insert(list);
                        }
                        let annotations = annotations.into_iter().flatten();
                        let annotations =
                            annotations.filter_map(|annotation| read_citation(annotation, at, losses));
                        out.push(Block::Text(Text {
                            text,
                            annotations: annotations.collect(),
                            cache: None,
                        }));
                    }
                    OutputContent::Refusal(Refusal { refusal, extra: _ }) => {
                        out.push(Block::Refusal { text: refusal });
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
                    text: input.unwrap_or_default(),
                },
                cache: None,
            }));
        }
        OutputItem::Reasoning(item) => out.push(Block::Reasoning(reasoning::read_answer(item))),
        item @ (OutputItem::WebSearchCall(_) | OutputItem::Unknown(_)) => {
            out.extend(server_tool(&item, at, losses).map(Block::ServerTool));
        }
    }
}

/// Whether a list is not empty.
pub fn has_entries(list: &RawJson) -> bool {
    list.get()
        .bytes()
        .any(|byte| !b"[] \t\r\n".contains(&byte) && list.get().starts_with('['))
}

/// Reads a citation, and says so where it is none that crosses.
pub fn read_citation(
    annotation: OutputAnnotation,
    at: &At<'_>,
    losses: &mut Losses,
) -> Option<crate::canonical::Annotation> {
    let read = envelope::read_citation(annotation);
    if read.is_none() {
        losses.drop_field(
            at.field("annotations"),
            "only citations of web pages cross dialects",
        );
    }
    read
}

/// What an item of a vendor's own tool amounts to elsewhere.
pub fn server_tool(item: &OutputItem, at: &At<'_>, losses: &mut Losses) -> Option<ServerTool> {
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
    losses.drop_field(*at, format!("the vendor's own item `{item}`"));
    Some(ServerTool {
        origin: Family::OpenaiResponses,
        item: item.to_owned(),
        query,
    })
}

/// Writes an answer.
pub fn write(response: CanonicalResponse, reply: &Reply, losses: &mut Losses) -> Vec<u8> {
    let CanonicalResponse {
        id,
        model: _,
        content,
        finish,
        usage,
        service_tier,
        mut logprobs,
    } = response;
    let envelope = Envelope::new(reply.clone(), id.as_deref(), service_tier);
    let refused = content
        .iter()
        .any(|block| matches!(block, Block::Refusal { text } if !text.is_empty()));
    let end = End::of(&finish, refused);
    let mut output = Vec::with_capacity(content.len());
    for block in content {
        let item = write_block(block, output.len(), &envelope, end, &mut logprobs, losses);
        output.extend(item);
    }
    if let Some(item) = explanation(&finish, end, refused, &envelope, output.len()) {
        output.push(item);
    }
    write_response(&envelope.ended(output, &end, usage))
}

/// The item that holds the vendor's explanation of a refusal that is not in the model's own words.
pub fn explanation(
    finish: &Finish,
    end: End,
    refused: bool,
    envelope: &Envelope,
    index: usize,
) -> Option<OutputItem> {
    let text = finish.explanation.as_ref().filter(|text| !text.is_empty())?;
    if end != End::Filtered || refused {
        return None;
    }
    let part = OutputContent::from(Refusal::new(text));
    let id = envelope.item_id("msg", index);
    Some(envelope::message(&id, part, ItemStatus::Completed).into())
}

fn write_block(
    block: Block,
    index: usize,
    envelope: &Envelope,
    end: End,
    logprobs: &mut Option<RawJson>,
    losses: &mut Losses,
) -> Option<OutputItem> {
    Some(match block {
        Block::Text(Text {
            text,
            annotations,
            cache: _,
        }) => {
            if text.is_empty() {
                return None;
            }
            let length = text.chars().count();
            let annotations = annotations.into_iter();
            let annotations = annotations.map(|annotation| envelope::citation(annotation, length));
            let part = envelope::text(text, annotations.collect(), logprobs.take());
            let id = envelope.item_id("msg", index);
            envelope::message(&id, part.into(), ItemStatus::Completed).into()
        }
        Block::Refusal { text } => {
            if text.is_empty() {
                return None;
            }
            let id = envelope.item_id("msg", index);
            envelope::message(&id, Refusal::new(text).into(), ItemStatus::Completed).into()
        }
        Block::Reasoning(reasoning) => {
            let crate::canonical::Reasoning { parts, opaque } = reasoning;
            let id = envelope.item_id("rs", index);
            reasoning::write_answer(&id, parts, opaque.as_ref(), ItemStatus::Completed).into()
        }
        Block::ToolCall(call) => write_call(call, index, envelope, end),
        Block::ServerTool(ServerTool {
            origin: _,
            item: _,
            query: Some(query),
        }) => envelope::web_search(&envelope.item_id("ws", index), &query).into(),
        Block::ServerTool(ServerTool {
            origin: _,
            item,
            query: None,
        }) => {
            losses.drop_field("output", format!("the vendor's own item `{item}`"));
            return None;
        }
        Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_)
        | Block::SearchResult(_)
        | Block::ToolResult(_) => {
            losses.drop_field("output", "content that an answer in this dialect does not hold");
            return None;
        }
    })
}

fn write_call(call: ToolCall, index: usize, envelope: &Envelope, end: End) -> OutputItem {
    let ToolCall {
        id,
        name,
        namespace,
        input,
        cache: _,
    } = call;
    let (arguments, is_whole) = match input {
        ToolInput::Object { json } => (json.get().to_owned(), true),
        ToolInput::Malformed { text } => (text, end != End::Truncated),
        ToolInput::Freeform { text } => {
            let call = Call::new(envelope.item_id("ctc", index), id, name, namespace);
            return call.custom(text, true).into();
        }
    };
    if envelope.searches_tools() && name == tools::TOOL_SEARCH && namespace.is_none() {
        let status = if is_whole { "completed" } else { "incomplete" };
        return envelope::tool_search(&envelope.item_id("tsc", index), &id, &arguments, status);
    }
    let call = Call::new(envelope.item_id("fc", index), id, name, namespace);
    call.function(arguments, Some(is_whole)).into()
}

/// What all items of one call share.
#[derive(Clone, Debug)]
pub struct Call {
    /// The item's identifier.
    pub item_id: String,
    call_id: String,
    name: String,
    namespace: Option<String>,
}

impl Call {
    /// A call.
    pub fn new(item_id: String, call_id: String, name: String, namespace: Option<String>) -> Self {
        Self {
            item_id,
            call_id,
            name,
            namespace,
        }
    }

    /// The item of a function's call; `None` while it is being written.
    pub fn function(&self, arguments: String, is_whole: Option<bool>) -> FunctionCall {
        let mut item = FunctionCall::new(self.name.clone());
        item.id = Some(self.item_id.clone());
        item.call_id = Some(self.call_id.clone());
        item.namespace.clone_from(&self.namespace);
        item.arguments = Some(arguments);
        item.status = Some(is_whole.map_or(ItemStatus::InProgress, envelope::item_status));
        item
    }

    /// The item of a freeform call.
    pub fn custom(&self, input: String, is_whole: bool) -> CustomToolCall {
        let mut item = CustomToolCall::new(self.name.clone());
        item.id = Some(self.item_id.clone());
        item.call_id = Some(self.call_id.clone());
        item.namespace.clone_from(&self.namespace);
        item.input = Some(input);
        item.status = Some(envelope::item_status(is_whole));
        item
    }

    /// The item of a search for tools.
    pub fn search(&self, arguments: &str, status: &str) -> OutputItem {
        envelope::tool_search(&self.item_id, &self.call_id, arguments, status)
    }
}

/// A list of log probabilities, from its pieces.
pub fn join_lists(lists: &[RawJson]) -> Option<RawJson> {
    let entries = lists
        .iter()
        .filter_map(|list| serde_json::from_str::<Vec<RawJson>>(list.get()).ok());
    let entries: Vec<RawJson> = entries.flatten().collect();
    (!entries.is_empty()).then(|| raw(&entries))
}
