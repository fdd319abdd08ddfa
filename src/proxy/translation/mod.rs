//! The way of a request whose upstream speaks another dialect.
//!
//! [`translate`] is the whole way: response store, translation of the request, upstream, translation of the response.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::counting;
use super::headers::{self, AcceptedResponse};
use super::response::{self, BodySource, ProxyResponse};
use super::response_store;
use super::route::{RouteDialects, RouteEntry};
use super::routed_request::RoutedRequest;
use super::send;
use super::translated_body::TranslatedBody;
use super::upstream::{BodyError, CollectedBody, UpstreamBody};
use crate::canonical::{Error, ErrorClass, Losses, OnLoss};
use crate::capability;
use crate::dialect::{ClientRequest, Dialect, Endpoint, WrittenError, WrittenRequest};
use crate::telemetry::Access;
use crate::translate::{Carriers, Exchange, ExchangeConfig, ExchangeIdentity, ReasoningOwner};
use crate::wire::framing::Framing;

/// The most bytes of an upstream's error that are read; the rest of a longer one is ignored.
pub(super) const ERROR_LIMIT: usize = 1024 * 1024;
/// The most bytes that a response which is not streamed may have: 64 MiB.
const RESPONSE_LIMIT: usize = 64 * 1024 * 1024;

/// Parameters of a request that some dialects have in its path, others in its body.
struct PathParameters {
    model: Option<String>,
    stream: Option<bool>,
}

/// Translates a request for the entry's upstream, sends it, and translates the response.
pub(super) async fn translate(
    mut request: RoutedRequest<'_>,
    entry: &RouteEntry,
    dialects: RouteDialects,
    access: &mut Access,
) -> ProxyResponse {
    let client = dialects.client;

    // Response store. A request that refers to earlier responses becomes one that contains them, so that no reader or
    // writer has to know of the store. This comes first, since a request for a number of tokens may refer to them,
    // too.
    let pending = match response_store::prepare(&mut request, client, access).await {
        Ok(pending) => pending,
        Err(refusal) => return refusal.respond(client, access),
    };

    // Only requests for a response go on from here.
    let parameters = match client.endpoint(&request.method, request.path) {
        Endpoint::Generate { model, stream } => PathParameters { model, stream },
        Endpoint::CountTokens { model } => {
            return counting::count(request, entry, dialects, model.as_deref(), access).await;
        }
        Endpoint::Models | Endpoint::Model(_) | Endpoint::Other => {
            return refuse_untranslated(&request, client, access);
        }
    };

    // Exchange. The client's request becomes one in the upstream's dialect.
    let mut losses = Losses::new();
    let begun = begin_exchange(&mut request, entry, dialects, &parameters, access, &mut losses);

    // Upstream and response.
    let outcome = match begun {
        Ok((mut exchange, written)) => {
            if let Some(pending) = &pending {
                exchange.set_response_links(pending.links());
            }
            send_and_translate(request, entry, &exchange, written, &mut losses, access).await
        }
        Err(error) => Err(error),
    };
    // Of a stream, these are the losses of the request. Those of the response are added when its body ends.
    access.record_losses(&losses);
    let mut response = outcome.unwrap_or_else(|error| response::error(Some(client), &error, access));
    if let Some(pending) = pending {
        response = pending.save(response).await;
    }
    response::add_request_id(&mut response, client.name(), access);
    if entry.model.on_loss != OnLoss::Ignore {
        response::add_loss_header(&mut response, &losses);
    }
    response
}

/// Makes the response to a request that only the client's own vendor can serve.
pub(super) fn refuse_untranslated(
    request: &RoutedRequest<'_>,
    client: &'static dyn Dialect,
    access: &mut Access,
) -> ProxyResponse {
    let message = format!(
        "{} {} is not translated to this model's upstream",
        request.method, request.path
    );
    response::error(
        Some(client),
        &Error::new(ErrorClass::UnknownPath, message),
        access,
    )
}

