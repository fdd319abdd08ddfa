//! The floor: a minimal reverse proxy that parses only HTTP. hyper serves, hyper-util's pooled client forwards; head
//! and body stay unchanged. Benchmarks report the costs of llm-proxy as a ratio to this program.

use std::net::SocketAddr;

use clap::Parser;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response, StatusCode};
use http_body_util::{Either, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;

#[derive(Parser)]
struct FloorOptions {
    /// Port to listen on
    #[arg(long)]
    port: u16,
    /// Host and port of the upstream
    #[arg(long)]
    upstream: Authority,
}

type FloorBody = Either<Incoming, Empty<Bytes>>;

async fn forward(
    client: &Client<HttpConnector, Incoming>,
    upstream: Authority,
    mut request: Request<Incoming>,
) -> Response<FloorBody> {
    let mut target = std::mem::take(request.uri_mut()).into_parts();
    target.scheme = Some(Scheme::HTTP);
    target.authority = Some(upstream);
    target
        .path_and_query
        .get_or_insert(PathAndQuery::from_static("/"));
    let Ok(target) = Uri::from_parts(target) else {
        return failed(StatusCode::BAD_REQUEST);
    };
    *request.uri_mut() = target;
    // These headers describe the client's connection; the client library sets its own.
    for name in [http::header::CONNECTION, http::header::HOST] {
        request.headers_mut().remove(name);
    }
    match client.request(request).await {
        Ok(response) => response.map(Either::Left),
        Err(_) => failed(StatusCode::BAD_GATEWAY),
    }
}

fn failed(status: StatusCode) -> Response<FloorBody> {
    let mut response = Response::new(Either::Right(Empty::new()));
    *response.status_mut() = status;
    response
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let options = FloorOptions::parse();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connector);
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], options.port))).await?;
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (client, upstream) = (client.clone(), options.upstream.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let (client, upstream) = (&client, upstream.clone());
                async move { Ok::<_, std::convert::Infallible>(forward(client, upstream, request).await) }
            });
            // The error of a client that disconnects is not a failure of the floor.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
