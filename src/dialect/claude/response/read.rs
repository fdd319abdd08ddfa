//! Reads a complete response.

use crate::canonical::{
    Annotation, Block, Error, ErrorClass, Family, Reasoning, Response, Scope, ServerTool, Text, ToolCall,
};
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::claude::usage::{self, ClaudeTokenCounts};
use crate::dialect::claude::{content, error, reasoning};

/// Reads a response.
///
/// # Errors
/// A body that is no response of this dialect.
pub fn read(scope: &mut Scope<'_>, body: &[u8]) -> Result<Response, Error> {
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
        // Some servers send an error with the status of a success.
        error::read_in_band(body).unwrap_or_else(|| {
            let message = format!("the upstream's response is not a message of this API: {read_error}");
            Error::new(ErrorClass::Upstream, message)
        })
    })?;
    let mut content_scope = scope.field("content");
    let content = content
        .into_iter()
        .enumerate()
        .filter_map(|(index, block)| read_block(&mut content_scope.index(index), block))
        .collect();
    let service_tier = usage.as_ref().and_then(usage::read_tier);
    let finish = usage::read_finish(scope, stop_reason, stop_sequence, stop_details);
    let usage = usage.map(|usage| ClaudeTokenCounts::default().merge(usage).to_usage());
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

fn read_block(scope: &mut Scope<'_>, block: ContentBlock) -> Option<Block> {
    Some(match block {
        ContentBlock::Text(TextBlock {
            citations,
            text,
            extra: _,
        }) => {
            let citations = citations.into_iter().flatten();
            Block::Text(Text {
                text: text.into(),
                annotations: citations
                    .filter_map(|citation| read_citation(scope, citation))
                    .collect(),
                cache: None,
            })
        }
        ContentBlock::Thinking(ThinkingBlock {
            signature,
            thinking,
            extra: _,
        }) => Block::Reasoning(reasoning::read_response_thinking(thinking, signature.as_deref())),
        ContentBlock::RedactedThinking(RedactedThinkingBlock { data, extra: _ }) => {
            Block::Reasoning(Reasoning {
                parts: Vec::new(),
                opaque: Some(reasoning::read_response_redacted(&data)),
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
        other => Block::ServerTool(read_server_tool(&other)?),
    })
}

/// Reads a block of a vendor's own tool, `None` for any other block. The writer records its loss, since some dialects
/// carry it.
pub fn read_server_tool(block: &ContentBlock) -> Option<ServerTool> {
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
                    .and_then(|input| read_query(input.get())),
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

/// Reads what a web search is for from the input of its call.
pub fn read_query(input: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct SearchInput {
        query: String,
    }
    serde_json::from_str::<SearchInput>(input)
        .ok()
        .map(|search| search.query)
}

/// Reads a citation of a text. Others than those of web pages point into documents of the request, which no other API
/// has.
/// `scope` is that of the text.
pub fn read_citation(scope: &mut Scope<'_>, citation: TextCitation) -> Option<Annotation> {
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
            scope.field("citations").drop(ClaudeReason::CitationOfNoWebPage);
            None
        }
    }
}
