//! Content parts of messages.

use super::types::*;
use crate::canonical::Reason;
use crate::canonical::{
    Audio, Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Image, ImageDetail, Losses,
    MediaSource, Path, SearchResult, Text,
};
use crate::capability::Capabilities;
use crate::dialect::shared::data_url;
use crate::dialect::shared::legacy::{drop_unknown, refuse_variant};
use crate::wire::json::{Concat, LazyStr, join};

/// The name of a file that has none; the API wants one.
const UNNAMED: &str = "document.pdf";

/// Reads the content of a message of any role but the assistant's. `at` is the place of `content`.
pub fn read(content: MessageContentParam, at: &Path<'_>, losses: &mut Losses) -> Vec<Block> {
    match content {
        MessageContentParam::String(text) => read_string(text),
        MessageContentParam::Array(parts) => {
            let parts = parts.into_iter().enumerate();
            parts
                .filter_map(|(index, part)| read_part(part, &at.index(index), losses))
                .collect()
        }
    }
}

/// A plain string as blocks: none where it is empty.
pub fn read_string(text: LazyStr) -> Vec<Block> {
    if text.is_empty() {
        return Vec::new();
    }
    vec![Block::Text(Text::from(text))]
}

fn read_part(part: ChatCompletionContentPartParam, at: &Path<'_>, losses: &mut Losses) -> Option<Block> {
    match part {
        ChatCompletionContentPartParam::Text(part) => read_text(part, at, losses).map(Block::Text),
        ChatCompletionContentPartParam::ImageUrl(part) => read_image(part, at, losses).map(Block::Image),
        ChatCompletionContentPartParam::InputAudio(part) => Some(Block::Audio(read_audio(part, at, losses))),
        ChatCompletionContentPartParam::File(part) => read_file(part, at, losses).map(Block::Document),
        ChatCompletionContentPartParam::Unknown(unknown) => {
            refuse_variant(&unknown, "content part", at, losses);
            None
        }
    }
}

/// Reads a text part; `None` where it is empty.
pub fn read_text(
    part: ChatCompletionContentPartTextParam,
    at: &Path<'_>,
    losses: &mut Losses,
) -> Option<Text> {
    let ChatCompletionContentPartTextParam {
        prompt_cache_breakpoint,
        text,
        extra,
    } = part;
    drop_unknown(&extra, at, losses);
    let cache = prompt_cache_breakpoint.map(|cache| read_cache(cache, at, losses));
    (!text.is_empty()).then(|| Text {
        text,
        annotations: Vec::new(),
        cache,
    })
}

fn read_image(
    part: ChatCompletionContentPartImageParam,
    at: &Path<'_>,
    losses: &mut Losses,
) -> Option<Image> {
    let ChatCompletionContentPartImageParam {
        image_url,
        prompt_cache_breakpoint,
        extra,
    } = part;
    drop_unknown(&extra, at, losses);
    let at_image = at.field("image_url");
    let ImageUrl { detail, url, extra } = image_url;
    drop_unknown(&extra, &at_image, losses);
    let source = match data_url::parse(url) {
        Ok(source) => source,
        Err(reason) => {
            losses.refuse(at_image.field("url"), reason);
            return None;
        }
    };
    Some(Image {
        source,
        detail: detail.map(|detail| ImageDetail(detail.as_str().to_owned())),
        cache: prompt_cache_breakpoint.map(|cache| read_cache(cache, at, losses)),
    })
}

fn read_audio(part: ChatCompletionContentPartInputAudioParam, at: &Path<'_>, losses: &mut Losses) -> Audio {
    let ChatCompletionContentPartInputAudioParam {
        input_audio,
        prompt_cache_breakpoint,
        extra,
    } = part;
    drop_unknown(&extra, at, losses);
    if prompt_cache_breakpoint.is_some() {
        losses.ignore(at.field("prompt_cache_breakpoint"), "a caching hint");
    }
    let InputAudio { data, format, extra } = input_audio;
    drop_unknown(&extra, &at.field("input_audio"), losses);
    Audio {
        format: format.as_str().to_owned(),
        data,
    }
}

fn read_file(part: File, at: &Path<'_>, losses: &mut Losses) -> Option<Document> {
    let File {
        file,
        prompt_cache_breakpoint,
        extra,
    } = part;
    drop_unknown(&extra, at, losses);
    let at_file = at.field("file");
    let FileFile {
        file_data,
        file_id,
        filename,
        extra,
    } = file;
    drop_unknown(&extra, &at_file, losses);
    let source = match (file_data, file_id) {
        (Some(data), _) => match file_source(data) {
            Ok(source) => source,
            Err(reason) => {
                losses.refuse(at_file.field("file_data"), reason);
                return None;
            }
        },
        (None, Some(id)) => MediaSource::File { id },
        (None, None) => {
            losses.refuse(at_file, "a file without data");
            return None;
        }
    };
    let cache = prompt_cache_breakpoint.map(|cache| {
        let FilePromptCacheBreakpoint { ttl, extra } = cache;
        ignore_cache_members(&extra, at, losses);
        let ttl = ttl.and_then(|ttl| match ttl {
            FilePromptCacheBreakpointTtl::V30m => Some(CacheTtl::HalfHour),
            FilePromptCacheBreakpointTtl::V12h => Some(CacheTtl::TwelveHours),
            FilePromptCacheBreakpointTtl::Other(_) => None,
        });
        CacheBreakpoint { ttl }
    });
    Some(Document {
        source: DocumentSource::Media(source),
        title: filename,
        context: None,
        citations: false,
        cache,
    })
}

