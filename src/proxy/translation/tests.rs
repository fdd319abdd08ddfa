use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use http::Method;
use http_body_util::BodyExt;

use super::super::Proxy;
use super::super::response::{BodyDelivery, ResponseBody};
use super::super::test_dialect::FAKE_DIALECT;
use super::*;

/// An upstream on a port of its own that sends one response. The request that it gets can be received.
fn start_upstream(response: String) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let mut request = [0; 4096];
        let length = stream.read(&mut request)?;
        let _ = sender.send(String::from_utf8_lossy(&request[..length]).into_owned());
        stream.write_all(response.as_bytes())
    });
    (url, receiver)
}

/// The text of an HTTP response.
fn http_response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nx-request-id: up_1\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// What the client and the upstream got.
struct ExchangeOutcome {
    status: u16,
    headers: HeaderMap,
    body: String,
    sent: String,
    input_tokens: Option<u64>,
}

/// Sends a request through the proxy to an upstream that sends this response.
async fn exchange(path: &str, request: &'static str, response: String) -> ExchangeOutcome {
    let (url, receiver) = start_upstream(response);
    let text = format!(
        "models: [{{frontend_model_name: m, frontend_base_url: /p, backend_model_name: big, \
         backend_base_url: '{url}/v1', backend_api_key: own}}]"
    );
    let config = crate::config::parse(&text, &|_| None)
        .expect("a configuration")
        .config;
    let proxy = Proxy::new(config).await.expect("a proxy");
    let (group, path_below) = proxy.routes.find(path).expect("a route");
    let client = [
        ("authorization", "Bearer mine"),
        ("anthropic-beta", "b"),
        ("x-trace", "t"),
    ];
    let header = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    let request = RoutedRequest {
        method: Method::POST,
        path: path_below,
        query: Some("beta=true".to_owned()),
        headers: client.map(header).into_iter().collect(),
        body: bytes::Bytes::from(request).into(),
        group,
        proxy: &proxy,
    };
    let mut access = Access::new(proxy.ids.next(), Method::POST, path.to_owned());
    let dialects = RouteDialects {
        client: &FAKE_DIALECT,
        upstream: &FAKE_DIALECT,
    };
    let response = translate(request, &group.entries[0], dialects, &mut access).await;
    let input_tokens = access.usage.map(|usage| usage.input_total());
    let (parts, source) = response.into_parts();
    let body = ResponseBody::new(source, BodyDelivery::Sent, access)
        .collect()
        .await
        .expect("a body");
    ExchangeOutcome {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_bytes().to_vec()).expect("text"),
        sent: receiver.try_recv().unwrap_or_default(),
        input_tokens,
    }
}

#[tokio::test]
async fn a_document_is_translated() {
    let outcome = exchange("/p/say", "m lossy", http_response("200 OK", "", "hello")).await;
    assert_eq!((outcome.status, outcome.body.as_str()), (200, "m said hello"));
    assert_eq!(outcome.input_tokens, Some(5));
    assert!(
        outcome.sent.starts_with("POST /v1/say HTTP/1.1\r\n"),
        "{}",
        outcome.sent
    );
    assert!(outcome.sent.ends_with("\r\n\r\nbig"), "{}", outcome.sent);
    for line in [
        "authorization: Bearer own",
        "x-words: 1",
        "x-trace: t",
        "accept: application/json",
    ] {
        assert!(
            outcome.sent.contains(&format!("{line}\r\n")),
            "{line} {}",
            outcome.sent
        );
    }
    assert!(
        !outcome.sent.contains("mine") && !outcome.sent.contains("anthropic"),
        "{}",
        outcome.sent
    );
    assert_eq!(outcome.headers["content-type"], "application/json");
    assert_eq!(outcome.headers["x-upstream-request-id"], "up_1");
    assert!(
        outcome.headers["x-request-id"]
            .to_str()
            .expect("text")
            .starts_with("req_")
    );
    assert_eq!(
        outcome.headers["x-llm-proxy-loss"],
        "dropped words[1], approximated response"
    );
}

#[tokio::test]
async fn a_stream_is_translated() {
    let events = "data: start\n\ndata: a\n\ndata: end\n\n";
    let head = "content-type: text/event-stream; charset=utf-8\r\n";
    let outcome = exchange("/p/say", "m stream", http_response("200 OK", head, events)).await;
    assert_eq!((outcome.status, outcome.body.as_str()), (200, "[start]a[end]"));
    assert!(outcome.sent.contains("accept: text/event-stream\r\n"));
    assert_eq!(outcome.headers["content-type"], "text/event-stream");
    assert_eq!(outcome.headers["cache-control"], "no-cache");
    assert_eq!(outcome.headers["x-accel-buffering"], "no");
    assert!(!outcome.headers.contains_key("content-length"));
}

#[tokio::test]
async fn an_upstreams_error_keeps_its_class_and_its_delay() {
    let limited = http_response("429 Too Many Requests", "retry-after: 9\r\n", "slow down");
    let outcome = exchange("/p/say", "m", limited).await;
    assert_eq!(
        (outcome.status, outcome.body.as_str()),
        (429, "rate_limit: slow down")
    );
    assert_eq!(outcome.headers["retry-after"], "9");
    assert_eq!(outcome.headers["x-upstream-request-id"], "up_1");
    let early = http_response("200 OK", "content-type: text/event-stream\r\n", "data: fail\n\n");
    let outcome = exchange("/p/say", "m stream", early).await;
    assert_eq!((outcome.status, outcome.body.as_str()), (503, "overloaded: busy"));
}

#[tokio::test]
async fn a_response_of_the_wrong_kind_is_an_error_of_the_upstream() {
    let sse = "content-type: text/event-stream\r\n";
    for (request, response) in [
        ("m", http_response("200 OK", "", "gibberish")),
        ("m", http_response("200 OK", sse, "data: start\n\n")),
        ("m", http_response("200 OK", "content-encoding: gzip\r\n", "x")),
        ("m", http_response("302 Found", "location: /\r\n", "")),
        ("m", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut".to_owned()),
        (
            "m stream",
            http_response("200 OK", "content-type: application/json\r\n", "{}"),
        ),
        ("m stream", http_response("200 OK", sse, "")),
    ] {
        let outcome = exchange("/p/say", request, response.clone()).await;
        assert_eq!(outcome.status, 502, "{request} {response}");
        assert!(outcome.body.starts_with("upstream: "), "{}", outcome.body);
    }
}

#[tokio::test]
async fn a_refused_request_does_not_reach_the_upstream() {
    for (path, request, status) in [
        ("/p/say", "m impossible", 400),
        ("/p/say", "m nonsense", 400),
        ("/p/count", "m", 404),
    ] {
        let outcome = exchange(path, request, http_response("200 OK", "", "hello")).await;
        assert_eq!((outcome.status, outcome.sent.as_str()), (status, ""), "{request}");
    }
}
