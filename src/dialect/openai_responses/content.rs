//! Parts of messages and of tool outputs.

use super::types::*;
use crate::canonical::{
    Annotation, Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Image, ImageDetail, Losses,
    MediaSource, Path, SearchResult, Text,
};
use crate::capability::Capabilities;
use crate::dialect::shared::data_url;
use crate::dialect::shared::legacy::{drop_some, drop_unknown, ignore_some, refuse_variant};
use crate::wire::json::{Concat, join};

/// Reads the content of a message or of a tool's output.
pub fn read(content: ContentParam, at: &Path<'_>, losses: &mut Losses) -> Vec<Block> {
    match content {
        ContentParam::String(text) => vec![Block::Text(Text::from(text))],
        ContentParam::Array(parts) => {
            let parts = parts.into_iter().enumerate();
            parts
                .filter_map(|(index, part)| read_part(part, &at.index(index), losses))
                .collect()
        }
    }
}

fn read_part(part: MessagePartParam, at: &Path<'_>, losses: &mut Losses) -> Option<Block> {
    Some(match part {
        MessagePartParam::InputText(InputTextParam {
            prompt_cache_breakpoint,
            text,
            extra,
        }) => {
            drop_unknown(&extra, at, losses);
            Block::Text(Text {
                text,
                annotations: Vec::new(),
                cache: prompt_cache_breakpoint.map(read_cache),
            })
        }
        MessagePartParam::OutputText(OutputTextParam {
            annotations,
            logprobs: _,
            text,
            extra,
        }) => {
            drop_unknown(&extra, at, losses);
            let annotations = annotations.into_iter().flatten();
            let annotations = annotations.filter_map(|annotation| read_annotation(annotation, at, losses));
            Block::Text(Text {
                text,
                annotations: annotations.collect(),
                cache: None,
            })
        }
        MessagePartParam::Refusal(RefusalParam { refusal, extra }) => {
            drop_unknown(&extra, at, losses);
            Block::Refusal { text: refusal }
        }
        MessagePartParam::InputImage(part) => Block::Image(read_image(part, at, losses)?),
        MessagePartParam::InputFile(part) => Block::Document(read_file(part, at, losses)?),
        MessagePartParam::Unknown(unknown) => {
            refuse_variant(&unknown, "content part", at, losses);
            return None;
        }
    })
}

fn read_annotation(annotation: AnnotationParam, at: &Path<'_>, losses: &mut Losses) -> Option<Annotation> {
    match annotation {
        AnnotationParam::UrlCitation(UrlCitationParam {
            end_index,
            start_index,
            title,
            url,
            extra: _,
        }) => Some(Annotation {
            url,
            title: title.unwrap_or_default(),
            span: span(start_index, end_index),
        }),
        AnnotationParam::Unknown(_) => {
            losses.drop_field(
                at.field("annotations"),
                "only citations of web pages cross dialects",
            );
            None
        }
    }
}

/// A span, where both its ends are there and in order.
pub fn span(start: Option<i64>, end: Option<i64>) -> Option<(u64, u64)> {
    let (start, end) = (u64::try_from(start?).ok()?, u64::try_from(end?).ok()?);
    (start <= end).then_some((start, end))
}

fn read_cache(breakpoint: PromptCacheBreakpointParam) -> CacheBreakpoint {
    let PromptCacheBreakpointParam { ttl, extra: _ } = breakpoint;
    let ttl = ttl.and_then(|ttl| match ttl {
        PromptCacheTtl::V30m => Some(CacheTtl::HalfHour),
        PromptCacheTtl::V12h => Some(CacheTtl::TwelveHours),
        PromptCacheTtl::Other(_) => None,
    });
    CacheBreakpoint { ttl }
}

fn read_image(part: InputImageParam, at: &Path<'_>, losses: &mut Losses) -> Option<Image> {
    let InputImageParam {
        detail,
        file_id,
        image_url,
        prompt_cache_breakpoint,
        extra,
    } = part;
    drop_unknown(&extra, at, losses);
    let source = match (image_url, file_id) {
        (Some(url), _) => data_url::parse(url),
        (None, Some(id)) => Ok(MediaSource::File { id }),
        (None, None) => Err("an image needs `image_url` or `file_id`".into()),
    };
    let source = source
        .map_err(|reason| losses.refuse(at.field("image_url"), reason))
        .ok()?;
    Some(Image {
        source,
        detail: detail.map(|detail| ImageDetail(detail.as_str().to_owned())),
        cache: prompt_cache_breakpoint.map(read_cache),
    })
}

