use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use http_body_util::BodyExt;

use super::super::test_dialect::FAKE_DIALECT;
use super::super::{Proxy, response::ResponseBody};
use super::*;

/// An upstream on a port of its own that gives one answer; the request that it got can be received.
fn upstream(answer: String) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let mut request = [0; 4096];
        let length = stream.read(&mut request)?;
        let _ = sender.send(String::from_utf8_lossy(&request[..length]).into_owned());
        stream.write_all(answer.as_bytes())
    });
    (url, receiver)
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nx-request-id: up_1\r\n{headers}\r\n{body}",
        body.len()
    )
}

struct ExchangeOutcome {
    status: u16,
    headers: HeaderMap,
    body: String,
    sent: String,
    input_tokens: Option<u64>,
}

/// Sends a request through to an upstream that gives this answer.
async fn exchange(path: &str, request: &'static str, answer: String) -> ExchangeOutcome {
    let (url, receiver) = upstream(answer);
    let text = format!(
        "models: [{{frontend_model_name: m, frontend_base_url: /p, backend_model_name: big, \
         backend_base_url: '{url}/v1', backend_api_key: own}}]"
    );
    let config = crate::config::parse(&text, &|_| None)
        .expect("a configuration")
        .config;
    let proxy = Proxy::new(config).await.expect("a proxy");
    let (group, rest) = proxy.routes.find(path).expect("a route");
    let client = [
        ("authorization", "Bearer mine"),
        ("anthropic-beta", "b"),
        ("x-trace", "t"),
    ];
    let header = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    let call = RoutedRequest {
        method: Method::POST,
        rest,
        query: Some("beta=true".to_owned()),
        headers: client.map(header).into_iter().collect(),
        body: bytes::Bytes::from(request).into(),
        group,
        proxy: &proxy,
    };
    let mut access = Access::new(proxy.ids.next(), Method::POST, path.to_owned());
    let answer = between(call, &group.entries[0], &FAKE_DIALECT, &FAKE_DIALECT, &mut access).await;
    let input_tokens = access.usage.map(|usage| usage.input_total());
    let (parts, source) = answer.into_parts();
    let body = ResponseBody::new(source, false, access)
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
async fn a_complete_answer_is_translated() {
    let told = exchange("/p/say", "m lossy", http("200 OK", "", "hello")).await;
    assert_eq!((told.status, told.body.as_str()), (200, "m said hello"));
    assert_eq!(told.input_tokens, Some(5));
    assert!(
        told.sent.starts_with("POST /v1/say HTTP/1.1\r\n"),
        "{}",
        told.sent
    );
    assert!(told.sent.ends_with("\r\n\r\nbig"), "{}", told.sent);
    for line in [
        "authorization: Bearer own",
        "x-words: 1",
        "x-trace: t",
        "accept: application/json",
    ] {
        assert!(told.sent.contains(&format!("{line}\r\n")), "{line} {}", told.sent);
    }
    assert!(
        !told.sent.contains("mine") && !told.sent.contains("anthropic"),
        "{}",
        told.sent
    );
    assert_eq!(told.headers["content-type"], "application/json");
    assert_eq!(told.headers["x-upstream-request-id"], "up_1");
    assert!(
        told.headers["x-request-id"]
            .to_str()
            .expect("text")
            .starts_with("req_")
    );
    assert_eq!(
        told.headers["x-llm-proxy-loss"],
        "dropped words[1], approximated answer"
    );
}

#[tokio::test]
async fn a_stream_is_translated() {
    let events = "data: start\n\ndata: a\n\ndata: end\n\n";
    let head = "content-type: text/event-stream; charset=utf-8\r\n";
    let told = exchange("/p/say", "m stream", http("200 OK", head, events)).await;
    assert_eq!((told.status, told.body.as_str()), (200, "[start]a[end]"));
    assert!(told.sent.contains("accept: text/event-stream\r\n"));
    assert_eq!(told.headers["content-type"], "text/event-stream");
    assert_eq!(told.headers["cache-control"], "no-cache");
    assert_eq!(told.headers["x-accel-buffering"], "no");
    assert!(!told.headers.contains_key("content-length"));
}

#[tokio::test]
async fn refusals_keep_their_class_and_their_delay() {
    let limited = http("429 Too Many Requests", "retry-after: 9\r\n", "slow down");
    let told = exchange("/p/say", "m", limited).await;
    assert_eq!((told.status, told.body.as_str()), (429, "rate_limit: slow down"));
    assert_eq!(told.headers["retry-after"], "9");
    assert_eq!(told.headers["x-upstream-request-id"], "up_1");
    let early = http("200 OK", "content-type: text/event-stream\r\n", "data: fail\n\n");
    let told = exchange("/p/say", "m stream", early).await;
    assert_eq!((told.status, told.body.as_str()), (503, "overloaded: busy"));
}

#[tokio::test]
async fn an_answer_of_the_wrong_kind_is_the_upstreams_fault() {
    let sse = "content-type: text/event-stream\r\n";
    for (request, answer) in [
        ("m", http("200 OK", "", "gibberish")),
        ("m", http("200 OK", sse, "data: start\n\n")),
        ("m", http("200 OK", "content-encoding: gzip\r\n", "x")),
        ("m", http("302 Found", "location: /\r\n", "")),
        ("m", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut".to_owned()),
        (
            "m stream",
            http("200 OK", "content-type: application/json\r\n", "{}"),
        ),
        ("m stream", http("200 OK", sse, "")),
    ] {
        let told = exchange("/p/say", request, answer.clone()).await;
        assert_eq!(told.status, 502, "{request} {answer}");
        assert!(told.body.starts_with("upstream: "), "{}", told.body);
    }
}

#[tokio::test]
async fn what_cannot_be_said_does_not_reach_the_upstream() {
    for (path, request, status) in [
        ("/p/say", "m impossible", 400),
        ("/p/say", "m nonsense", 400),
        ("/p/count", "m", 404),
    ] {
        let told = exchange(path, request, http("200 OK", "", "hello")).await;
        assert_eq!((told.status, told.sent.as_str()), (status, ""), "{request}");
    }
}
