//! Writes the content blocks of a request.

use super::media::{write_document, write_image};
use super::tool_input::write_input;
use crate::canonical::{Block, CacheBreakpoint, CacheTtl, Scope, SearchResult, Text, ToolCall, ToolResult};
use crate::dialect::claude::reasoning;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::shared::call_ids::IdRule;
use crate::dialect::shared::tool_names::ToolNames;

/// Writes a block of a message. `None` if the API does not accept it; the loss is recorded.
pub fn write(scope: &mut Scope<'_>, block: &Block, names: &ToolNames) -> Option<ContentBlockParam> {
    Some(match block {
        Block::Text(text) => write_text(text).into(),
        Block::Refusal { text } => TextBlockParam::new(text).into(),
        Block::Image(image) => write_image(scope, image)?.into(),
        Block::Document(document) => write_document(scope, document)?.into(),
        Block::Audio(_) => {
            scope.refuse(ClaudeReason::Audio);
            return None;
        }
        Block::SearchResult(result) => write_search_result(result).into(),
        Block::Reasoning(reasoning) => return reasoning::write_request_block(scope, reasoning),
        Block::ToolCall(call) => write_call(scope, call, names).into(),
        Block::ToolResult(result) => write_result(scope, result).into(),
        Block::ServerTool(_) => {
            scope.drop(ClaudeReason::ForeignServerTool);
            return None;
        }
    })
}

/// Writes a text block. Citations are left out: the API's own need an index that nobody else can make.
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

/// Writes that the model has to cite a block.
pub fn write_citations() -> CitationsConfigParamParam {
    CitationsConfigParamParam {
        enabled: Some(true),
        ..CitationsConfigParamParam::new()
    }
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
    out.citations = citations.then(write_citations);
    out.cache_control = write_cache(*cache);
    out
}

fn write_call(scope: &mut Scope<'_>, call: &ToolCall, names: &ToolNames) -> ToolUseBlockParam {
    let ToolCall {
        id,
        name,
        namespace,
        input,
        cache,
    } = call;
    let input = write_input(scope, input);
    let name = names.wire_name(name, namespace.as_deref());
    let mut out = ToolUseBlockParam::new(IdRule::CLAUDE.apply(id), input, name);
    out.cache_control = write_cache(*cache);
    out
}

fn write_result(scope: &mut Scope<'_>, result: &ToolResult) -> ToolResultBlockParam {
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
                .filter_map(|block| write_result_block(scope, block))
                .collect();
            (!blocks.is_empty()).then_some(ToolResultBlockParamContent::Array(blocks))
        }
    };
    out
}

fn write_result_block(scope: &mut Scope<'_>, block: &Block) -> Option<ToolResultContentBlockParam> {
    match block {
        // The API refuses a blank text block.
        Block::Text(text) if text.text.is_blank() => None,
        Block::Text(text) => Some(write_text(text).into()),
        Block::Refusal { text } => Some(TextBlockParam::new(text).into()),
        Block::Image(image) => write_image(scope, image).map(Into::into),
        Block::Document(document) => write_document(scope, document).map(Into::into),
        Block::SearchResult(result) => Some(write_search_result(result).into()),
        Block::Audio(_)
        | Block::Reasoning(_)
        | Block::ToolCall(_)
        | Block::ToolResult(_)
        | Block::ServerTool(_) => {
            scope.refuse(ClaudeReason::ToolResultContent);
            None
        }
    }
}
