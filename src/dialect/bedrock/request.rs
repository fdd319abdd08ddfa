//! The request envelope: the model and the mode in the URL, the version and the betas in the body, what concerns the
//! service in headers.

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{endpoints, fit};
use crate::canonical::{
    Block, Document, DocumentSource, Error, ErrorClass, Image, Losses, MediaSource, Request, Restoration,
    ServiceTier,
};
use crate::capability::{Capabilities, SamplingSupport};
use crate::dialect::claude::envelope::{malformed, named, unfit};
use crate::dialect::claude::{request as claude, system_edit};
use crate::dialect::shared::envelope::UnwrappedRequest;
use crate::dialect::{ClientRequest, ReadRequest, Target, WrittenRequest};
use crate::prompt::SystemEdits;
use crate::wire::framing::Framing;
use crate::wire::splice::{self, Index, SpliceNode, Splices};

/// The API's version as Bedrock has called it from the start.
const VERSION: &str = "bedrock-2023-05-31";
/// The version that both name alike. Its models take no sampling parameters.
const LATER_VERSION: &str = "2026-10-21";

/// Members of the body that the Messages API has in headers.
const OF_THE_ENVELOPE: [&str; 3] = ["anthropic_version", "anthropic_beta", "user_profile_id"];

const TIER: &str = "x-amzn-bedrock-service-tier";
const GUARDRAIL: &str = "x-amzn-bedrock-guardrailidentifier";
/// Other headers of the service, which no other vendor has.
const OF_THE_SERVICE: [&str; 3] = [
    "x-amzn-bedrock-trace",
    "x-amzn-bedrock-performanceconfig-latency",
    "x-amzn-bedrock-request-metadata",
];

/// Takes a client's request out of its envelope.
///
/// # Errors
/// A body that is no JSON object, or a path that names no model.
pub fn open<'a>(inbound: &ClientRequest<'a>, losses: &mut Losses) -> Result<UnwrappedRequest<'a>, Error> {
    let missing = || Error::new(ErrorClass::InvalidRequest, "the path names no model").at("model");
    let model = inbound.model.ok_or_else(missing)?;
    check_headers(inbound.headers, losses);
    let index = Index::read(inbound.body);
    let document = index.document(inbound.body).map_err(malformed)?;
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
        stream: inbound.stream.unwrap_or_default(),
        version,
        betas,
        user_profile,
        body: inbound.body.as_ref().into(),
        index,
        of_envelope: &OF_THE_ENVELOPE,
    })
}

/// Tells of a tier that does not go along where only the envelope changes.
pub fn check_tier(headers: &HeaderMap, losses: &mut Losses) {
    if headers.get(TIER).is_some_and(|tier| tier != "default") {
        losses.drop_field(TIER, "a tier of this service's own");
    }
}

/// The version as the Messages API calls it.
fn read_version(value: &SpliceNode<'_>) -> Result<Option<String>, Error> {
    let wrong = || {
        Error::new(ErrorClass::InvalidRequest, "anthropic_version: has to be a text").at("anthropic_version")
    };
    let version = value.text().map_err(|_| wrong())?;
    Ok(match &*version {
        "" => None,
        VERSION => Some(claude::VERSION.to_owned()),
        other => Some(other.to_owned()),
    })
}

fn read_betas(value: &SpliceNode<'_>) -> Result<Vec<String>, Error> {
    serde_json::from_slice(value.raw()).map_err(|_| {
        let message = "anthropic_beta: has to be a list of texts";
        Error::new(ErrorClass::InvalidRequest, message).at("anthropic_beta")
    })
}

/// Looks at the headers that only this service understands.
fn check_headers(headers: &HeaderMap, losses: &mut Losses) {
    if headers.contains_key(GUARDRAIL) {
        losses.refuse(
            GUARDRAIL,
            "a guardrail is a promise that another vendor does not make",
        );
    }
    for name in OF_THE_SERVICE {
        if headers.contains_key(name) {
            losses.drop_field(name, "a setting of the service");
        }
    }
}

/// Puts a request into an envelope, with what Bedrock does not take left out.
///
/// # Errors
/// A body that is no JSON object.
pub fn seal(
    letter: UnwrappedRequest<'_>,
    target: &Target<'_>,
    losses: &mut Losses,
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
    } = letter;
    let capabilities = target.capabilities;
    let document = index.document(&body).map_err(malformed)?;
    let fitted = fit::body(&document, betas, capabilities, losses).map_err(malformed)?;
    let version = splice::encode_str(write_version(version, capabilities));
    let mut head = format!("\"anthropic_version\":{version}");
    if !fitted.betas.is_empty() {
        let betas: Vec<String> = fitted.betas.iter().map(|beta| splice::encode_str(beta)).collect();
        head.push_str(&format!(",\"anthropic_beta\":[{}]", betas.join(",")));
    }
    if let Some(profile) = user_profile {
        head.push_str(&format!(",\"user_profile_id\":{}", splice::encode_str(&profile)));
    }
    let body = fitted.with_head(&head, &document, &body).map_err(malformed)?;
    let accept = if stream {
        Framing::EventStream.media_type()
    } else {
        "application/json"
    };
    let mut headers = vec![(ACCEPT, HeaderValue::from_static(accept))];
    if stream {
        let name = HeaderName::from_static("x-amzn-bedrock-accept");
        headers.push((name, HeaderValue::from_static("application/json")));
    }
    Ok(WrittenRequest {
        path: endpoints::path(target.model, stream).into(),
        headers,
        body,
        restoration: Restoration::default(),
    })
}

