//! What a client is told when the upstream fails, and what is tried again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::{Proxy, Upstream, json, model, plain};

const PING: &str = r#"{"model":"m"}"#;

#[tokio::test]
async fn an_upstream_that_is_down_is_a_bad_gateway() {
    let free = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let proxy = Proxy::serve(&model(
        "/p",
        "m",
        "m",
        &format!("http://{free}"),
        "backend_api_key: sk-secret",
    ))
    .await;
    let answer = proxy.post("/p/v1/x", PING).send().await.expect("an answer");
    assert_eq!(answer.status(), 502);
    let text = answer.text().await.expect("a body");
    assert!(
        !text.contains("sk-secret") && !text.contains(&free.port().to_string()),
        "{text}"
    );
    let body: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(body["error"]["message"], "the upstream cannot be reached");
}

#[tokio::test]
async fn malformed_requests_are_told_so() {
    let upstream = Upstream::plain().await;
    let proxy = Proxy::serve(&plain("/p", "m", "m", &upstream.url())).await;
    for body in [
        r#"{"model":"m""#,
        r#"{"model":7}"#,
        r#"{"model":"m","model":"n"}"#,
    ] {
        let answer = proxy.post("/p/v1/x", body).send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{body}");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn redirects_and_refusals_pass_as_they_are() {
    let upstream = Upstream::start(|seen| {
        let mut answer = json(r#"{"error":"no"}"#);
        let (status, location) = match seen.uri.as_str() {
            "/moved" => (307, "http://elsewhere/"),
            _ => (401, ""),
        };
        *answer.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        answer
            .headers_mut()
            .insert("location", http::HeaderValue::from_static(location));
        answer
    })
    .await;
    let proxy = Proxy::serve(&model(
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
    let moved = client.get(proxy.url("/p/moved")).send().await.expect("an answer");
    assert_eq!(moved.status(), 307);
    assert_eq!(moved.headers()["location"], "http://elsewhere/");
    let refused = client
        .get(proxy.url("/p/refused"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.text().await.expect("a body"), r#"{"error":"no"}"#);
}

/// Reads one request with a body of `PING` and gives its head.
fn read_request(stream: &mut TcpStream) -> std::io::Result<bool> {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.ends_with(PING.as_bytes()) {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(false);
        }
        request.extend_from_slice(&piece[..length]);
    }
    Ok(true)
}

#[tokio::test]
async fn a_connection_that_went_stale_in_the_pool_is_replaced_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
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
    let proxy = Proxy::serve(&plain("/p", "m", "m", &format!("http://{address}"))).await;
    for _ in 0..2 {
        let answer = proxy.post("/p/v1/x", PING).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_upstream_that_hangs_up_on_a_new_connection_is_not_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
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
    let proxy = Proxy::serve(&plain("/p", "m", "m", &format!("http://{address}"))).await;
    let answer = proxy.post("/p/v1/x", PING).send().await.expect("an answer");
    assert_eq!(answer.status(), 502);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}
