//! Writes a request for an upstream.

use super::super::reasons::BedrockReason;
use super::super::{endpoints, envelope, headers};
use crate::canonical::{
    Block, Document, DocumentSource, Error, Image, MediaSource, Request, Restoration, Scope,
};
use crate::dialect::claude::request as claude_request;
use crate::dialect::shared::envelope::UnwrappedRequest;
use crate::dialect::{Target, WrittenRequest};
use crate::wire::splice::Index;

/// Writes a request: the body as the Messages API has it, then the envelope around it.
///
/// # Errors
/// Never for a body that the writer of the Messages API has written.
pub fn write_request(
    scope: &mut Scope<'_>,
    request: &Request,
    target: &Target<'_>,
) -> Result<WrittenRequest, Error> {
    refuse_urls(scope, request);
    // Bedrock has the tier in a header; the body is written without one.
    let WrittenRequest {
        path: _,
        headers: _,
        body,
        restoration,
    } = claude_request::write(scope, request, target, None);
    let unwrapped = UnwrappedRequest {
        model: target.model.to_owned(),
        stream: request.stream,
        version: None,
        betas: Vec::new(),
        user_profile: None,
        index: Index::read(&body),
        body: body.into(),
        of_envelope: &[],
    };
    let mut written = if scope.losses().refused().next().is_none() {
        envelope::wrap_request(scope, unwrapped, target)?
    } else {
        // A refused request is not sent. Sanitizing its body would record the refused value a second time, by its path
        // in the written body instead of the client's.
        WrittenRequest {
            path: if request.stream {
                endpoints::stream_path(target.model).into()
            } else {
                endpoints::invoke_path(target.model).into()
            },
            headers: Vec::new(),
            body: unwrapped.body.into_owned(),
            restoration: Restoration::default(),
        }
    };
    written.restoration = restoration;
    written
        .headers
        .extend(headers::write_tier(scope, request.service_tier));
    Ok(written)
}

/// Refuses media at an address: Anthropic's own service would fetch it, Bedrock does not.
///
/// The sanitizer would find them too, but only in the written body; here the path is the client's.
fn refuse_urls(scope: &mut Scope<'_>, request: &Request) {
    for message in &request.messages {
        for (index, block) in message.content.iter().enumerate() {
            if has_url(block) {
                scope
                    .at(request.block_path(message, index))
                    .refuse(BedrockReason::UrlSource);
            }
        }
    }
}

fn has_url(block: &Block) -> bool {
    let is_url = |source: &MediaSource| matches!(source, MediaSource::Url { .. });
    match block {
        Block::Image(Image { source, .. })
        | Block::Document(Document {
            source: DocumentSource::Media(source),
            ..
        }) => is_url(source),
        Block::Document(Document {
            source: DocumentSource::Blocks { content },
            ..
        }) => content.iter().any(has_url),
        Block::ToolResult(result) => result.content.iter().any(has_url),
        Block::Document(_)
        | Block::Text(_)
        | Block::Refusal { .. }
        | Block::Audio(_)
        | Block::SearchResult(_)
        | Block::Reasoning(_)
        | Block::ToolCall(_)
        | Block::ServerTool(_) => false,
    }
}
