//! The number of a request's tokens, on every pair of dialects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, Proxy, Seen, Upstream, json, model};

const DIALECTS: [&str; 4] = ["claude", "openai-chat", "openai-responses", "bedrock"];
const COUNTING: [&str; 3] = ["claude", "openai-responses", "bedrock"];
const FRONT: &str = "front";
const BACK: &str = "us.anthropic.claude-opus-5-5-v1:0";

/// An error in the words of all dialects.
const REFUSAL: &str =
    r#"{"type":"error","message":"no","error":{"type":"invalid_request_error","message":"no"}}"#;

/// An error in nobody's words but AWS's.
const NOISE: &str = r#"{"message":"no"}"#;

/// The question of a dialect's clients: its path and its body.
fn question(dialect: &str, text: &str) -> (String, Value) {
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

/// The answer of a dialect's upstream, and where it is asked.
fn counted(dialect: &str) -> (&'static str, &'static str) {
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

fn tokens(dialect: &str, answer: &Value) -> u64 {
    let member = if dialect == "bedrock" {
        "inputTokens"
    } else {
        "input_tokens"
    };
    if dialect == "openai-responses" {
        assert_eq!(answer["object"], "response.input_tokens");
    }
    answer[member].as_u64().expect("a number")
}

async fn serve(front: &str, back: &str, upstream: &Upstream, more: &str) -> Proxy {
    let dialects = format!("frontend_dialect: {front}, backend_dialect: {back}{more}");
    Proxy::serve(&model("/p", FRONT, BACK, &upstream.url(), &dialects)).await
}

async fn ask(proxy: &Proxy, front: &str, text: &str) -> reqwest::Response {
    let (path, body) = question(front, text);
    let asked = proxy.post(&format!("/p{path}"), body.to_string());
    asked.send().await.expect("an answer")
}

async fn read(answer: reqwest::Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}

fn refusing(status: u16, body: &'static str) -> impl Fn(Seen) -> Answer {
    move |_| {
        let mut answer = json(body);
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        answer
    }
}

fn foreign_pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pairs = COUNTING
        .iter()
        .flat_map(|front| DIALECTS.iter().map(move |back| (*front, *back)));
    pairs.filter(|(front, back)| front != back)
}

#[tokio::test]
async fn an_upstream_that_counts_is_asked() {
    for (front, back) in foreign_pairs().filter(|(_, back)| *back != "openai-chat") {
        let (path, body) = counted(back);
        let upstream = Upstream::start(move |_| {
            let mut answer = json(body);
            let id = http::HeaderValue::from_static("theirs");
            answer.headers_mut().insert("request-id", id);
            answer
        })
        .await;
        let more =
            ", backend_api_key: of-the-proxy, backend_auth_header: x-api-key, backend_auth_schema: \"\"";
        let proxy = serve(front, back, &upstream, more).await;
        let answer = ask(&proxy, front, "hello").await;
        assert_eq!(answer.status(), 200, "{front} {back}");
        assert!(!answer.headers().contains_key("x-llm-proxy-estimate"));
        assert_eq!(answer.headers()["x-upstream-request-id"], "theirs");
        assert_eq!(tokens(front, &read(answer).await), 4321, "{front} {back}");

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
async fn an_estimate_says_that_it_is_one() {
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
            let upstream = Upstream::start(refusing(status, body)).await;
            let proxy = serve(front, back, &upstream, "").await;
            let mut numbers = Vec::new();
            for text in ["hello".to_owned(), "hello ".repeat(100)] {
                let answer = ask(&proxy, front, &text).await;
                assert_eq!(answer.status(), 200, "{front} {back} {status}");
                assert_eq!(answer.headers()["x-llm-proxy-estimate"], "input_tokens");
                numbers.push(tokens(front, &read(answer).await));
            }
            let (short, long) = (numbers[0], numbers[1]);
            assert!(
                short > 5 && short < 30 && long >= short + 95 && long < 200,
                "{numbers:?}"
            );
            let asked = if back == "openai-chat" { 0 } else { 2 };
            assert_eq!(upstream.seen().len(), asked, "{front} {back}");
        }
    }
}

#[tokio::test]
async fn other_errors_of_the_upstream_are_told() {
    for (front, back) in foreign_pairs().filter(|(_, back)| *back != "openai-chat") {
        for (status, body) in [(401, NOISE), (429, NOISE), (503, NOISE), (400, REFUSAL)] {
            let upstream = Upstream::start(refusing(status, body)).await;
            let proxy = serve(front, back, &upstream, "").await;
            let answer = ask(&proxy, front, "hello").await;
            // An overload and a refused key have other numbers in other dialects.
            let told: &[u16] = match status {
                401 if front == "bedrock" => &[403],
                503 => &[500, 502, 503, 529, 424],
                same => &[same],
            };
            assert!(
                told.contains(&answer.status().as_u16()),
                "{front} {back}: {}",
                answer.status()
            );
            assert!(!answer.headers().contains_key("x-llm-proxy-estimate"));
            let body = read(answer).await;
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
async fn what_cannot_be_counted_is_a_clear_error() {
    let upstream = Upstream::plain().await;
    for front in COUNTING {
        let proxy = serve(front, "openai-chat", &upstream, "").await;
        let (path, _) = question(front, "");
        let wrong = match front {
            "claude" => json!({"model": FRONT, "messages": 7}),
            "openai-responses" => json!({"model": FRONT, "input": 7}),
            _ => json!({"input": {"converse": {"messages": []}}}),
        };
        let asked = proxy.post(&format!("/p{path}"), wrong.to_string());
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{front}");
        let text = answer.text().await.expect("a body");
        let field = match front {
            "claude" => "messages",
            "openai-responses" => "input",
            _ => "input.converse",
        };
        assert!(text.contains(field), "{front}: {text}");
    }
    assert!(upstream.seen().is_empty());
}

/// Where the dialects are the same the question passes as it is, but for the model's name.
#[tokio::test]
async fn the_same_dialect_passes_through() {
    for dialect in COUNTING {
        let upstream = Upstream::plain().await;
        let proxy = serve(dialect, dialect, &upstream, "").await;
        let answer = ask(&proxy, dialect, "hello").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.expect("a body"), "{}");
        let seen = upstream.only();
        let (path, mut body) = question(dialect, "hello");
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

/// Long runs without a break are what tokenizers are slow at.
#[tokio::test]
async fn a_hostile_text_is_counted_in_time_and_blocks_nobody() {
    let upstream = Upstream::plain().await;
    let proxy = serve("claude", "openai-chat", &upstream, "").await;
    let text = "a".repeat(300_000);
    let (path, body) = question("claude", &text);
    let asked = (0..4).map(|_| {
        let asked = proxy.post(&format!("/p{path}"), body.to_string());
        tokio::spawn(asked.send())
    });
    let asked: Vec<_> = asked.collect();
    let began = std::time::Instant::now();
    let alive = proxy.get("/healthz").send().await.expect("an answer");
    assert_eq!(alive.status(), 200);
    assert!(
        began.elapsed() < std::time::Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    for asked in asked {
        let answer = asked.await.expect("a task").expect("an answer");
        assert!(read(answer).await["input_tokens"].as_u64() > Some(30_000));
    }
}
