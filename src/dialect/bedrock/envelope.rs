//! The envelope of a request: the model and the mode in the URL, the version and the betas in the body.

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderName, HeaderValue};

use super::stream::{ChunkEventReader, ChunkEventWriter};
use super::{Bedrock, endpoints, headers, sanitize};
use crate::canonical::{Error, ErrorClass, Restoration, Scope};
use crate::capability::{Capabilities, SamplingSupport};
use crate::dialect::claude::envelope::{insert_model, malformed};
use crate::dialect::claude::request as claude_request;
use crate::dialect::shared::envelope::{Envelope, RawEventReader, RawEventWriter, UnwrappedRequest};
use crate::dialect::{ClientRequest, ResponseContext, Target, WrittenRequest};
use crate::wire::framing::Framing;
use crate::wire::splice::{self, Index, SpliceNode};

/// The version of the API, as Bedrock has always named it. The Messages API names the same version by its date.
const VERSION: &str = "bedrock-2023-05-31";
/// The later version, which both APIs name alike. Its models accept no sampling parameters.
const LATER_VERSION: &str = "2026-10-21";

/// Members of the body that the Messages API has in headers.
const ENVELOPE_MEMBERS: [&str; 3] = ["anthropic_version", "anthropic_beta", "user_profile_id"];

impl Envelope for Bedrock {
    fn unwrap_request<'a>(
        &self,
        scope: &mut Scope<'_>,
        request: &ClientRequest<'a>,
    ) -> Result<UnwrappedRequest<'a>, Error> {
        headers::drop_tier(scope, request.headers);
        unwrap_request(scope, request)
    }

    fn wrap_request(
        &self,
        scope: &mut Scope<'_>,
        request: UnwrappedRequest<'_>,
        target: &Target<'_>,
    ) -> Result<WrittenRequest, Error> {
        wrap_request(scope, request, target)
    }

    fn event_reader(&self) -> Box<dyn RawEventReader> {
        Box::new(ChunkEventReader::default())
    }

    fn event_writer(&self, _: &ResponseContext) -> Box<dyn RawEventWriter> {
        Box::new(ChunkEventWriter::default())
    }
}

/// Takes a client's request out of its envelope. The tier is left to the caller.
///
/// # Errors
/// A body that is no JSON object, or a path that names no model.
pub fn unwrap_request<'a>(
    scope: &mut Scope<'_>,
    request: &ClientRequest<'a>,
) -> Result<UnwrappedRequest<'a>, Error> {
    let missing = || Error::new(ErrorClass::InvalidRequest, "the path contains no model").at("model");
    let model = request.model.ok_or_else(missing)?;
    headers::check_settings(scope, request.headers);
    let index = Index::read(request.body);
    let document = index.document(request.body).map_err(malformed)?;
    let (mut version, mut betas, mut user_profile) = (None, Vec::new(), None);
    for member in document.members().map_err(malformed)? {
        let member = member.map_err(malformed)?;
        let (key, value) = (member.key.text().map_err(malformed)?, &member.value);
        match &*key {
            "anthropic_version" => version = read_version(value)?,
            "anthropic_beta" => betas = read_betas(value)?,
            "user_profile_id" => user_profile = value.text().ok().map(std::borrow::Cow::into_owned),
            _ => {}
        }
    }
    Ok(UnwrappedRequest {
        model: model.to_owned(),
        stream: request.stream.unwrap_or_default(),
        version,
        betas,
        user_profile,
        body: request.body.as_ref().into(),
        index,
        of_envelope: &ENVELOPE_MEMBERS,
    })
}

/// Reads the version as the Messages API names it.
fn read_version(value: &SpliceNode<'_>) -> Result<Option<String>, Error> {
    let wrong = || {
        Error::new(ErrorClass::InvalidRequest, "anthropic_version: must be a string").at("anthropic_version")
    };
    let version = value.text().map_err(|_| wrong())?;
    Ok(match &*version {
        "" => None,
        VERSION => Some(claude_request::VERSION.to_owned()),
        other => Some(other.to_owned()),
    })
}

fn read_betas(value: &SpliceNode<'_>) -> Result<Vec<String>, Error> {
    serde_json::from_slice(value.raw()).map_err(|_| {
        let message = "anthropic_beta: must be a list of strings";
        Error::new(ErrorClass::InvalidRequest, message).at("anthropic_beta")
    })
}

/// The body with the model and the mode of the URL in it, as the reader of the Messages API expects them. They replace
/// those of the body, because the service goes by the URL.
///
/// # Errors
/// A body that is no JSON object.
pub fn to_messages_body(request: &UnwrappedRequest<'_>) -> Result<Bytes, Error> {
    let UnwrappedRequest {
        model,
        body,
        index,
        of_envelope,
        ..
    } = request;
    // The mode is not written into the body: the reader gets it with the `ClientRequest`.
    Ok(Bytes::from(insert_model(body, index, of_envelope, model)?))
}

/// Puts a request into an envelope, without what Bedrock does not accept.
///
/// # Errors
/// A body that is no JSON object.
pub fn wrap_request(
    scope: &mut Scope<'_>,
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
        of_envelope: _,
    } = request;
    let capabilities = target.capabilities;
    let document = index.document(&body).map_err(malformed)?;
    let sanitized = sanitize::sanitize_body(scope, &document, betas, capabilities).map_err(malformed)?;
    let version = splice::encode_str(write_version(version.as_deref(), capabilities));
    let mut head = format!("\"anthropic_version\":{version}");
    if !sanitized.betas.is_empty() {
        let betas: Vec<String> = sanitized
            .betas
            .iter()
            .map(|beta| splice::encode_str(beta))
            .collect();
        head.push_str(&format!(",\"anthropic_beta\":[{}]", betas.join(",")));
    }
    if let Some(profile) = user_profile {
        head.push_str(&format!(",\"user_profile_id\":{}", splice::encode_str(&profile)));
    }
    let body = sanitized
        .write_with_head(&head, &document, &body)
        .map_err(malformed)?;
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    let (path, headers) = if stream {
        // A stream has two media types: that of its frames and that of the events in them.
        let frames = HeaderValue::from_static(Framing::EventStream.media_type());
        let events = HeaderName::from_static("x-amzn-bedrock-accept");
        (
            endpoints::stream_path(target.model),
            vec![(ACCEPT, frames), (events, JSON)],
        )
    } else {
        (endpoints::invoke_path(target.model), vec![(ACCEPT, JSON)])
    };
    Ok(WrittenRequest {
        path: path.into(),
        headers,
        body,
        restoration: Restoration::default(),
    })
}

/// The later version if the client named it and the model has it. In all other cases the first version, which allows
/// everything that the later one allows.
fn write_version(version: Option<&str>, capabilities: &Capabilities) -> &'static str {
    if version == Some(LATER_VERSION) && capabilities.sampling == SamplingSupport::None {
        LATER_VERSION
    } else {
        VERSION
    }
}
