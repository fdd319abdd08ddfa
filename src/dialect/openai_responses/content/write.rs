//! Writes the parts of messages and of tool outputs. The scope is at the block in the client's body.

use crate::canonical::{
    Block, CacheBreakpoint, Document, DocumentSource, Image, ImageDetail, MediaSource, Scope, SearchResult,
    Text,
};
use crate::capability::Capabilities;
use crate::dialect::openai::content::{UNNAMED_FILE, write_cache_ttl, write_image_url};
use crate::dialect::openai::data_url;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::wire::json::{Concat, join};

/// Writes the parts of a block of a user's message, of instructions or of a tool's result.
pub fn write(
    scope: &mut Scope<'_>,
    block: &Block,
    capabilities: &Capabilities,
    out: &mut Vec<MessagePartParam>,
) {
    match block {
        Block::Text(Text {
            text,
            annotations: _,
            cache,
        }) => {
            if !text.is_empty() {
                let mut part = InputTextParam::new(text);
                part.prompt_cache_breakpoint = write_cache(scope, *cache, capabilities);
                out.push(part.into());
            }
        }
        Block::Refusal { text } => out.push(InputTextParam::new(text).into()),
        Block::Image(image) => out.extend(write_image(scope, image, capabilities).map(Into::into)),
        Block::Document(document) => write_document(scope, document, capabilities, out),
        Block::SearchResult(result) => {
            scope.approximate(OpenAiReason::SearchResultAsText);
            out.push(write_search_result(scope, result).into());
        }
        Block::Audio(_) => scope.refuse(ResponsesReason::NoAudio),
        Block::ServerTool(_) => scope.drop(OpenAiReason::ForeignServerTool),
        Block::Reasoning(_) | Block::ToolCall(_) | Block::ToolResult(_) => {
            scope.refuse(ResponsesReason::MisplacedBlock);
        }
    }
}

/// The content that consists of these parts. A single plain text becomes a string, the form of the API's own examples.
pub fn from_parts(parts: Vec<MessagePartParam>) -> ContentParam {
    match <[MessagePartParam; 1]>::try_from(parts) {
        Ok([MessagePartParam::InputText(part)]) if part.prompt_cache_breakpoint.is_none() => {
            ContentParam::String(part.text)
        }
        Ok([part]) => ContentParam::Array(vec![part]),
        Err(parts) => ContentParam::Array(parts),
    }
}

/// Records a cache breakpoint that has no counterpart here.
pub fn ignore_cache(scope: &mut Scope<'_>, cache: Option<CacheBreakpoint>) {
    if cache.is_some() {
        scope.ignore(OpenAiReason::CachingHint);
    }
}

fn write_cache(
    scope: &mut Scope<'_>,
    cache: Option<CacheBreakpoint>,
    capabilities: &Capabilities,
) -> Option<PromptCacheBreakpointParam> {
    if !capabilities.cache_breakpoints {
        ignore_cache(scope, cache);
        return None;
    }
    let CacheBreakpoint { ttl } = cache?;
    let mut out = PromptCacheBreakpointParam::new();
    out.ttl = ttl.map(|ttl| PromptCacheTtl::from(write_cache_ttl(ttl)));
    Some(out)
}

fn write_image(scope: &mut Scope<'_>, image: &Image, capabilities: &Capabilities) -> Option<InputImageParam> {
    let Image {
        source,
        detail,
        cache,
    } = image;
    let url = write_image_url(scope, source)?;
    let mut out = InputImageParam::new();
    let detail = detail
        .as_ref()
        .map_or("auto", |ImageDetail(detail)| detail.as_str());
    out.detail = Some(match InputImageParamDetail::from(detail) {
        InputImageParamDetail::Other(_) => {
            scope.field("detail").approximate(OpenAiReason::UnknownDetail);
            InputImageParamDetail::Auto
        }
        known => known,
    });
    out.image_url = Some(url);
    out.prompt_cache_breakpoint = write_cache(scope, *cache, capabilities);
    Some(out)
}

fn write_document(
    scope: &mut Scope<'_>,
    document: &Document,
    capabilities: &Capabilities,
    out: &mut Vec<MessagePartParam>,
) {
    let Document {
        source,
        title,
        context,
        citations,
        cache,
    } = document;
    scope.drop_member("context", context, OpenAiReason::DocumentContext);
    if *citations {
        scope.field("citations").drop(ResponsesReason::NoCitations);
    }
    let breakpoint = write_cache(scope, *cache, capabilities);
    match source {
        DocumentSource::Media(source) => {
            let mut part = InputFileParam::new();
            match source {
                MediaSource::Base64 { media_type, data } => {
                    part.file_data = Some(data_url::write(media_type, data));
                    // The API refuses data without a name.
                    part.filename = Some(title.clone().unwrap_or_else(|| UNNAMED_FILE.to_owned()));
                }
                MediaSource::Url { url } => part.file_url = Some(url.as_str().to_owned()),
                MediaSource::File { .. } => {
                    scope.refuse(OpenAiReason::ForeignFile);
                    return;
                }
            }
            part.prompt_cache_breakpoint = breakpoint;
            out.push(part.into());
        }
        DocumentSource::Text { text } => {
            scope.approximate(OpenAiReason::DocumentAsText);
            let mut part = InputTextParam::new(format!("{}{text}", heading("document", title.as_deref())));
            part.prompt_cache_breakpoint = breakpoint;
            out.push(part.into());
        }
        DocumentSource::Blocks { content } => {
            scope.approximate(ResponsesReason::DocumentAsBlocks);
            let heading = heading("document", title.as_deref());
            out.push(InputTextParam::new(heading.trim_end()).into());
            // The model keeps no paths inside of a document: losses of its blocks are at the document.
            for block in content {
                write(scope, block, capabilities, out);
            }
        }
    }
}

/// The line above a text that was an object of its own in the client's dialect.
fn heading(kind: &str, title: Option<&str>) -> String {
    match title.filter(|title| !title.is_empty()) {
        Some(title) => format!("[{kind}: {title}]\n"),
        None => format!("[{kind}]\n"),
    }
}

fn write_search_result(scope: &mut Scope<'_>, result: &SearchResult) -> InputTextParam {
    let SearchResult {
        source,
        title,
        content,
        citations,
        cache,
    } = result;
    ignore_cache(scope, *cache);
    if *citations {
        scope.field("citations").drop(ResponsesReason::NoCitations);
    }
    let heading = heading("search result", Some(title));
    let mut text = Concat::default();
    text.push(format!("{heading}{source}\n"));
    text.push(join(content, "\n"));
    InputTextParam::new(text.finish())
}
