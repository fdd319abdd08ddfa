//! Connections to upstreams: when they are kept, closed or replaced; and pieces that arrive together leave together.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::raw_upstream::{self, ConnectionScript};
use crate::support::{FetchResponse, PATIENCE, PING, TestProxy};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

async fn serve(address: SocketAddr) -> TestProxy {
    TestProxy::forwarding_to(&format!("http://{address}")).await
}

/// Sends a request and returns the body of the response.
async fn ask(proxy: &TestProxy) -> String {
    let response = proxy.post("/p/v1/x", PING).fetch().await;
    assert_eq!(response.status(), 200);
    response.text().await.expect("a whole body")
}

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    for script in [
        // Of known length, empty, and in chunks whose end comes together with the last one or after it.
        (|stream: &mut TcpStream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
            Ok(true)
        }) as ConnectionScript,
        |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
            Ok(true)
        },
        |stream| {
            stream.write_all(format!("{HEAD}2\r\n{{}}\r\n0\r\n\r\n").as_bytes())?;
            Ok(true)
        },
        |stream| {
            stream.write_all(format!("{HEAD}2\r\n{{}}\r\n").as_bytes())?;
            std::thread::sleep(std::time::Duration::from_millis(20));
            stream.write_all(b"0\r\n\r\n")?;
            Ok(true)
        },
    ] {
        let (address, connections) = raw_upstream::start(script);
        let proxy = serve(address).await;
        for _ in 0..5 {
            ask(&proxy).await;
        }
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_connection_that_the_upstream_closed_is_not_used_again() {
    for script in [
        (|stream: &mut TcpStream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
            Ok(false)
        }) as ConnectionScript,
        |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")?;
            Ok(false)
        },
        // The body ends with the connection.
        |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{}")?;
            Ok(false)
        },
    ] {
        let (address, connections) = raw_upstream::start(script);
        let proxy = serve(address).await;
        for _ in 0..4 {
            assert_eq!(ask(&proxy).await, "{}");
        }
        assert_eq!(connections.load(Ordering::SeqCst), 4);
    }
}

#[tokio::test]
async fn concurrent_requests_have_separate_connections() {
    let (address, connections) = raw_upstream::start(|stream| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
        Ok(true)
    });
    let proxy = serve(address).await;
    for _ in 0..2 {
        let (a, b, c) = tokio::join!(ask(&proxy), ask(&proxy), ask(&proxy));
        assert_eq!([a, b, c], ["{}"; 3]);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn dropping_a_response_closes_its_connection() {
    static CLOSED: AtomicUsize = AtomicUsize::new(0);
    let (address, connections) = raw_upstream::start(|stream| {
        stream.write_all(format!("{HEAD}9\r\ndata: 0\n\n\r\n").as_bytes())?;
        // Until the proxy closes it.
        stream.set_read_timeout(Some(PATIENCE))?;
        if stream.read(&mut [0; 64])? == 0 {
            CLOSED.fetch_add(1, Ordering::SeqCst);
        }
        Ok(false)
    });
    let proxy = serve(address).await;
    for number in 1..=2 {
        let mut response = proxy.post("/p/v1/x", PING).fetch().await;
        assert!(response.chunk().await.expect("a stream").is_some());
        drop(response);
        let began = std::time::Instant::now();
        while CLOSED.load(Ordering::SeqCst) < number {
            assert!(began.elapsed() < PATIENCE, "the connection is still open");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(connections.load(Ordering::SeqCst), number);
    }
}

#[tokio::test]
async fn pieces_that_arrive_together_leave_together() {
    let (address, _) = raw_upstream::start(|stream| {
        let mut all = HEAD.to_owned();
        for number in 0..200 {
            all.push_str(&format!("b\r\ndata: {number:03}\n\n\r\n"));
        }
        all.push_str("0\r\n\r\n");
        stream.write_all(all.as_bytes())?;
        Ok(true)
    });
    let proxy = serve(address).await;
    let request = format!(
        "POST /p/x HTTP/1.1\r\nhost: p\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{PING}",
        PING.len()
    );
    let response = proxy.send_raw(&request).await;
    let (_, body) = response.split_once("\r\n\r\n").expect("a head");
    let (mut rest, mut chunks, mut text) = (body, 0, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a chunk's size");
        if size == 0 {
            break;
        }
        text.push_str(&after[..size]);
        rest = &after[size + 2..];
        chunks += 1;
    }
    let expected: String = (0..200).map(|number| format!("data: {number:03}\n\n")).collect();
    assert_eq!(text, expected);
    assert!(chunks < 50, "{chunks} chunks");
}
