//! Writes blocks as content parts.

use crate::canonical::{
    Audio, Block, CacheBreakpoint, Document, DocumentSource, Image, ImageDetail, MediaSource, Scope,
    SearchResult, Text,
};
use crate::capability::Capabilities;
use crate::dialect::openai::content::{UNNAMED_FILE, write_cache_ttl, write_image_url};
use crate::dialect::openai::data_url;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::wire::json::{Concat, join};

/// A string if the parts are one plain text, which is the form that every server understands; otherwise the parts.
pub fn plain_or_parts(parts: Vec<ChatCompletionContentPartParam>) -> MessageContentParam {
    match <[_; 1]>::try_from(parts) {
        Ok([ChatCompletionContentPartParam::Text(part)]) if part.prompt_cache_breakpoint.is_none() => {
            MessageContentParam::String(part.text)
        }
        Ok([part]) => MessageContentParam::Array(vec![part]),
        Err(parts) => MessageContentParam::Array(parts),
    }
}

/// Writes content parts that a model accepts. The scope of each method is that of the block in the client's body.
#[derive(Debug, Clone, Copy)]
pub struct ChatPartWriter<'a> {
    /// What the model accepts.
    pub capabilities: &'a Capabilities,
}

impl ChatPartWriter<'_> {
    /// Writes a block of a user's message or of a tool result: no part, one, or for a document several.
    pub fn write(self, scope: &mut Scope<'_>, block: &Block, out: &mut Vec<ChatCompletionContentPartParam>) {
        match block {
            Block::Text(text) => out.extend(self.write_text(scope, text).map(Into::into)),
            Block::Refusal { text } => out.push(ChatCompletionContentPartTextParam::new(text).into()),
            Block::Image(image) => out.extend(self.write_image(scope, image).map(Into::into)),
            Block::Document(document) => self.write_document(scope, document, out),
            Block::Audio(Audio { format, data }) => {
                let audio = InputAudio::new(data, InputAudioFormat::from(format.as_str()));
                out.push(ChatCompletionContentPartInputAudioParam::new(audio).into());
            }
            Block::SearchResult(result) => out.push(self.write_search_result(scope, result).into()),
            Block::Reasoning(_) => scope.ignore(ChatReason::ReasoningOfUser),
            Block::ToolCall(_) => scope.refuse(ChatReason::CallOfUser),
            Block::ToolResult(_) => scope.refuse(ChatReason::NestedResult),
            Block::ServerTool(_) => scope.drop(OpenAiReason::ForeignServerTool),
        }
    }

    /// A text part; `None` if the text is empty.
    pub fn write_text(
        self,
        scope: &mut Scope<'_>,
        text: &Text,
    ) -> Option<ChatCompletionContentPartTextParam> {
        let Text {
            text,
            // Only texts of the assistant have citations.
            annotations: _,
            cache,
        } = text;
        if text.is_empty() {
            return None;
        }
        let mut part = ChatCompletionContentPartTextParam::new(text);
        part.prompt_cache_breakpoint = self.write_cache(scope, *cache);
        Some(part)
    }

    /// A cache breakpoint with the nearest lifetime that the vendor offers, if the model accepts breakpoints.
    pub fn write_cache(
        self,
        scope: &mut Scope<'_>,
        cache: Option<CacheBreakpoint>,
    ) -> Option<PromptCacheBreakpoint> {
        let CacheBreakpoint { ttl } = cache?;
        if !self.capabilities.cache_breakpoints {
            scope.ignore(ChatReason::NoBreakpoints);
            return None;
        }
        let mut out = PromptCacheBreakpoint::new();
        out.ttl = ttl.map(|ttl| PromptCacheBreakpointTtl::from(write_cache_ttl(ttl)));
        Some(out)
    }

    fn write_image(
        self,
        scope: &mut Scope<'_>,
        image: &Image,
    ) -> Option<ChatCompletionContentPartImageParam> {
        let Image {
            source,
            detail,
            cache,
        } = image;
        let mut image_url = ImageUrl::new(write_image_url(scope, source)?);
        image_url.detail = detail.as_ref().map(|detail| write_detail(scope, detail));
        let mut part = ChatCompletionContentPartImageParam::new(image_url);
        part.prompt_cache_breakpoint = self.write_cache(scope, *cache);
        Some(part)
    }

    fn write_document(
        self,
        scope: &mut Scope<'_>,
        document: &Document,
        out: &mut Vec<ChatCompletionContentPartParam>,
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
            scope.field("citations").drop(ChatReason::DocumentCitations);
        }
        match source {
            DocumentSource::Media(MediaSource::Base64 { media_type, data }) => {
                let mut file = FileFile::new();
                file.file_data = Some(data_url::write(media_type, data));
                file.filename = Some(title.clone().unwrap_or_else(|| UNNAMED_FILE.to_owned()));
                let mut part = File::new(file);
                part.prompt_cache_breakpoint = self.write_cache(scope, *cache).map(write_file_cache);
                out.push(part.into());
            }
            DocumentSource::Media(MediaSource::Url { url: _ }) => scope.refuse(ChatReason::DocumentAtUrl),
            DocumentSource::Media(MediaSource::File { id: _ }) => scope.refuse(OpenAiReason::ForeignFile),
            DocumentSource::Text { text } => {
                scope.approximate(OpenAiReason::DocumentAsText);
                let text = format!("{}{text}", document_heading(title.as_deref()));
                let mut part = ChatCompletionContentPartTextParam::new(text);
                part.prompt_cache_breakpoint = self.write_cache(scope, *cache);
                out.push(part.into());
            }
            DocumentSource::Blocks { content } => {
                scope.approximate(ChatReason::DocumentAsParts);
                let heading = document_heading(title.as_deref());
                out.push(ChatCompletionContentPartTextParam::new(heading.trim_end()).into());
                for block in content {
                    self.write(scope, block, out);
                }
                if cache.is_some() {
                    scope.ignore(OpenAiReason::CachingHint);
                }
            }
        }
    }

    fn write_search_result(
        self,
        scope: &mut Scope<'_>,
        result: &SearchResult,
    ) -> ChatCompletionContentPartTextParam {
        let SearchResult {
            source,
            title,
            content,
            citations,
            cache,
        } = result;
        scope.approximate(OpenAiReason::SearchResultAsText);
        if *citations {
            scope.field("citations").drop(ChatReason::SearchResultCitations);
        }
        let mut text = Concat::default();
        text.push(format!("[search result: {title}]\n{source}\n"));
        text.push(join(content, "\n"));
        let mut part = ChatCompletionContentPartTextParam::new(text.finish());
        part.prompt_cache_breakpoint = self.write_cache(scope, *cache);
        part
    }
}

fn write_detail(scope: &mut Scope<'_>, detail: &ImageDetail) -> ImageUrlDetail {
    let ImageDetail(detail) = detail;
    match ImageUrlDetail::from(detail.as_str()) {
        ImageUrlDetail::Other(_) => {
            scope.field("detail").approximate(OpenAiReason::UnknownDetail);
            ImageUrlDetail::Auto
        }
        known => known,
    }
}

/// The same breakpoint in the type that the schema has for files.
fn write_file_cache(cache: PromptCacheBreakpoint) -> FilePromptCacheBreakpoint {
    let mut out = FilePromptCacheBreakpoint::new();
    out.ttl = cache
        .ttl
        .map(|ttl| FilePromptCacheBreakpointTtl::from(ttl.as_str()));
    out
}

fn document_heading(title: Option<&str>) -> String {
    match title {
        Some(title) => format!("[document: {title}]\n"),
        None => "[document]\n".to_owned(),
    }
}
