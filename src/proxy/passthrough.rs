//! The way of a request that stays in its dialect: every byte passes but those of the model's name, the credential,
//! and the system prompt if its edits are configured.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Response};

use super::headers;
use super::path::{self, VersionInPath};
use super::request_body::NamedModel;
use super::response::{self, BodySource, ProxyResponse};
use super::route::RouteEntry;
use super::routed_request::RoutedRequest;
use super::send;
use super::upstream::OutgoingRequest;
use crate::canonical::Error;
use crate::dialect::{Dialect, DialectName, Endpoint};
use crate::telemetry::Access;

/// Forwards a request, and relays the upstream's response as it arrives.
pub(super) async fn forward(
    request: RoutedRequest<'_>,
    entry: &RouteEntry,
    named: Option<NamedModel>,
    access: &mut Access,
) -> ProxyResponse {
    let dialect = entry.client_dialect().or_else(|| request.error_dialect());
    match try_forward(request, entry, named, access).await {
        Ok(response) => response,
        Err(error) => response::error(dialect, &error, access),
    }
}

async fn try_forward(
    mut request: RoutedRequest<'_>,
    entry: &RouteEntry,
    named: Option<NamedModel>,
    access: &mut Access,
) -> Result<ProxyResponse, Error> {
    let body = edit_body(&mut request, entry, named)?;

    let version = version_in_path(&request, entry);
    let renamed_path = rename_in_path(&request, entry);
    let path = renamed_path.as_deref().unwrap_or(request.path);
    let base = &entry.model.backend_base_url;
    let url = path::forwarded_url(base, version, path, request.query.as_deref());

    let has_length = request.headers.contains_key(CONTENT_LENGTH);
    let auth = &entry.model.backend_auth;
    let mut headers: HeaderMap = headers::forward(request.headers, auth).map_err(send::to_client_error)?;
    // Without a body, the HTTP client writes no length; but a POST that announced an empty body keeps that, since some
    // servers refuse one without a length.
    if body.is_empty() && has_length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    }

    let outgoing = OutgoingRequest {
        method: request.method,
        url: send::parse_url(&url)?,
        headers,
        body,
    };
    let upstream = send::send(request.proxy, outgoing, entry, access).await?;
    let (parts, body) = upstream.into_parts();
    let mut response = Response::new(BodySource::Relay(body));
    *response.status_mut() = parts.status;
    *response.headers_mut() = headers::forward_response(parts.headers);
    // The usual header of the identifier holds the upstream's.
    if let Ok(id) = HeaderValue::try_from(access.request_id.as_str()) {
        response.headers_mut().insert(response::PROXY_REQUEST_ID, id);
    }
    Ok(response)
}

/// The path with the upstream's name of the model; `None` if the path names no model, or the name is the same.
fn rename_in_path(request: &RoutedRequest<'_>, entry: &RouteEntry) -> Option<String> {
    let dialect = entry.client_dialect()?;
    let name = dialect.endpoint(&request.method, request.path).model()?;
    let backend = entry.model.backend_model_for(&name);
    dialect
        .rename_in_path(request.path, backend)
        .filter(|_| backend != name)
}

/// Takes the body of the request and makes it that of the request to the upstream, in parts; none if there is no body.
fn edit_body(
    request: &mut RoutedRequest<'_>,
    entry: &RouteEntry,
    named: Option<NamedModel>,
) -> Result<Vec<Bytes>, Error> {
    let received = std::mem::take(&mut request.body);
    let mut body = match named {
        Some(named) => match entry.model.backend_model_for(&named.name).to_owned() {
            backend if backend != named.name => named.rename(&received, &backend),
            _ => received.into_parts(),
        },
        None => received.into_parts(),
    };
    // Only a request for a response has a system prompt; other bodies may have a member of the same name.
    let generates = |dialect: &&'static dyn Dialect| {
        matches!(
            dialect.endpoint(&request.method, request.path),
            Endpoint::Generate { .. }
        )
    };
    if !entry.model.system_edits.is_empty()
        && let Some(dialect) = entry.client_dialect().filter(generates)
    {
        let whole = match <[Bytes; 1]>::try_from(body) {
            Ok([whole]) => whole,
            Err(parts) => Bytes::from(parts.concat()),
        };
        body = dialect.edit_system(&whole, &entry.edits)?;
    }
    body.retain(|part| !part.is_empty());
    Ok(body)
}

/// Whether the request's path has version 1 without containing it.
fn version_in_path(request: &RoutedRequest<'_>, entry: &RouteEntry) -> VersionInPath {
    let is_implied = match entry.model.dialects.map(|pair| pair.backend) {
        // Without a dialect, the path is the client's business.
        None | Some(DialectName::Bedrock) => false,
        // OpenAI's clients have `/v1` in the base URL.
        Some(DialectName::OpenAiChat | DialectName::OpenAiResponses) => true,
        // Anthropic's clients have it in the path. One that leaves it out is corrected where the path is known.
        Some(DialectName::Claude) => entry
            .client_dialect()
            .is_some_and(|dialect| dialect.endpoint(&request.method, request.path) != Endpoint::Other),
    };
    if is_implied || request.group.is_versioned() {
        VersionInPath::Implied
    } else {
        VersionInPath::AsWritten
    }
}
