//! Complete answers.

use super::types::*;
use super::{content, error};
use crate::canonical::{
    Annotation, Block, Error, ErrorClass, Family, Finish, FinishReason, Losses, Opaque, Path, Reasoning,
    Response, ServerTool, Text, ToolCall, ToolInput, Usage as CanonicalUsage,
};
use crate::dialect::ResponseContext;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::{call_ids, carrier, partial_json};
use crate::wire::json::RawJson;

/// Reads an answer.
///
/// # Errors
/// A body that is no answer of this dialect.
pub fn read(body: &[u8], losses: &mut Losses) -> Result<Response, Error> {
    let Message {
        container: _,
        content,
        context_management: _,
        diagnostics: _,
        id,
        input_transformations: _,
        model,
        stop_details,
        stop_reason,
        stop_sequence,
        usage,
        extra: _,
    } = parse_response(body).map_err(|read_error| {
        error::read_in_band(body).unwrap_or_else(|| {
            let message = format!("the upstream's answer is no message of this API: {read_error}");
            Error::new(ErrorClass::Upstream, message)
        })
    })?;
    let list = Path::Root.field("content");
    let content = content.into_iter().enumerate();
    let content = content
        .filter_map(|(index, block)| read_block(block, &list.index(index), losses))
        .collect();
    let service_tier = usage.as_ref().and_then(read_tier);
    let finish = read_finish(stop_reason, stop_sequence, stop_details, losses);
    let usage = usage.map(|usage| Counts::default().with(usage).usage());
    Ok(Response {
        id,
        model,
        content,
        finish,
        usage,
        service_tier,
        logprobs: None,
    })
}

fn read_block(block: ContentBlock, at: &Path<'_>, losses: &mut Losses) -> Option<Block> {
    Some(match block {
        ContentBlock::Text(TextBlock {
            citations,
            text,
            extra: _,
        }) => {
            let mut annotations = Vec::new();
            for citation in citations.into_iter().flatten() {
                annotations.extend(read_citation(citation, at, losses));
            }
            Block::Text(Text {
                text: text.into(),
                annotations,
                cache: None,
            })
        }
        ContentBlock::Thinking(ThinkingBlock {
            signature,
            thinking,
            extra: _,
        }) => Block::Reasoning(thinking_block(thinking, signature.as_deref())),
        ContentBlock::RedactedThinking(RedactedThinkingBlock { data, extra: _ }) => {
            Block::Reasoning(Reasoning {
                parts: Vec::new(),
                opaque: Some(redacted(&data)),
            })
        }
        ContentBlock::ToolUse(ToolUseBlock {
            caller: _,
            id,
            input,
            name,
            toolset_name: _,
            extra: _,
        }) => Block::ToolCall(ToolCall {
            id,
            name,
            namespace: None,
            input: content::read_input(input),
            cache: None,
        }),
        other => Block::ServerTool(server_tool(&other)?),
    })
}

/// What a block of a vendor's own tool amounts to elsewhere; the writer says what becomes of it.
pub fn server_tool(block: &ContentBlock) -> Option<ServerTool> {
    let (item, query) = match block {
        ContentBlock::ServerToolUse(ServerToolUseBlock {
            caller: _,
            id: _,
            input,
            name,
            extra: _,
        }) => {
            let is_search = *name == ServerToolName::WebSearch;
            (
                "server_tool_use",
                Some(input)
                    .filter(|_| is_search)
                    .and_then(|input| query(input.get())),
            )
        }
        ContentBlock::WebSearchToolResult(_) => ("web_search_tool_result", None),
        ContentBlock::ToolSearchToolResult(_) => ("tool_search_tool_result", None),
        ContentBlock::ContainerUpload(_) => ("container_upload", None),
        ContentBlock::Compaction(_) => ("compaction", None),
        ContentBlock::Fallback(_) => ("fallback", None),
        ContentBlock::Unknown(unknown) => (unknown.tag.as_str(), None),
        ContentBlock::Text(_)
        | ContentBlock::Thinking(_)
        | ContentBlock::RedactedThinking(_)
        | ContentBlock::ToolUse(_) => return None,
    };
    Some(ServerTool {
        origin: Family::Claude,
        item: item.to_owned(),
        query,
    })
}

/// What a search is for, from the input of its call.
pub fn query(input: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Search {
        query: String,
    }
    serde_json::from_str::<Search>(input)
        .ok()
        .map(|search| search.query)
}

