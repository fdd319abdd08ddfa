//! Reads the content parts of messages.

use crate::canonical::{
    Audio, Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Image, ImageDetail, MediaSource,
    Scope, Text,
};
use crate::dialect::openai::data_url;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};
use crate::wire::json::{Extra, LazyStr};

/// Reads the content of a message of any role but the assistant's; `scope` is that of the content.
pub fn read(scope: &mut Scope<'_>, content: MessageContentParam) -> Vec<Block> {
    match content {
        MessageContentParam::String(text) => read_string(text),
        MessageContentParam::Array(parts) => {
            let parts = parts.into_iter().enumerate();
            parts
                .filter_map(|(index, part)| read_part(&mut scope.index(index), part))
                .collect()
        }
    }
}

/// A string as blocks: none if it is empty.
pub fn read_string(text: LazyStr) -> Vec<Block> {
    if text.is_empty() {
        return Vec::new();
    }
    vec![Block::Text(Text::from(text))]
}

fn read_part(scope: &mut Scope<'_>, part: ChatCompletionContentPartParam) -> Option<Block> {
    match part {
        ChatCompletionContentPartParam::Text(part) => read_text(scope, part).map(Block::Text),
        ChatCompletionContentPartParam::ImageUrl(part) => read_image(scope, part).map(Block::Image),
        ChatCompletionContentPartParam::InputAudio(part) => Some(Block::Audio(read_audio(scope, part))),
        ChatCompletionContentPartParam::File(part) => read_file(scope, part).map(Block::Document),
        ChatCompletionContentPartParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "content part");
            None
        }
    }
}

/// Reads a text part; `None` if it is empty.
pub fn read_text(scope: &mut Scope<'_>, part: ChatCompletionContentPartTextParam) -> Option<Text> {
    let ChatCompletionContentPartTextParam {
        prompt_cache_breakpoint,
        text,
        extra,
    } = part;
    drop_unknown(scope, &extra);
    let cache = prompt_cache_breakpoint.map(|cache| read_cache(scope, cache));
    (!text.is_empty()).then(|| Text {
        text,
        annotations: Vec::new(),
        cache,
    })
}

fn read_image(scope: &mut Scope<'_>, part: ChatCompletionContentPartImageParam) -> Option<Image> {
    let ChatCompletionContentPartImageParam {
        image_url,
        prompt_cache_breakpoint,
        extra,
    } = part;
    drop_unknown(scope, &extra);
    let ImageUrl { detail, url, extra } = image_url;
    drop_unknown(&mut scope.field("image_url"), &extra);
    let source = match data_url::parse(url) {
        Ok(source) => source,
        Err(reason) => {
            scope.field("image_url").field("url").refuse(reason);
            return None;
        }
    };
    Some(Image {
        source,
        detail: detail.map(|detail| ImageDetail(detail.as_str().to_owned())),
        cache: prompt_cache_breakpoint.map(|cache| read_cache(scope, cache)),
    })
}

fn read_audio(scope: &mut Scope<'_>, part: ChatCompletionContentPartInputAudioParam) -> Audio {
    let ChatCompletionContentPartInputAudioParam {
        input_audio,
        prompt_cache_breakpoint,
        extra,
    } = part;
    drop_unknown(scope, &extra);
    scope.ignore_member(
        "prompt_cache_breakpoint",
        &prompt_cache_breakpoint,
        OpenAiReason::CachingHint,
    );
    let InputAudio { data, format, extra } = input_audio;
    drop_unknown(&mut scope.field("input_audio"), &extra);
    Audio {
        format: format.as_str().to_owned(),
        data,
    }
}

fn read_file(scope: &mut Scope<'_>, part: File) -> Option<Document> {
    let File {
        file,
        prompt_cache_breakpoint,
        extra,
    } = part;
    drop_unknown(scope, &extra);
    let FileFile {
        file_data,
        file_id,
        filename,
        extra,
    } = file;
    drop_unknown(&mut scope.field("file"), &extra);
    let source = match (file_data, file_id) {
        (Some(data), _) => read_file_data(scope.field("file").field("file_data"), data)?,
        (None, Some(id)) => MediaSource::File { id },
        (None, None) => {
            scope.field("file").refuse(ChatReason::FileWithoutData);
            return None;
        }
    };
    let cache = prompt_cache_breakpoint.map(|cache| {
        let FilePromptCacheBreakpoint { ttl, extra } = cache;
        ignore_cache_members(scope, &extra);
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

/// The bytes of a file. The API takes a `data:` URL; some clients send the base64 data alone.
fn read_file_data(mut scope: Scope<'_>, data: LazyStr) -> Option<MediaSource> {
    match data_url::parse(data) {
        Ok(MediaSource::Url { url }) if url.contains("://") => {
            scope.refuse(ChatReason::FileNotDataUrl);
            None
        }
        Ok(MediaSource::Url { url }) => Some(MediaSource::Base64 {
            media_type: data_url::sniff(&url).unwrap_or("application/pdf").to_owned(),
            data: url,
        }),
        Ok(source @ (MediaSource::Base64 { .. } | MediaSource::File { .. })) => Some(source),
        Err(reason) => {
            scope.refuse(reason);
            None
        }
    }
}

/// Reads a cache breakpoint; `scope` is that of its part. A lifetime that is not known becomes the default.
fn read_cache(scope: &mut Scope<'_>, cache: PromptCacheBreakpoint) -> CacheBreakpoint {
    let PromptCacheBreakpoint { ttl, extra } = cache;
    ignore_cache_members(scope, &extra);
    let ttl = ttl.and_then(|ttl| match ttl {
        PromptCacheBreakpointTtl::V30m => Some(CacheTtl::HalfHour),
        PromptCacheBreakpointTtl::V12h => Some(CacheTtl::TwelveHours),
        PromptCacheBreakpointTtl::Other(_) => None,
    });
    CacheBreakpoint { ttl }
}

fn ignore_cache_members(scope: &mut Scope<'_>, extra: &Extra) {
    let mut scope = scope.field("prompt_cache_breakpoint");
    for (name, _) in extra.unknown() {
        scope.field(name).ignore(OpenAiReason::CachingHint);
    }
}
