//! The proxy: server, routing, authentication, and the two ways of a request, which is either passed through or
//! translated.
//!
//! The files, in the order in which a request passes through them:
//!
//! | file | content |
//! | --- | --- |
//! | `server` | accepts connections, hands them to the workers, and drains them at the end |
//! | `worker` | a thread with a runtime of its own, and the connections that it serves |
//! | `handle` | what a request asks for, and which way it goes |
//! | `path`, `route` | from a path and a model's name to an upstream and its URL |
//! | `sigv4` | checks the signatures of Bedrock's clients |
//! | `request_body` | the body of a request: read once, searched for the model's name, edited in place |
//! | `routed_request` | a request whose route has been found |
//! | `models` | the list of a route's models |
//! | `headers` | which headers cross the proxy, and whose credential authenticates a request |
//! | `passthrough` | the way of a request that stays in its dialect |
//! | `translation` | the way of a request whose upstream speaks another dialect |
//! | `response_store` | responses that clients of the Responses API refer to later |
//! | `counting` | the number of a request's tokens, where the upstream speaks another dialect |
//! | `send` | sends a request to the upstream of a model |
//! | `aws` | signs requests to AWS |
//! | `upstream` | the HTTP client that sends requests to upstreams |
//! | `translated_body` | the body of a streamed response, translated while it passes |
//! | `response` | responses to clients: their bodies, and those that the proxy makes itself |
//! | `idle_timer` | a timer that fires after a time of silence |
//! | `allocator` | has the allocator keep memory for large bodies |
//! | `test_dialect` | a made-up dialect, for tests |

mod allocator;
#[cfg(feature = "aws")]
mod aws;
mod counting;
mod handle;
mod headers;
mod idle_timer;
mod models;
mod passthrough;
mod path;
mod request_body;
mod response;
mod response_store;
pub mod route;
mod routed_request;
mod send;
mod server;
mod sigv4;
#[cfg(test)]
mod test_dialect;
mod translated_body;
mod translation;
mod upstream;
mod worker;

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::config::{AwsCredential, Config};
use crate::dialect::shared::carrier::CarrierKey;
use crate::store::Store;
use crate::translate::{Carriers, ReasoningMemory};

pub use request_body::BODY_LIMIT;
pub use response::{LOSS_HEADER, PROXY_REQUEST_ID, UPSTREAM_REQUEST_ID};
pub use server::{DRAIN, shutdown_signal};
pub use translated_body::KEEP_ALIVE;

/// Serves a configuration on a listener until `shutdown` completes. Then no connection is accepted any more, and
/// responses that are being sent have [`DRAIN`] to finish. This future only accepts connections; threads of their own
/// serve them.
///
/// # Errors
/// When the HTTP client for the upstreams cannot be set up, the response store cannot be opened, or the system
/// provides no threads.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    allocator::keep_large_blocks();
    let workers = config.server.workers.unwrap_or_else(available_processors);
    let first = Proxy::new(config).await?;
    let mut proxies = Vec::with_capacity(workers.get());
    for _ in 1..workers.get() {
        proxies.push(first.sibling()?);
    }
    proxies.push(first);
    server::run(proxies, listener, shutdown).await
}

/// The number of processors that the process may use, which is the number of workers by default.
fn available_processors() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// The state that the requests of one worker share.
struct Proxy {
    shared: Arc<SharedState>,
    /// Connections to upstreams. They belong to one worker, because a connection of another thread would wake both
    /// threads for every piece of a response.
    client: upstream::UpstreamClient,
}

impl Proxy {
    async fn new(config: Config) -> io::Result<Self> {
        let shared = SharedState::new(config).await?;
        let upstreams = shared
            .routes
            .entries()
            .map(|entry| entry.model.backend_base_url.url());
        let client = upstream::UpstreamClient::new(upstreams)?;
        Ok(Self {
            shared: Arc::new(shared),
            client,
        })
    }

    /// The state of another worker: the same shared state, and connections of its own.
    fn sibling(&self) -> io::Result<Self> {
        Ok(Self {
            shared: Arc::clone(&self.shared),
            client: self.client.sibling()?,
        })
    }
}

impl std::ops::Deref for Proxy {
    type Target = SharedState;

    fn deref(&self) -> &SharedState {
        &self.shared
    }
}

/// The state that all requests share.
struct SharedState {
    routes: route::Routes,
    #[cfg(feature = "aws")]
    signer: aws::AwsSigner,
    aws_credentials: Vec<AwsCredential>,
    memory: Arc<ReasoningMemory>,
    carriers: Carriers,
    /// Responses that clients of the Responses API refer to later.
    store: Option<Arc<Store>>,
    ids: RequestIds,
    /// Limits the requests that are tokenized at the same time.
    counting_permits: tokio::sync::Semaphore,
}

impl SharedState {
    async fn new(mut config: Config) -> io::Result<Self> {
        let store = match config.response_store.take() {
            Some(store) => Some(Arc::new(Store::open(&store).await?)),
            None => None,
        };
        let aws_credentials = std::mem::take(&mut config.aws_credentials);
        let secret = config.secret.take();
        let carriers = secret.map_or(Carriers::Plain, |secret| {
            Carriers::Marked(CarrierKey::new(secret.expose()))
        });
        let routes = route::Routes::new(config);
        Ok(Self {
            #[cfg(feature = "aws")]
            signer: aws::AwsSigner::new(
                routes
                    .entries()
                    .filter_map(|entry| entry.model.backend_auth.aws.as_ref()),
            ),
            routes,
            aws_credentials,
            carriers,
            memory: Arc::default(),
            store,
            ids: RequestIds::default(),
            counting_permits: tokio::sync::Semaphore::new(counting::CONCURRENT_COUNTS),
        })
    }
}

/// Makes identifiers of requests. A counter makes them different within one process, and the random keys of the
/// standard library's hasher make them different between processes.
#[derive(Debug, Default)]
struct RequestIds {
    seed: std::hash::RandomState,
    count: std::sync::atomic::AtomicU64,
}

impl RequestIds {
    fn next(&self) -> String {
        use std::hash::BuildHasher;
        let count = self.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let high = self.seed.hash_one((count, 0_u8));
        let low = self.seed.hash_one((count, 1_u8)) >> 32;
        format!("req_{high:016x}{low:08x}")
    }
}

#[cfg(test)]
mod tests {
    use super::RequestIds;

    #[test]
    fn identifiers_differ() {
        let (a, b) = (RequestIds::default(), RequestIds::default());
        let all: std::collections::HashSet<String> = (0..1000).flat_map(|_| [a.next(), b.next()]).collect();
        assert_eq!(all.len(), 2000);
        assert!(all.iter().all(|id| id.len() == 28 && id.starts_with("req_")));
    }
}
