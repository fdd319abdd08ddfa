//! Sends a request to the upstream of a model, with its signature, and logs why that fails.

use http::{Method, Response, StatusCode};
use url::Url;

use super::Proxy;
use super::headers::{self, AcceptedResponse, UnusableCredential};
use super::path;
use super::route::RouteEntry;
use super::routed_request::RoutedRequest;
use super::upstream::{OutgoingRequest, UpstreamBody};
use crate::canonical::{Error, ErrorClass};
use crate::dialect::WrittenRequest;
use crate::telemetry::Access;

/// Sends a request to an entry's upstream and waits for the head of the response.
///
/// # Errors
/// When no response begins. The cause is only in the log, since it may contain addresses that do not concern the
/// client.
pub async fn send(
    proxy: &Proxy,
    request: OutgoingRequest,
    entry: &RouteEntry,
    access: &Access,
) -> Result<Response<UpstreamBody>, Error> {
    let request = sign(proxy, request, entry).await?;
    let response = proxy.client.send(request).await.map_err(|error| {
        tracing::warn!(request_id = access.request_id, prefix = access.prefix, cause = %error, "the upstream sent no response");
        if error.is_timeout() && !error.is_connect() {
            Error::new(ErrorClass::Timeout, "the upstream did not respond in time")
        } else if error.is_connect() {
            Error::new(ErrorClass::Upstream, "the upstream cannot be reached")
        } else {
            Error::new(ErrorClass::Upstream, "the connection to the upstream was lost")
        }
    })?;
    // The client may get an error about a key although its own is right: the operator has to learn whose it is.
    let is_refused = matches!(
        response.status(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    );
    let auth = &entry.model.backend_auth;
    if is_refused && (auth.api_key.is_some() || auth.aws.is_some()) {
        tracing::error!(
            request_id = access.request_id,
            prefix = %entry.model.frontend_base_url,
            model = %entry.model.frontend_model_name,
            header = %entry.model.backend_auth.header,
            status = response.status().as_u16(),
            "the upstream refused the API key from the configuration"
        );
    }
    Ok(response)
}

/// Sends a translated request to an entry's upstream and waits for the head of the response. `written` is the request
/// in the upstream's dialect, which replaces the client's path and body.
///
/// # Errors
/// When the request cannot be made, or no response begins.
pub async fn send_translated(
    request: RoutedRequest<'_>,
    written: WrittenRequest,
    accepted: AcceptedResponse,
    entry: &RouteEntry,
    access: &Access,
) -> Result<Response<UpstreamBody>, Error> {
    let url = path::translated_url(&entry.model.backend_base_url, &written.path);
    let auth = &entry.model.backend_auth;
    let headers = headers::translate(request.headers, auth, written.headers, accepted);
    let outgoing = OutgoingRequest {
        method: Method::POST,
        url: parse_url(&url)?,
        headers: headers.map_err(to_client_error)?,
        body: vec![written.body.into()],
    };
    send(request.proxy, outgoing, entry, access).await
}

/// Adds the signature that the upstream requires, if it requires one.
#[cfg(feature = "aws")]
async fn sign(
    proxy: &Proxy,
    mut request: OutgoingRequest,
    entry: &RouteEntry,
) -> Result<OutgoingRequest, Error> {
    if let Some(signing) = &entry.model.backend_auth.aws {
        // Boxed: the search for credentials is a large future, and every request would have to have room for it.
        Box::pin(proxy.signer.sign(&mut request, signing)).await?;
    }
    Ok(request)
}

/// Returns the request as it is. A program without this feature does not accept a configuration that asks for
/// signatures.
#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "the same signature as with the feature")]
async fn sign(_: &Proxy, request: OutgoingRequest, _: &RouteEntry) -> Result<OutgoingRequest, Error> {
    Ok(request)
}

/// Parses the URL of an upstream with a path from the client.
///
/// # Errors
/// When the path cannot be part of a URL.
pub fn parse_url(url: &str) -> Result<Url, Error> {
    let message = "the path contains characters that are not allowed in the upstream's URL";
    Url::parse(url).map_err(|_| Error::new(ErrorClass::InvalidRequest, message))
}

/// The client's error for a credential that cannot be the value of a header.
pub fn to_client_error(_: UnusableCredential) -> Error {
    let message = "the credential contains a character that is not allowed in a header";
    Error::new(ErrorClass::Authentication, message)
}
