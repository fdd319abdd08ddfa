//! A request on its way, and what both ways of answering it share.

use http::{HeaderMap, Method, Response, StatusCode};
use url::Url;

use super::Proxy;
use super::headers::{self, UnusableCredential};
use super::request_body::RequestBody;
use super::route::{RouteEntry, RouteGroup};
use super::upstream::{OutgoingRequest, UpstreamBody};
use crate::canonical::{Error, ErrorClass};
use crate::dialect::{self, Dialect, DialectName};
use crate::telemetry::Access;

/// A request that a prefix has been found for.
pub(super) struct RoutedRequest<'a> {
    /// HTTP method.
    pub method: Method,
    /// The path below the prefix: empty or starting with `/`.
    pub rest: &'a str,
    /// The query, without its question mark.
    pub query: Option<String>,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: RequestBody,
    /// The models of the prefix.
    pub group: &'a RouteGroup,
    /// What all requests share.
    pub proxy: &'a Proxy,
}

impl RoutedRequest<'_> {
    /// The dialect of answers that no model is known for.
    pub fn dialect(&self) -> Option<&'static dyn Dialect> {
        speaking(Some(self.group), &self.headers)
    }
}

/// The dialect in which a client is told of errors before its model is known: that of its prefix, else what its
/// headers look like.
pub fn speaking(group: Option<&RouteGroup>, headers: &HeaderMap) -> Option<&'static dyn Dialect> {
    let claude = headers::speaks_claude(headers).then_some(DialectName::Claude);
    let name = group.and_then(RouteGroup::dialect_name).or(claude)?;
    Some(dialect::find(name))
}

/// Sends a request to an entry's upstream.
///
/// # Errors
/// When no answer begins; the cause is in the log.
pub async fn send(
    proxy: &Proxy,
    request: OutgoingRequest,
    entry: &RouteEntry,
    access: &Access,
) -> Result<Response<UpstreamBody>, Error> {
    let request = signed(proxy, request, entry).await?;
    let answer = proxy.client.send(request).await.map_err(|error| {
        tracing::warn!(request_id = access.request_id, prefix = access.prefix, cause = %error, "no answer from the upstream");
        if error.is_timeout() && !error.is_connect() {
            Error::new(ErrorClass::Timeout, "the upstream did not answer in time")
        } else if error.is_connect() {
            Error::new(ErrorClass::Upstream, "the upstream cannot be reached")
        } else {
            Error::new(ErrorClass::Upstream, "the connection to the upstream was lost")
        }
    })?;
    let refused = matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let auth = &entry.model.backend_auth;
    if refused && (auth.api_key.is_some() || auth.aws.is_some()) {
        tracing::error!(
            request_id = access.request_id,
            prefix = %entry.model.frontend_base_url,
            model = %entry.model.frontend_model_name,
            header = %entry.model.backend_auth.header,
            status = answer.status().as_u16(),
            "the upstream refused the key that the configuration holds for it"
        );
    }
    Ok(answer)
}

/// The request with the signature that its upstream wants.
#[cfg(feature = "aws")]
async fn signed(
    proxy: &Proxy,
    mut request: OutgoingRequest,
    entry: &RouteEntry,
) -> Result<OutgoingRequest, Error> {
    if let Some(signing) = &entry.model.backend_auth.aws {
        // Boxed: the search for credentials would make every request's state large.
        Box::pin(proxy.signer.sign(&mut request, signing)).await?;
    }
    Ok(request)
}

/// The request as it is: a configuration that asks for signatures is not accepted.
#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "the signature of the one that signs")]
async fn signed(_: &Proxy, request: OutgoingRequest, _: &RouteEntry) -> Result<OutgoingRequest, Error> {
    Ok(request)
}

/// The upstream's address.
///
/// # Errors
/// When the client's path does not make one.
pub fn parse(url: &str) -> Result<Url, Error> {
    let message = "the path cannot be part of the upstream's URL";
    Url::parse(url).map_err(|_| Error::new(ErrorClass::InvalidRequest, message))
}

/// The error for a credential that no header can carry.
pub fn unusable(_: UnusableCredential) -> Error {
    let message = "the credential has a character that no header can carry";
    Error::new(ErrorClass::Authentication, message)
}
