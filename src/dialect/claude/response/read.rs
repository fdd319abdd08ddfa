//! Reads a complete response.

use crate::canonical::{
    Annotation, Block, Error, ErrorClass, Family, Losses, Path, Reasoning, Response, ServerTool, Text,
    ToolCall,
};
use crate::dialect::claude::types::*;
use crate::dialect::claude::usage::{self, Counts};
use crate::dialect::claude::{content, error, reasoning};

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
    let service_tier = usage.as_ref().and_then(usage::read_tier);
    let finish = usage::read_finish(stop_reason, stop_sequence, stop_details, losses);
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
        }) => Block::Reasoning(reasoning::thinking_block(thinking, signature.as_deref())),
        ContentBlock::RedactedThinking(RedactedThinkingBlock { data, extra: _ }) => {
            Block::Reasoning(Reasoning {
                parts: Vec::new(),
                opaque: Some(reasoning::redacted(&data)),
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