/// Reads a citation; only those of web pages mean anything elsewhere.
pub fn read_citation(citation: TextCitation, at: &Path<'_>, losses: &mut Losses) -> Option<Annotation> {
    match citation {
        TextCitation::WebSearchResultLocation(citation) => {
            let CitationsWebSearchResultLocation {
                cited_text: _,
                encrypted_index: _,
                title,
                url,
                extra: _,
            } = citation;
            Some(Annotation {
                url: url?,
                title: title.unwrap_or_default(),
                span: None,
            })
        }
        TextCitation::CharLocation(_)
        | TextCitation::PageLocation(_)
        | TextCitation::ContentBlockLocation(_)
        | TextCitation::SearchResultLocation(_)
        | TextCitation::Unknown(_) => {
            losses.drop_field(
                at.field("citations"),
                "only citations of web pages cross dialects",
            );
            None
        }
    }
}

/// Thinking as the vendor sent it, with the exact block that has to come back.
pub fn thinking_block(thinking: String, signature: Option<&str>) -> Reasoning {
    let opaque = signature
        .filter(|signature| !signature.is_empty())
        .map(|signature| {
            let block = serde_json::json!({"type": "thinking", "thinking": thinking, "signature": signature});
            Opaque::new(Family::Claude, to_raw_json(&block))
        });
    let parts = if thinking.is_empty() {
        Vec::new()
    } else {
        vec![thinking.into()]
    };
    Reasoning { parts, opaque }
}

/// The state of a redacted thinking block.
pub fn redacted(data: &str) -> Opaque {
    let block = serde_json::json!({"type": "redacted_thinking", "data": data});
    Opaque::new(Family::Claude, to_raw_json(&block))
}

/// The tier that processed an answer, in OpenAI's words.
pub fn read_tier(usage: &Usage) -> Option<String> {
    usage.service_tier.as_ref().map(|tier| match tier {
        UsageServiceTier::Standard | UsageServiceTier::Batch => "default".to_owned(),
        UsageServiceTier::Priority => "priority".to_owned(),
        UsageServiceTier::Other(other) => other.clone(),
    })
}

/// The tier in Anthropic's words; it has no others.
fn write_tier(tier: &str, losses: &mut Losses) -> Option<UsageServiceTier> {
    match tier {
        "default" => Some(UsageServiceTier::Standard),
        "priority" => Some(UsageServiceTier::Priority),
        _ => {
            losses.ignore("service_tier", "a tier that this vendor does not have");
            None
        }
    }
}

/// Why an answer ended.
pub fn read_finish(
    reason: Option<StopReason>,
    stop_sequence: Option<String>,
    details: Option<RefusalStopDetails>,
    losses: &mut Losses,
) -> Finish {
    let reason = match reason {
        Some(StopReason::EndTurn) | None => FinishReason::End,
        Some(StopReason::Other(_)) => {
            losses.approximate("stop_reason", "a reason that the translation does not know");
            FinishReason::End
        }
        Some(StopReason::MaxTokens) => FinishReason::Length,
        Some(StopReason::StopSequence) => FinishReason::StopSequence,
        Some(StopReason::ToolUse) => FinishReason::ToolUse,
        Some(StopReason::PauseTurn) => FinishReason::Pause,
        Some(StopReason::Compaction) => FinishReason::Compaction,
        Some(StopReason::Refusal) => FinishReason::Refusal,
        Some(StopReason::ModelContextWindowExceeded) => FinishReason::ContextFull,
    };
    let explanation = details.and_then(|details| {
        let RefusalStopDetails {
            category: _,
            explanation,
            fallback_credit_token: _,
            fallback_has_prefill_claim: _,
            recommended_model: _,
            extra: _,
        } = details;
        explanation
    });
    Finish {
        reason,
        stop_sequence,
        explanation,
    }
}

/// Token counts as they come in, in one object or in several of a stream: later ones overwrite.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    cache_write_1h: Option<u64>,
    output: u64,
    reasoning: Option<u64>,
    web_searches: u64,
}

impl Counts {
    /// The counts of an answer, or of its beginning.
    pub fn with(mut self, usage: Usage) -> Self {
        let Usage {
            cache_creation,
            cache_creation_input_tokens,
            cache_read_input_tokens,
            fallback_credit: _,
            inference_geo: _,
            input_tokens,
            iterations: _,
            output_tokens,
            output_tokens_details,
            server_tool_use,
            service_tier: _,
            speed: _,
            extra: _,
        } = usage;
        let long = cache_creation.and_then(|created| {
            let CacheCreation {
                ephemeral_1h_input_tokens,
                ephemeral_5m_input_tokens: _,
                extra: _,
            } = created;
            ephemeral_1h_input_tokens
        });
        self.cache_write_1h = long.map(count).or(self.cache_write_1h);
        self.update(
            input_tokens,
            cache_read_input_tokens,
            cache_creation_input_tokens,
            output_tokens,
            output_tokens_details,
            server_tool_use,
        );
        self
    }

