//! Images and documents in requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::read::{is_cited, read_cache, read_text};
use super::write::{write_cache, write_citations, write_text};
use crate::canonical::{Block, Document, DocumentSource, Image, MediaSource, Scope};
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};

/// The only type that the API accepts for the bytes of a document.
const PDF: &str = "application/pdf";

/// Reads an image; `None` if its source is not known.
pub fn read_image(scope: &mut Scope<'_>, block: ImageBlockParam) -> Option<Image> {
    let ImageBlockParam {
        cache_control,
        source,
        transformations,
        extra,
    } = block;
    drop_unknown(scope, &extra);
    scope.drop_member(
        "transformations",
        &transformations,
        ClaudeReason::ImageTransformation,
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
            refuse_variant(&mut scope.field("source"), &unknown, "image source");
            return None;
        }
    };
    Some(Image {
        source,
        detail: None,
        cache: read_cache(scope, cache_control),
    })
}

/// Reads a document; `None` if its source is not known.
pub fn read_document(scope: &mut Scope<'_>, block: RequestDocumentBlockParam) -> Option<Document> {
    let RequestDocumentBlockParam {
        cache_control,
        citations,
        context,
        source,
        title,
        extra,
    } = block;
    drop_unknown(scope, &extra);
    let source = read_document_source(&mut scope.field("source"), source)?;
    Some(Document {
        source,
        title,
        context,
        citations: is_cited(citations),
        cache: read_cache(scope, cache_control),
    })
}

fn read_document_source(scope: &mut Scope<'_>, source: DocumentSourceParam) -> Option<DocumentSource> {
    Some(match source {
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
                let mut content_scope = scope.field("content");
                let blocks = blocks
                    .into_iter()
                    .enumerate()
                    .filter_map(|(index, block)| read_source_block(&mut content_scope.index(index), block));
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
            refuse_variant(scope, &unknown, "document source");
            return None;
        }
    })
}

fn read_source_block(scope: &mut Scope<'_>, block: ContentBlockSourceContentParam) -> Option<Block> {
    match block {
        ContentBlockSourceContentParam::Text(block) => Some(Block::Text(read_text(scope, block))),
        ContentBlockSourceContentParam::Image(block) => read_image(scope, block).map(Block::Image),
        ContentBlockSourceContentParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "content block");
            None
        }
    }
}

/// Writes an image; `None` if the API does not accept its type or source.
pub fn write_image(scope: &mut Scope<'_>, image: &Image) -> Option<ImageBlockParam> {
    let Image {
        source,
        detail: _,
        cache,
    } = image;
    let source: ImageSourceParam = match source {
        MediaSource::Base64 { media_type, data } => {
            let media_type = Base64ImageSourceParamMediaType::from(media_type.as_str());
            if let Base64ImageSourceParamMediaType::Other(media_type) = media_type {
                scope.refuse(ClaudeReason::ImageType { media_type });
                return None;
            }
            Base64ImageSourceParam::new(data, media_type).into()
        }
        MediaSource::Url { url } => UrlImageSourceParam::new(url).into(),
        MediaSource::File { .. } => {
            scope.refuse(ClaudeReason::FileOfAnotherStore);
            return None;
        }
    };
    Some(ImageBlockParam {
        cache_control: write_cache(*cache),
        ..ImageBlockParam::new(source)
    })
}

/// Writes a document; `None` if the API does not accept its type or source.
pub fn write_document(scope: &mut Scope<'_>, document: &Document) -> Option<RequestDocumentBlockParam> {
    let Document {
        source,
        title,
        context,
        citations,
        cache,
    } = document;
    let mut out = RequestDocumentBlockParam::new(write_document_source(scope, source)?);
    out.title.clone_from(title);
    out.context.clone_from(context);
    out.citations = citations.then(write_citations);
    out.cache_control = write_cache(*cache);
    Some(out)
}

fn write_document_source(scope: &mut Scope<'_>, source: &DocumentSource) -> Option<DocumentSourceParam> {
    Some(match source {
        DocumentSource::Media(MediaSource::Base64 { media_type, data }) if media_type == PDF => {
            Base64PdfSourceParam::new(data).into()
        }
        DocumentSource::Media(MediaSource::Base64 { media_type, data }) => {
            match decode_text(media_type, data) {
                Some(text) => PlainTextSourceParam::new(text).into(),
                None => {
                    let media_type = media_type.clone();
                    scope.refuse(ClaudeReason::DocumentType { media_type });
                    return None;
                }
            }
        }
        DocumentSource::Media(MediaSource::Url { url }) => UrlpdfSourceParam::new(url).into(),
        DocumentSource::Media(MediaSource::File { .. }) => {
            scope.refuse(ClaudeReason::FileOfAnotherStore);
            return None;
        }
        DocumentSource::Text { text } => PlainTextSourceParam::new(text).into(),
        DocumentSource::Blocks { content } => {
            let blocks = content
                .iter()
                .filter_map(|block| write_source_block(scope, block));
            let blocks = ContentBlockSourceParamContent::Array(blocks.collect());
            ContentBlockSourceParam::new(blocks).into()
        }
    })
}

/// The text of a file in base64, if it is one: OpenAI's clients send text files as bytes, the API accepts only PDF so.
fn decode_text(media_type: &str, data: &str) -> Option<String> {
    if !media_type.starts_with("text/") {
        return None;
    }
    String::from_utf8(STANDARD.decode(data).ok()?).ok()
}

fn write_source_block(scope: &mut Scope<'_>, block: &Block) -> Option<ContentBlockSourceContentParam> {
    match block {
        Block::Text(text) => Some(write_text(text).into()),
        Block::Image(image) => write_image(scope, image).map(Into::into),
        _ => {
            scope.refuse(ClaudeReason::DocumentContent);
            None
        }
    }
}