/// The later version where the client asked for it and the model has it; everything else is the first, which allows all
/// that the later one does.
fn write_version(version: Option<String>, capabilities: &Capabilities) -> &'static str {
    let later = version.as_deref() == Some(LATER_VERSION);
    if later && capabilities.sampling == SamplingSupport::None {
        LATER_VERSION
    } else {
        VERSION
    }
}

/// Reads a request as one of the Messages API.
///
/// # Errors
/// An invalid request, naming the field.
pub fn read(inbound: &ClientRequest<'_>, losses: &mut Losses) -> Result<ReadRequest, Error> {
    let letter = open(inbound, losses)?;
    for beta in &letter.betas {
        losses.ignore(
            format!("anthropic_beta.{beta}"),
            "a feature of the vendor's own API",
        );
    }
    if letter.user_profile.is_some() {
        losses.drop_field("user_profile_id", "a profile that only its own vendor keeps");
    }
    // What the URL says must not be said otherwise in the body.
    let body = Bytes::from(named(
        &letter.body,
        &letter.index,
        letter.of_envelope,
        &letter.model,
        false,
    )?);
    let inner = ClientRequest {
        headers: inbound.headers,
        model: Some(&letter.model),
        stream: Some(letter.stream),
        body: &body,
    };
    let mut read = claude::read(&inner, losses)?;
    let tier = inbound.headers.get(TIER).and_then(|value| value.to_str().ok());
    read.request.service_tier = match tier {
        None => read.request.service_tier,
        Some("default") => Some(ServiceTier::Default),
        Some("priority") => Some(ServiceTier::Priority),
        Some("flex") => Some(ServiceTier::Flex),
        Some(_) => {
            losses.drop_field(TIER, "a tier that is not known");
            None
        }
    };
    Ok(read)
}

fn with_model(body: &Bytes, model: &str) -> Result<Bytes, Error> {
    let mut splices = Splices::new();
    splices
        .set_member(body, "model", splice::encode_str(model))
        .map_err(malformed)?;
    Ok(splices.apply(body).map_err(unfit)?.into_bytes())
}

/// The body with its system text edited.
///
/// # Errors
/// An invalid request.
pub fn edit_system(body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
    if !edits.inject_progress {
        return system_edit::edit(body, edits);
    }
    // A summary of the session is made from the request as the Messages API has it, with a model.
    let named = with_model(body, "")?;
    let edited = Bytes::from(system_edit::edit(&named, edits)?.concat());
    let document = SpliceNode::document(&edited).map_err(malformed)?;
    let mut splices = Splices::new();
    splices
        .retain_members(&document, |key, _| key != "model")
        .map_err(malformed)?;
    Ok(splices.apply(&edited).map_err(unfit)?.into_parts())
}

/// Writes a request.
///
/// # Errors
/// Never for a request that the Messages API's writer has written.
pub fn write(request: &Request, target: &Target<'_>, losses: &mut Losses) -> Result<WrittenRequest, Error> {
    refuse_foreign(request, losses);
    let claude::Built { body, restoration } = claude::build(request, target, None, losses);
    let letter = UnwrappedRequest {
        model: target.model.to_owned(),
        stream: request.stream,
        version: None,
        betas: Vec::new(),
        user_profile: None,
        index: Index::read(&body),
        body: body.into(),
        of_envelope: &[],
    };
    let mut written = if losses.refused().next().is_none() {
        seal(letter, target, losses)?
    } else {
        // It is not sent; sealing it would tell of the same loss by another name.
        WrittenRequest {
            path: endpoints::path(target.model, request.stream).into(),
            headers: Vec::new(),
            body: letter.body.into_owned(),
            restoration: Restoration::default(),
        }
    };
    written.restoration = restoration;
    written.headers.extend(write_tier(request.service_tier, losses));
    Ok(written)
}

fn write_tier(tier: Option<ServiceTier>, losses: &mut Losses) -> Option<(HeaderName, HeaderValue)> {
    let tier = match tier? {
        ServiceTier::Auto => return None,
        ServiceTier::Default => "default",
        ServiceTier::Priority => "priority",
        ServiceTier::Flex => "flex",
        ServiceTier::Scale | ServiceTier::Fast | ServiceTier::Ultrafast => {
            losses.drop_field("service_tier", "a tier that this vendor does not have");
            return None;
        }
    };
    Some((HeaderName::from_static(TIER), HeaderValue::from_static(tier)))
}

/// Refuses what Anthropic's own service would fetch, and Bedrock does not, by the client's name for it.
fn refuse_foreign(request: &Request, losses: &mut Losses) {
    for message in &request.messages {
        for (at, block) in message.content.iter().enumerate() {
            if has_url(block) {
                losses.refuse(request.block_path(message, at), fit::NO_URLS);
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
