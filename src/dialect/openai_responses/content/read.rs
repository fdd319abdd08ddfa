//! Reads the parts of messages and of tool outputs.

use crate::canonical::{
    Annotation, Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Image, ImageDetail, MediaSource,
    Reason, Scope, Text,
};
use crate::dialect::openai::data_url;
use crate::dialect::openai_responses::reasons::ResponsesReason;
use crate::dialect::openai_responses::types::*;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};

/// The media type of file data that comes without one.
const PDF: &str = "application/pdf";

/// Reads the content of a message or of a tool's output.
pub fn read(scope: &mut Scope<'_>, content: ContentParam) -> Vec<Block> {
    match content {
        ContentParam::String(text) => vec![Block::Text(Text::from(text))],
        ContentParam::Array(parts) => {
            let parts = parts.into_iter().enumerate();
            parts
                .filter_map(|(index, part)| read_part(&mut scope.index(index), part))
                .collect()
        }
    }
}

fn read_part(scope: &mut Scope<'_>, part: MessagePartParam) -> Option<Block> {
    Some(match part {
        MessagePartParam::InputText(InputTextParam {
            prompt_cache_breakpoint,
            text,
            extra,
        }) => {
            drop_unknown(scope, &extra);
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
            drop_unknown(scope, &extra);
            let annotations = annotations.into_iter().flatten();
            let annotations = annotations.filter_map(|annotation| read_annotation(scope, annotation));
            Block::Text(Text {
                text,
                annotations: annotations.collect(),
                cache: None,
            })
        }
        MessagePartParam::Refusal(RefusalParam { refusal, extra }) => {
            drop_unknown(scope, &extra);
            Block::Refusal { text: refusal }
        }
        MessagePartParam::InputImage(part) => Block::Image(read_image(scope, part)?),
        MessagePartParam::InputFile(part) => Block::Document(read_file(scope, part)?),
        MessagePartParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "content part");
            return None;
        }
    })
}

fn read_annotation(scope: &mut Scope<'_>, annotation: AnnotationParam) -> Option<Annotation> {
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
            span: read_span(start_index, end_index),
        }),
        AnnotationParam::Unknown(_) => {
            scope.field("annotations").drop(ResponsesReason::VendorCitation);
            None
        }
    }
}

/// Reads the span of a citation, in characters; `None` unless both ends are given and in order.
pub fn read_span(start: Option<i64>, end: Option<i64>) -> Option<(u64, u64)> {
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

fn read_image(scope: &mut Scope<'_>, part: InputImageParam) -> Option<Image> {
    let InputImageParam {
        detail,
        file_id,
        image_url,
        prompt_cache_breakpoint,
        extra,
    } = part;
    drop_unknown(scope, &extra);
    let source = match (image_url, file_id) {
        (Some(url), _) => data_url::parse(url).map_err(Reason::from),
        (None, Some(id)) => Ok(MediaSource::File { id }),
        (None, None) => Err(ResponsesReason::ImageWithoutSource.into()),
    };
    let source = source
        .map_err(|reason| scope.field("image_url").refuse(reason))
        .ok()?;
    Some(Image {
        source,
        detail: detail.map(|detail| ImageDetail(detail.as_str().to_owned())),
        cache: prompt_cache_breakpoint.map(read_cache),
    })
}

fn read_file(scope: &mut Scope<'_>, part: InputFileParam) -> Option<Document> {
    let InputFileParam {
        detail,
        file_data,
        file_id,
        file_url,
        filename,
        prompt_cache_breakpoint,
        extra,
    } = part;
    drop_unknown(scope, &extra);
    scope.ignore_member("detail", &detail, ResponsesReason::FileDetail);
    let source = match (file_data, file_url, file_id) {
        (Some(data), _, _) => match data_url::parse(data) {
            // The API also accepts base64 data without `data:` in front, which `parse` takes for an address.
            Ok(MediaSource::Url { url }) => Ok(MediaSource::Base64 {
                media_type: PDF.to_owned(),
                data: url,
            }),
            parsed => parsed.map_err(Reason::from),
        },
        (None, Some(url), _) => Ok(MediaSource::Url { url: url.into() }),
        (None, None, Some(id)) => Ok(MediaSource::File { id }),
        (None, None, None) => Err(ResponsesReason::FileWithoutSource.into()),
    };
    let source = source
        .map_err(|reason| scope.field("file_data").refuse(reason))
        .ok()?;
    Some(Document {
        source: DocumentSource::Media(source),
        title: filename,
        context: None,
        citations: false,
        cache: prompt_cache_breakpoint.map(read_cache),
    })
}
