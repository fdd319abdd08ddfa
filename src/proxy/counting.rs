//! The number of a request's tokens, if the upstream speaks another dialect than the client.
//!
//! An upstream that counts tokens is asked. Otherwise the response is an estimate, with a header that marks it as one.

use http::StatusCode;

use super::headers::AcceptedResponse;
use super::response::{self, ProxyResponse};
use super::route::{RouteDialects, RouteEntry};
use super::routed_request::RoutedRequest;
use super::{send, translation};
use crate::canonical::{Error, ErrorClass, OnLoss};
use crate::dialect::{ClientRequest, Dialect, WrittenRequest};
use crate::telemetry::Access;
use crate::translate::{self, Estimate, Exchange, ExchangeIdentity};

/// The most requests that are tokenized at the same time. Each keeps a processor busy, for a second or two at most,
/// so two leave the others to the workers.
pub(super) const CONCURRENT_COUNTS: usize = 2;
/// The most bytes of an upstream's count that are read.
const COUNT_LIMIT: usize = 64 * 1024;

/// Responds with the number of a request's tokens. `model` is the one in the path, if there is one.
pub(super) async fn count(
    request: RoutedRequest<'_>,
    entry: &RouteEntry,
    dialects: RouteDialects,
    model: Option<&str>,
    access: &mut Access,
) -> ProxyResponse {
    let client = dialects.client;
    let counted = match client.unwrap_count(&request.body.whole()) {
        Ok(Some(body)) => {
            let request = RoutedRequest {
                body: body.into(),
                ..request
            };
            count_by_upstream_or_estimate(request, entry, dialects, model, access).await
        }
        Ok(None) => return translation::refuse_untranslated(&request, client, access),
        Err(error) => Err(error),
    };
    let mut response = counted.unwrap_or_else(|error| response::error(Some(client), &error, access));
    response::add_request_id(&mut response, client.name(), access);
    response
}

/// `request` is the one whose tokens are counted: it has the body of a request for a response.
async fn count_by_upstream_or_estimate(
    request: RoutedRequest<'_>,
    entry: &RouteEntry,
    dialects: RouteDialects,
    model: Option<&str>,
    access: &mut Access,
) -> Result<ProxyResponse, Error> {
    // Both are prepared now, because the estimate needs the request, which is gone once the upstream has been asked.
    let (question, estimate) = {
        let inbound = ClientRequest {
            headers: &request.headers,
            model,
            stream: Some(false),
            body: &request.body.whole(),
        };
        // Losses are reported, and refused, when the request itself is sent.
        translation::with_exchange_config(&request, entry, dialects, OnLoss::Ignore, |config| {
            let question = translate::begin_count(
                config,
                &inbound,
                ExchangeIdentity {
                    created: translation::unix_time(),
                    request_id: &access.request_id,
                },
            )?;
            Ok::<_, Error>((question, Estimate::read(config, &inbound)))
        })?
    };
    let proxy = request.proxy;
    if let Some((exchange, written)) = question
        && let Some(response) =
            ask_upstream(request, entry, &exchange, written, dialects.upstream, access).await?
    {
        return Ok(response);
    }
    let estimate = estimate?;
    // Tokenizing would stop all other requests of this worker, so it is done on another thread.
    let _permit = proxy
        .counting_permits
        .acquire()
        .await
        .map_err(|_| counting_failed())?;
    let counted = tokio::task::spawn_blocking(move || estimate.input_tokens()).await;
    let tokens = counted.map_err(|_| counting_failed())?;
    Ok(response::estimated_count(dialects.client.write_count(tokens)))
}

/// Asks the upstream for the number; `None` if it does not count tokens.
async fn ask_upstream(
    request: RoutedRequest<'_>,
    entry: &RouteEntry,
    exchange: &Exchange,
    written: WrittenRequest,
    upstream: &'static dyn Dialect,
    access: &mut Access,
) -> Result<Option<ProxyResponse>, Error> {
    let response = send::send_translated(request, written, AcceptedResponse::Document, entry, access).await?;
    let (parts, body) = response.into_parts();
    let limit = if parts.status.is_success() {
        COUNT_LIMIT
    } else {
        translation::ERROR_LIMIT
    };
    let body = body
        .collect(limit)
        .await
        .map_err(translation::report_broken_body)?
        .bytes;
    let mut response = if parts.status.is_success() {
        let Some(tokens) = upstream.read_count(&body) else {
            tracing::warn!(
                request_id = access.request_id,
                "the upstream's token count cannot be read, so it is estimated"
            );
            return Ok(None);
        };
        response::json(exchange.client().write_count(tokens))
    } else {
        let (error, written) = exchange.translate_error(parts.status, &parts.headers, &body);
        if does_not_count(parts.status, &error) {
            tracing::debug!(
                request_id = access.request_id,
                status = parts.status.as_u16(),
                "the upstream does not count tokens, so they are estimated"
            );
            return Ok(None);
        }
        translation::respond_with_error(&error, written, &parts.headers, access)
    };
    if let Some(id) = translation::upstream_request_id(&parts.headers) {
        let headers = response.headers_mut();
        headers.insert(response::UPSTREAM_REQUEST_ID, id.clone());
    }
    Ok(Some(response))
}

/// Whether an error means that the upstream does not count tokens, or not those of this model, and not that something
/// is wrong with the request or its credential.
fn does_not_count(status: StatusCode, error: &Error) -> bool {
    match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => true,
        // Bedrock: "The provided model doesn't support counting tokens."
        StatusCode::BAD_REQUEST => {
            let message = error.message.to_ascii_lowercase();
            message.contains("support") && message.contains("token") && message.contains("count")
        }
        // AWS has a separate permission for counting, which a role for inference alone lacks.
        StatusCode::FORBIDDEN => error.message.contains("bedrock:CountTokens"),
        _ => false,
    }
}

fn counting_failed() -> Error {
    Error::new(ErrorClass::Internal, "the tokens could not be counted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clear_errors_mean_that_an_upstream_does_not_count() {
        for (status, message, expected) in [
            (404, "not found", true),
            (405, "", true),
            (501, "", true),
            (400, "The provided model doesn't support counting tokens.", true),
            (400, "max_tokens: unsupported value", false),
            (400, "messages: at least one is required", false),
            (
                403,
                "User: x is not authorized to perform: bedrock:CountTokens on resource: y",
                true,
            ),
            (403, "forbidden", false),
            (401, "no key", false),
            (429, "slow down", false),
            (500, "", false),
            (503, "", false),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let error = Error::new(ErrorClass::InvalidRequest, message);
            assert_eq!(does_not_count(status, &error), expected, "{status} {message}");
        }
    }
}
