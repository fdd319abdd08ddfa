//! Which upstream a request goes to, and which requests the proxy serves itself.

use serde_json::Value;

use crate::support::{FetchResponse, PING, TestProxy, Upstream, dialects, model, plain, read_json};

/// Sends a request and reads the JSON body of the response.
async fn fetch_json(request: reqwest::RequestBuilder) -> Value {
    read_json(request.fetch().await).await
}

#[tokio::test]
async fn slashes_and_versions_make_one_url() {
    let upstream = Upstream::plain().await;
    let url = upstream.url();
    let chat = &dialects("openai-chat", "openai-chat");
    let mut models = String::new();
    for (number, base) in [
        url.clone(),
        format!("{url}/"),
        format!("{url}/v1"),
        format!("{url}/v1/"),
    ]
    .iter()
    .enumerate()
    {
        models += &plain(&format!("/plain{number}"), "m", "m", base);
        models += &plain(&format!("/plain{number}/v1"), "m", "m", base);
        models += &model(&format!("/chat{number}/"), "m", "m", base, chat);
    }
    let proxy = TestProxy::serve(&models).await;
    for number in 0..4 {
        for path in [
            format!("/plain{number}/v1/messages"),
            format!("/plain{number}/v1/v1/messages"),
            format!("/plain{number}//v1/messages"),
            format!("/chat{number}/v1/messages"),
            format!("/chat{number}/messages"),
            format!("/chat{number}//messages"),
        ] {
            let response = proxy.post(&path, PING).fetch().await;
            assert_eq!(response.status(), 200);
            assert_eq!(
                upstream.seen().pop().expect("a request").uri,
                "/v1/messages",
                "{path}"
            );
        }
    }
    // In plain proxy mode the path is the client's business where the base names no version.
    let response = proxy.post("/plain0/messages", PING).fetch().await;
    assert_eq!(response.status(), 200);
    assert_eq!(upstream.seen().pop().expect("a request").uri, "/messages");
}

#[tokio::test]
async fn the_longest_prefix_wins_at_a_segment() {
    let (short, long, root) = (
        Upstream::plain().await,
        Upstream::plain().await,
        Upstream::plain().await,
    );
    let proxy = TestProxy::serve(
        &[
            plain("/a", "*", "*", &short.url()),
            plain("/a/b", "*", "*", &long.url()),
            plain("/", "*", "*", &root.url()),
        ]
        .concat(),
    )
    .await;
    for path in ["/a/x", "/a/b/x", "/a/bc", "/ab"] {
        let response = proxy.get(path).fetch().await;
        assert_eq!(response.status(), 200, "{path}");
    }
    let uris = |upstream: &Upstream| {
        upstream
            .seen()
            .into_iter()
            .map(|seen| seen.uri)
            .collect::<Vec<_>>()
    };
    assert_eq!(uris(&short), ["/x", "/bc"]);
    assert_eq!(uris(&long), ["/x"]);
    assert_eq!(uris(&root), ["/ab"]);
}

