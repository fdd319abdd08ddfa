//! Reads the content blocks of a request.

use super::media::{read_document, read_image};
use super::tool_input::read_input;
use crate::canonical::{
    Annotation, Block, CacheBreakpoint, CacheTtl, Family, Losses, Path, SearchResult, ServerTool, Text,
    ToolCall, ToolResult,
};
use crate::dialect::claude::reasoning;
use crate::dialect::claude::types::*;
use crate::dialect::shared::legacy::{drop_unknown, refuse_some, refuse_variant};
use crate::wire::json::LazyStr;

/// What a block of a message amounts to.
pub enum Read {
    /// A block.
    Block(Block),
    /// A summary of the turns before it, which a user's message has to say elsewhere.
    Summary(LazyStr),
    /// Tools that become available at this point.
    Tool(Box<ToolParam>),
    /// Nothing that another dialect could hold; the ledger knows.
    Nothing,
}

/// Reads a block of a user's or the assistant's message.
pub fn read(block: ContentBlockParam, at: &Path<'_>, losses: &mut Losses) -> Read {
    Read::Block(match block {
        ContentBlockParam::Text(block) => Block::Text(read_text(block, at, losses)),
        ContentBlockParam::Image(block) => match read_image(block, at, losses) {
            Some(image) => Block::Image(image),
            None => return Read::Nothing,
        },
        ContentBlockParam::Document(block) => match read_document(block, at, losses) {
            Some(document) => Block::Document(document),
            None => return Read::Nothing,
        },
        ContentBlockParam::SearchResult(block) => Block::SearchResult(read_search_result(block, at, losses)),
        ContentBlockParam::Thinking(block) => match reasoning::read_thinking(block, at, losses) {
            Some(reasoning) => Block::Reasoning(reasoning),
            None => return Read::Nothing,
        },
        ContentBlockParam::RedactedThinking(block) => {
            Block::Reasoning(reasoning::read_redacted(block, at, losses))
        }
        ContentBlockParam::ToolUse(block) => Block::ToolCall(read_call(*block, at, losses)),
        ContentBlockParam::ToolResult(block) => Block::ToolResult(read_result(block, at, losses)),
        ContentBlockParam::ServerToolUse(_) => server_tool("server_tool_use"),
        ContentBlockParam::WebSearchToolResult(_) => server_tool("web_search_tool_result"),
        ContentBlockParam::ToolSearchToolResult(_) => server_tool("tool_search_tool_result"),
        ContentBlockParam::ContainerUpload(_) => {
            losses.refuse(*at, "a file in the vendor's container is not portable");
            return Read::Nothing;
        }
        ContentBlockParam::Compaction(block) => return read_compaction(block, at, losses),
        ContentBlockParam::ToolAddition(block) => return read_addition(block, at, losses),
        ContentBlockParam::ToolRemoval(_) => {
            losses.drop_field(*at, "a tool cannot be taken away in the middle of a conversation");
            return Read::Nothing;
        }
        ContentBlockParam::Fallback(_) => {
            losses.ignore(*at, "a marker of the vendor's own fallback");
            return Read::Nothing;
        }
        ContentBlockParam::Unknown(unknown) => {
            refuse_variant(&unknown, "content block", at, losses);
            return Read::Nothing;
        }
    })
}

/// A call or result of the vendor's own tool; what becomes of it is the writer's to tell.
fn server_tool(item: &str) -> Block {
    Block::ServerTool(ServerTool {
        origin: Family::Claude,
        item: item.to_owned(),
        query: None,
    })
}

/// Reads a text block.
pub fn read_text(block: TextBlockParam, at: &Path<'_>, losses: &mut Losses) -> Text {
    let TextBlockParam {
        cache_control,
        citations,
        text,
        extra,
    } = block;
    drop_unknown(&extra, at, losses);
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
                losses.drop_field(
                    at.field("citations").index(index),
                    "only citations of web pages cross dialects",
                );
            }
        }
    }
    Text {
        text,
        annotations,
        cache: read_cache(cache_control, at, losses),
    }
}

/// Reads a cache breakpoint.
pub fn read_cache(
    control: Option<CacheControlEphemeralParam>,
    at: &Path<'_>,
    losses: &mut Losses,
) -> Option<CacheBreakpoint> {
    let CacheControlEphemeralParam { ttl, extra } = control?;
    for (name, _) in extra.unknown() {
        losses.ignore(at.field("cache_control").field(name), "a caching hint");
    }
    let ttl = ttl.and_then(|ttl| match ttl {
        CacheControlEphemeralParamTtl::V5m => Some(CacheTtl::FiveMinutes),
        CacheControlEphemeralParamTtl::V1h => Some(CacheTtl::OneHour),
        CacheControlEphemeralParamTtl::Other(_) => None,
    });
    Some(CacheBreakpoint { ttl })
}

pub fn asks_for_citations(config: Option<CitationsConfigParamParam>) -> bool {
    config.is_some_and(|CitationsConfigParamParam { enabled, extra: _ }| enabled.unwrap_or_default())
}