/// The bytes of a file: a `data:` URL, or plain base64 as some clients send it.
fn file_source(data: LazyStr) -> Result<MediaSource, Reason> {
    match data_url::parse(data)? {
        MediaSource::Url { url } if url.contains("://") => Err("file data has to be a data: URL".into()),
        MediaSource::Url { url } => Ok(MediaSource::Base64 {
            media_type: data_url::sniff(&url).unwrap_or("application/pdf").to_owned(),
            data: url,
        }),
        source @ (MediaSource::Base64 { .. } | MediaSource::File { .. }) => Ok(source),
    }
}

fn read_cache(cache: PromptCacheBreakpoint, at: &Path<'_>, losses: &mut Losses) -> CacheBreakpoint {
    let PromptCacheBreakpoint { ttl, extra } = cache;
    ignore_cache_members(&extra, at, losses);
    let ttl = ttl.and_then(|ttl| match ttl {
        PromptCacheBreakpointTtl::V30m => Some(CacheTtl::HalfHour),
        PromptCacheBreakpointTtl::V12h => Some(CacheTtl::TwelveHours),
        PromptCacheBreakpointTtl::Other(_) => None,
    });
    CacheBreakpoint { ttl }
}

fn ignore_cache_members(extra: &crate::wire::json::Extra, at: &Path<'_>, losses: &mut Losses) {
    for (name, _) in extra.unknown() {
        losses.ignore(at.field("prompt_cache_breakpoint").field(name), "a caching hint");
    }
}

/// A plain string where that says everything, parts otherwise.
pub fn write(parts: Vec<ChatCompletionContentPartParam>) -> MessageContentParam {
    match <[_; 1]>::try_from(parts) {
        Ok([ChatCompletionContentPartParam::Text(part)]) if part.prompt_cache_breakpoint.is_none() => {
            MessageContentParam::String(part.text)
        }
        Ok([part]) => MessageContentParam::Array(vec![part]),
        Err(parts) => MessageContentParam::Array(parts),
    }
}

/// Writes content parts, with what the upstream takes.
#[derive(Debug, Clone, Copy)]
pub struct PartWriter<'a> {
    /// What the model accepts.
    pub capabilities: &'a Capabilities,
}