#[tokio::test]
async fn exact_names_win_over_the_longest_pattern() {
    let upstream = Upstream::plain().await;
    let url = upstream.url();
    let proxy = TestProxy::serve(
        &[
            plain("/p", "*", "any", &url),
            plain("/p", "claude-*", "claude", &url),
            plain("/p", "claude-opus-*", "opus", &url),
            plain("/p", "claude-opus-4", "four", &url),
        ]
        .concat(),
    )
    .await;
    for (name, expected) in [
        ("gpt", "any"),
        ("claude-x", "claude"),
        ("claude-opus-5", "opus"),
        ("claude-opus-4", "four"),
    ] {
        let body = format!(r#"{{"model":"{name}"}}"#);
        assert_eq!(proxy.post("/p/v1/x", body).fetch().await.status(), 200);
        let seen = upstream.seen().pop().expect("a request").body;
        assert_eq!(seen, format!(r#"{{"model":"{expected}"}}"#));
    }
}

#[tokio::test]
async fn unknown_models_and_paths_are_not_found() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::forwarding_to(&upstream.url()).await;
    let response = proxy.post("/p/v1/x", r#"{"model":"nope"}"#).fetch().await;
    assert_eq!(response.status(), 404);
    assert!(response.headers().contains_key("x-request-id"));
    let body = read_json(response).await;
    assert!(
        body["error"]["message"]
            .as_str()
            .expect("a message")
            .contains("`nope`"),
        "{body}"
    );
    let response = proxy.post("/elsewhere", PING).fetch().await;
    assert_eq!(response.status(), 404);
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_request_without_a_model_needs_one_upstream() {
    let (one, two) = (Upstream::plain().await, Upstream::plain().await);
    let key = |key: &str| format!("backend_api_key: {key}");
    let proxy = TestProxy::serve(
        &[
            plain("/same", "a", "x", &one.url()),
            plain("/same", "b", "y", &one.url()),
            plain("/hosts", "a", "x", &one.url()),
            plain("/hosts", "b", "y", &two.url()),
            model("/keys", "a", "x", &one.url(), &key("k1")),
            model("/keys", "b", "y", &one.url(), &key("k2")),
        ]
        .concat(),
    )
    .await;
    assert_eq!(proxy.get("/same/v1/files").fetch().await.status(), 200);
    for path in ["/hosts/v1/files", "/keys/v1/files"] {
        let response = proxy.get(path).fetch().await;
        assert_eq!(response.status(), 404, "{path}");
        let body = read_json(response).await;
        assert!(
            body["error"]["message"]
                .as_str()
                .expect("a message")
                .contains("contains no model")
        );
    }
    let list = fetch_json(proxy.get("/hosts/v1/models")).await;
    let ids: Vec<&str> = list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|model| model["id"].as_str())
        .collect();
    assert_eq!(ids, ["a", "b"]);
    let one_model = fetch_json(proxy.get("/keys/v1/models/b")).await;
    assert_eq!(one_model["id"], "b");
    assert_eq!(proxy.get("/keys/models/c").fetch().await.status(), 404);
    assert_eq!(one.seen().len(), 1);
}

#[tokio::test]
async fn paths_that_climb_are_refused() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::serve(&plain("/p", "*", "*", &upstream.url())).await;
    for path in [
        "/p/../admin",
        "/p/%2e%2e/admin",
        "/p/x/..%2f..%2fadmin",
        "/p/%252e%252e/",
        "/p/a/./b",
        "/p/..%5cx",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: p\r\nconnection: close\r\n\r\n");
        let response = proxy.send_raw(&request).await;
        assert!(response.starts_with("HTTP/1.1 400 "), "{path}: {response}");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn the_proxy_responds_to_health_checks_and_probes() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::serve(&plain("/p", "*", "*", &upstream.url())).await;
    for path in ["/healthz", "/", "/p", "/p/"] {
        assert_eq!(proxy.get(path).fetch().await.status(), 200, "{path}");
        let head = proxy.client.head(proxy.url(path)).fetch().await;
        assert_eq!(head.status(), 200, "{path}");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_client_can_speak_http2_without_tls() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::serve(&plain("/p", "m", "n", &upstream.url())).await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .http2_prior_knowledge()
        .build()
        .expect("a client");
    let response = client.post(proxy.url("/p/v1/x")).body(PING).fetch().await;
    assert_eq!(
        (response.version(), response.status()),
        (http::Version::HTTP_2, http::StatusCode::OK)
    );
    assert_eq!(upstream.only().body, r#"{"model":"n"}"#);
}

#[tokio::test]
async fn each_client_gets_errors_in_its_own_dialect() {
    let upstream = Upstream::plain().await;
    let url = upstream.url();
    let claude = &dialects("claude", "claude");
    let models = [
        model("/claude", "claude-a", "x", &url, claude),
        model("/claude", "claude-b-*", "x", &url, claude),
        plain("/mixed", "one", "x", &url),
        plain("/mixed", "two", "x", "http://127.0.0.1:1"),
    ];
    let proxy = TestProxy::serve(&models.concat()).await;
    let version = |request: reqwest::RequestBuilder| request.header("anthropic-version", "2023-06-01");

    for (path, id) in [
        ("/claude/v1/models?limit=1000", "claude-a"),
        ("/mixed/models", "one"),
    ] {
        let list = fetch_json(version(proxy.get(path))).await;
        assert_eq!(list["data"][0]["type"], "model", "{list}");
        assert_eq!(list["data"][0]["id"], id);
        assert_eq!(list["has_more"], false);
    }
    let list = fetch_json(proxy.get("/mixed/v1/models")).await;
    assert_eq!(
        (&list["object"], &list["data"][0]["object"]),
        (&"list".into(), &"model".into())
    );

    let unknown = proxy.post("/claude/v1/messages", r#"{"model":"nope"}"#);
    let response = unknown.fetch().await;
    assert_eq!(response.status(), 404);
    let id = response.headers()["request-id"]
        .to_str()
        .expect("text")
        .to_owned();
    let body = read_json(response).await;
    assert_eq!(
        (&body["type"], &body["error"]["type"]),
        (&"error".into(), &"not_found_error".into())
    );
    assert_eq!(body["request_id"], id);
    let elsewhere = version(proxy.post("/elsewhere", "{}")).fetch().await;
    assert_eq!(read_json(elsewhere).await["error"]["type"], "not_found_error");

    // Without `/v1`, as a path of the dialect, and as one that only the upstream knows.
    for (path, expected) in [
        ("/claude/messages", "/v1/messages"),
        ("/claude/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/claude/api/event", "/api/event"),
    ] {
        let response = proxy.post(path, r#"{"model":"claude-a"}"#).fetch().await;
        assert_eq!(response.status(), 200);
        assert_eq!(upstream.seen().pop().expect("a request").uri, expected);
    }
}