    /// The counts at the end of a stream.
    pub fn with_delta(mut self, usage: MessageDeltaUsage) -> Self {
        let MessageDeltaUsage {
            cache_creation_input_tokens,
            cache_read_input_tokens,
            fallback_credit: _,
            input_tokens,
            iterations: _,
            output_tokens,
            output_tokens_details,
            server_tool_use,
            extra: _,
        } = usage;
        self.update(
            input_tokens,
            cache_read_input_tokens,
            cache_creation_input_tokens,
            output_tokens,
            output_tokens_details,
            server_tool_use,
        );
        self
    }

    fn update(
        &mut self,
        input: Option<i64>,
        cache_read: Option<i64>,
        cache_write: Option<i64>,
        output: Option<i64>,
        details: Option<OutputTokensDetails>,
        server: Option<ServerToolUsage>,
    ) {
        let reasoning = details.and_then(
            |OutputTokensDetails {
                 thinking_tokens,
                 extra: _,
             }| thinking_tokens,
        );
        let searches = server.and_then(|server| {
            let ServerToolUsage {
                web_fetch_requests: _,
                web_search_requests,
                extra: _,
            } = server;
            web_search_requests
        });
        self.input = input.map_or(self.input, count);
        self.cache_read = cache_read.map_or(self.cache_read, count);
        self.cache_write = cache_write.map_or(self.cache_write, count);
        self.output = output.map_or(self.output, count);
        self.reasoning = reasoning.map(count).or(self.reasoning);
        self.web_searches = searches.map_or(self.web_searches, count);
    }

    /// The canonical counts.
    pub fn usage(self) -> CanonicalUsage {
        let Self {
            input,
            cache_read,
            cache_write,
            cache_write_1h,
            output,
            reasoning,
            web_searches,
        } = self;
        CanonicalUsage {
            fresh: input,
            cache_read,
            cache_write,
            cache_write_1h,
            output,
            reasoning,
            web_searches,
        }
    }
}

/// A count; a negative one is a broken upstream's and counts nothing.
fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// Writes an answer.
pub fn write(response: Response, reply: &ResponseContext, losses: &mut Losses) -> Vec<u8> {
    let Response {
        id,
        model: _,
        content,
        finish,
        usage,
        service_tier,
        logprobs,
    } = response;
    if logprobs.is_some() {
        losses.ignore("logprobs", "log probabilities have no place in a message");
    }
    let refusal = refusal_words(&content);
    let truncated = finish.reason == FinishReason::Length;
    let blocks = content
        .into_iter()
        .filter_map(|block| write_block(block, truncated, losses))
        .collect();
    let mut out = Message::new(blocks);
    out.id = Some(call_ids::with_prefix(
        "msg_",
        id.as_deref().unwrap_or(&reply.request_id),
    ));
    out.model = Some(reply.model.clone());
    let WrittenFinish {
        reason,
        sequence,
        details,
    } = write_finish(finish, refusal);
    out.stop_reason = Some(reason);
    out.stop_sequence = sequence;
    out.stop_details = details;
    out.usage = Some(write_usage(
        usage.unwrap_or_default(),
        service_tier.as_deref(),
        losses,
    ));
    write_response(&out)
}

fn refusal_words(content: &[Block]) -> Option<String> {
    content.iter().find_map(|block| match block {
        Block::Refusal { text } => Some(text.as_str().to_owned()),
        _ => None,
    })
}

fn write_block(block: Block, truncated: bool, losses: &mut Losses) -> Option<ContentBlock> {
    Some(match block {
        Block::Text(Text {
            text,
            annotations,
            cache: _,
        }) => {
            if !annotations.is_empty() {
                losses.drop_field(
                    "annotations",
                    "a citation needs an index that only Anthropic can make",
                );
            }
            if text.is_empty() {
                return None;
            }
            TextBlock::new(text).into()
        }
        Block::Refusal { text } if text.is_empty() => return None,
        Block::Refusal { text } => TextBlock::new(text).into(),
        Block::Reasoning(reasoning) => write_reasoning(&reasoning),
        Block::ToolCall(ToolCall {
            id,
            name,
            namespace: _,
            input,
            cache: _,
        }) => ToolUseBlock::new(id, write_input(input, truncated, losses), name).into(),
        Block::ServerTool(ServerTool {
            origin: _,
            item,
            query: _,
        }) => {
            losses.drop_field("content", format!("the vendor's own item `{item}`"));
            return None;
        }
        Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_)
        | Block::SearchResult(_)
        | Block::ToolResult(_) => {
            losses.drop_field("content", "content that an answer in this dialect does not hold");
            return None;
        }
    })
}

