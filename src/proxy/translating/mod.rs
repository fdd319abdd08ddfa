//! The way of a request whose upstream speaks another dialect.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use super::answer::{self, Answer, Source};
use super::call::{self, Call};
use super::counting;
use super::headers;
use super::path;
use super::route::Entry;
use super::stored;
use super::stream::Translation;
use super::upstream::{Body, Outgoing};
use crate::canonical::{Error, ErrorClass, Losses, OnLoss};
use crate::capability;
use crate::config::DialectPair;
use crate::dialect::{self, ClientRequest, Dialect, Endpoint, WrittenError, WrittenRequest};
use crate::telemetry::Access;
use crate::translate::{Carriers, Exchange, ExchangeConfig, ExchangeIdentity, ReasoningOwner};
use crate::wire::framing::Framing;

/// The most bytes of an upstream's error that are read.
pub(super) const ERROR_LIMIT: usize = 1024 * 1024;
/// The most bytes that a complete answer may have: 64 MiB.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// Translates a request and the answer to it.
pub(super) async fn translate(
    call: Call<'_>,
    entry: &Entry,
    pair: DialectPair,
    access: &mut Access,
) -> Answer {
    let (client, upstream) = (dialect::find(pair.frontend), dialect::find(pair.backend));
    between(call, entry, client, upstream, access).await
}

/// The answer to a request that only the vendor itself can answer.
pub(super) fn untranslated(call: &Call<'_>, client: &'static dyn Dialect, access: &mut Access) -> Answer {
    let message = format!(
        "{} {} is not translated to this model's upstream",
        call.method, call.rest
    );
    answer::error(
        Some(client),
        &Error::new(ErrorClass::UnknownPath, message),
        access,
    )
}

/// Translates between two dialects that are known.
async fn between(
    mut call: Call<'_>,
    entry: &Entry,
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    access: &mut Access,
) -> Answer {
    let turn = match stored::begin(&mut call, client, access).await {
        Ok(turn) => turn,
        Err(refusal) => return refusal.answer(client, access),
    };
    let (model, stream) = match client.endpoint(&call.method, call.rest) {
        Endpoint::Generate { model, stream } => (model, stream),
        Endpoint::CountTokens { model } => {
            return counting::count(call, entry, (client, upstream), model.as_deref(), access).await;
        }
        Endpoint::Models | Endpoint::Model(_) | Endpoint::Other => {
            return untranslated(&call, client, access);
        }
    };
    let body = std::mem::take(&mut call.body).whole();
    let began_at = Instant::now();
    let mut losses = Losses::new();
    let begun = {
        let credential = headers::client_token(&call.headers).unwrap_or_default();
        let scope = ReasoningOwner::new(call.group.prefix.as_str(), credential.as_bytes());
        let inbound = ClientRequest {
            headers: &call.headers,
            model: model.as_deref(),
            stream,
            body: &body,
        };
        let route = ExchangeConfig {
            client,
            upstream,
            upstream_model: &|name| entry.model.backend_model_for(name).to_owned(),
            capabilities: &|model| capability::lookup(upstream.name(), model),
            edits: &entry.edits,
            on_loss: entry.model.on_loss,
            carriers: if entry.model.reasoning_carriers {
                &call.proxy.carriers
            } else {
                &Carriers::Off
            },
            memory: Some((&call.proxy.memory, scope)),
        };
        Exchange::begin(
            &mut losses,
            &route,
            &inbound,
            ExchangeIdentity {
                created: now(),
                request_id: &access.request_id,
            },
        )
    };
    drop(body);
    let answer = match begun {
        Ok((mut exchange, written)) => {
            exchange.set_start(began_at);
            if let Some(turn) = &turn {
                exchange.set_response_links(turn.stored());
            }
            run(call, entry, &exchange, written, &mut losses, access).await
        }
        Err(error) => Err(error),
    };
    access.lost(&losses);
    let mut answer = answer.unwrap_or_else(|error| answer::error(Some(client), &error, access));
    if let Some(turn) = turn {
        answer = turn.keep(answer).await;
    }
    answer::identify(&mut answer, client.name(), access);
    if entry.model.on_loss != OnLoss::Ignore {
        answer::tell_losses(&mut answer, &losses);
    }
    answer
}

