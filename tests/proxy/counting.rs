//! The number of a request's tokens, on every pair of dialects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    FetchResponse, ScriptedResponse, SeenRequest, TestProxy, Upstream, dialects, json, model, read_json,
};

const DIALECTS: [&str; 4] = ["claude", "openai-chat", "openai-responses", "bedrock"];
const COUNTING: [&str; 3] = ["claude", "openai-responses", "bedrock"];
const FRONT: &str = "front";
const BACK: &str = "us.anthropic.claude-opus-5-5-v1:0";

/// An error in the shape of all dialects.
const REFUSAL: &str =
    r#"{"type":"error","message":"no","error":{"type":"invalid_request_error","message":"no"}}"#;

/// An error in the shape of AWS alone.
const NOISE: &str = r#"{"message":"no"}"#;

/// The path and body of a dialect's request for a count.
fn count_request(dialect: &str, text: &str) -> (String, Value) {
    let messages = json!([{"role": "user", "content": text}]);
    match dialect {
        "claude" => {
            let body = json!({"model": FRONT, "system": "Be brief.", "messages": messages});
            ("/v1/messages/count_tokens".to_owned(), body)
        }
        "openai-responses" => {
            let body = json!({"model": FRONT, "instructions": "Be brief.", "input": text});
            ("/v1/responses/input_tokens".to_owned(), body)
        }
        _ => {
            let inner = json!({
                "anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "system": "Be brief.",
                "messages": messages,
            });
            let body = STANDARD.encode(inner.to_string());
            let body = json!({"input": {"invokeModel": {"body": body}}});
            (format!("/model/{FRONT}/count-tokens"), body)
        }
    }
}

/// The path of a dialect's request for a count, and the upstream's response to it.
fn upstream_count(dialect: &str) -> (&'static str, &'static str) {
    match dialect {
        "claude" => ("/v1/messages/count_tokens", r#"{"input_tokens":4321}"#),
        "openai-responses" => (
            "/v1/responses/input_tokens",
            r#"{"object":"response.input_tokens","input_tokens":4321}"#,
        ),
        _ => (
            "/model/anthropic.claude-opus-5-5-v1%3A0/count-tokens",
            r#"{"inputTokens":4321}"#,
        ),
    }
}

/// The count in a response of a dialect.
fn read_count(dialect: &str, response: &Value) -> u64 {
    let member = if dialect == "bedrock" {
        "inputTokens"
    } else {
        "input_tokens"
    };
    if dialect == "openai-responses" {
        assert_eq!(response["object"], "response.input_tokens");
    }
    response[member].as_u64().expect("a number")
}

async fn serve(front: &str, back: &str, upstream: &Upstream, more: &str) -> TestProxy {
    let keys = dialects(front, back) + more;
    TestProxy::serve(&model("/p", FRONT, BACK, &upstream.url(), &keys)).await
}

async fn count(proxy: &TestProxy, front: &str, text: &str) -> reqwest::Response {
    let (path, body) = count_request(front, text);
    let request = proxy.post(&format!("/p{path}"), body.to_string());
    request.fetch().await
}

/// Responds to every request with an error.
fn refuse_with(status: u16, body: &'static str) -> impl Fn(SeenRequest) -> ScriptedResponse {
    move |_| {
        let mut response = json(body);
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        response
    }
}

/// The pairs of dialects that are translated and whose clients can count.
fn foreign_pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pairs = COUNTING
        .iter()
        .flat_map(|front| DIALECTS.iter().map(move |back| (*front, *back)));
    pairs.filter(|(front, back)| front != back)
}

#[tokio::test]
async fn an_upstream_that_counts_is_asked() {
    for (front, back) in foreign_pairs().filter(|(_, back)| *back != "openai-chat") {
        let (path, body) = upstream_count(back);
        let upstream = Upstream::start(move |_| {
            let mut response = json(body);
            let id = http::HeaderValue::from_static("theirs");
            response.headers_mut().insert("request-id", id);
            response
        })
        .await;
        let more =
            ", backend_api_key: of-the-proxy, backend_auth_header: x-api-key, backend_auth_schema: \"\"";
        let proxy = serve(front, back, &upstream, more).await;
        let response = count(&proxy, front, "hello").await;
        assert_eq!(response.status(), 200, "{front} {back}");
        assert!(!response.headers().contains_key("x-llm-proxy-estimate"));
        assert_eq!(response.headers()["x-upstream-request-id"], "theirs");
        assert_eq!(
            read_count(front, &read_json(response).await),
            4321,
            "{front} {back}"
        );

        let seen = upstream.only();
        assert_eq!(seen.uri, path, "{front} {back}");
        assert_eq!(seen.header("x-api-key"), Some("of-the-proxy"));
        let mut sent: Value = serde_json::from_slice(&seen.body).expect("JSON");
        if back == "bedrock" {
            let inner = sent["input"]["invokeModel"]["body"].as_str().expect("base64");
            sent = serde_json::from_slice(&STANDARD.decode(inner).expect("base64")).expect("JSON");
            assert!(sent["max_tokens"].is_u64(), "{sent}");
        } else {
            assert_eq!(sent["model"], BACK, "{sent}");
            for member in [
                "max_tokens",
                "max_output_tokens",
                "stream",
                "store",
                "anthropic_version",
            ] {
                assert!(sent.get(member).is_none(), "{front} {back}: {sent}");
            }
        }
        let text = sent.to_string();
        assert!(text.contains("hello") && text.contains("Be brief."), "{text}");
    }
}

