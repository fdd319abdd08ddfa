//! Which headers cross the proxy, and whose credential authenticates a request.
//!
//! A request loses the headers of its connection and of its way to the proxy; the client's credential, if the proxy
//! has one of its own for the upstream; and, if its upstream speaks another dialect, the headers that only the
//! client's vendor understands. Every other header passes, known or not: tracing and gateway headers are many, and a
//! header that an upstream does not know does no harm. A response loses the headers of its connection and of the
//! upstream's site.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALT_SVC, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_TYPE, COOKIE, EXPECT, FORWARDED, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::BackendAuth;

/// Headers about one connection (RFC 9110, section 7.6.1), besides those that `Connection` names. The connections on
/// the two sides of the proxy differ in all of it: framing, persistence, protocol.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    // Both authenticate to this proxy, not to the upstream.
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    // Not in the RFC, but some clients send it to proxies.
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers about the way of a request to the proxy, not about what it asks for.
const ABOUT_THE_WAY: [HeaderName; 6] = [
    // The HTTP client writes the upstream's.
    HOST,
    // The length changes with the model's name; the HTTP client writes the new one.
    CONTENT_LENGTH,
    // The body has been read by now, so there is nothing left to wait for.
    EXPECT,
    // The client's address is no business of a vendor, here and in the prefixes below.
    FORWARDED,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("true-client-ip"),
];
const ABOUT_THE_WAY_PREFIXES: [&str; 2] = ["x-forwarded-", "cf-"];

/// Headers that authenticate a client or name the account that it uses. They are removed together: an account of the
/// client beside a key of the proxy would be refused, and a second credential would reach a vendor that it is not
/// meant for.
const CREDENTIALS: [HeaderName; 7] = [
    AUTHORIZATION,
    X_API_KEY,
    API_KEY,
    HeaderName::from_static("x-goog-api-key"),
    COOKIE,
    HeaderName::from_static("openai-organization"),
    HeaderName::from_static("openai-project"),
];
/// The session token and the date of an AWS signature, among others.
const CREDENTIAL_PREFIXES: [&str; 1] = ["x-amz-"];

/// Headers that only the vendor of the client's dialect understands, or that describe a body which is translated.
const ABOUT_THE_DIALECT: [HeaderName; 9] = [
    // Type and encoding of both bodies are set anew, since the proxy has to read the response.
    CONTENT_TYPE,
    CONTENT_ENCODING,
    ACCEPT,
    ACCEPT_ENCODING,
    // From here on: what SDKs and agents send for their own vendor's servers.
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-app"),
    HeaderName::from_static("originator"),
    HeaderName::from_static("session_id"),
    HeaderName::from_static("x-client-request-id"),
];
const ABOUT_THE_DIALECT_PREFIXES: [&str; 9] = [
    "amz-sdk-",
    "anthropic-",
    "openai-",
    "x-openai-",
    "x-stainless-",
    "x-claude-",
    "x-codex-",
    "chatgpt-",
    "x-amzn-",
];

/// Headers of a response about the upstream's site. A browser or client would apply them to the proxy's host.
const ABOUT_THE_SITE: [HeaderName; 3] = [SET_COOKIE, ALT_SVC, STRICT_TRANSPORT_SECURITY];

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// A credential that cannot be the value of a header. Does not contain the credential, so that it can be logged.
#[derive(Debug, PartialEq, Eq)]
pub struct UnusableCredential;

/// The form of the response that the proxy asks an upstream of another dialect for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedResponse {
    /// One JSON document.
    Document,
    /// A stream of events.
    Stream,
}

/// Whether a client asks for a WebSocket instead of a response.
pub fn wants_websocket(headers: &HeaderMap) -> bool {
    let protocols = headers.get_all(UPGRADE).iter();
    let mut protocols = protocols.filter_map(|value| value.to_str().ok());
    protocols.any(|value| {
        value
            .split(',')
            .any(|name| name.trim().eq_ignore_ascii_case("websocket"))
    })
}

