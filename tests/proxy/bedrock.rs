//! Bedrock: models in paths, event streams, signatures.

use bytes::{Bytes, BytesMut};
use http_body_util::{Either, Full};
use llm_proxy::wire::event_stream::{self, EventStreamDecoder, EventStreamKind, EventStreamMessage};

#[cfg(feature = "aws")]
use crate::support::Seen;
use crate::support::{Answer, Proxy, Upstream, json, model};

const BODY: &str = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
const INVOKE: &str = "/model/us.front-v1%3A0/invoke";
const STREAM: &str = "/model/us.front-v1%3A0/invoke-with-response-stream";

fn pair(front: &str, back: &str) -> String {
    format!("frontend_dialect: {front}, backend_dialect: {back}")
}

/// An answer with a body of this type.
fn typed(content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = http::Response::new(Either::Left(Full::new(body)));
    let value = http::HeaderValue::from_static(content_type);
    answer.headers_mut().insert("content-type", value);
    answer
}

const SSE: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"c\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: news\ndata: {\"type\":\"news\", \"n\":1.0}\n\n";
const SSE_END: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn messages(wire: Bytes) -> Vec<EventStreamMessage> {
    let mut decoder = EventStreamDecoder::new();
    decoder.push(wire);
    decoder.finish();
    std::iter::from_fn(|| decoder.next().expect("whole messages")).collect()
}

#[tokio::test]
async fn the_model_changes_in_the_path() {
    let upstream = Upstream::plain().await;
    let proxy = Proxy::serve(&model(
        "/p",
        "us.*",
        "eu.back/x",
        &upstream.url(),
        &pair("bedrock", "bedrock"),
    ))
    .await;
    let signature = "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=00";
    let request = proxy
        .post(&format!("/p{INVOKE}"), BODY)
        .header("authorization", signature)
        .header("x-amz-date", "20260101T000000Z")
        .header("x-amzn-bedrock-trace", "ENABLED");
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let seen = upstream.only();
    assert_eq!(seen.uri, "/model/eu.back%2Fx/invoke");
    assert_eq!(seen.body, BODY);
    assert_eq!(
        (seen.header("authorization"), seen.header("x-amz-date")),
        (None, None)
    );
    assert_eq!(seen.header("x-amzn-bedrock-trace"), Some("ENABLED"));

    // The control plane is elsewhere, and Claude Code waits for it.
    let answer = proxy.get("/p/inference-profiles?type=SYSTEM_DEFINED");
    let answer = answer.send().await.expect("an answer");
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["x-amzn-errortype"], "UnknownOperationException");
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_stream_of_events_becomes_an_event_stream() {
    let body = [SSE, SSE_END].concat();
    let upstream = Upstream::start(move |_| typed("text/event-stream", Bytes::from(body.clone()))).await;
    let proxy = Proxy::serve(&model(
        "/p",
        "*",
        "*",
        &upstream.url(),
        &pair("bedrock", "claude"),
    ))
    .await;
    let answer = proxy
        .post(&format!("/p{STREAM}"), BODY)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["content-type"],
        "application/vnd.amazon.eventstream"
    );
    assert_eq!(
        answer.headers()["x-amzn-bedrock-content-type"],
        "application/json"
    );
    let messages = messages(answer.bytes().await.expect("a body"));
    assert!(
        messages
            .iter()
            .all(|message| message.kind == EventStreamKind::Event && message.name == "chunk")
    );
    // The start, the unknown event, the two of the end; no ping.
    assert_eq!(messages.len(), 4);
    let seen = upstream.only();
    assert_eq!(seen.uri, "/v1/messages");
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(
        seen.body,
        r#"{"model":"us.front-v1:0","stream":true,"max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_exception() {
    let upstream = Upstream::start(|_| typed("text/event-stream", Bytes::from_static(SSE.as_bytes()))).await;
    let proxy = Proxy::serve(&model(
        "/p",
        "*",
        "*",
        &upstream.url(),
        &pair("bedrock", "claude"),
    ))
    .await;
    let answer = proxy
        .post(&format!("/p{STREAM}"), BODY)
        .send()
        .await
        .expect("an answer");
    let messages = messages(answer.bytes().await.expect("a body"));
    let last = messages.last().expect("a message");
    assert_eq!(
        (last.kind, last.name.as_str()),
        (EventStreamKind::Exception, "modelStreamErrorException")
    );
}