#[tokio::test]
async fn an_estimate_is_marked_as_one() {
    for (front, back) in foreign_pairs() {
        for (status, body) in [
            (404, "not found"),
            (405, r#"{"detail":"Method Not Allowed"}"#),
            (501, "{}"),
            (
                400,
                r#"{"message":"The provided model doesn't support counting tokens."}"#,
            ),
            (200, "{}"),
        ] {
            let upstream = Upstream::start(refuse_with(status, body)).await;
            let proxy = serve(front, back, &upstream, "").await;
            let mut numbers = Vec::new();
            for text in ["hello".to_owned(), "hello ".repeat(100)] {
                let response = count(&proxy, front, &text).await;
                assert_eq!(response.status(), 200, "{front} {back} {status}");
                assert_eq!(response.headers()["x-llm-proxy-estimate"], "input_tokens");
                numbers.push(read_count(front, &read_json(response).await));
            }
            let (short, long) = (numbers[0], numbers[1]);
            assert!(
                short > 5 && short < 30 && long >= short + 95 && long < 200,
                "{numbers:?}"
            );
            let requests = if back == "openai-chat" { 0 } else { 2 };
            assert_eq!(upstream.seen().len(), requests, "{front} {back}");
        }
    }
}

#[tokio::test]
async fn other_errors_of_the_upstream_reach_the_client() {
    for (front, back) in foreign_pairs().filter(|(_, back)| *back != "openai-chat") {
        for (status, body) in [(401, NOISE), (429, NOISE), (503, NOISE), (400, REFUSAL)] {
            let upstream = Upstream::start(refuse_with(status, body)).await;
            let proxy = serve(front, back, &upstream, "").await;
            let response = count(&proxy, front, "hello").await;
            // The status of an overload and of a refused key differ between dialects.
            let expected: &[u16] = match status {
                401 if front == "bedrock" => &[403],
                503 => &[500, 502, 503, 529, 424],
                same => &[same],
            };
            assert!(
                expected.contains(&response.status().as_u16()),
                "{front} {back}: {}",
                response.status()
            );
            assert!(!response.headers().contains_key("x-llm-proxy-estimate"));
            let body = read_json(response).await;
            let message = if front == "bedrock" {
                &body["message"]
            } else {
                &body["error"]["message"]
            };
            assert!(message.is_string(), "{front} {back}: {body}");
        }
    }
}

#[tokio::test]
async fn an_invalid_request_is_a_clear_error() {
    let upstream = Upstream::plain().await;
    for front in COUNTING {
        let proxy = serve(front, "openai-chat", &upstream, "").await;
        let (path, _) = count_request(front, "");
        let wrong = match front {
            "claude" => json!({"model": FRONT, "messages": 7}),
            "openai-responses" => json!({"model": FRONT, "input": 7}),
            _ => json!({"input": {"converse": {"messages": []}}}),
        };
        let request = proxy.post(&format!("/p{path}"), wrong.to_string());
        let response = request.fetch().await;
        assert_eq!(response.status(), 400, "{front}");
        let text = response.text().await.expect("a body");
        let field = match front {
            "claude" => "messages",
            "openai-responses" => "input",
            _ => "input.converse",
        };
        assert!(text.contains(field), "{front}: {text}");
    }
    assert!(upstream.seen().is_empty());
}

/// Between the same dialects, the request passes unchanged but for the model's name.
#[tokio::test]
async fn the_same_dialect_passes_through() {
    for dialect in COUNTING {
        let upstream = Upstream::plain().await;
        let proxy = serve(dialect, dialect, &upstream, "").await;
        let response = count(&proxy, dialect, "hello").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.text().await.expect("a body"), "{}");
        let seen = upstream.only();
        let (path, mut body) = count_request(dialect, "hello");
        if dialect == "bedrock" {
            let path = "/model/us.anthropic.claude-opus-5-5-v1%3A0/count-tokens";
            assert_eq!(seen.uri, path);
        } else {
            assert_eq!(seen.uri, path);
            body["model"] = BACK.into();
        }
        assert_eq!(String::from_utf8_lossy(&seen.body), body.to_string());
    }
}

/// Tokenizers are slow at long texts without a break.
#[tokio::test]
async fn a_hostile_text_is_counted_in_time_and_blocks_no_other_request() {
    let upstream = Upstream::plain().await;
    let proxy = serve("claude", "openai-chat", &upstream, "").await;
    let text = "a".repeat(300_000);
    let (path, body) = count_request("claude", &text);
    let pending = (0..4).map(|_| {
        let request = proxy.post(&format!("/p{path}"), body.to_string());
        tokio::spawn(request.send())
    });
    let pending: Vec<_> = pending.collect();
    let began = std::time::Instant::now();
    let alive = proxy.get("/healthz").fetch().await;
    assert_eq!(alive.status(), 200);
    assert!(
        began.elapsed() < std::time::Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    for response in pending {
        let response = response.await.expect("a task").expect("a response");
        assert!(read_json(response).await["input_tokens"].as_u64() > Some(30_000));
    }
}
