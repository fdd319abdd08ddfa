//! What a request asks for, and which way it goes.

use std::time::SystemTime;

use http::header::{CONNECTION, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::path::{self, ModelsPath};
use super::response::{self, ProxyResponse, ResponseBody};
use super::route::RouteGroup;
use super::routed_request::{self, RoutedRequest};
use super::sigv4::SignatureClaim;
use super::{Proxy, headers, models, passthrough, request_body, response_store, translation};
use crate::canonical::{Error, ErrorClass};
use crate::dialect::Endpoint;
use crate::telemetry::Access;

/// Where the proxy answers for its own health.
const HEALTH: &str = "/healthz";

/// Answers a request.
pub(super) async fn handle(proxy: &Proxy, request: Request<Incoming>) -> Response<ResponseBody> {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let head = method == Method::HEAD;
    let mut access = Access::new(proxy.ids.next(), method, path);
    // Boxed: the connection keeps the room for this future as long as it lives, and streams live long.
    let answer = Box::pin(answer(proxy, request, &mut access)).await;
    access.status = Some(answer.status());
    let bodiless = head || matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    answer.map(|source| ResponseBody::new(source, bodiless, access))
}

async fn answer(proxy: &Proxy, request: Request<Incoming>, access: &mut Access) -> ProxyResponse {
    let (parts, incoming) = request.into_parts();
    // A copy: the request's own keeps all the bytes that it arrived with in memory, for as long as the answer is waited for.
    let path = access.path.clone();
    let path = path.as_str();
    let probes = parts.method == Method::GET || parts.method == Method::HEAD;
    if path == HEALTH && probes {
        access.quiet = true;
        return response::full(StatusCode::OK, Some("text/plain"), "ok\n");
    }
    let found = proxy.routes.find(path);
    let group = found.map(|(group, _)| group);
    let refuse = |error: Error, access: &mut Access| {
        response::error(routed_request::speaking(group, &parts.headers), &error, access)
    };
    if path::is_unsafe(path) {
        let message = "the path has a segment that climbs out of its place";
        return refuse(Error::new(ErrorClass::InvalidRequest, message), access);
    }
    let Some((group, rest)) = found else {
        if path == "/" && probes {
            return response::full(StatusCode::OK, None, "");
        }
        let message = format!("nothing is configured for the path {path}");
        return refuse(Error::new(ErrorClass::UnknownPath, message), access);
    };
    access.prefix = Some(group.prefix.to_string());
    if matches!(rest, "" | "/") && probes {
        return response::full(StatusCode::OK, None, "");
    }
    let claim = match claimed(proxy, group, &parts) {
        Ok(claim) => claim,
        Err(error) => return refuse(error, access),
    };
    let mut body = match request_body::read(incoming, &parts.headers).await {
        Ok(body) => body,
        Err(error) => return refuse(error, access),
    };
    if let Some(claim) = claim {
        body.join();
        if let Err(error) = claim.verify(&parts, &body.whole()) {
            return refuse(error, access);
        }
    }
    access.request_bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
    let query = parts.uri.query().map(str::to_owned);
    drop(parts.uri);
    let call = RoutedRequest {
        rest,
        query,
        method: parts.method,
        headers: parts.headers,
        body,
        group,
        proxy,
    };
    dispatch(call, access).await
}

/// What a request claims by its signature, where it has to have one.
fn claimed<'p>(
    proxy: &'p Proxy,
    group: &RouteGroup,
    head: &Parts,
) -> Result<Option<SignatureClaim<'p>>, Error> {
    let known = proxy.aws_credentials.as_slice();
    if known.is_empty() || !group.takes_signatures() {
        return Ok(None);
    }
    SignatureClaim::read(head, known, SystemTime::now()).map(Some)
}

