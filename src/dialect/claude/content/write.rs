//! Writes the content blocks of a request.

use super::media::{write_document, write_image};
use super::tool_input::write_input;
use crate::canonical::{
    Block, CacheBreakpoint, CacheTtl, Losses, Path, SearchResult, Text, ToolCall, ToolResult,
};
use crate::dialect::claude::reasoning;
use crate::dialect::claude::types::*;
use crate::dialect::shared::call_ids::IdRule;
use crate::dialect::shared::tool_names::ToolNames;

/// Writes the blocks of a message; `path` is the block's place in the client's body.
pub fn write(
    block: &Block,
    path: Path<'static>,
    names: &ToolNames,
    losses: &mut Losses,
) -> Option<ContentBlockParam> {
    Some(match block {
        Block::Text(text) => write_text(text).into(),
        Block::Refusal { text } => TextBlockParam::new(text).into(),
        Block::Image(image) => write_image(image, path, losses)?.into(),
        Block::Document(document) => write_document(document, path, losses)?.into(),
        Block::Audio(_) => {
            losses.refuse(path, "audio is not taken");
            return None;
        }
        Block::SearchResult(result) => write_search_result(result).into(),
        Block::Reasoning(reasoning) => return reasoning::write_block(reasoning, path, losses),
        Block::ToolCall(call) => write_call(call, path, names, losses).into(),
        Block::ToolResult(result) => write_result(result, path, losses).into(),
        Block::ServerTool(_) => {
            losses.drop_field(
                path,
                "calls and results of a vendor's own tools stay with that vendor",
            );
            return None;
        }
    })
}

/// Writes a text block. Citations stay behind: the vendor's own need an index that nobody else can make.
pub fn write_text(text: &Text) -> TextBlockParam {
    let Text {
        text,
        annotations: _,
        cache,
    } = text;
    TextBlockParam {
        cache_control: write_cache(*cache),
        ..TextBlockParam::new(text)
    }
}

/// Writes a cache breakpoint with the nearest lifetime that the vendor offers.
pub fn write_cache(cache: Option<CacheBreakpoint>) -> Option<CacheControlEphemeralParam> {
    let CacheBreakpoint { ttl } = cache?;
    let ttl = ttl.map(|ttl| match ttl {
        CacheTtl::FiveMinutes | CacheTtl::HalfHour => CacheControlEphemeralParamTtl::V5m,
        CacheTtl::OneHour | CacheTtl::TwelveHours => CacheControlEphemeralParamTtl::V1h,
    });
    Some(CacheControlEphemeralParam {
        ttl,
        ..CacheControlEphemeralParam::new()
    })
}

fn write_search_result(result: &SearchResult) -> SearchResultBlockParam {
    let SearchResult {
        source,
        title,
        content,
        citations,
        cache,
    } = result;
    let content = content.iter().map(TextBlockParam::new).collect();
    let mut out = SearchResultBlockParam::new(content, source, title);
    out.citations = citations.then(|| CitationsConfigParamParam {
        enabled: Some(true),
        ..CitationsConfigParamParam::new()
    });
    out.cache_control = write_cache(*cache);
    out
}

fn write_call(
    call: &ToolCall,
    path: Path<'static>,
    names: &ToolNames,
    losses: &mut Losses,
) -> ToolUseBlockParam {
    let ToolCall {
        id,
        name,
        namespace,
        input,
        cache,
    } = call;
    let input = write_input(input, path, losses);
    let name = names.wire(name, namespace.as_deref());
    let mut out = ToolUseBlockParam::new(IdRule::CLAUDE.apply(id), input, name);
    out.cache_control = write_cache(*cache);
    out
}

fn write_result(result: &ToolResult, path: Path<'static>, losses: &mut Losses) -> ToolResultBlockParam {
    let ToolResult {
        call_id,
        content,
        is_error,
        cache,
    } = result;
    let mut out = ToolResultBlockParam::new(IdRule::CLAUDE.apply(call_id));
    out.is_error = is_error.then_some(true);
    out.cache_control = write_cache(*cache);
    out.content = match content.as_slice() {
        [] => None,
        [
            Block::Text(Text {
                text,
                annotations: _,
                cache: None,
            }),
        ] if !text.is_empty() => Some(ToolResultBlockParamContent::String(text.clone())),
        blocks => {
            let blocks: Vec<_> = blocks
                .iter()
                .filter_map(|block| write_result_block(block, path, losses))
                .collect();
            (!blocks.is_empty()).then_some(ToolResultBlockParamContent::Array(blocks))
        }
    };
    out
}

fn write_result_block(
    block: &Block,
    path: Path<'static>,
    losses: &mut Losses,
) -> Option<ToolResultContentBlockParam> {
    match block {
        // A blank text block is an error of its own.
        Block::Text(text) if text.text.is_blank() => None,
        Block::Text(text) => Some(write_text(text).into()),
        Block::Refusal { text } => Some(TextBlockParam::new(text).into()),
        Block::Image(image) => write_image(image, path, losses).map(Into::into),
        Block::Document(document) => write_document(document, path, losses).map(Into::into),
        Block::SearchResult(result) => Some(write_search_result(result).into()),
        Block::Audio(_)
        | Block::Reasoning(_)
        | Block::ToolCall(_)
        | Block::ToolResult(_)
        | Block::ServerTool(_) => {
            losses.refuse(path, "a tool's result holds text, images and documents only");
            None
        }
    }
}