/// Makes a client's headers those of the request to an upstream of the same dialect.
///
/// # Errors
/// When the proxy's credential cannot be the value of a header.
pub fn forward(mut headers: HeaderMap, auth: &BackendAuth) -> Result<HeaderMap, UnusableCredential> {
    remove_hop_by_hop(&mut headers);
    remove(&mut headers, &ABOUT_THE_WAY, &ABOUT_THE_WAY_PREFIXES);
    remove_signature(&mut headers);
    authenticate(&mut headers, auth)?;
    Ok(headers)
}

/// Makes a client's headers those of the request to an upstream of another dialect. `dialect_headers` are those that
/// the upstream's dialect asks for.
///
/// If the proxy has no credential of its own, the client's token is also put into the header that the configuration
/// names.
///
/// # Errors
/// When the credential cannot be the value of a header.
pub fn translate(
    mut headers: HeaderMap,
    auth: &BackendAuth,
    dialect_headers: Vec<(HeaderName, HeaderValue)>,
    accepted: AcceptedResponse,
) -> Result<HeaderMap, UnusableCredential> {
    remove_hop_by_hop(&mut headers);
    remove(&mut headers, &ABOUT_THE_WAY, &ABOUT_THE_WAY_PREFIXES);
    remove_signature(&mut headers);
    // Read before `authenticate` may remove it.
    let token = client_token(&headers).map(str::to_owned);
    authenticate(&mut headers, auth)?;
    remove(&mut headers, &ABOUT_THE_DIALECT, &ABOUT_THE_DIALECT_PREFIXES);
    // The dialects differ in the header of the credential, so the client's token would be in the wrong one.
    if auth.api_key.is_none()
        && auth.aws.is_none()
        && (auth.header_set || auth.schema_set)
        && let Some(token) = token
    {
        let value = auth.header_value(&token).map_err(|_| UnusableCredential)?;
        headers.insert(auth.header.clone(), value);
    }
    let accept = match accepted {
        AcceptedResponse::Stream => "text/event-stream",
        AcceptedResponse::Document => "application/json",
    };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // The proxy has to read the response and has no decompressor.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in dialect_headers {
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Makes an upstream's headers those of the response to the client, if the body passes unchanged.
pub fn forward_response(mut headers: HeaderMap) -> HeaderMap {
    remove_hop_by_hop(&mut headers);
    remove(&mut headers, &ABOUT_THE_SITE, &[]);
    headers
}

/// Replaces all credentials of the client by the proxy's own, if it has one for the upstream.
fn authenticate(headers: &mut HeaderMap, auth: &BackendAuth) -> Result<(), UnusableCredential> {
    if auth.aws.is_some() {
        // The signature covers the request as it is sent, so it is made last, in `aws`.
        remove(headers, &CREDENTIALS, &CREDENTIAL_PREFIXES);
        return Ok(());
    }
    let Some(key) = &auth.api_key else {
        return Ok(());
    };
    remove(headers, &CREDENTIALS, &CREDENTIAL_PREFIXES);
    let value = auth.header_value(key.expose()).map_err(|_| UnusableCredential)?;
    headers.insert(auth.header.clone(), value);
    Ok(())
}

/// Removes an AWS signature. It covers the host that the client sent the request to, which is the proxy's, so no
/// upstream can accept it.
fn remove_signature(headers: &mut HeaderMap) {
    let signed = headers
        .get(AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"AWS4-"));
    if signed {
        remove(headers, &[AUTHORIZATION], &CREDENTIAL_PREFIXES);
    }
}

/// The token that a client authenticates with. `x-api-key` takes precedence over `Authorization`.
pub fn client_token(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let bearer = || {
        let (schema, token) = text(&AUTHORIZATION)?.split_once(' ')?;
        schema.eq_ignore_ascii_case("bearer").then_some(token.trim())
    };
    text(&X_API_KEY)
        .or_else(bearer)
        .or_else(|| text(&API_KEY))
        .filter(|token| !token.is_empty())
}

/// Removes the headers that `Connection` names and those of [`HOP_BY_HOP`].
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    remove(headers, &named, &[]);
    remove(headers, &HOP_BY_HOP, &[]);
}

