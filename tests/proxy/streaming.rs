//! Streams pass event by event, and end when the client goes away.

use std::io::{Read, Write};

use tokio::time::timeout;

use crate::raw_upstream;
use crate::support::{FetchResponse, PATIENCE, TestProxy, feeding_upstream};

const STREAM_PING: &str = r#"{"model":"m","stream":true}"#;

#[tokio::test]
async fn an_event_arrives_before_the_next_is_sent() {
    let (feed, upstream) = feeding_upstream().await;
    let proxy = TestProxy::forwarding_to(&upstream.url()).await;
    let pending = tokio::spawn(proxy.post("/p/v1/x", STREAM_PING).send());
    feed.send("data: 0\n\n");
    let mut response = pending.await.expect("a task").expect("a response");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    for (sent, next) in [
        ("data: 0\n\n", "data: 1\n\n"),
        ("data: 1\n\n", "data: 2\n\n"),
        ("data: 2\n\n", "end"),
    ] {
        let chunk = timeout(PATIENCE, response.chunk())
            .await
            .expect("an event in time");
        assert_eq!(chunk.expect("a stream").as_deref(), Some(sent.as_bytes()));
        feed.send(next);
    }
    drop(feed);
    assert_eq!(response.text().await.expect("a stream"), "end");
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_upstreams_response() {
    let (feed, upstream) = feeding_upstream().await;
    let proxy = TestProxy::forwarding_to(&upstream.url()).await;
    feed.send("data: 0\n\n");
    let mut response = proxy.post("/p/v1/x", STREAM_PING).fetch().await;
    assert!(response.chunk().await.expect("a stream").is_some());
    drop(response);
    feed.abandoned().await;
}

#[tokio::test]
async fn a_client_that_goes_away_before_the_response_closes_the_upstreams_connection() {
    let (listener, address) = raw_upstream::listen();
    let proxy = TestProxy::forwarding_to(&format!("http://{address}")).await;
    let mut client = std::net::TcpStream::connect(proxy.address).expect("a connection");
    let length = STREAM_PING.len();
    let request = format!("POST /p/x HTTP/1.1\r\nhost: p\r\ncontent-length: {length}\r\n\r\n{STREAM_PING}");
    client.write_all(request.as_bytes()).expect("a sent request");
    let upstream = tokio::task::spawn_blocking(move || {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut piece = [0; 4096];
        let first = stream.read(&mut piece)?;
        drop(client);
        // Reads until the proxy closes the connection.
        while stream.read(&mut piece)? > 0 {}
        Ok::<_, std::io::Error>(first)
    });
    let first = upstream.await.expect("a task");
    assert!(first.expect("the end of the connection") > 0);
}

#[tokio::test]
async fn a_broken_stream_does_not_end_as_a_complete_one() {
    let (listener, address) = raw_upstream::listen();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let mut request = [0; 4096];
        let _ = stream.read(&mut request)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 0\n\n\r\n")
    });
    let proxy = TestProxy::forwarding_to(&format!("http://{address}")).await;
    let mut response = proxy.post("/p/v1/x", STREAM_PING).fetch().await;
    assert!(response.chunk().await.expect("a first piece").is_some());
    assert!(response.chunk().await.is_err());
}