fn read_search_result(block: SearchResultBlockParam, at: &Path<'_>, losses: &mut Losses) -> SearchResult {
    let SearchResultBlockParam {
        cache_control,
        citations,
        content,
        source,
        title,
        extra,
    } = block;
    drop_unknown(&extra, at, losses);
    let content = content.into_iter().enumerate().map(|(index, block)| {
        let content = at.field("content");
        read_text(block, &content.index(index), losses).text
    });
    let content = content.collect();
    let citations = asks_for_citations(citations);
    SearchResult {
        source,
        title,
        content,
        citations,
        cache: read_cache(cache_control, at, losses),
    }
}

fn read_call(block: ToolUseBlockParam, at: &Path<'_>, losses: &mut Losses) -> ToolCall {
    let ToolUseBlockParam {
        cache_control,
        caller: _,
        id,
        input,
        name,
        toolset_name,
        extra,
    } = block;
    drop_unknown(&extra, at, losses);
    refuse_some(
        toolset_name.as_ref(),
        at.field("toolset_name"),
        "a member of a vendor's toolset",
        losses,
    );
    let cache = read_cache(cache_control, at, losses);
    ToolCall {
        id,
        name,
        namespace: None,
        input: read_input(input),
        cache,
    }
}

fn read_result(block: ToolResultBlockParam, at: &Path<'_>, losses: &mut Losses) -> ToolResult {
    let ToolResultBlockParam {
        cache_control,
        content,
        is_error,
        tool_use_id,
        toolset_name,
        extra,
    } = block;
    drop_unknown(&extra, at, losses);
    refuse_some(
        toolset_name.as_ref(),
        at.field("toolset_name"),
        "a member of a vendor's toolset",
        losses,
    );
    let content = match content {
        None => Vec::new(),
        Some(ToolResultBlockParamContent::String(text)) => vec![Block::Text(Text::from(text))],
        Some(ToolResultBlockParamContent::Array(blocks)) => {
            let content = at.field("content");
            let blocks = blocks.into_iter().enumerate();
            blocks
                .filter_map(|(index, block)| read_result_block(block, &content.index(index), losses))
                .collect()
        }
    };
    let cache = read_cache(cache_control, at, losses);
    ToolResult {
        call_id: tool_use_id,
        content,
        is_error: is_error.unwrap_or_default(),
        cache,
    }
}

fn read_result_block(
    block: ToolResultContentBlockParam,
    at: &Path<'_>,
    losses: &mut Losses,
) -> Option<Block> {
    match block {
        ToolResultContentBlockParam::Text(block) => Some(Block::Text(read_text(block, at, losses))),
        ToolResultContentBlockParam::Image(block) => read_image(block, at, losses).map(Block::Image),
        ToolResultContentBlockParam::SearchResult(block) => {
            Some(Block::SearchResult(read_search_result(block, at, losses)))
        }
        ToolResultContentBlockParam::Document(block) => read_document(block, at, losses).map(Block::Document),
        ToolResultContentBlockParam::ToolReference(block) => {
            let ToolReferenceBlockParam {
                cache_control,
                tool_name,
                extra,
            } = block;
            drop_unknown(&extra, at, losses);
            losses.approximate(*at, "a reference to a tool became its name");
            let cache = read_cache(cache_control, at, losses);
            Some(Block::Text(Text {
                text: tool_name.into(),
                annotations: Vec::new(),
                cache,
            }))
        }
        ToolResultContentBlockParam::Unknown(unknown) => {
            refuse_variant(&unknown, "content block", at, losses);
            None
        }
    }
}

fn read_compaction(block: CompactionBlockParam, at: &Path<'_>, losses: &mut Losses) -> Read {
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
            losses.approximate(*at, "a compacted history became a message of the user");
            Read::Summary(text)
        }
        _ => {
            losses.refuse(*at, "a compacted history that only its vendor can read");
            Read::Nothing
        }
    }
}

/// Reads a tool that becomes available in the middle of a conversation.
pub fn read_addition(block: RequestToolAdditionBlockParam, at: &Path<'_>, losses: &mut Losses) -> Read {
    let RequestToolAdditionBlockParam {
        cache_control: _,
        tool,
        extra: _,
    } = block;
    match tool {
        RequestToolAdditionBlockParamTool::ToolReference(_) => {
            losses.ignore(*at, "every declared tool is available from the start");
            Read::Nothing
        }
        RequestToolAdditionBlockParamTool::ToolDefinition(ToolChangeToolDefinitionParam {
            definition,
            extra: _,
        }) => match definition {
            ToolUnionParam::Custom(tool) => {
                losses.approximate(*at, "the tool is available from the start");
                Read::Tool(tool)
            }
            ToolUnionParam::WebSearch20250305(_)
            | ToolUnionParam::WebSearch20260209(_)
            | ToolUnionParam::WebSearch20260318(_)
            | ToolUnionParam::ToolSearchToolBm2520251119param(_)
            | ToolUnionParam::ToolSearchToolRegex20251119Param(_)
            | ToolUnionParam::Unknown(_) => {
                losses.refuse(
                    *at,
                    "a vendor's own tool cannot be added in the middle of a conversation",
                );
                Read::Nothing
            }
        },
        RequestToolAdditionBlockParamTool::Unknown(unknown) => {
            refuse_variant(&unknown, "tool reference", at, losses);
            Read::Nothing
        }
    }
}
