//! Requests of clients that are not for a response of a model, on every pair of dialects.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{FetchResponse, TestProxy, Upstream, dialects, model, read_json};

const DIALECTS: [&str; 4] = ["claude", "openai-chat", "openai-responses", "bedrock"];

/// What does not exist.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Model,
    Path,
}

struct SideEndpointSetup {
    upstream: Upstream,
    proxy: TestProxy,
    front: &'static str,
    is_translated: bool,
}

impl SideEndpointSetup {
    /// A proxy for each pair.
    async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for front in DIALECTS {
            for back in DIALECTS {
                let upstream = Upstream::plain().await;
                let keys = dialects(front, back);
                let models = ["claude-a", "claude-b", "claude-c", "claude-d"];
                let models = models.map(|name| model("/p", name, "back", &upstream.url(), &keys));
                let proxy = TestProxy::serve(&models.concat()).await;
                all.push(Self {
                    upstream,
                    proxy,
                    front,
                    is_translated: front != back,
                });
            }
        }
        all
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self
            .proxy
            .client
            .request(method, self.proxy.url(&format!("/p{path}")));
        if self.front == "claude" {
            request.header("anthropic-version", "2023-06-01")
        } else {
            request
        }
    }

    /// Checks that a response is the error of the client's dialect for a missing model or path.
    async fn expect_not_found(&self, response: reqwest::Response, missing: Missing, what: &str) {
        assert_eq!(response.status(), 404, "{} {what}", self.front);
        let kind = response.headers().get("x-amzn-errortype").cloned();
        let body = read_json(response).await;
        let message = match self.front {
            "claude" => {
                assert_eq!(body["type"], "error", "{what}");
                assert_eq!(body["error"]["type"], "not_found_error", "{what}");
                &body["error"]["message"]
            }
            "bedrock" => {
                let expected = match missing {
                    Missing::Model => "ResourceNotFoundException",
                    Missing::Path => "UnknownOperationException",
                };
                assert_eq!(kind.expect("a class"), expected, "{what}");
                &body["message"]
            }
            _ => {
                assert_eq!(body["error"]["type"], "invalid_request_error", "{what}");
                let code = (missing == Missing::Model).then_some("model_not_found");
                assert_eq!(body["error"]["code"].as_str(), code, "{what}");
                &body["error"]["message"]
            }
        };
        assert!(
            message.as_str().is_some_and(|text| !text.is_empty()),
            "{what}: {body}"
        );
    }
}

#[tokio::test]
async fn every_prefix_responds_to_probes() {
    for setup in SideEndpointSetup::all().await {
        for (method, path) in [("HEAD", ""), ("HEAD", "/"), ("GET", ""), ("GET", "/")] {
            let response = setup.request(method, path).fetch().await;
            assert_eq!(response.status(), 200, "{method} {path}");
            assert_eq!(response.text().await.expect("a body"), "");
        }
        assert!(setup.upstream.seen().is_empty());
    }
}

#[tokio::test]
async fn models_are_listed_in_the_clients_shape() {
    for setup in SideEndpointSetup::all().await {
        let get = async |path: &str| -> Value {
            let response = setup.request("GET", path).fetch().await;
            assert_eq!(response.status(), 200, "{} {path}", setup.front);
            read_json(response).await
        };
        let all = get("/v1/models?limit=1000").await;
        let one = get("/v1/models/claude-b").await;
        match setup.front {
            "claude" => {
                assert_eq!(all["data"].as_array().map(Vec::len), Some(4));
                assert_eq!(
                    (&all["has_more"], &all["last_id"]),
                    (&false.into(), &"claude-d".into())
                );
                assert_eq!((&one["type"], &one["id"]), (&"model".into(), &"claude-b".into()));
                let page = get("/v1/models?limit=2&after_id=claude-a").await;
                assert_eq!(page["first_id"], "claude-b");
                assert_eq!(
                    (&page["last_id"], &page["has_more"]),
                    (&"claude-c".into(), &true.into())
                );
                let page = get("/v1/models?limit=1&before_id=claude-c").await;
                assert_eq!(
                    (&page["first_id"], &page["has_more"]),
                    (&"claude-b".into(), &true.into())
                );
            }
            "bedrock" => {
                assert_eq!(all["modelSummaries"][3]["modelId"], "claude-d");
                assert_eq!(one["modelDetails"]["modelId"], "claude-b");
            }
            _ => {
                assert_eq!(
                    (&all["object"], &all["data"][3]["id"]),
                    (&"list".into(), &"claude-d".into())
                );
                assert_eq!(
                    (&one["object"], &one["id"]),
                    (&"model".into(), &"claude-b".into())
                );
            }
        }
        let response = setup.request("GET", "/v1/models/nope").fetch().await;
        setup
            .expect_not_found(response, Missing::Model, "an unknown model")
            .await;
        assert!(setup.upstream.seen().is_empty());
    }
}

