//! What a request asks for, and which way it goes.

use std::time::SystemTime;

use http::header::{CONNECTION, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::path::{self, ModelsPath};
use super::response::{self, BodyDelivery, ProxyResponse, ResponseBody};
use super::route::RouteGroup;
use super::routed_request::{self, RoutedRequest};
use super::sigv4::SignatureClaim;
use super::{Proxy, headers, models, passthrough, request_body, response_store, translation};
use crate::canonical::{Error, ErrorClass};
use crate::dialect::Endpoint;
use crate::telemetry::Access;

/// The path where the proxy reports that it is healthy.
const HEALTH: &str = "/healthz";

/// Responds to a request. The request's line is written to the log when the body of the response ends.
pub(super) async fn handle(proxy: &Proxy, request: Request<Incoming>) -> Response<ResponseBody> {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let is_head = method == Method::HEAD;
    let mut access = Access::new(proxy.ids.next(), method, path);
    // Boxed: a connection has room for this future as long as it lives, and streams live long.
    let response = Box::pin(respond(proxy, request, &mut access)).await;
    access.status = Some(response.status());
    let has_no_body = matches!(
        response.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    let delivery = if is_head || has_no_body {
        BodyDelivery::Omitted
    } else {
        BodyDelivery::Sent
    };
    response.map(|source| ResponseBody::new(source, delivery, access))
}

/// Finds the route of a request, checks its signature if it has to have one, reads its body, and dispatches it.
async fn respond(proxy: &Proxy, request: Request<Incoming>, access: &mut Access) -> ProxyResponse {
    let (parts, incoming) = request.into_parts();
    // A copy: the URI is a slice of the buffer that the head arrived in, and would keep all of it in memory for as
    // long as the upstream takes.
    let path = access.path.clone();
    let path = path.as_str();

    // Probes of load balancers and clients.
    let is_probe = parts.method == Method::GET || parts.method == Method::HEAD;
    if path == HEALTH && is_probe {
        access.quiet = true;
        return response::full(StatusCode::OK, Some("text/plain"), "ok\n");
    }

    // The route. It is looked up before the path is checked, because it determines the dialect of the error.
    let found = proxy.routes.find(path);
    let group = found.map(|(group, _)| group);
    let refuse = |error: Error, access: &mut Access| {
        response::error(
            routed_request::guess_dialect(group, &parts.headers),
            &error,
            access,
        )
    };
    if path::is_unsafe(path) {
        let message = "the path contains `.` or `..`, a backslash or a control character";
        return refuse(Error::new(ErrorClass::InvalidRequest, message), access);
    }
    let Some((group, path_below)) = found else {
        if path == "/" && is_probe {
            return response::full(StatusCode::OK, None, "");
        }
        let message = format!("nothing is configured for the path {path}");
        return refuse(Error::new(ErrorClass::UnknownPath, message), access);
    };
    access.prefix = Some(group.prefix.to_string());
    if matches!(path_below, "" | "/") && is_probe {
        return response::full(StatusCode::OK, None, "");
    }

    // The signature. Whatever can be refused by the head alone is refused before the body is received.
    let claim = match read_claim(proxy, group, &parts) {
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
    // Frees the buffer of the head, of which it is a slice.
    drop(parts.uri);
    let request = RoutedRequest {
        path: path_below,
        query,
        method: parts.method,
        headers: parts.headers,
        body,
        group,
        proxy,
    };
    dispatch(request, access).await
}

/// Reads the claim in a request's signature; `None` if this route requires no signature.
fn read_claim<'p>(
    proxy: &'p Proxy,
    group: &RouteGroup,
    head: &Parts,
) -> Result<Option<SignatureClaim<'p>>, Error> {
    let credentials = proxy.aws_credentials.as_slice();
    if credentials.is_empty() || !group.takes_signatures() {
        return Ok(None);
    }
    SignatureClaim::read(head, credentials, SystemTime::now()).map(Some)
}

/// Decides which way a request goes. First come requests without a model, which the proxy serves itself or refuses.
/// Then the model determines the upstream, and its dialects whether the request is translated.
async fn dispatch(mut request: RoutedRequest<'_>, access: &mut Access) -> ProxyResponse {
    if !request.group.has_no_dialects() && headers::wants_websocket(&request.headers) {
        return refuse_websocket(&request, access);
    }
    if let Some(models_path) = read_models_path(&request) {
        return models::respond(&request, &models_path, access);
    }
    // The response store is asked before the model is looked for, because a request for a saved response (GET or DELETE
    // /v1/responses/{id}) names no model that could determine an upstream.
    if let Some(response) = response_store::respond(&request, access).await {
        return response;
    }
    // Such a path belongs to another API that clients of the dialect ask for at the same address. It would only be
    // forwarded to an upstream that does not have it.
    let mut dialects = request.group.dialects();
    if dialects.any(|dialect| dialect.is_foreign_path(&request.method, request.path)) {
        let message = format!("{} {} belongs to another API", request.method, request.path);
        return response::error(
            request.error_dialect(),
            &Error::new(ErrorClass::UnknownPath, message),
            access,
        );
    }

    // The model. One in the path takes precedence: that is where its dialect has it.
    let in_body = match request_body::find_model(&request.headers, &mut request.body) {
        Ok(in_body) => in_body,
        Err(error) => return response::error(request.error_dialect(), &error, access),
    };
    let in_path = find_model_in_path(request.group, &request.method, request.path);
    let Some(name) = in_path.or_else(|| in_body.as_ref().map(|named| named.name.clone())) else {
        return respond_without_model(request, access).await;
    };
    access.client_model = Some(name.clone());
    let Some(entry) = request.group.lookup(&name) else {
        return response::error(request.error_dialect(), &models::unknown_model(&name), access);
    };
    let backend = entry.model.backend_model_for(&name);
    access.backend_model = Some(backend.to_owned());
    access.dialects = entry
        .model
        .dialects
        .map(|pair| (pair.frontend.as_str(), pair.backend.as_str()));

    match entry.translation() {
        Some(dialects) => {
            // The readers of a dialect need the body in one piece.
            request.body.join();
            translation::translate(request, entry, dialects, access).await
        }
        None => passthrough::forward(request, entry, in_body, access).await,
    }
}

/// Refuses a WebSocket. Codex tries to open one, and turns to a stream of events when it gets this status.
fn refuse_websocket(request: &RoutedRequest<'_>, access: &mut Access) -> ProxyResponse {
    let message = "WebSockets are not supported: send the request with POST";
    let error = Error::new(ErrorClass::MethodNotAllowed, message);
    let mut response = response::error(request.error_dialect(), &error, access);
    *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
    // RFC 9110, section 15.5.22, requires the header `Upgrade` with this status.
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response
}

/// Recognises a request for models that the proxy serves itself. If the prefix has no dialects and only one upstream,
/// that upstream has the list, and the request is forwarded.
fn read_models_path(request: &RoutedRequest<'_>) -> Option<ModelsPath> {
    if request.method != Method::GET && request.method != Method::HEAD {
        return None;
    }
    let is_forwarded = request.group.has_no_dialects() && request.group.sole_upstream().is_some();
    path::parse_models_path(request.path).filter(|_| !is_forwarded)
}

/// The model that the path names, in a dialect that has it there.
fn find_model_in_path(group: &RouteGroup, method: &Method, path: &str) -> Option<String> {
    let mut dialects = group.dialects();
    dialects.find_map(|dialect| dialect.endpoint(method, path).model())
}

/// Responds to a request that names no model: by the upstream that all models of the prefix share, or with an error.
async fn respond_without_model(request: RoutedRequest<'_>, access: &mut Access) -> ProxyResponse {
    // A compressed body may well name a model, which the proxy cannot read. It passes only if the model does not
    // matter.
    if !headers::is_plain(&request.headers) && !request.group.is_verbatim() {
        let message = "compressed request bodies are not supported: send the body without `content-encoding`";
        let error = Error::new(ErrorClass::InvalidRequest, message);
        return response::error(request.error_dialect(), &error, access);
    }
    if let Some(entry) = request.group.sole_upstream() {
        return passthrough::forward(request, entry, None, access).await;
    }
    let generates = request.group.dialects().any(|dialect| {
        let endpoint = dialect.endpoint(&request.method, request.path);
        matches!(endpoint, Endpoint::Generate { .. })
    });
    let error = if generates {
        let message = "the request must contain a model";
        Error::new(ErrorClass::InvalidRequest, message).at("model")
    } else {
        let message = format!(
            "{} {} contains no model, so the proxy cannot choose among the upstreams of {}",
            request.method, request.path, request.group.prefix
        );
        Error::new(ErrorClass::UnknownPath, message)
    };
    response::error(request.error_dialect(), &error, access)
}
