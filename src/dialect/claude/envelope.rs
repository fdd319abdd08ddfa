//! The envelope of a request: the model and the mode in the body, the version and the betas in headers.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::reasons::ClaudeReason;
use super::stream::events::{RawEvents, SseEvents};
use super::{Claude, endpoints, request};
use crate::canonical::{Error, ErrorClass, Restoration, Scope};
use crate::dialect::shared::envelope::{Envelope, RawEventReader, RawEventWriter, UnwrappedRequest};
use crate::dialect::{ClientRequest, ResponseContext, Target, WrittenRequest};
use crate::wire::splice::{self, Index, ScanError, SpliceError, Splices};

const VERSION: &str = "anthropic-version";
const BETA: &str = "anthropic-beta";
const USER_PROFILE: &str = "anthropic-user-profile-id";

/// The error for a body that is not the JSON it should be.
pub fn malformed(error: ScanError) -> Error {
    Error::new(ErrorClass::InvalidRequest, error.to_string())
}

/// The error for edits that do not fit their document.
pub fn unfit(error: SpliceError) -> Error {
    Error::new(ErrorClass::Internal, error.to_string())
}

/// The betas that a client's headers name, each once.
pub fn betas(headers: &HeaderMap) -> Vec<String> {
    let mut betas: Vec<String> = Vec::new();
    let values = headers.get_all(BETA).iter();
    let names = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for name in names.map(str::trim).filter(|name| !name.is_empty()) {
        if !betas.iter().any(|known| known == name) {
            betas.push(name.to_owned());
        }
    }
    betas
}

/// The body with this model, and the mode where the answer streams, in front of its own members, of which those of
/// another envelope go.
///
/// # Errors
/// A body that is no JSON object.
pub fn named(
    body: &[u8],
    index: &Index,
    of_envelope: &[&str],
    model: &str,
    stream: bool,
) -> Result<Vec<u8>, Error> {
    let document = index.document(body).map_err(malformed)?;
    let mut splices = Splices::new();
    let kept = splices
        .retain_members(&document, |key, _| {
            !matches!(key, "model" | "stream") && !of_envelope.contains(&key)
        })
        .map_err(malformed)?;
    let model = splice::encode_str(model);
    let mode = if stream { ",\"stream\":true" } else { "" };
    let comma = if kept > 0 { "," } else { "" };
    let head = format!("{{\"model\":{model}{mode}{comma}");
    splices.replace(document.span().start..document.span().start + 1, head);
    splices.copy(body).map_err(unfit)
}

impl Envelope for Claude {
    fn unwrap_request<'a>(
        &self,
        scope: &mut Scope<'_>,
        inbound: &ClientRequest<'a>,
    ) -> Result<UnwrappedRequest<'a>, Error> {
        let index = Index::read(inbound.body);
        let document = index.document(inbound.body).map_err(malformed)?;
        let missing = || Error::new(ErrorClass::InvalidRequest, "model: a name is required").at("model");
        let (mut model, mut stream) = (None, false);
        for member in document.members().map_err(malformed)? {
            let member = member.map_err(malformed)?;
            if member.key.is_text("model") {
                model = Some(member.value);
            } else if member.key.is_text("stream") {
                stream = member.value.raw() == b"true";
            }
        }
        let model = model.ok_or_else(missing)?.text().map_err(|_| missing())?;
        let model = model.into_owned();
        let header = |name: &str| {
            let value = inbound.headers.get(name)?.to_str().ok()?.trim();
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
        let version = header(VERSION);
        if version.is_none() {
            scope.field(VERSION).approximate(ClaudeReason::MissingVersion);
        }
        Ok(UnwrappedRequest {
            model,
            stream,
            version,
            betas: betas(inbound.headers),
            user_profile: header(USER_PROFILE),
            body: inbound.body.as_ref().into(),
            index,
            of_envelope: &[],
        })
    }

    fn wrap_request(
        &self,
        _: &mut Scope<'_>,
        letter: UnwrappedRequest<'_>,
        target: &Target<'_>,
    ) -> Result<WrittenRequest, Error> {
        let UnwrappedRequest {
            model: _,
            stream,
            version,
            betas,
            user_profile,
            body,
            index,
            of_envelope,
        } = letter;
        let body = named(&body, &index, of_envelope, target.model, stream)?;
        let version = version.as_deref().unwrap_or(request::VERSION);
        let mut headers = Vec::new();
        let betas = (!betas.is_empty()).then(|| betas.join(","));
        for (name, value) in [
            (VERSION, Some(version)),
            (BETA, betas.as_deref()),
            (USER_PROFILE, user_profile.as_deref()),
        ] {
            let Some(value) = value else { continue };
            let message = "the value cannot be sent in a header";
            let value = HeaderValue::from_str(value)
                .map_err(|_| Error::new(ErrorClass::InvalidRequest, message).at(name))?;
            headers.push((HeaderName::from_static(name), value));
        }
        Ok(WrittenRequest {
            path: endpoints::MESSAGES.into(),
            headers,
            body,
            restoration: Restoration::default(),
        })
    }

    fn event_reader(&self) -> Box<dyn RawEventReader> {
        Box::new(RawEvents::default())
    }

    fn event_writer(&self, reply: &ResponseContext) -> Box<dyn RawEventWriter> {
        Box::new(SseEvents::new(reply))
    }
}
