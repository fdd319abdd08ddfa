//! How the proxy ends.

use tokio::time::timeout;

use crate::support::{PATIENCE, Proxy, feeding_upstream, plain};

#[tokio::test]
async fn streams_finish_and_new_connections_are_refused() {
    let (feed, upstream) = feeding_upstream().await;
    let mut proxy = Proxy::serve(&plain("/p", "m", "m", &upstream.url())).await;
    feed.send("data: 0\n\n");
    let mut answer = proxy
        .post("/p/v1/x", r#"{"model":"m"}"#)
        .send()
        .await
        .expect("an answer");
    assert!(answer.chunk().await.expect("a stream").is_some());
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
    assert_eq!(answer.text().await.expect("the rest"), "data: 1\n\n");
    let ended = timeout(PATIENCE, &mut proxy.task).await.expect("an end in time");
    ended.expect("a task").expect("a proxy");
}
