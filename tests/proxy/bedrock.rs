//! Bedrock: models in paths, event streams, signatures.

use bytes::{Bytes, BytesMut};
use http_body_util::{Either, Full};
use llm_proxy::wire::event_stream::{self, EventStreamDecoder, EventStreamKind, EventStreamMessage};

use crate::support::{FetchResponse, ScriptedResponse, TestProxy, Upstream, dialects, json, model};
#[cfg(feature = "aws")]
use crate::support::{SeenRequest, read_json};

const BODY: &str = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
const INVOKE: &str = "/model/us.front-v1%3A0/invoke";
const STREAM: &str = "/model/us.front-v1%3A0/invoke-with-response-stream";

/// A proxy with one model for every name, at `/p`.
async fn serve(front: &str, back: &str, upstream: &Upstream) -> TestProxy {
    TestProxy::serve(&model("/p", "*", "*", &upstream.url(), &dialects(front, back))).await
}

/// A response with a body of this type.
fn response_of_type(content_type: &'static str, body: Bytes) -> ScriptedResponse {
    let mut response = http::Response::new(Either::Left(Full::new(body)));
    let value = http::HeaderValue::from_static(content_type);
    response.headers_mut().insert("content-type", value);
    response
}

const SSE: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"c\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: news\ndata: {\"type\":\"news\", \"n\":1.0}\n\n";
const SSE_END: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// Decodes an event stream.
fn decode_messages(wire: Bytes) -> Vec<EventStreamMessage> {
    let mut decoder = EventStreamDecoder::new();
    decoder.push(wire);
    decoder.finish();
    std::iter::from_fn(|| decoder.next().expect("whole messages")).collect()
}

#[tokio::test]
async fn the_model_changes_in_the_path() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::serve(&model(
        "/p",
        "us.*",
        "eu.back/x",
        &upstream.url(),
        &dialects("bedrock", "bedrock"),
    ))
    .await;
    let signature = "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=00";
    let request = proxy
        .post(&format!("/p{INVOKE}"), BODY)
        .header("authorization", signature)
        .header("x-amz-date", "20260101T000000Z")
        .header("x-amzn-bedrock-trace", "ENABLED");
    assert_eq!(request.fetch().await.status(), 200);
    let seen = upstream.only();
    assert_eq!(seen.uri, "/model/eu.back%2Fx/invoke");
    assert_eq!(seen.body, BODY);
    assert_eq!(
        (seen.header("authorization"), seen.header("x-amz-date")),
        (None, None)
    );
    assert_eq!(seen.header("x-amzn-bedrock-trace"), Some("ENABLED"));

    // AWS's control plane has another host, but Claude Code asks for it here and waits for a response.
    let response = proxy.get("/p/inference-profiles?type=SYSTEM_DEFINED");
    let response = response.fetch().await;
    assert_eq!(response.status(), 404);
    assert_eq!(
        response.headers()["x-amzn-errortype"],
        "UnknownOperationException"
    );
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_stream_of_events_becomes_an_event_stream() {
    let body = [SSE, SSE_END].concat();
    let upstream =
        Upstream::start(move |_| response_of_type("text/event-stream", Bytes::from(body.clone()))).await;
    let proxy = serve("bedrock", "claude", &upstream).await;
    let response = proxy.post(&format!("/p{STREAM}"), BODY).fetch().await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "application/vnd.amazon.eventstream"
    );
    assert_eq!(
        response.headers()["x-amzn-bedrock-content-type"],
        "application/json"
    );
    let messages = decode_messages(response.bytes().await.expect("a body"));
    assert!(
        messages
            .iter()
            .all(|message| message.kind == EventStreamKind::Event && message.name == "chunk")
    );
    // The start, the unknown event and the two of the end, but no ping.
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
    let upstream =
        Upstream::start(|_| response_of_type("text/event-stream", Bytes::from_static(SSE.as_bytes()))).await;
    let proxy = serve("bedrock", "claude", &upstream).await;
    let response = proxy.post(&format!("/p{STREAM}"), BODY).fetch().await;
    let messages = decode_messages(response.bytes().await.expect("a body"));
    let last = messages.last().expect("a message");
    assert_eq!(
        (last.kind, last.name.as_str()),
        (EventStreamKind::Exception, "modelStreamErrorException")
    );
}

