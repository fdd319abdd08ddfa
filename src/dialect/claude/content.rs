//! Content blocks of a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::types::*;
use crate::canonical::{
    Annotation, Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Family, Image, Losses,
    MediaSource, Path, SearchResult, ServerTool, Text, ToolCall, ToolInput, ToolResult,
};
use crate::dialect::shared::call_ids::IdRule;
use crate::dialect::shared::legacy::{drop_some, drop_unknown, refuse_some, refuse_variant};
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::tool_names::{PARAMETER, ToolNames};
use crate::wire::json::{LazyStr, RawJson};

use super::reasoning;

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

fn read_image(block: ImageBlockParam, at: &Path<'_>, losses: &mut Losses) -> Option<Image> {
    let ImageBlockParam {
        cache_control,
        source,
        transformations,
        extra,
    } = block;
    drop_unknown(&extra, at, losses);
    drop_some(
        transformations.as_ref(),
        at.field("transformations"),
        "images are not transformed",
        losses,
    );
    let source = match source {
        ImageSourceParam::Base64(Base64ImageSourceParam {
            data,
            media_type,
            extra: _,
        }) => MediaSource::Base64 {
            media_type: media_type.as_str().to_owned(),
            data,
        },
        ImageSourceParam::Url(UrlImageSourceParam { url, extra: _ }) => MediaSource::Url { url: url.into() },
        ImageSourceParam::File(FileImageSourceParam { file_id, extra: _ }) => {
            MediaSource::File { id: file_id }
        }
        ImageSourceParam::Unknown(unknown) => {
            refuse_variant(&unknown, "image source", &at.field("source"), losses);
            return None;
        }
    };
    Some(Image {
        source,
        detail: None,
        cache: read_cache(cache_control, at, losses),
    })
}

fn read_document(block: RequestDocumentBlockParam, at: &Path<'_>, losses: &mut Losses) -> Option<Document> {
    let RequestDocumentBlockParam {
        cache_control,
        citations,
        context,
        source,
        title,
        extra,
    } = block;
    drop_unknown(&extra, at, losses);
    let source_at = at.field("source");
    let source = match source {
        DocumentSourceParam::Base64(Base64PdfSourceParam { data, extra: _ }) => {
            DocumentSource::Media(MediaSource::Base64 {
                media_type: PDF.to_owned(),
                data,
            })
        }
        DocumentSourceParam::Text(PlainTextSourceParam { data, extra: _ }) => {
            DocumentSource::Text { text: data }
        }
        DocumentSourceParam::Content(ContentBlockSourceParam { content, extra: _ }) => match content {
            ContentBlockSourceParamContent::String(text) => DocumentSource::Text { text },
            ContentBlockSourceParamContent::Array(blocks) => {
                let blocks = blocks.into_iter().enumerate().filter_map(|(index, block)| {
                    let content = source_at.field("content");
                    read_source_block(block, &content.index(index), losses)
                });
                DocumentSource::Blocks {
                    content: blocks.collect(),
                }
            }
        },
        DocumentSourceParam::Url(UrlpdfSourceParam { url, extra: _ }) => {
            DocumentSource::Media(MediaSource::Url { url: url.into() })
        }
        DocumentSourceParam::File(FileDocumentSourceParam { file_id, extra: _ }) => {
            DocumentSource::Media(MediaSource::File { id: file_id })
        }
        DocumentSourceParam::Unknown(unknown) => {
            refuse_variant(&unknown, "document source", &source_at, losses);
            return None;
        }
    };
    let citations = asks_for_citations(citations);
    Some(Document {
        source,
        title,
        context,
        citations,
        cache: read_cache(cache_control, at, losses),
    })
}

/// The only type of a document's bytes that the API knows.
const PDF: &str = "application/pdf";

fn asks_for_citations(config: Option<CitationsConfigParamParam>) -> bool {
    config.is_some_and(|CitationsConfigParamParam { enabled, extra: _ }| enabled.unwrap_or_default())
}

