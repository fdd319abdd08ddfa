//! Images and documents, in requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::read::{asks_for_citations, read_cache, read_text};
use super::write::{write_cache, write_text};
use crate::canonical::{Block, Document, DocumentSource, Image, Losses, MediaSource, Path};
use crate::dialect::claude::types::*;
use crate::dialect::shared::legacy::{drop_some, drop_unknown, refuse_variant};

/// The only type of a document's bytes that the API knows.
const PDF: &str = "application/pdf";

pub fn read_image(block: ImageBlockParam, at: &Path<'_>, losses: &mut Losses) -> Option<Image> {
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

pub fn read_document(
    block: RequestDocumentBlockParam,
    at: &Path<'_>,
    losses: &mut Losses,
) -> Option<Document> {
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

pub fn write_image(image: &Image, path: Path<'static>, losses: &mut Losses) -> Option<ImageBlockParam> {
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

pub fn write_document(
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