#[tokio::test]
async fn an_event_stream_is_read_and_its_failures_are_told() {
    let claude = r#"{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let chunk = |out: &mut BytesMut, event: &str| {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.encode(event);
        event_stream::write_event(out, "chunk", |out| {
            out.extend_from_slice(format!(r#"{{"bytes":"{bytes}"}}"#).as_bytes());
        });
    };
    let mut wire = BytesMut::new();
    chunk(
        &mut wire,
        r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}"#,
    );
    let whole = wire.len();
    chunk(
        &mut wire,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"news"}}"#,
    );
    let mut busy = BytesMut::from(&wire[..whole]);
    event_stream::write_exception(&mut busy, "throttlingException", br#"{"message":"slow down"}"#);
    let mut early = BytesMut::new();
    event_stream::write_exception(&mut early, "throttlingException", br#"{"message":"slow down"}"#);
    let cut = wire.len() - 1;
    for (wire, status, expected) in [
        (
            busy.freeze(),
            200,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow down\"}",
        ),
        (wire.clone().freeze().slice(..cut), 200, "ended within a message"),
        (wire.freeze(), 200, r#""content_block":{"type":"news"}"#),
        (early.freeze(), 429, "rate_limit_error"),
    ] {
        let upstream =
            Upstream::start(move |_| typed("application/vnd.amazon.eventstream", wire.clone())).await;
        let proxy = Proxy::serve(&model(
            "/p",
            "*",
            "*",
            &upstream.url(),
            &pair("claude", "bedrock"),
        ))
        .await;
        let answer = proxy
            .post("/p/v1/messages", claude)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), status);
        let text = answer.text().await.expect("a body");
        assert!(text.contains(expected), "{text}");
        assert!(
            text.contains("\"error\"") && !text.contains("message_stop"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_complete_answer_has_its_counts_in_headers() {
    const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[{"type":"news", "n":1.0}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":7}}"#;
    let upstream = Upstream::start(|_| json(ANSWER)).await;
    let proxy = Proxy::serve(&model(
        "/p",
        "*",
        "*",
        &upstream.url(),
        &pair("bedrock", "claude"),
    ))
    .await;
    let answer = proxy
        .post(&format!("/p{INVOKE}"), BODY)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.headers()["x-amzn-bedrock-input-token-count"], "3");
    assert_eq!(answer.headers()["x-amzn-bedrock-output-token-count"], "7");
    assert!(answer.headers().contains_key("x-amzn-bedrock-invocation-latency"));
    assert_eq!(answer.text().await.expect("a body"), ANSWER);
}

/// A proxy in a process of its own, killed at the end.
#[cfg(feature = "aws")]
struct Process(std::process::Child, std::path::PathBuf);

#[cfg(feature = "aws")]
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = std::fs::remove_file(&self.1);
    }
}

/// A first proxy signs what a second one accepts from nobody else.
#[cfg(feature = "aws")]
#[tokio::test]
async fn signed_requests_are_accepted_and_others_are_not() {
    let upstream = Upstream::start(|seen: Seen| {
        assert!(seen.header("authorization").is_none());
        json(r#"{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":7}}"#)
    })
    .await;
    let models = model("/p", "*", "*", &upstream.url(), &pair("bedrock", "bedrock"));
    let second = Proxy::serve_file(&format!(
        "server: {{aws_credentials: [{{access_key_id: AKIDTEST, secret_access_key: the-secret}}]}}\nmodels:\n{models}"
    ))
    .await;
    for authorization in [None, Some("Bearer x"), Some("AWS4-HMAC-SHA256 Credential=A/b")] {
        let mut request = second.post(&format!("/p{INVOKE}"), BODY);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 403);
        assert_eq!(
            answer.headers()["x-amzn-errortype"],
            "UnrecognizedClientException"
        );
        let body: serde_json::Value =
            serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
        assert!(body["message"].is_string());
    }
    assert!(upstream.seen().is_empty());

    for (secret, status) in [("the-secret", 200), ("another", 403)] {
        let front = model(
            "/f",
            "*",
            "*",
            &second.url("/p"),
            "frontend_dialect: claude, backend_dialect: bedrock, backend_aws_region: eu-west-1",
        );
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let file = std::env::temp_dir().join(format!("llm-proxy-{}-{status}.yaml", std::process::id()));
        std::fs::write(&file, format!("server: {{port: {port}}}\nmodels:\n{front}")).expect("a file");
        let first = std::process::Command::new(env!("CARGO_BIN_EXE_llm-proxy"))
            .arg("--config")
            .arg(&file)
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env_remove("AWS_SESSION_TOKEN")
            .stderr(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("a process");
        let _first = Process(first, file);
        let url = format!("http://127.0.0.1:{port}");
        let began = std::time::Instant::now();
        while second.client.get(format!("{url}/healthz")).send().await.is_err() {
            assert!(
                began.elapsed() < crate::support::PATIENCE,
                "the proxy did not start"
            );
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let request = second
            .client
            .post(format!("{url}/f/v1/messages"))
            .header("x-api-key", "of-the-client")
            .header("content-type", "application/json")
            .body(r#"{"model":"us.anthropic.x-v1:0","max_tokens":5,"messages":[{"role":"user","content":"hü"}]}"#);
        let answer = request.send().await.expect("an answer");
        // The first proxy's own credential was refused: its client is told as of a refusal of its own.
        let expected = if status == 200 { 200 } else { 401 };
        assert_eq!(
            answer.status(),
            expected,
            "{}",
            answer.text().await.unwrap_or_default()
        );
    }
    let seen = upstream.only();
    assert_eq!(seen.uri, "/model/us.anthropic.x-v1%3A0/invoke");
    assert_eq!(seen.header("x-api-key"), None);
}