fn read_file(part: InputFileParam, at: &Path<'_>, losses: &mut Losses) -> Option<Document> {
    let InputFileParam {
        detail,
        file_data,
        file_id,
        file_url,
        filename,
        prompt_cache_breakpoint,
        extra,
    } = part;
    drop_unknown(&extra, at, losses);
    ignore_some(
        detail.as_ref(),
        at.field("detail"),
        "how closely pages are looked at is the model's own choice",
        losses,
    );
    let source = match (file_data, file_url, file_id) {
        (Some(data), _, _) => match data_url::parse(data) {
            // The API also takes the bare base64 text of a PDF.
            Ok(MediaSource::Url { url }) => Ok(MediaSource::Base64 {
                media_type: PDF.to_owned(),
                data: url,
            }),
            parsed => parsed,
        },
        (None, Some(url), _) => Ok(MediaSource::Url { url: url.into() }),
        (None, None, Some(id)) => Ok(MediaSource::File { id }),
        (None, None, None) => Err("a file needs `file_data`, `file_url` or `file_id`".into()),
    };
    let source = source
        .map_err(|reason| losses.refuse(at.field("file_data"), reason))
        .ok()?;
    Some(Document {
        source: DocumentSource::Media(source),
        title: filename,
        context: None,
        citations: false,
        cache: prompt_cache_breakpoint.map(read_cache),
    })
}

const PDF: &str = "application/pdf";

/// Writes the parts of a user's message or of a tool's output; `path` is the block's place in the client's body.
pub fn write(
    block: &Block,
    path: Path<'static>,
    capabilities: &Capabilities,
    out: &mut Vec<MessagePartParam>,
    losses: &mut Losses,
) {
    match block {
        Block::Text(Text {
            text,
            annotations: _,
            cache,
        }) => {
            if !text.is_empty() {
                let mut part = InputTextParam::new(text);
                part.prompt_cache_breakpoint = write_cache(*cache, path, capabilities, losses);
                out.push(part.into());
            }
        }
        Block::Refusal { text } => out.push(InputTextParam::new(text).into()),
        Block::Image(image) => out.extend(write_image(image, path, capabilities, losses).map(Into::into)),
        Block::Document(document) => write_document(document, path, capabilities, out, losses),
        Block::SearchResult(result) => {
            losses.approximate(path, "a search result became text");
            out.push(write_search_result(result, path, losses).into());
        }
        Block::Audio(_) => losses.refuse(path, "audio is not taken"),
        Block::ServerTool(_) => {
            losses.drop_field(
                path,
                "calls and results of a vendor's own tools stay with that vendor",
            );
        }
        Block::Reasoning(_) | Block::ToolCall(_) | Block::ToolResult(_) => {
            losses.refuse(path, "only text, images and documents stand here");
        }
    }
}

/// Says that a breakpoint stays behind.
pub fn ignore_cache(cache: Option<CacheBreakpoint>, path: Path<'static>, losses: &mut Losses) {
    if cache.is_some() {
        losses.ignore(path, "a caching hint");
    }
}

fn write_cache(
    cache: Option<CacheBreakpoint>,
    path: Path<'static>,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Option<PromptCacheBreakpointParam> {
    if !capabilities.cache_breakpoints {
        ignore_cache(cache, path, losses);
        return None;
    }
    let CacheBreakpoint { ttl } = cache?;
    let mut out = PromptCacheBreakpointParam::new();
    out.ttl = ttl.map(|ttl| match ttl {
        CacheTtl::FiveMinutes | CacheTtl::HalfHour | CacheTtl::OneHour => PromptCacheTtl::V30m,
        CacheTtl::TwelveHours => PromptCacheTtl::V12h,
    });
    Some(out)
}

