//! The way of a request that stays in its dialect: the bytes pass, only the model's name and the credential change.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method, Response};

use super::answer::{self, Answer, Source};
use super::body::NamedModel;
use super::call::{self, Call};
use super::headers;
use super::path;
use super::route::Entry;
use super::upstream::Outgoing;
use crate::canonical::Error;
use crate::dialect::{Dialect, DialectName, Endpoint};
use crate::telemetry::Access;

/// Forwards a request and gives back what the upstream answers, as it comes.
pub(super) async fn forward(
    call: Call<'_>,
    entry: &Entry,
    named: Option<NamedModel>,
    access: &mut Access,
) -> Answer {
    let dialect = entry.client().or_else(|| call.dialect());
    match try_forward(call, entry, named, access).await {
        Ok(answer) => answer,
        Err(error) => answer::error(dialect, &error, access),
    }
}

async fn try_forward(
    mut call: Call<'_>,
    entry: &Entry,
    named: Option<NamedModel>,
    access: &mut Access,
) -> Result<Answer, Error> {
    let body = edited(&mut call, entry, named)?;
    let versioned = speaks_in_versions(&call.method, call.rest, entry);
    let query = call.query.as_deref();
    let base = &entry.model.backend_base_url;
    let renamed = renamed_path(&call, entry);
    let rest = renamed.as_deref().unwrap_or(call.rest);
    let url = path::upstream_url(base, call.group.is_versioned(), versioned, rest, query);
    let announced = call.headers.contains_key(CONTENT_LENGTH);
    let auth = &entry.model.backend_auth;
    let mut headers: HeaderMap = headers::forwarded(call.headers, auth).map_err(call::unusable)?;
    if body.is_empty() && announced {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    }
    let request = Outgoing {
        method: call.method,
        url: call::parse(&url)?,
        headers,
        body,
    };
    let upstream = call::send(call.proxy, request, entry, access).await?;
    let (parts, body) = upstream.into_parts();
    let mut answer = Response::new(Source::Relay(body));
    *answer.status_mut() = parts.status;
    *answer.headers_mut() = headers::answered(parts.headers);
    if let Ok(id) = HeaderValue::try_from(access.request_id.as_str()) {
        answer.headers_mut().insert(answer::PROXY_REQUEST_ID, id);
    }
    Ok(answer)
}

/// The path with the upstream's name of the model, where the path names one and it is another.
fn renamed_path(call: &Call<'_>, entry: &Entry) -> Option<String> {
    let dialect = entry.client()?;
    let name = dialect.endpoint(&call.method, call.rest).model()?;
    let backend = entry.model.backend_model_for(&name);
    dialect
        .rename_in_path(call.rest, backend)
        .filter(|_| backend != name)
}

/// The body as the upstream gets it, in parts; none where there is no body.
fn edited(call: &mut Call<'_>, entry: &Entry, named: Option<NamedModel>) -> Result<Vec<Bytes>, Error> {
    let received = std::mem::take(&mut call.body);
    let mut body = match named {
        Some(named) => match entry.model.backend_model_for(&named.name).to_owned() {
            backend if backend != named.name => named.rename(&received, &backend),
            _ => received.into_parts(),
        },
        None => received.into_parts(),
    };
    let generates = |dialect: &&'static dyn Dialect| {
        matches!(
            dialect.endpoint(&call.method, call.rest),
            Endpoint::Generate { .. }
        )
    };
    if !entry.model.system_edits.is_empty()
        && let Some(dialect) = entry.client().filter(generates)
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

/// Whether a path of the entry's dialect counts from `/v1` even where the client leaves that out, as the clients of
/// OpenAI do: there it is part of the base URL.
fn speaks_in_versions(method: &Method, rest: &str, entry: &Entry) -> bool {
    match entry.model.dialects.map(|pair| pair.backend) {
        None | Some(DialectName::Bedrock) => false,
        Some(DialectName::OpenAiChat | DialectName::OpenAiResponses) => true,
        Some(DialectName::Claude) => entry
            .client()
            .is_some_and(|dialect| dialect.endpoint(method, rest) != Endpoint::Other),
    }
}
