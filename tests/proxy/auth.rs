//! Which headers reach the upstream, and whose credential.

use crate::support::{FetchResponse, PING, TestProxy, Upstream, model};

const CLIENT: [(&str, &str); 9] = [
    ("authorization", "Bearer client-token"),
    ("x-api-key", "client-key"),
    ("api-key", "client-key"),
    ("cookie", "session=1"),
    ("x-amz-security-token", "client-session"),
    ("anthropic-beta", "one,two"),
    ("x-custom", "kept"),
    ("accept-encoding", "gzip, br"),
    ("user-agent", "client/1"),
];

/// Sends a request with all headers of [`CLIENT`] and some of a connection.
async fn send(proxy: &TestProxy) {
    let mut request = proxy.post("/p/v1/x", PING);
    for (name, value) in CLIENT {
        request = request.header(name, value);
    }
    request = request.header("connection", "x-hop").header("x-hop", "1");
    request = request
        .header("proxy-authorization", "Basic x")
        .header("x-forwarded-for", "10.0.0.1");
    assert_eq!(request.fetch().await.status(), 200);
}

#[tokio::test]
async fn without_a_key_the_clients_credentials_pass() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::forwarding_to(&upstream.url()).await;
    send(&proxy).await;
    let seen = upstream.only();
    for (name, value) in CLIENT {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    for name in ["x-hop", "proxy-authorization", "x-forwarded-for"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(seen.header("host"), Some(upstream.address.to_string().as_str()));
}

#[tokio::test]
async fn a_key_replaces_all_credentials() {
    for (more, header, value) in [
        ("backend_api_key: own", "authorization", "Bearer own"),
        (
            "backend_api_key: own, backend_auth_header: X-Api-Key, backend_auth_schema: \"\"",
            "x-api-key",
            "own",
        ),
        (
            "backend_api_key: own, backend_auth_header: X-Special, backend_auth_schema: Token",
            "x-special",
            "Token own",
        ),
    ] {
        let upstream = Upstream::plain().await;
        let proxy = TestProxy::serve(&model("/p", "m", "m", &upstream.url(), more)).await;
        send(&proxy).await;
        let seen = upstream.only();
        assert_eq!(seen.header(header), Some(value));
        for name in [
            "authorization",
            "x-api-key",
            "api-key",
            "cookie",
            "x-amz-security-token",
        ] {
            assert!(name == header || seen.header(name).is_none(), "{name}");
        }
        for name in ["anthropic-beta", "x-custom", "accept-encoding", "user-agent"] {
            assert!(seen.header(name).is_some(), "{name}");
        }
    }
}
