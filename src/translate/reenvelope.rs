//! Requests between two dialects of one family: only the envelope changes, and every byte of the messages stays.

use bytes::Bytes;

use super::ExchangeConfig;
use super::check::check_losses;
use crate::canonical::{Error, Scope};
use crate::dialect::shared::envelope::Envelope;
use crate::dialect::{ClientRequest, Dialect, Target, WrittenRequest};
use crate::wire::splice::Index;

/// The envelopes of two dialects that differ in nothing else.
#[derive(Clone, Copy)]
pub(super) struct EnvelopePair {
    pub client: &'static dyn Envelope,
    pub upstream: &'static dyn Envelope,
}

impl EnvelopePair {
    /// The envelopes of these dialects; `None` if more than the envelope differs.
    pub fn find(client: &'static dyn Dialect, upstream: &'static dyn Dialect) -> Option<Self> {
        if client.family() != upstream.family() {
            return None;
        }
        Some(Self {
            client: client.envelope()?,
            upstream: upstream.envelope()?,
        })
    }
}

/// A request in its new envelope.
pub(super) struct ReenvelopedRequest {
    /// The model, as the client named it.
    pub model: String,
    /// Whether the client asked for a stream.
    pub is_streamed: bool,
    /// The upstream's request.
    pub written: WrittenRequest,
}

/// Puts a request into the upstream's envelope.
///
/// # Errors
/// An invalid request, or one that contains something that the upstream does not accept and the response depends on.
pub(super) fn reenvelope_request(
    scope: &mut Scope<'_>,
    config: &ExchangeConfig<'_>,
    envelopes: EnvelopePair,
    client_request: &ClientRequest<'_>,
) -> Result<ReenvelopedRequest, Error> {
    let mut request = envelopes.client.unwrap_request(scope, client_request)?;
    if !config.edits.is_empty() {
        let body = edit_system(config, Bytes::copy_from_slice(&request.body))?;
        request.index = Index::read(&body);
        request.body = Vec::from(body).into();
    }
    let (model, is_streamed) = (request.model.clone(), request.stream);
    let upstream_model = (config.upstream_model)(&model);
    let capabilities = (config.capabilities)(&upstream_model);
    let target = Target {
        model: &upstream_model,
        capabilities: &capabilities,
        length: client_request.body.len(),
    };
    let written = envelopes.upstream.wrap_request(scope, request, &target)?;
    check_losses(scope.losses(), config.on_loss)?;
    Ok(ReenvelopedRequest {
        model,
        is_streamed,
        written,
    })
}

/// The body with its system text edited, by the client's dialect: its reader accepts the body as the client sent it.
fn edit_system(config: &ExchangeConfig<'_>, body: Bytes) -> Result<Bytes, Error> {
    let mut parts = config.client.edit_system(&body, config.edits)?;
    Ok(match (parts.pop(), parts.is_empty()) {
        // Without an edit the body comes back whole and is not copied.
        (Some(whole), true) => whole,
        (last, _) => {
            parts.extend(last);
            Bytes::from(parts.concat())
        }
    })
}