fn write_reasoning(reasoning: &Reasoning) -> ContentBlock {
    let Reasoning { parts: _, opaque } = reasoning;
    if let Some(opaque) = opaque.as_ref().filter(|opaque| opaque.origin == Family::Claude)
        && let Ok(block @ (ContentBlock::Thinking(_) | ContentBlock::RedactedThinking(_))) =
            serde_json::from_str(opaque.json.get())
    {
        return block;
    }
    let signature = opaque
        .as_ref()
        .map_or_else(|| carrier::encode(&carrier::unsigned()), carrier::encode);
    let mut block = ThinkingBlock::new(reasoning.text());
    block.signature = Some(signature);
    block.into()
}

/// The input of a call, which is an object here. A call that the output limit cut off is closed as well as it can be.
pub fn write_input(input: ToolInput, truncated: bool, losses: &mut Losses) -> RawJson {
    match input {
        ToolInput::Malformed { text } if truncated => {
            partial_json::close(&text).unwrap_or_else(|| to_raw_json(&serde_json::json!({})))
        }
        input => content::write_input(&input, "content".into(), losses),
    }
}

/// How an answer's end is written.
pub struct WrittenFinish {
    /// `stop_reason`
    pub reason: StopReason,
    /// `stop_sequence`
    pub sequence: Option<String>,
    /// `stop_details`
    pub details: Option<RefusalStopDetails>,
}

/// Writes why an answer ended; `refusal` are the model's own words of it.
pub fn write_finish(finish: Finish, refusal: Option<String>) -> WrittenFinish {
    let Finish {
        reason,
        stop_sequence,
        explanation,
    } = finish;
    let reason = match reason {
        FinishReason::End => StopReason::EndTurn,
        FinishReason::StopSequence => StopReason::StopSequence,
        FinishReason::ToolUse => StopReason::ToolUse,
        FinishReason::Length => StopReason::MaxTokens,
        FinishReason::ContextFull => StopReason::ModelContextWindowExceeded,
        FinishReason::ContentFilter | FinishReason::Refusal => StopReason::Refusal,
        FinishReason::Pause => StopReason::PauseTurn,
        FinishReason::Compaction => StopReason::Compaction,
    };
    let sequence = stop_sequence.filter(|_| reason == StopReason::StopSequence);
    let details = (reason == StopReason::Refusal).then(|| {
        let mut details = RefusalStopDetails::new();
        details.explanation = explanation.or(refusal);
        details.extra.push_null("category");
        details.extra.push_null("explanation");
        details
    });
    WrittenFinish {
        reason,
        sequence,
        details,
    }
}

/// Writes token counts; clients want every number, so unknown ones are zero.
pub fn write_usage(usage: CanonicalUsage, tier: Option<&str>, losses: &mut Losses) -> Usage {
    let CanonicalUsage {
        fresh,
        cache_read,
        cache_write,
        cache_write_1h,
        output,
        reasoning,
        web_searches,
    } = usage;
    let mut out = Usage::new();
    out.input_tokens = Some(signed(fresh));
    out.cache_read_input_tokens = Some(signed(cache_read));
    out.cache_creation_input_tokens = Some(signed(cache_write));
    out.cache_creation = cache_write_1h.map(|long| CacheCreation {
        ephemeral_1h_input_tokens: Some(signed(long)),
        ephemeral_5m_input_tokens: Some(signed(cache_write.saturating_sub(long))),
        ..CacheCreation::new()
    });
    out.output_tokens = Some(signed(output));
    out.output_tokens_details = reasoning.map(thinking_tokens);
    out.server_tool_use = (web_searches > 0).then(|| searches(web_searches));
    out.service_tier = tier.and_then(|tier| write_tier(tier, losses));
    out
}

/// Writes the token counts at the end of a stream.
pub fn write_delta_usage(usage: CanonicalUsage) -> MessageDeltaUsage {
    let CanonicalUsage {
        fresh,
        cache_read,
        cache_write,
        cache_write_1h: _,
        output,
        reasoning,
        web_searches,
    } = usage;
    let mut out = MessageDeltaUsage::new();
    out.input_tokens = Some(signed(fresh));
    out.cache_read_input_tokens = Some(signed(cache_read));
    out.cache_creation_input_tokens = Some(signed(cache_write));
    out.output_tokens = Some(signed(output));
    out.output_tokens_details = reasoning.map(thinking_tokens);
    out.server_tool_use = (web_searches > 0).then(|| searches(web_searches));
    out
}

fn thinking_tokens(tokens: u64) -> OutputTokensDetails {
    OutputTokensDetails {
        thinking_tokens: Some(signed(tokens)),
        ..OutputTokensDetails::new()
    }
}

fn searches(searches: u64) -> ServerToolUsage {
    let (fetches, searches) = (Some(0), Some(signed(searches)));
    ServerToolUsage {
        web_fetch_requests: fetches,
        web_search_requests: searches,
        ..ServerToolUsage::new()
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