impl PartWriter<'_> {
    /// Writes a block of a user's message or of a tool's result; `path` is its place in the client's body.
    pub fn write(
        self,
        block: &Block,
        path: Path<'static>,
        losses: &mut Losses,
        out: &mut Vec<ChatCompletionContentPartParam>,
    ) {
        match block {
            Block::Text(text) => {
                if let Some(part) = self.text(text, path, losses) {
                    out.push(part.into());
                }
            }
            Block::Refusal { text } => out.push(ChatCompletionContentPartTextParam::new(text).into()),
            Block::Image(image) => {
                out.extend(self.image(image, path, losses).map(Into::into));
            }
            Block::Document(document) => self.document(document, path, losses, out),
            Block::Audio(Audio { format, data }) => {
                let audio = InputAudio::new(data, InputAudioFormat::from(format.as_str()));
                out.push(ChatCompletionContentPartInputAudioParam::new(audio).into());
            }
            Block::SearchResult(result) => out.push(self.search_result(result, path, losses).into()),
            Block::Reasoning(_) => losses.ignore(path, "reasoning is the assistant's"),
            Block::ToolCall(_) => losses.refuse(path, "a tool call is the assistant's"),
            Block::ToolResult(_) => losses.refuse(path, "a tool result inside another block"),
            Block::ServerTool(_) => {
                losses.drop_field(
                    path,
                    "calls and results of a vendor's own tools stay with that vendor",
                );
            }
        }
    }

    /// A text part; `None` where the text is empty.
    pub fn text(
        self,
        text: &Text,
        path: Path<'static>,
        losses: &mut Losses,
    ) -> Option<ChatCompletionContentPartTextParam> {
        // Citations are the assistant's; a user's text has none to carry.
        let Text {
            text,
            annotations: _,
            cache,
        } = text;
        if text.is_empty() {
            return None;
        }
        let mut part = ChatCompletionContentPartTextParam::new(text);
        part.prompt_cache_breakpoint = self.cache(*cache, path, losses);
        Some(part)
    }

    /// A cache breakpoint with the nearest lifetime that the vendor offers, where the model takes breakpoints.
    pub fn cache(
        self,
        cache: Option<CacheBreakpoint>,
        path: Path<'static>,
        losses: &mut Losses,
    ) -> Option<PromptCacheBreakpoint> {
        let CacheBreakpoint { ttl } = cache?;
        if !self.capabilities.cache_breakpoints {
            losses.ignore(path, "this model takes no cache breakpoints");
            return None;
        }
        let mut out = PromptCacheBreakpoint::new();
        out.ttl = ttl.map(|ttl| match ttl {
            CacheTtl::FiveMinutes | CacheTtl::HalfHour | CacheTtl::OneHour => PromptCacheBreakpointTtl::V30m,
            CacheTtl::TwelveHours => PromptCacheBreakpointTtl::V12h,
        });
        Some(out)
    }

    fn image(
        self,
        image: &Image,
        path: Path<'static>,
        losses: &mut Losses,
    ) -> Option<ChatCompletionContentPartImageParam> {
        let Image {
            source,
            detail,
            cache,
        } = image;
        let url = match source {
            MediaSource::Base64 { media_type, data } => data_url::write(media_type, data),
            MediaSource::Url { url } => url.clone(),
            MediaSource::File { id: _ } => {
                losses.refuse(path, FOREIGN_FILE);
                return None;
            }
        };
        let mut image_url = ImageUrl::new(url);
        let detail = detail
            .as_ref()
            .map(|ImageDetail(detail)| ImageUrlDetail::from(detail.as_str()));
        image_url.detail = detail.map(|detail| match detail {
            ImageUrlDetail::Other(_) => {
                losses.approximate(
                    format!("{path}.detail"),
                    "a detail that is not known became `auto`",
                );
                ImageUrlDetail::Auto
            }
            known => known,
        });
        let mut part = ChatCompletionContentPartImageParam::new(image_url);
        part.prompt_cache_breakpoint = self.cache(*cache, path, losses);
        Some(part)
    }

    fn document(
        self,
        document: &Document,
        path: Path<'static>,
        losses: &mut Losses,
        out: &mut Vec<ChatCompletionContentPartParam>,
    ) {
        let Document {
            source,
            title,
            context,
            citations,
            cache,
        } = document;
        if context.is_some() {
            losses.drop_field(format!("{path}.context"), "a document has no context here");
        }
        if *citations {
            losses.drop_field(
                format!("{path}.citations"),
                "citations of documents cannot be asked for",
            );
        }
        match source {
            DocumentSource::Media(MediaSource::Base64 { media_type, data }) => {
                let mut file = FileFile::new();
                file.file_data = Some(data_url::write(media_type, data));
                file.filename = Some(title.clone().unwrap_or_else(|| UNNAMED.to_owned()));
                let mut part = File::new(file);
                part.prompt_cache_breakpoint = self.cache(*cache, path, losses).map(|cache| {
                    let mut own = FilePromptCacheBreakpoint::new();
                    own.ttl = cache
                        .ttl
                        .map(|ttl| FilePromptCacheBreakpointTtl::from(ttl.as_str()));
                    own
                });
                out.push(part.into());
            }
            DocumentSource::Media(MediaSource::Url { url: _ }) => {
                losses.refuse(path, "a document at an address is not fetched");
            }
            DocumentSource::Media(MediaSource::File { id: _ }) => losses.refuse(path, FOREIGN_FILE),
            DocumentSource::Text { text } => {
                losses.approximate(path, "a text document became text");
                let mut part =
                    ChatCompletionContentPartTextParam::new(format!("{}{text}", heading(title.as_deref())));
                part.prompt_cache_breakpoint = self.cache(*cache, path, losses);
                out.push(part.into());
            }
            DocumentSource::Blocks { content } => {
                losses.approximate(path, "a document's blocks became parts of the message");
                out.push(
                    ChatCompletionContentPartTextParam::new(heading(title.as_deref()).trim_end()).into(),
                );
                for block in content {
                    self.write(block, path, losses, out);
                }
                if cache.is_some() {
                    losses.ignore(path, "a caching hint");
                }
            }
        }
    }

    fn search_result(
        self,
        result: &SearchResult,
        path: Path<'static>,
        losses: &mut Losses,
    ) -> ChatCompletionContentPartTextParam {
        let SearchResult {
            source,
            title,
            content,
            citations,
            cache,
        } = result;
        losses.approximate(path, "a search result became text");
        if *citations {
            losses.drop_field(
                format!("{path}.citations"),
                "citations of search results cannot be asked for",
            );
        }
        let mut text = Concat::default();
        text.push(format!("[search result: {title}]\n{source}\n"));
        text.push(join(content, "\n"));
        let mut part = ChatCompletionContentPartTextParam::new(text.finish());
        part.prompt_cache_breakpoint = self.cache(*cache, path, losses);
        part
    }
}

const FOREIGN_FILE: &str = "a file in one vendor's store is not known to another";

fn heading(title: Option<&str>) -> String {
    match title {
        Some(title) => format!("[document: {title}]\n"),
        None => "[document]\n".to_owned(),
    }
}
