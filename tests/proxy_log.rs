//! The log line of a request.

#[path = "proxy/support.rs"]
#[allow(dead_code, reason = "shared with the tests of the proxy's behaviour")]
mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_proxy::telemetry::{self, LogFormat};
use serde_json::Value;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::util::SubscriberInitExt;

use support::{FetchResponse, PATIENCE, TestProxy, Upstream, feeding_upstream, json, model};

#[derive(Clone, Default)]
struct LogLines(Arc<Mutex<Vec<u8>>>);

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl LogLines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("a lock").clone()).expect("text")
    }

    /// Waits for a line with these words.
    async fn wait(&self, words: &str) -> Value {
        let find = async {
            loop {
                let text = self.text();
                if let Some(line) = text.lines().find(|line| line.contains(words)) {
                    return serde_json::from_str(line).expect("a line of JSON");
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, find).await;
        found.unwrap_or_else(|_| panic!("no line with {words} in\n{}", self.text()))
    }
}

#[tokio::test]
async fn every_request_leaves_one_line_without_secrets() {
    let lines = LogLines::default();
    let writer = lines.clone();
    let filter = Targets::new().with_default(LevelFilter::DEBUG);
    telemetry::subscriber(filter, LogFormat::Json, move || writer.clone())
        .try_init()
        .expect("the only subscriber");

    let upstream = Upstream::start(|seen| {
        let mut response = json("{\"a\":1}");
        if seen.uri.contains("refused") {
            *response.status_mut() = http::StatusCode::FORBIDDEN;
        }
        response
    })
    .await;
    let (feed, feeding) = feeding_upstream().await;
    let key = "backend_api_key: sk-own-secret";
    let models = [
        model("/p", "m", "big", &upstream.url(), key),
        model("/s", "m", "m", &feeding.url(), "backend_auth_header: x-api-key"),
    ];
    let proxy = TestProxy::serve(&models.concat()).await;
    let secret = "Bearer sk-client-secret";

    let body = r#"{"model":"m"}"#;
    let done = proxy
        .post("/p/v1/done?key=sk-query-secret", body)
        .header("authorization", secret)
        .send()
        .await;
    let id = done.as_ref().expect("a response").headers()["x-llm-proxy-request-id"].clone();
    assert_eq!(
        done.expect("a response").text().await.expect("a body"),
        "{\"a\":1}"
    );
    let line = lines.wait("/p/v1/done").await;
    assert_eq!(line["request_id"], id.to_str().expect("text"));
    assert_eq!(line["level"], "INFO");
    for (name, value) in [
        ("method", Value::from("POST")),
        ("path", "/p/v1/done".into()),
        ("prefix", "/p".into()),
        ("model", "m".into()),
        ("backend_model", "big".into()),
        ("status", 200.into()),
        ("end", "complete".into()),
        ("request_bytes", body.len().into()),
        ("response_bytes", 7.into()),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert!(line["duration_ms"].as_f64() >= line["first_byte_ms"].as_f64());

    let refused = proxy
        .post("/p/refused", body)
        .header("authorization", secret)
        .send()
        .await;
    assert_eq!(refused.expect("a response").status(), 403);
    let line = lines.wait("refused the API key").await;
    assert_eq!(
        (&line["level"], &line["header"], &line["prefix"]),
        (&"ERROR".into(), &"authorization".into(), &"/p".into())
    );

    feed.send("data: 0\n\n");
    let mut stream = proxy
        .post("/s/left", body)
        .header("authorization", secret)
        .fetch()
        .await;
    assert!(stream.chunk().await.expect("a stream").is_some());
    drop(stream);
    let line = lines.wait("/s/left").await;
    assert_eq!(
        (&line["status"], &line["end"], &line["response_bytes"]),
        (&499.into(), &"client gone".into(), &9.into())
    );

    let unknown = proxy.post("/p/x", r#"{"model":"nope"}"#).fetch().await;
    assert_eq!(unknown.status(), 404);
    let line = lines.wait("nope").await;
    assert_eq!(
        (&line["status"], &line["error"], &line["end"]),
        (&404.into(), &"not_found".into(), &"complete".into())
    );

    assert_eq!(proxy.get("/healthz").fetch().await.status(), 200);
    assert_eq!(lines.wait("/healthz").await["level"], "DEBUG");

    let text = lines.text();
    let of_requests = text
        .lines()
        .filter(|line| line.contains("llm_proxy::access"))
        .count();
    assert_eq!(of_requests, 5, "{text}");
    assert!(!text.contains("-secret"), "{text}");
}
