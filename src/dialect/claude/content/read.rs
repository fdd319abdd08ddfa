//! Reads the content blocks of a request.

use super::media::{read_document, read_image};
use super::tool_input::read_input;
use crate::canonical::{
    Annotation, Block, CacheBreakpoint, CacheTtl, Family, Scope, SearchResult, ServerTool, Text, ToolCall,
    ToolResult,
};
use crate::dialect::claude::reasoning;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};
use crate::wire::json::LazyStr;

/// A block of a message as it was read.
pub enum ClaudeBlock {
    /// Content of the message.
    Content(Block),
    /// A summary of the turns before it, which has to become a message of the user.
    Summary(LazyStr),
    /// A tool that becomes available at this point of the conversation.
    Tool(Box<ToolParam>),
    /// Nothing that another dialect has; the loss is recorded.
    Lost,
}

impl From<Option<Block>> for ClaudeBlock {
    fn from(block: Option<Block>) -> Self {
        block.map_or(Self::Lost, Self::Content)
    }
}

/// Reads a block of a user's or the assistant's message.
pub fn read(scope: &mut Scope<'_>, block: ContentBlockParam) -> ClaudeBlock {
    ClaudeBlock::Content(match block {
        ContentBlockParam::Text(block) => Block::Text(read_text(scope, block)),
        ContentBlockParam::Image(block) => return read_image(scope, block).map(Block::Image).into(),
        ContentBlockParam::Document(block) => {
            return read_document(scope, block).map(Block::Document).into();
        }
        ContentBlockParam::SearchResult(block) => Block::SearchResult(read_search_result(scope, block)),
        ContentBlockParam::Thinking(block) => {
            return reasoning::read_thinking(scope, block)
                .map(Block::Reasoning)
                .into();
        }
        ContentBlockParam::RedactedThinking(block) => {
            Block::Reasoning(reasoning::read_redacted(scope, block))
        }
        ContentBlockParam::ToolUse(block) => Block::ToolCall(read_call(scope, *block)),
        ContentBlockParam::ToolResult(block) => Block::ToolResult(read_result(scope, block)),
        ContentBlockParam::ServerToolUse(_) => server_tool("server_tool_use"),
        ContentBlockParam::WebSearchToolResult(_) => server_tool("web_search_tool_result"),
        ContentBlockParam::ToolSearchToolResult(_) => server_tool("tool_search_tool_result"),
        ContentBlockParam::ContainerUpload(_) => {
            scope.refuse(ClaudeReason::ContainerFile);
            return ClaudeBlock::Lost;
        }
        ContentBlockParam::Compaction(block) => return read_compaction(scope, block),
        ContentBlockParam::ToolAddition(block) => return read_addition(scope, block),
        ContentBlockParam::ToolRemoval(_) => {
            scope.drop(ClaudeReason::ToolRemoval);
            return ClaudeBlock::Lost;
        }
        ContentBlockParam::Fallback(_) => {
            scope.ignore(ClaudeReason::FallbackMarker);
            return ClaudeBlock::Lost;
        }
        ContentBlockParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "content block");
            return ClaudeBlock::Lost;
        }
    })
}

/// A call or result of the vendor's own tool. The writer records its loss, since some dialects carry it.
fn server_tool(item: &str) -> Block {
    Block::ServerTool(ServerTool {
        origin: Family::Claude,
        item: item.to_owned(),
        query: None,
    })
}

/// Reads a text block.
pub fn read_text(scope: &mut Scope<'_>, block: TextBlockParam) -> Text {
    let TextBlockParam {
        cache_control,
        citations,
        text,
        extra,
    } = block;
    drop_unknown(scope, &extra);
    let mut annotations = Vec::new();
    for (index, citation) in citations.into_iter().flatten().enumerate() {
        match citation {
            TextCitationParam::WebSearchResultLocation(citation) => {
                let CitationWebSearchResultLocationParam {
                    cited_text: _,
                    encrypted_index: _,
                    title,
                    url,
                    extra: _,
                } = citation;
                annotations.push(Annotation {
                    url,
                    title: title.unwrap_or_default(),
                    span: None,
                });
            }
            TextCitationParam::CharLocation(_)
            | TextCitationParam::PageLocation(_)
            | TextCitationParam::ContentBlockLocation(_)
            | TextCitationParam::SearchResultLocation(_)
            | TextCitationParam::Unknown(_) => {
                let mut citations = scope.field("citations");
                citations.index(index).drop(ClaudeReason::CitationOfNoWebPage);
            }
        }
    }
    Text {
        text,
        annotations,
        cache: read_cache(scope, cache_control),
    }
}

/// Reads a block's cache breakpoint. `scope` is that of the block.
pub fn read_cache(
    scope: &mut Scope<'_>,
    control: Option<CacheControlEphemeralParam>,
) -> Option<CacheBreakpoint> {
    let CacheControlEphemeralParam { ttl, extra } = control?;
    let mut control_scope = scope.field("cache_control");
    for (name, _) in extra.unknown() {
        control_scope.field(name).ignore(ClaudeReason::CacheSetting);
    }
    let ttl = ttl.and_then(|ttl| match ttl {
        CacheControlEphemeralParamTtl::V5m => Some(CacheTtl::FiveMinutes),
        CacheControlEphemeralParamTtl::V1h => Some(CacheTtl::OneHour),
        CacheControlEphemeralParamTtl::Other(_) => None,
    });
    Some(CacheBreakpoint { ttl })
}

