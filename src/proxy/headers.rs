//! Which headers cross the proxy, and who is authenticated by which.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALT_SVC, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_TYPE, COOKIE, EXPECT, FORWARDED, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::BackendAuth;

/// Headers of one connection (RFC 9110, section 7.6.1), besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers of a request that are about its way to the proxy, not about what it asks for.
const OF_THE_WAY: [HeaderName; 6] = [
    HOST,
    CONTENT_LENGTH,
    EXPECT,
    FORWARDED,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("true-client-ip"),
];
const OF_THE_WAY_PREFIXES: [&str; 2] = ["x-forwarded-", "cf-"];

/// Headers that authenticate a client or say on whose account it works.
const CREDENTIALS: [HeaderName; 7] = [
    AUTHORIZATION,
    X_API_KEY,
    API_KEY,
    HeaderName::from_static("x-goog-api-key"),
    COOKIE,
    HeaderName::from_static("openai-organization"),
    HeaderName::from_static("openai-project"),
];
const CREDENTIAL_PREFIXES: [&str; 1] = ["x-amz-"];

/// Headers of a request that only its own dialect's vendor understands, or that describe a body that is rewritten.
const OF_THE_DIALECT: [HeaderName; 9] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    ACCEPT,
    ACCEPT_ENCODING,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-app"),
    HeaderName::from_static("originator"),
    HeaderName::from_static("session_id"),
    HeaderName::from_static("x-client-request-id"),
];
const OF_THE_DIALECT_PREFIXES: [&str; 9] = [
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

/// Headers of an answer that belong to the upstream's site or to its connection.
const OF_THE_SITE: [HeaderName; 3] = [SET_COOKIE, ALT_SVC, STRICT_TRANSPORT_SECURITY];

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// Why a request cannot be authenticated to the upstream; never holds the credential.
#[derive(Debug, PartialEq, Eq)]
pub struct UnusableCredential;

/// Whether a client asks for a WebSocket in place of an answer.
pub fn wants_websocket(headers: &HeaderMap) -> bool {
    let protocols = headers.get_all(UPGRADE).iter();
    let mut protocols = protocols.filter_map(|value| value.to_str().ok());
    protocols.any(|value| {
        value
            .split(',')
            .any(|name| name.trim().eq_ignore_ascii_case("websocket"))
    })
}

/// A client's headers as they go to an upstream of the same dialect.
///
/// # Errors
/// When the credential cannot be a header's value.
pub fn forwarded(mut headers: HeaderMap, auth: &BackendAuth) -> Result<HeaderMap, UnusableCredential> {
    remove_hop_by_hop(&mut headers);
    remove(&mut headers, &OF_THE_WAY, &OF_THE_WAY_PREFIXES);
    remove_signature(&mut headers);
    authenticate(&mut headers, auth)?;
    Ok(headers)
}

/// A client's headers as they go to an upstream of another dialect; `dialect` are those that the latter asks for.
///
/// Where the proxy has no key of its own, the client's token also goes into the header that the configuration names.
///
/// # Errors
/// When the credential cannot be a header's value.
pub fn translated(
    mut headers: HeaderMap,
    auth: &BackendAuth,
    dialect: Vec<(HeaderName, HeaderValue)>,
    stream: bool,
) -> Result<HeaderMap, UnusableCredential> {
    remove_hop_by_hop(&mut headers);
    remove(&mut headers, &OF_THE_WAY, &OF_THE_WAY_PREFIXES);
    remove_signature(&mut headers);
    let token = client_token(&headers).map(str::to_owned);
    authenticate(&mut headers, auth)?;
    remove(&mut headers, &OF_THE_DIALECT, &OF_THE_DIALECT_PREFIXES);
    if auth.api_key.is_none()
        && auth.aws.is_none()
        && (auth.header_set || auth.schema_set)
        && let Some(token) = token
    {
        let value = auth.header_value(&token).map_err(|_| UnusableCredential)?;
        headers.insert(auth.header.clone(), value);
    }
    let accept = if stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in dialect {
        headers.insert(name, value);
    }
    Ok(headers)
}

/// An upstream's headers as they go to the client, where the body passes unchanged.
pub fn answered(mut headers: HeaderMap) -> HeaderMap {
    remove_hop_by_hop(&mut headers);
    remove(&mut headers, &OF_THE_SITE, &[]);
    headers
}

/// Puts the proxy's own key in the place of all that the client authenticates by, where there is such a key.
fn authenticate(headers: &mut HeaderMap, auth: &BackendAuth) -> Result<(), UnusableCredential> {
    if auth.aws.is_some() {
        // The signature is made of what is sent in the end.
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

/// Takes away an AWS signature: it covers the host that the client spoke to, so that no upstream can accept it.
fn remove_signature(headers: &mut HeaderMap) {
    let signed = headers
        .get(AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"AWS4-"));
    if signed {
        remove(headers, &[AUTHORIZATION], &CREDENTIAL_PREFIXES);
    }
}

/// The token that a client authenticates by. `x-api-key` wins over `Authorization` where both are there.
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

fn remove(headers: &mut HeaderMap, names: &[HeaderName], prefixes: &[&str]) {
    for name in names {
        headers.remove(name);
    }
    if prefixes.is_empty() {
        return;
    }
    let begins = |name: &HeaderName| prefixes.iter().any(|prefix| name.as_str().starts_with(prefix));
    let found: Vec<HeaderName> = headers.keys().filter(|name| begins(name)).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Whether a client introduces itself as one of Anthropic's API.
pub fn speaks_claude(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version") || headers.contains_key(X_API_KEY)
}

/// Whether the body is what `content-type` says it is, without a coding around it.
pub fn is_plain(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_ENCODING)
        .is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The media type of a body, without its parameters; empty where it is not told.
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
    fn without_a_key_the_client_authenticates_itself() {
        let sent = forwarded(map(&CLIENT), &auth(None, "authorization", "Bearer", false)).expect("headers");
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
    fn a_key_takes_the_place_of_all_that_the_client_sent() {
        let sent = forwarded(map(&CLIENT), &auth(Some("own"), "x-api-key", "", true)).expect("headers");
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
        let sent =
            translated(client, &auth(None, "x-api-key", "", true), vec![version], true).expect("headers");
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
        let sent = translated(map(&[("x-api-key", "k")]), &unset, Vec::new(), false).expect("headers");
        assert!(!sent.contains_key("authorization"));
    }
}