/// Endpoints of one vendor alone are forwarded to upstreams of its dialect, and are not found on any other.
#[tokio::test]
async fn endpoints_of_one_vendor_are_not_found_elsewhere() {
    let of_claude = [
        ("POST", "/v1/messages/batches", r#"{"requests":[]}"#),
        ("GET", "/v1/messages/batches?limit=1", ""),
        ("GET", "/v1/messages/batches/b_1/results", ""),
        ("POST", "/v1/files", r#"{"purpose":"x"}"#),
        ("GET", "/v1/files", ""),
        ("POST", "/v1/complete", r#"{"model":"claude-a"}"#),
    ];
    let of_openai = [
        ("POST", "/v1/embeddings", r#"{"model":"claude-a","input":"x"}"#),
        ("POST", "/v1/completions", r#"{"model":"claude-a","prompt":"x"}"#),
        ("POST", "/v1/files", r#"{"purpose":"x"}"#),
        ("DELETE", "/v1/files/f_1", ""),
        ("POST", "/v1/batches", r#"{"endpoint":"x"}"#),
        ("GET", "/v1/chat/completions", ""),
        ("GET", "/v1/chat/completions/c_1", ""),
        ("GET", "/v1/chat/completions/c_1/messages", ""),
        ("POST", "/v1/chat/completions/c_1", r#"{"metadata":{}}"#),
        ("DELETE", "/v1/chat/completions/c_1", ""),
        (
            "POST",
            "/v1/responses/compact",
            r#"{"model":"claude-a","input":"x"}"#,
        ),
        ("POST", "/v1/images/generations", r#"{"model":"claude-a"}"#),
    ];
    let of_bedrock = [
        ("POST", "/model/claude-a/converse", r#"{"messages":[]}"#),
        ("POST", "/guardrail/g/version/1/apply", "{}"),
        ("GET", "/async-invoke", ""),
    ];
    for setup in SideEndpointSetup::all().await {
        let endpoints = match setup.front {
            "claude" => &of_claude[..],
            "bedrock" => &of_bedrock,
            _ => &of_openai,
        };
        let mut passed = 0;
        for (method, path, body) in endpoints {
            let request = setup
                .request(method, path)
                .header("content-type", "application/json");
            let began = Instant::now();
            let response = request.body(*body).fetch().await;
            assert!(began.elapsed() < Duration::from_secs(2), "{method} {path}");
            if setup.is_translated {
                setup
                    .expect_not_found(response, Missing::Path, &format!("{method} {path}"))
                    .await;
            } else {
                assert_eq!(response.status(), 200, "{method} {path}");
                passed += 1;
            }
        }
        assert_eq!(setup.upstream.seen().len(), passed, "{}", setup.front);
    }
}

/// AWS's control plane has a host of its own, but Claude Code asks for it at that of the runtime.
#[tokio::test]
async fn the_control_plane_is_not_here() {
    for setup in SideEndpointSetup::all().await {
        if setup.front != "bedrock" {
            continue;
        }
        for path in [
            "/inference-profiles?type=SYSTEM_DEFINED",
            "/inference-profiles/us.x",
            "/foundation-models",
            "/foundation-models/x",
        ] {
            let response = setup.request("GET", path).fetch().await;
            setup.expect_not_found(response, Missing::Path, path).await;
        }
        assert!(setup.upstream.seen().is_empty());
    }
}

/// Codex tries to open a WebSocket, and turns to a stream of events if it is refused at once.
#[tokio::test]
async fn a_websocket_is_refused_at_once() {
    for setup in SideEndpointSetup::all().await {
        let path = match setup.front {
            "claude" => "/v1/messages",
            "bedrock" => "/model/claude-a/invoke",
            "openai-chat" => "/v1/chat/completions",
            _ => "/v1/responses",
        };
        let request = format!(
            "GET /p{path} HTTP/1.1\r\nhost: h\r\nconnection: close, upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let began = Instant::now();
        let response = setup.proxy.send_raw(&request).await;
        assert!(began.elapsed() < Duration::from_secs(2), "{response}");
        assert!(response.starts_with("HTTP/1.1 426 "), "{response}");
        assert!(response.contains("\r\nupgrade: HTTP/1.1\r\n"), "{response}");
        assert!(response.contains("message"), "{response}");
        assert!(setup.upstream.seen().is_empty());
    }
}