/// Whether a block asks the model to cite it.
pub fn is_cited(config: Option<CitationsConfigParamParam>) -> bool {
    config.is_some_and(|CitationsConfigParamParam { enabled, extra: _ }| enabled.unwrap_or_default())
}

fn read_search_result(scope: &mut Scope<'_>, block: SearchResultBlockParam) -> SearchResult {
    let SearchResultBlockParam {
        cache_control,
        citations,
        content,
        source,
        title,
        extra,
    } = block;
    drop_unknown(scope, &extra);
    let mut content_scope = scope.field("content");
    let content = content
        .into_iter()
        .enumerate()
        .map(|(index, block)| read_text(&mut content_scope.index(index), block).text)
        .collect();
    SearchResult {
        source,
        title,
        content,
        citations: is_cited(citations),
        cache: read_cache(scope, cache_control),
    }
}

fn read_call(scope: &mut Scope<'_>, block: ToolUseBlockParam) -> ToolCall {
    let ToolUseBlockParam {
        cache_control,
        caller: _,
        id,
        input,
        name,
        toolset_name,
        extra,
    } = block;
    drop_unknown(scope, &extra);
    scope.refuse_member("toolset_name", &toolset_name, ClaudeReason::Toolset);
    ToolCall {
        id,
        name,
        namespace: None,
        input: read_input(input),
        cache: read_cache(scope, cache_control),
    }
}

fn read_result(scope: &mut Scope<'_>, block: ToolResultBlockParam) -> ToolResult {
    let ToolResultBlockParam {
        cache_control,
        content,
        is_error,
        tool_use_id,
        toolset_name,
        extra,
    } = block;
    drop_unknown(scope, &extra);
    scope.refuse_member("toolset_name", &toolset_name, ClaudeReason::Toolset);
    let content = match content {
        None => Vec::new(),
        Some(ToolResultBlockParamContent::String(text)) => vec![Block::Text(Text::from(text))],
        Some(ToolResultBlockParamContent::Array(blocks)) => {
            let mut content_scope = scope.field("content");
            blocks
                .into_iter()
                .enumerate()
                .filter_map(|(index, block)| read_result_block(&mut content_scope.index(index), block))
                .collect()
        }
    };
    ToolResult {
        call_id: tool_use_id,
        content,
        is_error: is_error.unwrap_or_default(),
        cache: read_cache(scope, cache_control),
    }
}

fn read_result_block(scope: &mut Scope<'_>, block: ToolResultContentBlockParam) -> Option<Block> {
    match block {
        ToolResultContentBlockParam::Text(block) => Some(Block::Text(read_text(scope, block))),
        ToolResultContentBlockParam::Image(block) => read_image(scope, block).map(Block::Image),
        ToolResultContentBlockParam::SearchResult(block) => {
            Some(Block::SearchResult(read_search_result(scope, block)))
        }
        ToolResultContentBlockParam::Document(block) => read_document(scope, block).map(Block::Document),
        ToolResultContentBlockParam::ToolReference(block) => {
            let ToolReferenceBlockParam {
                cache_control,
                tool_name,
                extra,
            } = block;
            drop_unknown(scope, &extra);
            scope.approximate(ClaudeReason::ToolReference);
            Some(Block::Text(Text {
                text: tool_name.into(),
                annotations: Vec::new(),
                cache: read_cache(scope, cache_control),
            }))
        }
        ToolResultContentBlockParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "content block");
            None
        }
    }
}

fn read_compaction(scope: &mut Scope<'_>, block: CompactionBlockParam) -> ClaudeBlock {
    let CompactionBlockParam {
        cache_control: _,
        content,
        encrypted_content: _,
        signature: _,
        tool_changes: _,
        extra: _,
    } = block;
    match content {
        Some(text) if !text.is_blank() => {
            scope.approximate(ClaudeReason::CompactionAsText);
            ClaudeBlock::Summary(text)
        }
        _ => {
            scope.refuse(ClaudeReason::EncryptedCompaction);
            ClaudeBlock::Lost
        }
    }
}

/// Reads a tool that becomes available in the middle of a conversation.
pub fn read_addition(scope: &mut Scope<'_>, block: RequestToolAdditionBlockParam) -> ClaudeBlock {
    let RequestToolAdditionBlockParam {
        cache_control: _,
        tool,
        extra: _,
    } = block;
    match tool {
        RequestToolAdditionBlockParamTool::ToolReference(_) => {
            scope.ignore(ClaudeReason::AddedReference);
            ClaudeBlock::Lost
        }
        RequestToolAdditionBlockParamTool::ToolDefinition(ToolChangeToolDefinitionParam {
            definition,
            extra: _,
        }) => match definition {
            ToolUnionParam::Custom(tool) => {
                scope.approximate(ClaudeReason::AddedTool);
                ClaudeBlock::Tool(tool)
            }
            ToolUnionParam::WebSearch20250305(_)
            | ToolUnionParam::WebSearch20260209(_)
            | ToolUnionParam::WebSearch20260318(_)
            | ToolUnionParam::ToolSearchToolBm2520251119param(_)
            | ToolUnionParam::ToolSearchToolRegex20251119Param(_)
            | ToolUnionParam::Unknown(_) => {
                scope.refuse(ClaudeReason::AddedVendorTool);
                ClaudeBlock::Lost
            }
        },
        RequestToolAdditionBlockParamTool::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "tool reference");
            ClaudeBlock::Lost
        }
    }
}
