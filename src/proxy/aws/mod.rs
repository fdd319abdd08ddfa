//! Signs requests to AWS, with credentials from the same places where AWS's own clients look for them.

mod connector;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, OnceCell};

use super::upstream::OutgoingRequest;
use crate::canonical::{Error, ErrorClass};
use crate::config::AwsSigning;

/// How long before they expire credentials are replaced.
const REFRESH_AHEAD: Duration = Duration::from_secs(5 * 60);
/// How long the search for credentials may take. The request waits for it, and the machine may have no metadata
/// service that answers.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(15);

/// Signs requests, and keeps the credentials for it.
#[derive(Debug, Default)]
pub struct AwsSigner {
    sources: HashMap<CredentialProfile, CredentialSource>,
}

/// What determines the credentials of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CredentialProfile {
    /// The region, because some of AWS's credential services are asked in a region.
    region: String,
    /// A profile in AWS's configuration files; `None` for the default.
    name: Option<String>,
}

impl From<&AwsSigning> for CredentialProfile {
    fn from(signing: &AwsSigning) -> Self {
        Self {
            region: signing.region.clone(),
            name: signing.profile.clone(),
        }
    }
}

/// The places where credentials of a profile are looked for, and the credentials that were found last.
#[derive(Debug, Default)]
struct CredentialSource {
    chain: OnceCell<DefaultCredentialsChain>,
    current: Mutex<Option<Credentials>>,
}

impl AwsSigner {
    /// A signer for the upstreams of a configuration. Credentials are looked for when they are first needed, so that
    /// the proxy starts without them.
    pub fn new<'a>(signings: impl Iterator<Item = &'a AwsSigning>) -> Self {
        Self {
            sources: signings
                .map(|signing| (signing.into(), CredentialSource::default()))
                .collect(),
        }
    }

    /// Signs a request as it is. Nothing of it may change afterwards.
    ///
    /// # Errors
    /// When there are no credentials, or the request cannot be signed. The cause is in the log.
    pub async fn sign(&self, request: &mut OutgoingRequest, signing: &AwsSigning) -> Result<(), Error> {
        let no_credentials = |cause: &dyn std::fmt::Display| {
            tracing::error!(profile = signing.profile, %cause, "no AWS credentials for an upstream");
            let message = "the proxy has no AWS credentials for this upstream";
            Error::new(ErrorClass::Upstream, message)
        };
        let Some(source) = self.sources.get(&CredentialProfile::from(signing)) else {
            return Err(no_credentials(&"the profile is not configured"));
        };
        let credentials = source
            .get(signing)
            .await
            .map_err(|cause| no_credentials(&cause))?;
        sign_with(credentials, request, signing, SystemTime::now()).map_err(|cause| {
            tracing::error!(%cause, "a request to an upstream cannot be signed");
            Error::new(
                ErrorClass::Internal,
                "the request cannot be signed for the upstream",
            )
        })
    }
}

impl CredentialSource {
    /// Credentials that are valid for a while. The lock is held while they are fetched, so that requests which arrive
    /// in the meantime wait for them and do not fetch their own.
    async fn get(&self, signing: &AwsSigning) -> Result<Credentials, String> {
        let mut current = self.current.lock().await;
        let is_fresh = |credentials: &Credentials| {
            let end = credentials.expiry();
            end.is_none_or(|end| end > SystemTime::now() + REFRESH_AHEAD)
        };
        if let Some(credentials) = current.as_ref().filter(|credentials| is_fresh(credentials)) {
            return Ok(credentials.clone());
        }
        let chain = self.chain.get_or_init(|| build_chain(signing)).await;
        let found = tokio::time::timeout(SEARCH_TIMEOUT, chain.provide_credentials()).await;
        let found = match found {
            Ok(found) => found.map_err(|error| error_text(&error)),
            Err(_) => Err("the search took too long".to_owned()),
        };
        match (found, &*current) {
            (Ok(credentials), _) => Ok(current.insert(credentials).clone()),
            // Credentials that will expire soon are better than none.
            (Err(_), Some(old)) if old.expiry().is_some_and(|end| end > SystemTime::now()) => Ok(old.clone()),
            (Err(error), _) => Err(error),
        }
    }
}

/// The places where AWS's own clients look for credentials, in their order.
async fn build_chain(signing: &AwsSigning) -> DefaultCredentialsChain {
    let region = Region::new(signing.region.clone());
    let mut config = ProviderConfig::default().with_region(Some(region.clone()));
    match connector::AwsHttpConnector::new() {
        Ok(connector) => config = config.with_http_client(connector),
        Err(cause) => {
            tracing::warn!(%cause, "only local AWS credentials are used: no HTTP client for remote sources")
        }
    }
    let mut builder = DefaultCredentialsChain::builder()
        .configure(config)
        .region(region);
    if let Some(profile) = &signing.profile {
        builder = builder.profile_name(profile);
    }
    builder.build().await
}

/// The message of an error and those of its causes. None of AWS's messages contains a credential.
fn error_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Signs a request at a given time. The signature covers the host, the body's type and hash, and all headers that AWS
/// reads. It does not cover the others, which a proxy on the way may change.
fn sign_with(
    credentials: Credentials,
    request: &mut OutgoingRequest,
    signing: &AwsSigning,
    time: SystemTime,
) -> Result<(), BoxError> {
    let mut settings = SigningSettings::default();
    // The rules of every service but S3.
    settings.percent_encoding_mode = PercentEncodingMode::Double;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&signing.region)
        .name(&signing.service)
        .time(time)
        .settings(settings)
        .build()?
        .into();
    // Hashed here, part by part: the library would need the body in one piece.
    let mut hash = Sha256::new();
    for part in &request.body {
        hash.update(part);
    }
    let body = SignableBody::Precomputed(super::sigv4::lower_hex(&hash.finalize()));
    let is_read = |name: &HeaderName| name == CONTENT_TYPE || name.as_str().starts_with("x-amz");
    let headers: Vec<(&str, &str)> = request
        .headers
        .iter()
        .filter(|(name, _)| is_read(name))
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let signable = SignableRequest::new(
        request.method.as_str(),
        request.url.as_str(),
        headers.into_iter(),
        body,
    )?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    for (name, value) in instructions.headers() {
        let name = HeaderName::try_from(name)?;
        let mut value = HeaderValue::try_from(value)?;
        value.set_sensitive(true);
        // The HTTP client writes the host itself, from the same URL.
        if name != HOST {
            request.headers.insert(name, value);
        }
    }
    Ok(())
}