async fn dispatch(mut call: RoutedRequest<'_>, access: &mut Access) -> ProxyResponse {
    if !call.group.is_plain() && headers::wants_websocket(&call.headers) {
        return without_websocket(&call, access);
    }
    if let Some(asked) = asks_for_models(&call) {
        return models::answer(&call, &asked, access);
    }
    if let Some(answer) = response_store::object(&call, access).await {
        return answer;
    }
    let mut dialects = call.group.dialects();
    if dialects.any(|dialect| dialect.is_foreign_path(&call.method, call.rest)) {
        let message = format!("{} {} belongs to another API", call.method, call.rest);
        return response::error(
            call.dialect(),
            &Error::new(ErrorClass::UnknownPath, message),
            access,
        );
    }
    let named = match request_body::find_model(&call.headers, &mut call.body) {
        Ok(named) => named,
        Err(error) => return response::error(call.dialect(), &error, access),
    };
    let in_path = model_in_path(call.group, &call.method, call.rest);
    let Some(name) = in_path.or_else(|| named.as_ref().map(|named| named.name.clone())) else {
        return without_model(call, access).await;
    };
    access.client_model = Some(name.clone());
    let Some(entry) = call.group.lookup(&name) else {
        return response::error(call.dialect(), &models::unknown(&name), access);
    };
    let backend = entry.model.backend_model_for(&name);
    access.backend_model = Some(backend.to_owned());
    access.dialects = entry
        .model
        .dialects
        .map(|pair| (pair.frontend.as_str(), pair.backend.as_str()));
    match entry.translation() {
        Some(pair) => {
            call.body.join();
            translation::translate(call, entry, pair, access).await
        }
        None => passthrough::forward(call, entry, named, access).await,
    }
}

/// The answer to a client that would rather have a WebSocket: Codex tries one and goes on with events.
fn without_websocket(call: &RoutedRequest<'_>, access: &mut Access) -> ProxyResponse {
    let message = "WebSockets are not spoken here: send the request with POST";
    let error = Error::new(ErrorClass::MethodNotAllowed, message);
    let mut answer = response::error(call.dialect(), &error, access);
    *answer.status_mut() = StatusCode::UPGRADE_REQUIRED;
    let headers = answer.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer
}

/// A question about models that is answered here: everywhere but where one upstream without a dialect answers for
/// the whole prefix.
fn asks_for_models(call: &RoutedRequest<'_>) -> Option<ModelsPath> {
    if call.method != Method::GET && call.method != Method::HEAD {
        return None;
    }
    let forwarded = call.group.is_plain() && call.group.sole_upstream().is_some();
    path::models(call.rest).filter(|_| !forwarded)
}

/// The model that the path names, in a dialect that has it there.
fn model_in_path(group: &RouteGroup, method: &Method, rest: &str) -> Option<String> {
    let mut dialects = group.dialects();
    dialects.find_map(|dialect| dialect.endpoint(method, rest).model())
}

/// A request that names no model: to the upstream that all models share, where there is one.
async fn without_model(call: RoutedRequest<'_>, access: &mut Access) -> ProxyResponse {
    if !headers::is_plain(&call.headers) && !call.group.is_verbatim() {
        let message = "a compressed request body cannot be read here: send it without content-encoding";
        let error = Error::new(ErrorClass::InvalidRequest, message);
        return response::error(call.dialect(), &error, access);
    }
    if let Some(entry) = call.group.sole_upstream() {
        return passthrough::forward(call, entry, None, access).await;
    }
    let generates = call.group.dialects().any(|dialect| {
        let endpoint = dialect.endpoint(&call.method, call.rest);
        matches!(endpoint, Endpoint::Generate { .. })
    });
    let error = if generates {
        let message = "the request has to name a model";
        Error::new(ErrorClass::InvalidRequest, message).at("model")
    } else {
        let message = format!(
            "{} {} names no model, and the models of {} do not share one upstream that it could go to",
            call.method, call.rest, call.group.prefix
        );
        Error::new(ErrorClass::UnknownPath, message)
    };
    response::error(call.dialect(), &error, access)
}
