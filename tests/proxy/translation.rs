//! Clients of one dialect and an upstream of another, with the scripted upstream of the demo.

use std::time::{Duration, SystemTime};

use llm_proxy::demo::Demo;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::timeout;

use crate::support::{
    self, FetchResponse, PATIENCE, ScriptedResponse, TestProxy, Upstream, dialects, model, read_json,
};

const PAIRS: [(&str, &str); 2] = [("claude", "openai-chat"), ("openai-chat", "claude")];

struct TranslationSetup {
    demo: Demo,
    proxy: TestProxy,
    dialect: &'static str,
}

impl TranslationSetup {
    async fn new((frontend, backend): (&'static str, &'static str), more: &str) -> Self {
        let demo = Demo::bind_recording("127.0.0.1:0", 16).await.expect("a demo");
        let keys = dialects(frontend, backend) + more;
        let proxy = TestProxy::serve(&model("/p", "client-*", "upstream-model", &demo.url(), &keys)).await;
        Self {
            demo,
            proxy,
            dialect: frontend,
        }
    }

    fn request(&self, text: &str, stream: bool) -> reqwest::RequestBuilder {
        let path = match self.dialect {
            "claude" => "/p/v1/messages?beta=true",
            _ => "/p/v1/chat/completions",
        };
        let body = json!({
            "model": "client-x", "max_tokens": 1000, "stream": stream,
            "messages": [{"role": "user", "content": text}]
        });
        self.proxy.post(path, body.to_string())
    }

    /// The last event of a whole stream.
    fn last_event(&self) -> &'static str {
        match self.dialect {
            "claude" => "event: message_stop\n",
            _ => "data: [DONE]\n",
        }
    }

    fn request_id_header(&self) -> &'static str {
        match self.dialect {
            "claude" => "request-id",
            _ => "x-request-id",
        }
    }
}

#[tokio::test]
async fn a_complete_response_is_in_the_clients_dialect() {
    for pair in PAIRS {
        let setup = TranslationSetup::new(pair, "").await;
        let response = setup.request("hello", false).fetch().await;
        assert_eq!(response.status(), 200, "{pair:?}");
        let id = response.headers()[setup.request_id_header()]
            .to_str()
            .expect("text");
        assert!(id.starts_with("req_"), "{id}");
        let response = read_json(response).await;
        let text = match setup.dialect {
            "claude" => &response["content"][0]["text"],
            _ => &response["choices"][0]["message"]["content"],
        };
        assert!(text.as_str().expect("text").contains("hello"), "{response}");
        assert_eq!(response["model"], "client-x");
        let seen = setup.demo.requests().pop().expect("a request");
        let path = match pair.1 {
            "claude" => "/v1/messages",
            _ => "/v1/chat/completions",
        };
        assert_eq!(seen.uri.to_string(), path);
        let sent: Value = serde_json::from_slice(&seen.body).expect("JSON");
        assert_eq!(sent["model"], "upstream-model");
    }
}

#[tokio::test]
async fn every_event_reaches_the_client_before_the_next_leaves_the_upstream() {
    const EVENTS: usize = 400;
    for pair in PAIRS {
        let setup = TranslationSetup::new(pair, "").await;
        let request = setup.request(&format!("step long {EVENTS}"), true);
        let pending = tokio::spawn(request.send());
        setup.demo.step(1);
        let mut response = pending.await.expect("a task").expect("a response");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut all = String::new();
        let deltas = |text: &str| match pair.0 {
            "claude" => text.matches("\"text_delta\"").count(),
            _ => text.matches("\"content\":\"").count() - text.matches("\"content\":\"\"").count(),
        };
        for event in 1..=EVENTS {
            while deltas(&all) < event {
                let piece = timeout(PATIENCE, response.chunk())
                    .await
                    .expect("an event in time");
                let piece = piece.expect("a stream").expect("not the end");
                all.push_str(std::str::from_utf8(&piece).expect("text"));
            }
            assert_eq!(deltas(&all), event, "{pair:?}");
            setup.demo.step(1);
        }
        all.push_str(&response.text().await.expect("the rest"));
        assert!(all.contains(setup.last_event()), "{all}");
    }
}