/// Translates the request.
///
/// It takes the body, which is freed when this returns: the text of the canonical request consists of slices of it
/// (`LazyStr`), of which every one keeps the whole body in memory. The exchange and the written request hold none of
/// them, so a body of many megabytes does not stay for as long as the model thinks; unless the response store will
/// save the request's items, which are slices, too.
fn begin_exchange(
    request: &mut RoutedRequest<'_>,
    entry: &RouteEntry,
    dialects: RouteDialects,
    parameters: &PathParameters,
    access: &Access,
    losses: &mut Losses,
) -> Result<(Exchange, WrittenRequest), Error> {
    let body = std::mem::take(&mut request.body).whole();
    let began_at = Instant::now();
    let inbound = ClientRequest {
        headers: &request.headers,
        model: parameters.model.as_deref(),
        stream: parameters.stream,
        body: &body,
    };
    let on_loss = entry.model.on_loss;
    let (mut exchange, written) = with_exchange_config(request, entry, dialects, on_loss, |config| {
        Exchange::begin(
            losses,
            config,
            &inbound,
            ExchangeIdentity {
                created: unix_time(),
                request_id: &access.request_id,
            },
        )
    })?;
    exchange.set_start(began_at);
    Ok((exchange, written))
}

/// Calls `work` with the configuration of an exchange on this route.
///
/// It is not returned, because it borrows the two closures.
pub(super) fn with_exchange_config<T>(
    request: &RoutedRequest<'_>,
    entry: &RouteEntry,
    dialects: RouteDialects,
    on_loss: OnLoss,
    work: impl FnOnce(&ExchangeConfig<'_>) -> T,
) -> T {
    // The upstream's name of a model, from the client's name.
    let upstream_model = |name: &str| entry.model.backend_model_for(name).to_owned();
    // What the upstream's model accepts, from the upstream's name.
    let capabilities = |model: &str| capability::lookup(dialects.upstream.name(), model);
    let credential = headers::client_token(&request.headers).unwrap_or_default();
    let owner = ReasoningOwner::new(request.group.prefix.as_str(), credential.as_bytes());
    let carriers = if entry.model.reasoning_carriers {
        &request.proxy.carriers
    } else {
        &Carriers::Off
    };
    work(&ExchangeConfig {
        client: dialects.client,
        upstream: dialects.upstream,
        upstream_model: &upstream_model,
        capabilities: &capabilities,
        edits: &entry.edits,
        on_loss,
        carriers,
        memory: Some((&request.proxy.memory, owner)),
    })
}

/// Sends the translated request and translates the response.
///
/// # Errors
/// When there is no response, or it is not what was asked for. An upstream's own error is a response.
async fn send_and_translate(
    request: RoutedRequest<'_>,
    entry: &RouteEntry,
    exchange: &Exchange,
    written: WrittenRequest,
    losses: &mut Losses,
    access: &mut Access,
) -> Result<ProxyResponse, Error> {
    let accepted = if exchange.is_streamed() {
        AcceptedResponse::Stream
    } else {
        AcceptedResponse::Document
    };
    let upstream = send::send_translated(request, written, accepted, entry, access).await?;
    let (parts, body) = upstream.into_parts();

    let mut response = if !parts.status.is_success() {
        translate_error(exchange, parts.status, &parts.headers, body, access).await?
    } else if !headers::is_plain(&parts.headers) {
        let message = "the upstream sent a compressed response to a request that did not ask for one";
        return Err(Error::new(ErrorClass::Upstream, message));
    } else if exchange.is_streamed() {
        translate_stream(exchange, &parts.headers, body, access).await?
    } else {
        translate_document(exchange, &parts.headers, body, losses, access).await?
    };

    let rate_limits = exchange.translate_rate_limits(&parts.headers, SystemTime::now());
    response.headers_mut().extend(rate_limits);
    if let Some(id) = upstream_request_id(&parts.headers) {
        response
            .headers_mut()
            .insert(response::UPSTREAM_REQUEST_ID, id.clone());
    }
    Ok(response)
}

/// Translates the response of an upstream that refused the request or failed.
async fn translate_error(
    exchange: &Exchange,
    status: StatusCode,
    headers: &HeaderMap,
    body: UpstreamBody,
    access: &mut Access,
) -> Result<ProxyResponse, Error> {
    let body = body.collect(ERROR_LIMIT).await.map_err(report_broken_body)?;
    let (error, written) = exchange.translate_error(status, headers, &body.bytes);
    Ok(respond_with_error(&error, written, headers, access))
}

/// Makes the response with an upstream's error. `written` is the error in the client's dialect, `headers` are those
/// of the upstream.
pub(super) fn respond_with_error(
    error: &Error,
    written: WrittenError,
    headers: &HeaderMap,
    access: &mut Access,
) -> ProxyResponse {
    access.error = Some(error.class);
    let mut response = response::written_error(written);
    // The delay is in the same header in every dialect. A dialect may have written one of its own.
    if let Some(delay) = headers.get(RETRY_AFTER)
        && !response.headers().contains_key(RETRY_AFTER)
    {
        response.headers_mut().insert(RETRY_AFTER, delay.clone());
    }
    response
}

/// Translates a response that is not streamed.
async fn translate_document(
    exchange: &Exchange,
    headers: &HeaderMap,
    body: UpstreamBody,
    losses: &mut Losses,
    access: &mut Access,
) -> Result<ProxyResponse, Error> {
    // Checked before the body is read, since a stream may last for minutes.
    let streams = [Framing::Sse, Framing::EventStream].map(Framing::media_type);
    if streams.contains(&headers::media_type(headers)) {
        let message = "the upstream streams its response to a request that did not ask for a stream";
        return Err(Error::new(ErrorClass::Upstream, message));
    }
    let CollectedBody { bytes, is_truncated } =
        body.collect(RESPONSE_LIMIT).await.map_err(report_broken_body)?;
    if is_truncated {
        let message = format!("the upstream's response is larger than {RESPONSE_LIMIT} bytes");
        return Err(Error::new(ErrorClass::Upstream, message));
    }
    let written = exchange.translate_response(losses, &bytes)?;
    access.usage = written.usage;
    let mut response = response::json(written.body);
    response.headers_mut().extend(written.headers);
    Ok(response)
}

/// Begins the translation of a streamed response. It goes on while the client's connection polls the body.
async fn translate_stream(
    exchange: &Exchange,
    headers: &HeaderMap,
    body: UpstreamBody,
    access: &mut Access,
) -> Result<ProxyResponse, Error> {
    // Some servers stream without the content type of a stream. These two types are never streams: behind a status of
    // success, they are the error of a server or gateway.
    let is_document = ["application/json", "text/html"].contains(&headers::media_type(headers));
    if is_document {
        return translate_error(exchange, StatusCode::BAD_GATEWAY, headers, body, access).await;
    }
    let mut translated = TranslatedBody::new(Box::new(body), exchange.decoder(), exchange.start_stream());
    // An error before the first event still gets a status of its own.
    if let Err(error) = translated.begin().await {
        access.record_losses(translated.losses());
        return Err(error);
    }
    let mut response = Response::new(BodySource::Translated(Box::new(translated)));
    for (name, value) in [
        (CONTENT_TYPE, exchange.client().framing().media_type()),
        (CACHE_CONTROL, "no-cache"),
        // nginx buffers a response without this header, and its client gets the events late.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().extend(exchange.client().stream_headers());
    Ok(response)
}

/// Logs why the body of a response broke off, and makes the client's error, which does not contain the cause.
pub(super) fn report_broken_body(error: BodyError) -> Error {
    let class = if error.is_timeout() {
        ErrorClass::Timeout
    } else {
        ErrorClass::Upstream
    };
    tracing::warn!(cause = %error, "the upstream's response ended early");
    Error::new(class, "the upstream's response ended early")
}

/// The upstream's identifier of the request, from the header of whichever dialect.
pub(super) fn upstream_request_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    ["request-id", "x-request-id", "x-amzn-requestid"]
        .iter()
        .find_map(|name| headers.get(*name))
}

/// Seconds since 1970.
pub(super) fn unix_time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.as_ref().map_or(0, Duration::as_secs)
}

#[cfg(test)]
mod tests;
