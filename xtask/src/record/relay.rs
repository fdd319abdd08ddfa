//! A minimal HTTP/1.1 relay: one request per connection, forwarded to an upstream that closes the connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Maximum size of a request head, in bytes.
const HEAD: u64 = 1024 * 1024;
/// Maximum size of a request body, in bytes.
const BODY: usize = 64 * 1024 * 1024;
/// Time limit for reading a request.
const PATIENCE: Duration = Duration::from_secs(30);
/// Headers about the client's connection; the connection to the upstream is a different one.
const CONNECTION: [&str; 5] = [
    "connection",
    "content-length",
    "transfer-encoding",
    "expect",
    "keep-alive",
];

/// A request as the client sent it.
pub struct RelayedRequest {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in their original case, and values.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl RelayedRequest {
    /// The first header with this name, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads the request of a connection.
///
/// # Errors
/// The connection fails, or the request is not valid HTTP/1.1.
pub fn read(connection: TcpStream) -> io::Result<(RelayedRequest, TcpStream)> {
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(&connection);
    let mut head = Read::take(&mut reader, HEAD);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(malformed("no request line"));
    };
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Err(malformed("the head is cut off or too large"));
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None if line.trim_end().is_empty() => break,
            None => return Err(malformed("a header without a colon")),
        }
    }
    let mut request = RelayedRequest {
        method,
        target,
        headers,
        body: Vec::new(),
    };
    if request.header("expect").is_some() {
        (&connection).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let chunked = request
        .header("transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    request.body = if chunked {
        chunks(&mut reader)?
    } else {
        let length = request
            .header("content-length")
            .map(|value| value.parse::<usize>());
        let length = length
            .unwrap_or(Ok(0))
            .map_err(|_| malformed("content-length is not a number"))?;
        exactly(&mut reader, length)?
    };
    Ok((request, connection))
}

fn exactly(reader: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    if length > BODY {
        return Err(malformed("the body is too large"));
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = line.trim_end().split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| malformed("a chunk without a size"))?;
        if size == 0 {
            break;
        }
        body.extend(exactly(reader, size)?);
        if body.len() > BODY {
            return Err(malformed("the body is too large"));
        }
        exactly(reader, 2)?;
    }
    // Skip the trailers up to the empty line. No client sends any.
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && !line.trim_end().is_empty() {
        line.clear();
    }
    Ok(body)
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Sends the request to `to` and the response back to the client. Keeps the client's `Host` header, because an AWS
/// signature covers it.
///
/// # Errors
/// One of the two connections fails.
pub fn forward(request: &RelayedRequest, mut client: TcpStream, to: &str) -> io::Result<()> {
    let mut upstream = TcpStream::connect(to)?;
    upstream.set_nodelay(true)?;
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        if !CONNECTION.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!(
        "content-length: {}\r\nconnection: close\r\n\r\n",
        request.body.len()
    ));
    upstream.write_all(head.as_bytes())?;
    upstream.write_all(&request.body)?;
    io::copy(&mut upstream, &mut client)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::{forward, read};

    fn send(text: &'static str) -> std::io::Result<super::RelayedRequest> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(text.as_bytes()).unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        read(listener.accept().unwrap().0).map(|(request, _)| request)
    }

    #[test]
    fn bodies_of_both_kinds() {
        let request = send("POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello").unwrap();
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("POST", "/a?b")
        );
        assert_eq!(
            (request.header("host"), request.body.as_slice()),
            (Some("h"), &b"hello"[..])
        );
        let text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        assert_eq!(send(text).unwrap().body, b"hello");
    }

    #[test]
    fn invalid_requests_are_refused() {
        for text in [
            "",
            "GET\r\n\r\n",
            "GET / HTTP/1.1\r\nbroken\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: h\r\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ] {
            assert!(send(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_response_is_forwarded() {
        let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = upstream.local_addr().unwrap().to_string();
        let responding = std::thread::spawn(move || {
            let (request, mut connection) = read(upstream.accept().unwrap().0).unwrap();
            connection
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .unwrap();
            request
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client
            .write_all(
                b"POST /x HTTP/1.1\r\nHost: signed\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1",
            )
            .unwrap();
        let (request, connection) = read(listener.accept().unwrap().0).unwrap();
        forward(&request, connection, &to).unwrap();
        let mut response = String::new();
        client.read_to_string(&mut response).unwrap();
        assert!(response.ends_with("\r\n\r\nok"), "{response}");
        let got = responding.join().unwrap();
        assert_eq!(
            (got.header("host"), got.header("connection")),
            (Some("signed"), Some("close"))
        );
        assert_eq!(got.body, b"1");
    }
}