#[tokio::test]
async fn errors_are_in_the_clients_dialect() {
    for pair in PAIRS {
        let setup = TranslationSetup::new(pair, "").await;
        for stream in [false, true] {
            let limited = setup.request("error 429", stream).fetch().await;
            assert_eq!(limited.status(), 429);
            assert_eq!(limited.headers()["retry-after"], "2");
            assert!(limited.headers().contains_key(setup.request_id_header()));
            assert_eq!(read_json(limited).await["error"]["type"], "rate_limit_error");
            let overloaded = setup.request("overload", stream).fetch().await;
            let status = if setup.dialect == "claude" { 529 } else { 503 };
            assert_eq!(overloaded.status(), status);
        }
        let unknown = setup
            .proxy
            .post("/p/v1/messages", r#"{"model":"other"}"#)
            .send()
            .await;
        assert_eq!(unknown.expect("a response").status(), 404);
        let other = setup
            .proxy
            .post("/p/v1/embeddings", r#"{"model":"client-x"}"#)
            .send()
            .await;
        assert_eq!(other.expect("a response").status(), 404);
    }
}

#[tokio::test]
async fn rate_limits_are_in_the_headers_of_the_clients_dialect() {
    let openai = [
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-requests", "1h0m0s"),
        ("x-ratelimit-remaining-tokens", "149984"),
        ("x-ratelimit-reset-tokens", "soon"),
    ];
    let upstream = Upstream::start(move |seen| {
        let is_limited = seen.body.windows(7).any(|word| word == b"limited");
        let mut response = chat_response();
        if is_limited {
            *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
        }
        for (name, value) in openai {
            let value = http::HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    })
    .await;
    for (frontend, path) in [
        ("claude", "/p/v1/messages"),
        ("openai-responses", "/p/v1/responses"),
    ] {
        let keys = dialects(frontend, "openai-chat");
        let proxy = TestProxy::serve(&model("/p", "m", "m", &upstream.url(), &keys)).await;
        for (text, status) in [("hello", 200), ("limited", 429)] {
            let body = match frontend {
                "claude" => {
                    json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]})
                }
                _ => json!({"model": "m", "input": text}),
            };
            let began = SystemTime::now();
            let response = proxy.post(path, body.to_string()).fetch().await;
            assert_eq!(response.status(), status, "{frontend}");
            let headers = response.headers();
            if frontend != "claude" {
                for (name, value) in &openai[..4] {
                    assert_eq!(headers[*name], value, "{name}");
                }
                assert!(!headers.contains_key("x-ratelimit-reset-tokens"));
                continue;
            }
            let header = |name: &str| {
                let value = headers.get(format!("anthropic-ratelimit-{name}"));
                value.map(|value| value.to_str().expect("text"))
            };
            assert_eq!(header("requests-limit"), Some("60"));
            assert_eq!(header("requests-remaining"), Some("59"));
            assert_eq!(header("tokens-remaining"), Some("149984"));
            assert_eq!((header("tokens-limit"), header("tokens-reset")), (None, None));
            let reset = header("requests-reset").expect("a moment");
            let reset = OffsetDateTime::parse(reset, &Rfc3339).expect("a moment of RFC 3339");
            let wait = SystemTime::from(reset).duration_since(began).expect("to come");
            assert!((3600..3660).contains(&wait.as_secs()), "{wait:?}");
            let foreign = |name: &&http::HeaderName| name.as_str().starts_with("x-ratelimit");
            assert_eq!(headers.keys().find(foreign), None);
        }
    }
}

fn chat_response() -> ScriptedResponse {
    support::json(
        r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",
            "message":{"role":"assistant","content":"Hi."}}]}"#,
    )
}