fn read_source_block(
    block: ContentBlockSourceContentParam,
    at: &Path<'_>,
    losses: &mut Losses,
) -> Option<Block> {
    match block {
        ContentBlockSourceContentParam::Text(block) => Some(Block::Text(read_text(block, at, losses))),
        ContentBlockSourceContentParam::Image(block) => read_image(block, at, losses).map(Block::Image),
        ContentBlockSourceContentParam::Unknown(unknown) => {
            refuse_variant(&unknown, "content block", at, losses);
            None
        }
    }
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

/// The input of a call. A text that stood in for an object (see [`write_input`]) comes out again.
pub fn read_input(input: RawJson) -> ToolInput {
    if !input.get().starts_with('{') {
        return ToolInput::Malformed {
            text: input.get().into(),
        };
    }
    // A cheap look first: hardly any input begins like this.
    if input.get().contains("\"_raw\"")
        && let Ok(StandIn { text }) = serde_json::from_str(input.get())
    {
        return ToolInput::Malformed { text: text.into() };
    }
    ToolInput::Object { json: input }
}

/// What stands for an input that is not an object: the API takes nothing else.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct StandIn {
    #[serde(rename = "_raw")]
    text: String,
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

fn write_image(image: &Image, path: Path<'static>, losses: &mut Losses) -> Option<ImageBlockParam> {
    let Image {
        source,
        detail: _,
        cache,
    } = image;
    let source: ImageSourceParam = match source {
        MediaSource::Base64 { media_type, data } => {
            let media_type = Base64ImageSourceParamMediaType::from(media_type.as_str());
            if let Base64ImageSourceParamMediaType::Other(other) = &media_type {
                let reason = format!("images of type `{other}` are not taken, only JPEG, PNG, GIF and WebP");
                losses.refuse(path, reason);
                return None;
            }
            Base64ImageSourceParam::new(data, media_type).into()
        }
        MediaSource::Url { url } => UrlImageSourceParam::new(url).into(),
        MediaSource::File { .. } => {
            losses.refuse(path, "a file in one vendor's store is not known to another");
            return None;
        }
    };
    Some(ImageBlockParam {
        cache_control: write_cache(*cache),
        ..ImageBlockParam::new(source)
    })
}

fn write_document(
    document: &Document,
    path: Path<'static>,
    losses: &mut Losses,
) -> Option<RequestDocumentBlockParam> {
    let Document {
        source,
        title,
        context,
        citations,
        cache,
    } = document;
    let source: DocumentSourceParam = match source {
        DocumentSource::Media(MediaSource::Base64 { media_type, data }) if media_type == PDF => {
            Base64PdfSourceParam::new(data).into()
        }
        DocumentSource::Media(MediaSource::Base64 { media_type, data }) => {
            let text = STANDARD
                .decode(data.as_str())
                .ok()
                .filter(|_| media_type.starts_with("text/"));
            let Some(text) = text.and_then(|bytes| String::from_utf8(bytes).ok()) else {
                let reason = format!("documents of type `{media_type}` are not taken, only PDF and text");
                losses.refuse(path, reason);
                return None;
            };
            PlainTextSourceParam::new(text).into()
        }
        DocumentSource::Media(MediaSource::Url { url }) => UrlpdfSourceParam::new(url).into(),
        DocumentSource::Media(MediaSource::File { .. }) => {
            losses.refuse(path, "a file in one vendor's store is not known to another");
            return None;
        }
        DocumentSource::Text { text } => PlainTextSourceParam::new(text).into(),
        DocumentSource::Blocks { content } => {
            let blocks = content
                .iter()
                .filter_map(|block| write_source_block(block, path, losses));
            let blocks = ContentBlockSourceParamContent::Array(blocks.collect());
            ContentBlockSourceParam::new(blocks).into()
        }
    };
    let mut out = RequestDocumentBlockParam::new(source);
    out.title.clone_from(title);
    out.context.clone_from(context);
    out.citations = citations.then(|| CitationsConfigParamParam {
        enabled: Some(true),
        ..CitationsConfigParamParam::new()
    });
    out.cache_control = write_cache(*cache);
    Some(out)
}

fn write_source_block(
    block: &Block,
    path: Path<'static>,
    losses: &mut Losses,
) -> Option<ContentBlockSourceContentParam> {
    match block {
        Block::Text(text) => Some(write_text(text).into()),
        Block::Image(image) => write_image(image, path, losses).map(Into::into),
        _ => {
            losses.refuse(path, "a document's content holds text and images only");
            None
        }
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

/// Writes a call's input, which has to be an object. What is none is wrapped, so that one broken call does not end the
/// session.
pub fn write_input(input: &ToolInput, path: Path<'static>, losses: &mut Losses) -> RawJson {
    match input {
        ToolInput::Object { json } => json.clone(),
        ToolInput::Malformed { text } => match serde_json::from_str::<RawJson>(text) {
            Ok(value) => {
                losses.approximate(
                    path,
                    "arguments that are no object were wrapped in one, as `value`",
                );
                to_raw_json(&serde_json::json!({ "value": value }))
            }
            Err(_) => {
                losses.approximate(
                    path,
                    "arguments that are no JSON were wrapped in an object, as `_raw`",
                );
                to_raw_json(&StandIn {
                    text: text.as_str().to_owned(),
                })
            }
        },
        ToolInput::Freeform { text } => to_raw_json(&serde_json::json!({ PARAMETER: text })),
    }
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
