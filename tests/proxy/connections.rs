//! Connections to upstreams: kept, given up, replaced; and what has arrived together leaves together.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{PATIENCE, Proxy, plain};

const PING: &str = r#"{"model":"m"}"#;
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// Reads one request with a body of `PING`; whether one came.
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

/// What an upstream does with a request on a connection: whether it listens for another.
pub type Answer = fn(&mut TcpStream) -> std::io::Result<bool>;

/// An upstream of plain sockets, and how many connections it has accepted.
pub fn upstream(answer: Answer) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let count = Arc::new(AtomicUsize::new(0));
    let accepted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            accepted.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream?;
            stream.set_nodelay(true)?;
            std::thread::spawn(move || {
                while read_request(&mut stream)? {
                    if !answer(&mut stream)? {
                        break;
                    }
                }
                Ok::<_, std::io::Error>(())
            });
        }
        Ok::<_, std::io::Error>(())
    });
    (address, count)
}

async fn serve(address: SocketAddr) -> Proxy {
    Proxy::serve(&plain("/p", "m", "m", &format!("http://{address}"))).await
}

async fn ask(proxy: &Proxy) -> String {
    let answer = proxy.post("/p/v1/x", PING).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.text().await.expect("a whole body")
}

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    for answer in [
        // Of known length, empty, and in chunks whose end comes with or behind the last of them.
        (|stream: &mut TcpStream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
            Ok(true)
        }) as Answer,
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
        let (address, connections) = upstream(answer);
        let proxy = serve(address).await;
        for _ in 0..5 {
            ask(&proxy).await;
        }
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_connection_that_the_upstream_closed_is_not_used_again() {
    for answer in [
        (|stream: &mut TcpStream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
            Ok(false)
        }) as Answer,
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
        let (address, connections) = upstream(answer);
        let proxy = serve(address).await;
        for _ in 0..4 {
            assert_eq!(ask(&proxy).await, "{}");
        }
        assert_eq!(connections.load(Ordering::SeqCst), 4);
    }
}

#[tokio::test]
async fn requests_at_once_have_connections_of_their_own() {
    let (address, connections) = upstream(|stream| {
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
async fn an_answer_that_is_given_up_takes_its_connection_with_it() {
    static CLOSED: AtomicUsize = AtomicUsize::new(0);
    let (address, connections) = upstream(|stream| {
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
        let mut answer = proxy.post("/p/v1/x", PING).send().await.expect("an answer");
        assert!(answer.chunk().await.expect("a stream").is_some());
        drop(answer);
        let began = std::time::Instant::now();
        while CLOSED.load(Ordering::SeqCst) < number {
            assert!(began.elapsed() < PATIENCE, "the connection is still open");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(connections.load(Ordering::SeqCst), number);
    }
}

#[tokio::test]
async fn a_burst_leaves_joined() {
    let (address, _) = upstream(|stream| {
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
    let answer = proxy.raw(&request).await;
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
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
