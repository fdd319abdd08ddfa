//! The envelope of a request: the model and `stream` are in the body, the version and the betas in headers. Between
//! this dialect and Bedrock, only the envelope of a request changes.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::reasons::ClaudeReason;
use super::stream::events::{ClaudeRawEventReader, ClaudeSseWriter};
use super::{Claude, endpoints, request as claude_request};
use crate::canonical::{Error, ErrorClass, Restoration, Scope};
use crate::dialect::shared::envelope::{Envelope, RawEventReader, RawEventWriter, UnwrappedRequest};
use crate::dialect::{ClientRequest, ResponseContext, Target, WrittenRequest};
use crate::wire::splice::{self, Index, ScanError, SpliceError, Splices};

const VERSION: &str = "anthropic-version";
const BETA: &str = "anthropic-beta";
const USER_PROFILE: &str = "anthropic-user-profile-id";

/// The error for a body that is no JSON object.
pub fn malformed(error: ScanError) -> Error {
    Error::new(ErrorClass::InvalidRequest, error.to_string())
}

/// The error for edits that do not fit their document, which is a mistake of the proxy.
pub fn unfit(error: SpliceError) -> Error {
    Error::new(ErrorClass::Internal, error.to_string())
}

/// Reads the betas that a client's headers name, each once.
fn read_betas(headers: &HeaderMap) -> Vec<String> {
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

/// Puts a model before the members of a body, and removes those of another envelope. `model` and `stream` of the body
/// itself are removed, too: the envelope has them.
///
/// # Errors
/// A body that is no JSON object.
pub fn insert_model(body: &[u8], index: &Index, of_envelope: &[&str], model: &str) -> Result<Vec<u8>, Error> {
    let head = format!("\"model\":{}", splice::encode_str(model));
    insert_head(body, index, of_envelope, &head)
}

/// As [`insert_model`], for a response that streams.
fn insert_model_and_stream(
    body: &[u8],
    index: &Index,
    of_envelope: &[&str],
    model: &str,
) -> Result<Vec<u8>, Error> {
    let head = format!("\"model\":{},\"stream\":true", splice::encode_str(model));
    insert_head(body, index, of_envelope, &head)
}

fn insert_head(body: &[u8], index: &Index, of_envelope: &[&str], head: &str) -> Result<Vec<u8>, Error> {
    let document = index.document(body).map_err(malformed)?;
    let mut splices = Splices::new();
    let kept = splices
        .retain_members(&document, |key, _| {
            !matches!(key, "model" | "stream") && !of_envelope.contains(&key)
        })
        .map_err(malformed)?;
    let comma = if kept > 0 { "," } else { "" };
    let start = document.span().start;
    splices.replace(start..start + 1, format!("{{{head}{comma}"));
    splices.copy(body).map_err(unfit)
}

impl Envelope for Claude {
    fn unwrap_request<'a>(
        &self,
        scope: &mut Scope<'_>,
        request: &ClientRequest<'a>,
    ) -> Result<UnwrappedRequest<'a>, Error> {
        let index = Index::read(request.body);
        let document = index.document(request.body).map_err(malformed)?;
        let missing = || Error::new(ErrorClass::InvalidRequest, "model: this field is required").at("model");
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
            let value = request.headers.get(name)?.to_str().ok()?.trim();
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
            betas: read_betas(request.headers),
            user_profile: header(USER_PROFILE),
            body: request.body.as_ref().into(),
            index,
            of_envelope: &[],
        })
    }

    fn wrap_request(
        &self,
        _: &mut Scope<'_>,
        request: UnwrappedRequest<'_>,
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
        } = request;
        let body = if stream {
            insert_model_and_stream(&body, &index, of_envelope, target.model)?
        } else {
            insert_model(&body, &index, of_envelope, target.model)?
        };
        let version = version.as_deref().unwrap_or(claude_request::VERSION);
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
        Box::new(ClaudeRawEventReader::default())
    }

    fn event_writer(&self, context: &ResponseContext) -> Box<dyn RawEventWriter> {
        Box::new(ClaudeSseWriter::new(context))
    }
}