fn write_image(
    image: &Image,
    path: Path<'static>,
    capabilities: &Capabilities,
    losses: &mut Losses,
) -> Option<InputImageParam> {
    let Image {
        source,
        detail,
        cache,
    } = image;
    let url = match source {
        MediaSource::Base64 { media_type, data } => data_url::write(media_type, data),
        MediaSource::Url { url } => url.clone(),
        MediaSource::File { .. } => {
            losses.refuse(path, "a file in one vendor's store is not known to another");
            return None;
        }
    };
    let mut out = InputImageParam::new();
    let detail = detail
        .as_ref()
        .map_or("auto", |ImageDetail(detail)| detail.as_str());
    out.detail = Some(match InputImageParamDetail::from(detail) {
        InputImageParamDetail::Other(_) => {
            losses.approximate(
                format!("{path}.detail"),
                "a detail that is not known became `auto`",
            );
            InputImageParamDetail::Auto
        }
        known => known,
    });
    out.image_url = Some(url);
    out.prompt_cache_breakpoint = write_cache(*cache, path, capabilities, losses);
    Some(out)
}

fn write_document(
    document: &Document,
    path: Path<'static>,
    capabilities: &Capabilities,
    out: &mut Vec<MessagePartParam>,
    losses: &mut Losses,
) {
    let Document {
        source,
        title,
        context,
        citations,
        cache,
    } = document;
    drop_some(
        context.as_ref(),
        Path::Root.field(&path.to_string()).field("context"),
        "a document has no context of its own",
        losses,
    );
    if *citations {
        losses.drop_field(format!("{path}.citations"), "citations cannot be asked for");
    }
    let breakpoint = write_cache(*cache, path, capabilities, losses);
    match source {
        DocumentSource::Media(source) => {
            let mut part = InputFileParam::new();
            match source {
                MediaSource::Base64 { media_type, data } => {
                    part.file_data = Some(data_url::write(media_type, data));
                    // Bytes without a name are refused.
                    part.filename = Some(title.clone().unwrap_or_else(|| UNNAMED_FILE.to_owned()));
                }
                MediaSource::Url { url } => part.file_url = Some(url.as_str().to_owned()),
                MediaSource::File { .. } => {
                    losses.refuse(path, "a file in one vendor's store is not known to another");
                    return;
                }
            }
            part.prompt_cache_breakpoint = breakpoint;
            out.push(part.into());
        }
        DocumentSource::Text { text } => {
            losses.approximate(path, "a document of text became text");
            let mut part = InputTextParam::new(format!("{}{text}", heading("document", title.as_deref())));
            part.prompt_cache_breakpoint = breakpoint;
            out.push(part.into());
        }
        DocumentSource::Blocks { content } => {
            losses.approximate(path, "a document of blocks became those blocks");
            let heading = heading("document", title.as_deref());
            out.push(InputTextParam::new(heading.trim_end()).into());
            for block in content {
                write(block, path, capabilities, out, losses);
            }
        }
    }
}

const UNNAMED_FILE: &str = "document.pdf";

fn heading(kind: &str, title: Option<&str>) -> String {
    match title.filter(|title| !title.is_empty()) {
        Some(title) => format!("[{kind}: {title}]\n"),
        None => format!("[{kind}]\n"),
    }
}

fn write_search_result(result: &SearchResult, path: Path<'static>, losses: &mut Losses) -> InputTextParam {
    let SearchResult {
        source,
        title,
        content,
        citations,
        cache,
    } = result;
    ignore_cache(*cache, path, losses);
    if *citations {
        losses.drop_field(format!("{path}.citations"), "citations cannot be asked for");
    }
    let heading = heading("search result", Some(title));
    let mut text = Concat::default();
    text.push(format!("{heading}{source}\n"));
    text.push(join(content, "\n"));
    InputTextParam::new(text.finish())
}

/// A single plain text as a string, the form that the API's own examples have.
pub fn plain(parts: Vec<MessagePartParam>) -> ContentParam {
    match <[MessagePartParam; 1]>::try_from(parts) {
        Ok([MessagePartParam::InputText(part)]) if part.prompt_cache_breakpoint.is_none() => {
            ContentParam::String(part.text)
        }
        Ok([part]) => ContentParam::Array(vec![part]),
        Err(parts) => ContentParam::Array(parts),
    }
}
