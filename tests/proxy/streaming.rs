//! Streams pass event by event, and end where the client ends them.

use std::io::{Read, Write};

use tokio::time::timeout;

use crate::support::{PATIENCE, Proxy, feeding_upstream, plain};

const PING: &str = r#"{"model":"m","stream":true}"#;

#[tokio::test]
async fn an_event_arrives_before_the_next_is_sent() {
    let (feed, upstream) = feeding_upstream().await;
    let proxy = Proxy::serve(&plain("/p", "m", "m", &upstream.url())).await;
    let asked = tokio::spawn(proxy.post("/p/v1/x", PING).send());
    feed.send("data: 0\n\n");
    let mut answer = asked.await.expect("a task").expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    for (sent, next) in [
        ("data: 0\n\n", "data: 1\n\n"),
        ("data: 1\n\n", "data: 2\n\n"),
        ("data: 2\n\n", "end"),
    ] {
        let chunk = timeout(PATIENCE, answer.chunk()).await.expect("an event in time");
        assert_eq!(chunk.expect("a stream").as_deref(), Some(sent.as_bytes()));
        feed.send(next);
    }
    drop(feed);
    assert_eq!(answer.text().await.expect("a stream"), "end");
}

#[tokio::test]
async fn a_client_that_goes_takes_the_upstream_with_it() {
    let (feed, upstream) = feeding_upstream().await;
    let proxy = Proxy::serve(&plain("/p", "m", "m", &upstream.url())).await;
    feed.send("data: 0\n\n");
    let mut answer = proxy.post("/p/v1/x", PING).send().await.expect("an answer");
    assert!(answer.chunk().await.expect("a stream").is_some());
    drop(answer);
    feed.abandoned().await;
}

#[tokio::test]
async fn a_client_that_goes_before_the_answer_takes_the_upstream_with_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let proxy = Proxy::serve(&plain("/p", "m", "m", &format!("http://{address}"))).await;
    let mut client = std::net::TcpStream::connect(proxy.address).expect("a connection");
    let length = PING.len();
    let request = format!("POST /p/x HTTP/1.1\r\nhost: p\r\ncontent-length: {length}\r\n\r\n{PING}");
    client.write_all(request.as_bytes()).expect("a sent request");
    let upstream = tokio::task::spawn_blocking(move || {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut piece = [0; 4096];
        let first = stream.read(&mut piece)?;
        drop(client);
        // Whatever else comes, the end has to come too.
        while stream.read(&mut piece)? > 0 {}
        Ok::<_, std::io::Error>(first)
    });
    let first = upstream.await.expect("a task");
    assert!(first.expect("the end of the connection") > 0);
}

#[tokio::test]
async fn a_broken_stream_does_not_end_as_a_whole_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let mut request = [0; 4096];
        let _ = stream.read(&mut request)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 0\n\n\r\n")
    });
    let proxy = Proxy::serve(&plain("/p", "m", "m", &format!("http://{address}"))).await;
    let mut answer = proxy.post("/p/v1/x", PING).send().await.expect("an answer");
    assert!(answer.chunk().await.expect("a first piece").is_some());
    assert!(answer.chunk().await.is_err());
}
