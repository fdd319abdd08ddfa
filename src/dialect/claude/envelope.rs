//! The envelope of a request: the model and the mode in the body, the version and the betas in headers.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::events::{PassingEvents, SseEvents};
use super::{Claude, endpoints, request};
use crate::canonical::{Error, ErrorClass, Losses, Restoration};
use crate::dialect::envelope::{Envelope, EventReader, EventWriter, Letter};
use crate::dialect::{Inbound, Reply, Target, WrittenRequest};
use crate::wire::splice::{self, ScanError, SpliceError, Splices};

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

impl Envelope for Claude {
    fn open(&self, inbound: &Inbound<'_>, losses: &mut Losses) -> Result<Letter, Error> {
        let [models, streams] = splice::find_members(inbound.body, ["model", "stream"]).map_err(malformed)?;
        let missing = || Error::new(ErrorClass::InvalidRequest, "model: a name is required").at("model");
        let model = models.last().ok_or_else(missing)?;
        let header = |name: &str| {
            let value = inbound.headers.get(name)?.to_str().ok()?.trim();
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
        let version = header(VERSION);
        if version.is_none() {
            losses.approximate(VERSION, "a missing version is read as the oldest");
        }
        Ok(Letter {
            model: model.text().map_err(|_| missing())?.into_owned(),
            stream: streams.last().is_some_and(|stream| stream.raw() == b"true"),
            version,
            betas: betas(inbound.headers),
            user_profile: header(USER_PROFILE),
            body: inbound.body.to_vec().into(),
        })
    }

    fn seal(&self, letter: Letter, target: &Target<'_>, _: &mut Losses) -> Result<WrittenRequest, Error> {
        let Letter {
            model: _,
            stream,
            version,
            betas,
            user_profile,
            body,
        } = letter;
        let mut splices = Splices::new();
        let model = splice::encode_str(target.model);
        splices.set_member(&body, "model", model).map_err(malformed)?;
        if stream {
            splices.set_member(&body, "stream", "true").map_err(malformed)?;
        }
        let body = splices.apply(&body).map_err(unfit)?.into_bytes().to_vec();
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

    fn event_reader(&self) -> Box<dyn EventReader> {
        Box::new(PassingEvents::default())
    }

    fn event_writer(&self, reply: &Reply) -> Box<dyn EventWriter> {
        Box::new(SseEvents::new(reply))
    }
}