#[tokio::test]
async fn a_stream_that_fails_does_not_end_as_a_success() {
    for pair in PAIRS {
        let setup = TranslationSetup::new(pair, "").await;
        for words in ["long 9 error mid", "long 9 cut"] {
            let response = setup.request(words, true).fetch().await;
            assert_eq!(response.status(), 200, "{pair:?} {words}");
            let text = response.text().await.expect("a stream that ends in order");
            assert!(text.contains("\"error\""), "{pair:?} {words}: {text}");
            assert!(!text.contains(setup.last_event()), "{pair:?} {words}: {text}");
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_upstreams_response() {
    for pair in PAIRS {
        let setup = TranslationSetup::new(pair, "").await;
        let mut response = setup.request("slow 20 long 100000", true).fetch().await;
        assert!(response.chunk().await.expect("a stream").is_some());
        drop(response);
        let abandoned = async {
            while setup.demo.counts().abandoned_streams == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, abandoned).await.expect("an abandoned stream");
    }
}

#[tokio::test]
async fn the_clients_token_reaches_the_header_that_the_upstream_reads() {
    for (pair, more, client, header, value) in [
        (
            PAIRS[0],
            ", backend_auth_schema: Bearer",
            ("x-api-key", "token"),
            "authorization",
            "Bearer token",
        ),
        (
            PAIRS[1],
            ", backend_auth_header: x-api-key, backend_auth_schema: \"\"",
            ("authorization", "Bearer token"),
            "x-api-key",
            "token",
        ),
    ] {
        let setup = TranslationSetup::new(pair, more).await;
        let request = setup
            .request("hello", false)
            .header(client.0, client.1)
            .header("x-trace", "t");
        let request = request.header("anthropic-beta", "b").header("openai-beta", "b");
        assert_eq!(request.fetch().await.status(), 200);
        let seen = setup.demo.requests().pop().expect("a request");
        assert_eq!(seen.headers[header], value, "{pair:?}");
        assert_eq!(seen.headers[client.0], client.1);
        assert_eq!(seen.headers["x-trace"], "t");
        assert!(!seen.headers.contains_key("openai-beta"));
        assert!(seen.headers.get("anthropic-beta").is_none_or(|beta| beta != "b"));
    }
}

#[tokio::test]
async fn a_route_determines_what_happens_to_losses() {
    let pair = ("openai-chat", "claude");
    for (policy, status) in [("ignore", 200), ("warn", 200), ("error", 400)] {
        let setup = TranslationSetup::new(pair, &format!(", on_loss: {policy}")).await;
        let body = json!({
            "model": "client-x", "seed": 7, "logit_bias": {"1": 2},
            "messages": [{"role": "user", "content": "hello"}]
        });
        let request = setup.proxy.post("/p/v1/chat/completions", body.to_string());
        let response = request.fetch().await;
        assert_eq!(response.status(), status, "{policy}");
        let is_reported = response.headers().get("x-llm-proxy-loss").is_some();
        assert_eq!(is_reported, policy != "ignore", "{policy}");
        if policy == "error" {
            let error = &read_json(response).await["error"];
            let message = error["message"].as_str().expect("a message");
            assert!(
                message.contains("seed") && message.contains("logit_bias"),
                "{message}"
            );
            assert_eq!(error["code"], "unsupported_parameter");
            assert!(setup.demo.requests().is_empty(), "nothing reached the upstream");
        }
    }
}

/// A client of Chat Completions gets signed thinking, and sends back reasoning state that somebody else has made up.
#[tokio::test]
async fn reasoning_state_comes_back_only_as_the_route_admits() {
    let secret = "server: {secret: a-secret-of-many-letters}\n";
    let cases = [
        ("", "", 1),
        (secret, "", 0),
        ("", ", reasoning_carriers: false", 0),
    ];
    for (server, more, forged_blocks) in cases {
        let demo = Demo::bind_recording("127.0.0.1:0", 16).await.expect("a demo");
        let keys = dialects("openai-chat", "claude") + more;
        let entry = model("/p", "client-*", "claude-haiku-4-5", &demo.url(), &keys);
        let proxy = TestProxy::serve_file(&format!("{server}models:\n{entry}")).await;
        let parameters = json!({"type": "object"});
        let tools =
            json!([{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}]);
        let mut messages = vec![json!({"role": "user", "content": "think, then call the tool get_weather"})];
        let ask = |messages: &[Value]| {
            let body = json!({
                "model": "client-x", "tools": tools, "messages": messages, "reasoning_effort": "high"
            });
            proxy.post("/p/v1/chat/completions", body.to_string())
        };
        let first = read_json(ask(&messages).fetch().await).await;
        let message = &first["choices"][0]["message"];
        let carried = message["reasoning_details"].as_array().map_or(0, Vec::len);
        assert_eq!(carried, usize::from(more.is_empty()), "{first}");

        let call = json!({"name": "get_weather", "arguments": "{}"});
        let forged = "px1.c.eyJ0eXBlIjoidGhpbmtpbmciLCJ0aGlua2luZyI6ImV2aWwiLCJzaWduYXR1cmUiOiJ4In0";
        messages.push(json!({
            "role": "assistant",
            "content": null,
            "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
            "reasoning_details": [{"index": 0, "type": "reasoning.encrypted", "data": forged}],
        }));
        messages.push(json!({"role": "tool", "tool_call_id": "call_1", "content": "sunny"}));
        let response = ask(&messages).fetch().await;
        let is_reported = response.headers().contains_key("x-llm-proxy-loss");
        assert_eq!(is_reported, forged_blocks == 0, "{server}{more}");
        let sent = demo.requests().pop().expect("a request").body;
        let sent: Value = serde_json::from_slice(&sent).expect("JSON");
        let blocks = sent["messages"][1]["content"].as_array().expect("blocks");
        let thoughts = blocks.iter().filter(|block| block["type"] == "thinking").count();
        assert_eq!(thoughts, forged_blocks, "{server}{more}: {sent}");
    }
}