#[tokio::test]
async fn an_event_stream_is_read_and_its_failures_reach_the_client() {
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
        (wire.clone().freeze().slice(..cut), 200, "ended inside a message"),
        (wire.freeze(), 200, r#""content_block":{"type":"news"}"#),
        (early.freeze(), 429, "rate_limit_error"),
    ] {
        let upstream =
            Upstream::start(move |_| response_of_type("application/vnd.amazon.eventstream", wire.clone()))
                .await;
        let proxy = serve("claude", "bedrock", &upstream).await;
        let response = proxy.post("/p/v1/messages", claude).fetch().await;
        assert_eq!(response.status(), status);
        let text = response.text().await.expect("a body");
        assert!(text.contains(expected), "{text}");
        assert!(
            text.contains("\"error\"") && !text.contains("message_stop"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_complete_response_has_its_counts_in_headers() {
    const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[{"type":"news", "n":1.0}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":7}}"#;
    let upstream = Upstream::start(|_| json(ANSWER)).await;
    let proxy = serve("bedrock", "claude", &upstream).await;
    let response = proxy.post(&format!("/p{INVOKE}"), BODY).fetch().await;
    assert_eq!(response.headers()["x-amzn-bedrock-input-token-count"], "3");
    assert_eq!(response.headers()["x-amzn-bedrock-output-token-count"], "7");
    assert!(
        response
            .headers()
            .contains_key("x-amzn-bedrock-invocation-latency")
    );
    assert_eq!(response.text().await.expect("a body"), ANSWER);
}

/// A proxy in a process of its own, killed at the end.
#[cfg(feature = "aws")]
struct ProxyProcess(std::process::Child, std::path::PathBuf);

#[cfg(feature = "aws")]
impl Drop for ProxyProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = std::fs::remove_file(&self.1);
    }
}

/// A first proxy signs requests for a second one, which accepts no others.
#[cfg(feature = "aws")]
#[tokio::test]
async fn signed_requests_are_accepted_and_others_are_not() {
    let upstream = Upstream::start(|seen: SeenRequest| {
        assert!(seen.header("authorization").is_none());
        json(r#"{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":7}}"#)
    })
    .await;
    let models = model("/p", "*", "*", &upstream.url(), &dialects("bedrock", "bedrock"));
    let second = TestProxy::serve_file(&format!(
        "server: {{aws_credentials: [{{access_key_id: AKIDTEST, secret_access_key: the-secret}}]}}\nmodels:\n{models}"
    ))
    .await;
    for authorization in [None, Some("Bearer x"), Some("AWS4-HMAC-SHA256 Credential=A/b")] {
        let mut request = second.post(&format!("/p{INVOKE}"), BODY);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let response = request.fetch().await;
        assert_eq!(response.status(), 403);
        assert_eq!(
            response.headers()["x-amzn-errortype"],
            "UnrecognizedClientException"
        );
        assert!(read_json(response).await["message"].is_string());
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
        let _first = ProxyProcess(first, file);
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
        let response = request.fetch().await;
        // The first proxy's own credential was refused, which its client gets as an error of authentication.
        let expected = if status == 200 { 200 } else { 401 };
        assert_eq!(
            response.status(),
            expected,
            "{}",
            response.text().await.unwrap_or_default()
        );
    }
    let seen = upstream.only();
    assert_eq!(seen.uri, "/model/us.anthropic.x-v1%3A0/invoke");
    assert_eq!(seen.header("x-api-key"), None);
}
