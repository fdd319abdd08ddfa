//! Threads that serve connections: each has its share of them, and its own connections to upstreams.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::Response;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::raw_upstream;
use crate::support::{
    Feed, PATIENCE, PING, TestProxy, Upstream, dialects, feeding_upstream, json, model, plain,
};

async fn serve(workers: usize, models: &str) -> TestProxy {
    TestProxy::serve_file(&format!("server: {{workers: {workers}}}\nmodels:\n{models}")).await
}

/// A client's connection.
struct ClientConnection {
    sender: SendRequest<String>,
    host: SocketAddr,
}

impl ClientConnection {
    async fn open(proxy: &TestProxy) -> Self {
        let stream = TcpStream::connect(proxy.address).await.expect("a connection");
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.expect("a connection");
        tokio::spawn(connection);
        Self {
            sender,
            host: proxy.address,
        }
    }

    async fn post(&mut self, path: &str, body: impl Into<String>) -> Response<Incoming> {
        let request = http::Request::post(path)
            .header("host", self.host.to_string())
            .header("content-type", "application/json")
            .body(body.into())
            .expect("a request");
        let response = timeout(PATIENCE, self.sender.send_request(request)).await;
        response.expect("a response in time").expect("a response")
    }
}

/// Sends an event and waits until it has passed the proxy. Returns how long that took.
async fn time_event(feed: &Feed, response: &mut Response<Incoming>) -> Duration {
    let began = Instant::now();
    feed.send("data: x\n\n");
    let frame = timeout(PATIENCE, response.frame())
        .await
        .expect("an event in time");
    let data = frame.expect("an event").expect("a stream").into_data();
    assert_eq!(data.ok().as_deref(), Some(b"data: x\n\n".as_slice()));
    began.elapsed()
}

#[tokio::test]
async fn connections_are_spread_and_each_worker_has_its_own_to_the_upstream() {
    for (workers, expected) in [(1, 1), (3, 3), (8, 6)] {
        let (address, connections) = raw_upstream::start(|stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
            Ok(true)
        });
        let proxy = serve(workers, &plain("/p", "m", "m", &format!("http://{address}"))).await;
        let mut clients = Vec::new();
        for _ in 0..6 {
            clients.push(ClientConnection::open(&proxy).await);
        }
        for _ in 0..2 {
            for client in &mut clients {
                let response = client.post("/p/v1/x", PING).await;
                assert_eq!(response.collect().await.expect("a body").to_bytes(), "{}");
            }
        }
        assert_eq!(connections.load(Ordering::SeqCst), expected, "{workers} workers");
    }
}

#[tokio::test]
async fn a_new_connection_goes_to_the_worker_whose_connection_ended() {
    let (address, connections) = raw_upstream::start(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
        Ok(true)
    });
    let proxy = serve(8, &plain("/p", "m", "m", &format!("http://{address}"))).await;
    for _ in 0..10 {
        // The proxy closes it, so the worker has subtracted it before the next one arrives.
        let request = format!(
            "POST /p/v1/x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{PING}",
            PING.len()
        );
        assert!(proxy.send_raw(&request).await.ends_with("{}"));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn streams_of_all_workers_finish_before_the_end() {
    let mut streams = Vec::new();
    let mut models = String::new();
    for name in ["a", "b", "c"] {
        let (feed, upstream) = feeding_upstream().await;
        models += &plain(&format!("/{name}"), "m", "m", &upstream.url());
        streams.push((name, feed, upstream));
    }
    let mut proxy = serve(3, &models).await;
    let mut open = Vec::new();
    for (name, feed, upstream) in streams {
        let mut client = ClientConnection::open(&proxy).await;
        feed.send("data: x\n\n");
        let mut response = client.post(&format!("/{name}/v1/x"), PING).await;
        assert!(response.frame().await.is_some());
        open.push((feed, response, upstream, client));
    }
    proxy.stop();
    while TcpStream::connect(proxy.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    for (feed, mut response, _upstream, _client) in open {
        assert!(!proxy.task.is_finished());
        time_event(&feed, &mut response).await;
        drop(feed);
        assert!(
            timeout(PATIENCE, response.frame())
                .await
                .expect("an end")
                .is_none()
        );
    }
    let ended = timeout(PATIENCE, &mut proxy.task).await.expect("an end in time");
    ended.expect("a task").expect("a proxy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_translation_does_not_delay_a_stream_of_another_worker() {
    let (feed, streaming) = feeding_upstream().await;
    let translating =
        Upstream::start(|_| json(r#"{"id":"x","object":"chat.completion","choices":[]}"#)).await;
    let keys = dialects("claude", "openai-chat");
    let models = plain("/stream", "m", "m", &streaming.url())
        + &model("/translated", "m", "gpt-5.2", &translating.url(), &keys);
    let proxy = serve(2, &models).await;
    let mut first = ClientConnection::open(&proxy).await;
    feed.send("data: x\n\n");
    let mut stream = first.post("/stream/v1/x", PING).await;
    assert!(stream.frame().await.is_some());
    let mut second = ClientConnection::open(&proxy).await;
    let turn = r#"{"role":"user","content":[{"type":"text","text":"a \"quoted\" line\n"}]},{"role":"assistant","content":"so"},"#;
    let body = format!(
        r#"{{"model":"m","max_tokens":9,"messages":[{}{{"role":"user","content":"end"}}]}}"#,
        turn.repeat(60_000)
    );
    let large = tokio::spawn(async move {
        let began = Instant::now();
        let response = second.post("/translated/v1/messages", body).await;
        (response.status(), began.elapsed())
    });
    let mut worst = Duration::ZERO;
    while !large.is_finished() {
        worst = worst.max(time_event(&feed, &mut stream).await);
    }
    let (_, whole) = large.await.expect("a task");
    assert_eq!(translating.seen().len(), 1);
    assert!(
        worst < whole / 2,
        "an event took {worst:?} while a request took {whole:?}"
    );
}