async fn run(
    call: Call<'_>,
    entry: &Entry,
    exchange: &Exchange,
    written: WrittenRequest,
    losses: &mut Losses,
    access: &mut Access,
) -> Result<Answer, Error> {
    let url = path::upstream_url(&entry.model.backend_base_url, false, false, &written.path, None);
    let auth = &entry.model.backend_auth;
    let headers = headers::translated(call.headers, auth, written.headers, exchange.is_streamed());
    let request = Outgoing {
        method: Method::POST,
        url: call::parse(&url)?,
        headers: headers.map_err(call::unusable)?,
        body: vec![written.body.into()],
    };
    let (parts, body) = call::send(call.proxy, request, entry, access).await?.into_parts();
    let mut answer = if !parts.status.is_success() {
        failed(exchange, parts.status, &parts.headers, body, access).await?
    } else if !headers::is_plain(&parts.headers) {
        let message = "the upstream's answer is compressed although that was not asked for";
        return Err(Error::new(ErrorClass::Upstream, message));
    } else if exchange.is_streamed() {
        streamed(exchange, &parts.headers, body, access).await?
    } else {
        complete(exchange, &parts.headers, body, losses, access).await?
    };
    let limits = exchange.translate_rate_limits(&parts.headers, SystemTime::now());
    answer.headers_mut().extend(limits);
    if let Some(id) = upstream_id(&parts.headers) {
        answer
            .headers_mut()
            .insert(answer::UPSTREAM_REQUEST_ID, id.clone());
    }
    Ok(answer)
}

/// The answer to an upstream's refusal.
async fn failed(
    exchange: &Exchange,
    status: StatusCode,
    headers: &HeaderMap,
    body: Body,
    access: &mut Access,
) -> Result<Answer, Error> {
    let (body, _) = body.collect(ERROR_LIMIT).await.map_err(broken)?;
    let (error, written) = exchange.translate_error(status, headers, &body);
    Ok(refusal(&error, written, headers, access))
}

/// The answer with an upstream's error, as it was translated.
pub(super) fn refusal(
    error: &Error,
    written: WrittenError,
    headers: &HeaderMap,
    access: &mut Access,
) -> Answer {
    access.error = Some(error.class);
    let mut answer = written_error(written);
    if let Some(delay) = headers.get(RETRY_AFTER)
        && !answer.headers().contains_key(RETRY_AFTER)
    {
        answer.headers_mut().insert(RETRY_AFTER, delay.clone());
    }
    answer
}

async fn complete(
    exchange: &Exchange,
    headers: &HeaderMap,
    body: Body,
    losses: &mut Losses,
    access: &mut Access,
) -> Result<Answer, Error> {
    let streams = [Framing::Sse, Framing::EventStream].map(Framing::media_type);
    if streams.contains(&headers::media_type(headers)) {
        let message = "the upstream streams its answer although that was not asked for";
        return Err(Error::new(ErrorClass::Upstream, message));
    }
    let (body, cut) = body.collect(ANSWER_LIMIT).await.map_err(broken)?;
    if cut {
        let message = format!("the upstream's answer is larger than {ANSWER_LIMIT} bytes");
        return Err(Error::new(ErrorClass::Upstream, message));
    }
    let written = exchange.translate_response(losses, &body)?;
    access.usage = written.usage;
    let mut answer = answer::json(written.body);
    answer.headers_mut().extend(written.headers);
    Ok(answer)
}

async fn streamed(
    exchange: &Exchange,
    headers: &HeaderMap,
    body: Body,
    access: &mut Access,
) -> Result<Answer, Error> {
    // Some servers stream without saying so; what says that it is a document is one.
    let document = ["application/json", "text/html"].contains(&headers::media_type(headers));
    if document {
        return failed(exchange, StatusCode::BAD_GATEWAY, headers, body, access).await;
    }
    let mut translation = Translation::new(Box::new(body), exchange.decoder(), exchange.start_stream());
    if let Err(error) = translation.begin().await {
        access.lost(translation.losses());
        return Err(error);
    }
    let mut answer = Response::new(Source::Translation(Box::new(translation)));
    for (name, value) in [
        (CONTENT_TYPE, exchange.client().framing().media_type()),
        (CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer.headers_mut().extend(exchange.client().stream_headers());
    Ok(answer)
}

fn written_error(written: WrittenError) -> Answer {
    let mut answer = answer::full(written.status, None, written.body);
    for (name, value) in written.headers {
        answer.headers_mut().insert(name, value);
    }
    answer
}

pub(super) fn broken(error: super::upstream::BodyError) -> Error {
    let class = if error.is_timeout() {
        ErrorClass::Timeout
    } else {
        ErrorClass::Upstream
    };
    tracing::warn!(cause = %error, "the upstream's answer broke off");
    Error::new(class, "the upstream's answer broke off")
}

/// The upstream's identifier of the request, whatever its dialect.
pub(super) fn upstream_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    ["request-id", "x-request-id", "x-amzn-requestid"]
        .iter()
        .find_map(|name| headers.get(*name))
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.as_ref().map_or(0, Duration::as_secs)
}

#[cfg(test)]
mod tests;
