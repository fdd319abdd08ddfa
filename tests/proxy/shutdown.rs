//! How the proxy ends.

use llm_proxy::proxy::DRAIN;
use tokio::time::timeout;

use crate::support::{FetchResponse, PATIENCE, PING, TestProxy, feeding_upstream};

#[tokio::test]
async fn streams_finish_and_new_connections_are_refused() {
    let (feed, upstream) = feeding_upstream().await;
    let mut proxy = TestProxy::forwarding_to(&upstream.url()).await;
    feed.send("data: 0\n\n");
    let mut response = proxy.post("/p/v1/x", PING).fetch().await;
    assert!(response.chunk().await.expect("a stream").is_some());
    proxy.stop();
    let refused = async {
        while tokio::net::TcpStream::connect(proxy.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused).await.expect("a closed port");
    assert!(!proxy.task.is_finished());
    feed.send("data: 1\n\n");
    drop(feed);
    assert_eq!(response.text().await.expect("the rest"), "data: 1\n\n");
    let ended = timeout(PATIENCE, &mut proxy.task).await.expect("an end in time");
    ended.expect("a task").expect("a proxy");
}

#[tokio::test]
async fn a_stream_that_does_not_finish_in_time_is_cut_off() {
    let (feed, upstream) = feeding_upstream().await;
    let mut proxy = TestProxy::forwarding_to(&upstream.url()).await;
    feed.send("data: 0\n\n");
    let mut response = proxy.post("/p/v1/x", PING).fetch().await;
    assert!(response.chunk().await.expect("a stream").is_some());
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    proxy.stop();
    let ended = (&mut proxy.task).await;
    ended.expect("a task").expect("a proxy");
    assert_eq!(began.elapsed().as_secs(), DRAIN.as_secs());
    assert!(response.chunk().await.is_err());
}