/// Removes the headers with these names, and those whose names begin with one of the prefixes.
fn remove(headers: &mut HeaderMap, names: &[HeaderName], prefixes: &[&str]) {
    for name in names {
        headers.remove(name);
    }
    if prefixes.is_empty() {
        return;
    }
    let begins = |name: &HeaderName| prefixes.iter().any(|prefix| name.as_str().starts_with(prefix));
    // A map cannot be changed while it is read.
    let found: Vec<HeaderName> = headers.keys().filter(|name| begins(name)).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Whether a client's headers are those of a client of Anthropic's API.
pub fn speaks_claude(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version") || headers.contains_key(X_API_KEY)
}

/// Whether the body is not compressed.
pub fn is_plain(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_ENCODING)
        .is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The media type of a body, without its parameters; empty if there is none.
pub fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let value = value.unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn auth(key: Option<&str>, header: &'static str, schema: &str, set: bool) -> BackendAuth {
        BackendAuth {
            api_key: key.map(Secret::new),
            aws: None,
            header: HeaderName::from_static(header),
            schema: schema.to_owned(),
            header_set: set,
            schema_set: set,
        }
    }

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (
                HeaderName::try_from(*name).expect("a name"),
                HeaderValue::try_from(*value).expect("a value"),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    const CLIENT: [(&str, &str); 13] = [
        ("host", "proxy"),
        ("connection", "keep-alive, X-Hop"),
        ("x-hop", "1"),
        ("te", "trailers"),
        ("proxy-authorization", "Basic x"),
        ("x-forwarded-for", "10.0.0.1"),
        ("authorization", "Bearer client"),
        ("x-api-key", "client-key"),
        ("cookie", "a=b"),
        ("x-amz-security-token", "t"),
        ("anthropic-beta", "b"),
        ("user-agent", "client/1"),
        ("x-custom", "c"),
    ];

    #[test]
    fn without_a_key_the_clients_credentials_pass() {
        let sent = forward(map(&CLIENT), &auth(None, "authorization", "Bearer", false)).expect("headers");
        assert_eq!(
            names(&sent),
            [
                "anthropic-beta",
                "authorization",
                "cookie",
                "user-agent",
                "x-amz-security-token",
                "x-api-key",
                "x-custom"
            ]
        );
        assert_eq!(sent["authorization"], "Bearer client");
    }

    #[test]
    fn a_key_replaces_all_credentials_of_the_client() {
        let sent = forward(map(&CLIENT), &auth(Some("own"), "x-api-key", "", true)).expect("headers");
        assert_eq!(
            names(&sent),
            ["anthropic-beta", "user-agent", "x-api-key", "x-custom"]
        );
        assert_eq!(sent["x-api-key"], "own");
        assert!(sent["x-api-key"].is_sensitive());
    }

    #[test]
    fn a_translated_request_has_the_headers_of_the_other_dialect() {
        let version = (
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static("2023-06-01"),
        );
        let client = map(&[
            ("authorization", "bearer token"),
            ("openai-beta", "x"),
            ("x-stainless-lang", "rust"),
            ("content-type", "application/json; charset=utf-8"),
            ("accept-encoding", "gzip"),
            ("user-agent", "client/1"),
        ]);
        let sent = translate(
            client,
            &auth(None, "x-api-key", "", true),
            vec![version],
            AcceptedResponse::Stream,
        )
        .expect("headers");
        assert_eq!(
            names(&sent),
            [
                "accept",
                "accept-encoding",
                "anthropic-version",
                "authorization",
                "content-type",
                "user-agent",
                "x-api-key"
            ]
        );
        assert_eq!(sent["x-api-key"], "token");
        assert_eq!(sent["accept-encoding"], "identity");
        let unset = auth(None, "authorization", "Bearer", false);
        let sent = translate(
            map(&[("x-api-key", "k")]),
            &unset,
            Vec::new(),
            AcceptedResponse::Document,
        )
        .expect("headers");
        assert!(!sent.contains_key("authorization"));
    }
}
