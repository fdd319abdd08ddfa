//! The number of a request's tokens, where the upstream speaks another dialect than the client.
//!
//! An upstream that counts is asked; where it has no such question, an estimate answers, with a header that says so.

use http::{Method, StatusCode};

use super::answer::{self, Answer};
use super::call::{self, Call};
use super::route::Entry;
use super::upstream::Outgoing;
use super::{headers, path, translating};
use crate::canonical::{Error, ErrorClass, OnLoss};
use crate::capability;
use crate::dialect::{ClientRequest, Dialect, WrittenRequest};
use crate::telemetry::Access;
use crate::translate::{
    self, Carriers, Estimate, Exchange, ExchangeConfig, ExchangeIdentity, ReasoningOwner,
};

/// How many requests are tokenized at the same time; each keeps a processor busy, for a second or two at most.
pub(super) const AT_ONCE: usize = 2;
/// The most bytes of an upstream's count that are read.
const COUNT_LIMIT: usize = 64 * 1024;

type Pair = (&'static dyn Dialect, &'static dyn Dialect);

/// Answers with the number of a request's tokens. `model` is what the path names.
pub(super) async fn count(
    call: Call<'_>,
    entry: &Entry,
    (client, upstream): Pair,
    model: Option<&str>,
    access: &mut Access,
) -> Answer {
    let counted = match client.unwrap_count(&call.body.whole()) {
        Ok(Some(body)) => {
            let call = Call {
                body: body.into(),
                ..call
            };
            try_count(call, entry, (client, upstream), model, access).await
        }
        Ok(None) => return translating::untranslated(&call, client, access),
        Err(error) => Err(error),
    };
    let mut answer = counted.unwrap_or_else(|error| answer::error(Some(client), &error, access));
    answer::identify(&mut answer, client.name(), access);
    answer
}

async fn try_count(
    call: Call<'_>,
    entry: &Entry,
    (client, upstream): Pair,
    model: Option<&str>,
    access: &mut Access,
) -> Result<Answer, Error> {
    let (question, estimate) = {
        let credential = headers::client_token(&call.headers).unwrap_or_default();
        let scope = ReasoningOwner::new(call.group.prefix.as_str(), credential.as_bytes());
        let inbound = ClientRequest {
            headers: &call.headers,
            model,
            stream: Some(false),
            body: &call.body.whole(),
        };
        let route = ExchangeConfig {
            client,
            upstream,
            upstream_model: &|name| entry.model.backend_model_for(name).to_owned(),
            capabilities: &|model| capability::lookup(upstream.name(), model),
            edits: &entry.edits,
            on_loss: OnLoss::Ignore,
            carriers: if entry.model.reasoning_carriers {
                &call.proxy.carriers
            } else {
                &Carriers::Off
            },
            memory: Some((&call.proxy.memory, scope)),
        };
        let question = translate::begin_count(
            &route,
            &inbound,
            ExchangeIdentity {
                created: translating::now(),
                request_id: &access.request_id,
            },
        )?;
        (question, Estimate::read(&route, &inbound))
    };
    let proxy = call.proxy;
    if let Some((exchange, written)) = question
        && let Some(answer) = ask(call, entry, &exchange, written, upstream, access).await?
    {
        return Ok(answer);
    }
    let estimate = estimate?;
    let _turn = proxy.counters.acquire().await.map_err(|_| unfinished())?;
    let counted = tokio::task::spawn_blocking(move || estimate.input_tokens()).await;
    let tokens = counted.map_err(|_| unfinished())?;
    Ok(answer::estimate(client.write_count(tokens)))
}

/// Asks the upstream; `None` where it does not count.
async fn ask(
    call: Call<'_>,
    entry: &Entry,
    exchange: &Exchange,
    written: WrittenRequest,
    upstream: &'static dyn Dialect,
    access: &mut Access,
) -> Result<Option<Answer>, Error> {
    let url = path::upstream_url(&entry.model.backend_base_url, false, false, &written.path, None);
    let headers = headers::translated(call.headers, &entry.model.backend_auth, written.headers, false);
    let request = Outgoing {
        method: Method::POST,
        url: call::parse(&url)?,
        headers: headers.map_err(call::unusable)?,
        body: vec![written.body.into()],
    };
    let (parts, body) = call::send(call.proxy, request, entry, access).await?.into_parts();
    let limit = if parts.status.is_success() {
        COUNT_LIMIT
    } else {
        translating::ERROR_LIMIT
    };
    let (body, _) = body.collect(limit).await.map_err(translating::broken)?;
    let mut answer = if parts.status.is_success() {
        let Some(tokens) = upstream.read_count(&body) else {
            tracing::warn!(
                request_id = access.request_id,
                "the upstream's count of tokens cannot be read: it is estimated"
            );
            return Ok(None);
        };
        answer::json(exchange.client().write_count(tokens))
    } else {
        let (error, written) = exchange.translate_error(parts.status, &parts.headers, &body);
        if does_not_count(parts.status, &error) {
            tracing::debug!(
                request_id = access.request_id,
                status = parts.status.as_u16(),
                "the upstream does not count tokens: they are estimated"
            );
            return Ok(None);
        }
        translating::refusal(&error, written, &parts.headers, access)
    };
    if let Some(id) = translating::upstream_id(&parts.headers) {
        let headers = answer.headers_mut();
        headers.insert(answer::UPSTREAM_REQUEST_ID, id.clone());
    }
    Ok(Some(answer))
}

/// Whether an error says that the upstream does not count, or not this model's tokens, rather than that something is
/// wrong with the request or with its credential.
fn does_not_count(status: StatusCode, error: &Error) -> bool {
    match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => true,
        // Bedrock: "The provided model doesn't support counting tokens."
        StatusCode::BAD_REQUEST => {
            let message = error.message.to_ascii_lowercase();
            message.contains("support") && message.contains("token") && message.contains("count")
        }
        // AWS has a permission of its own for it, which roles made for inference alone do not have.
        StatusCode::FORBIDDEN => error.message.contains("bedrock:CountTokens"),
        _ => false,
    }
}

fn unfinished() -> Error {
    Error::new(ErrorClass::Internal, "the tokens could not be counted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_so_is_no_counter() {
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
