//! An upstream of plain sockets, for what a well-behaved HTTP server does not do.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::PING;

/// Responds to one request on a connection. Returns whether the connection stays open for another.
pub type ConnectionScript = fn(&mut TcpStream) -> std::io::Result<bool>;

/// Starts an upstream that follows a script on every connection. Returns the number of connections that it has
/// accepted, too.
pub fn start(script: ConnectionScript) -> (SocketAddr, Arc<AtomicUsize>) {
    let (listener, address) = listen();
    let count = Arc::new(AtomicUsize::new(0));
    let accepted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            accepted.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream?;
            stream.set_nodelay(true)?;
            std::thread::spawn(move || {
                while read_request(&mut stream)? {
                    if !script(&mut stream)? {
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

/// Listens on a free port.
pub fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Reads one request with [`PING`] as its body. False if the connection was closed instead.
pub fn read_request(stream: &mut TcpStream) -> std::io::Result<bool> {
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
