//! The error that a client gets when the upstream fails, and the requests that are sent again.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::raw_upstream::{self, read_request};
use crate::support::{FetchResponse, PING, TestProxy, Upstream, json, model};

#[tokio::test]
async fn an_upstream_that_is_down_is_a_bad_gateway() {
    let (listener, free) = raw_upstream::listen();
    drop(listener);
    let proxy = TestProxy::serve(&model(
        "/p",
        "m",
        "m",
        &format!("http://{free}"),
        "backend_api_key: sk-secret",
    ))
    .await;
    let response = proxy.post("/p/v1/x", PING).fetch().await;
    assert_eq!(response.status(), 502);
    let text = response.text().await.expect("a body");
    assert!(
        !text.contains("sk-secret") && !text.contains(&free.port().to_string()),
        "{text}"
    );
    let body: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(body["error"]["message"], "the upstream cannot be reached");
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::forwarding_to(&upstream.url()).await;
    for body in [
        r#"{"model":"m""#,
        r#"{"model":7}"#,
        r#"{"model":"m","model":"n"}"#,
    ] {
        let response = proxy.post("/p/v1/x", body).fetch().await;
        assert_eq!(response.status(), 400, "{body}");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn redirects_and_errors_pass_unchanged() {
    let upstream = Upstream::start(|seen| {
        let mut response = json(r#"{"error":"no"}"#);
        let (status, location) = match seen.uri.as_str() {
            "/moved" => (307, "http://elsewhere/"),
            _ => (401, ""),
        };
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        response
            .headers_mut()
            .insert("location", http::HeaderValue::from_static(location));
        response
    })
    .await;
    let proxy = TestProxy::serve(&model(
        "/p",
        "*",
        "*",
        &upstream.url(),
        "backend_api_key: sk-secret",
    ))
    .await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none());
    let client = client.build().expect("a client");
    let moved = client.get(proxy.url("/p/moved")).fetch().await;
    assert_eq!(moved.status(), 307);
    assert_eq!(moved.headers()["location"], "http://elsewhere/");
    let refused = client.get(proxy.url("/p/refused")).fetch().await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.text().await.expect("a body"), r#"{"error":"no"}"#);
}

#[tokio::test]
async fn a_request_that_meets_a_stale_connection_is_sent_again() {
    let (listener, address) = raw_upstream::listen();
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    std::thread::spawn(move || {
        for (connection, stream) in listener.incoming().enumerate() {
            let mut stream = stream?;
            while read_request(&mut stream)? {
                let number = count.fetch_add(1, Ordering::SeqCst);
                // The second request on the first connection meets its end.
                if connection == 0 && number == 1 {
                    break;
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
                if connection == 1 {
                    break;
                }
            }
        }
        Ok::<_, std::io::Error>(())
    });
    let proxy = TestProxy::forwarding_to(&format!("http://{address}")).await;
    for _ in 0..2 {
        let response = proxy.post("/p/v1/x", PING).fetch().await;
        assert_eq!(response.status(), 200);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_request_that_loses_a_new_connection_is_not_sent_again() {
    let (listener, address) = raw_upstream::listen();
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if read_request(&mut stream?)? {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok::<_, std::io::Error>(())
    });
    let proxy = TestProxy::forwarding_to(&format!("http://{address}")).await;
    let response = proxy.post("/p/v1/x", PING).fetch().await;
    assert_eq!(response.status(), 502);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}
