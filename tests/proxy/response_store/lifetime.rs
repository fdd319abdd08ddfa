//! How long responses are kept, and what happens if they cannot be saved.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{MEMORY, StoreSetup, TestFolder, config_file, id, read_last_event};
use crate::support::{FetchResponse, PATIENCE, TestProxy};

#[tokio::test]
async fn a_file_can_be_used_by_the_next_proxy() {
    let folder = TestFolder::new("restart");
    let mut setup = StoreSetup::new(&folder.store()).await;
    let response = setup
        .create("claude", &json!({"input": "remember", "stream": true}))
        .await;

    let taken = llm_proxy::config::parse(&config_file(&folder.store(), &setup.demo.url()), &|_| None);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let second = llm_proxy::proxy::serve(taken.expect("a configuration").config, listener, async {}).await;
    let error = second.expect_err("a file that another process has").to_string();
    assert!(
        error.contains("responses.redb") && error.contains("another process"),
        "{error}"
    );

    setup.proxy.stop();
    (&mut setup.proxy.task)
        .await
        .expect("a task")
        .expect("an end in order");
    setup.proxy = TestProxy::serve_file(&config_file(&folder.store(), &setup.demo.url())).await;
    assert_eq!(
        setup
            .get(&format!("/claude/v1/responses/{}", id(&response)))
            .await,
        (200, response.clone())
    );
    setup
        .create(
            "claude",
            &json!({"input": "go on", "previous_response_id": id(&response)}),
        )
        .await;
    let sent = setup.upstream_request();
    assert_eq!(sent["messages"].as_array().map(Vec::len), Some(3));
    assert!(sent["messages"][0].to_string().contains("remember"));
}

#[tokio::test]
async fn a_file_that_is_no_database_fails_only_requests_that_need_the_store() {
    let folder = TestFolder::new("broken");
    std::fs::write(folder.0.join("responses.redb"), "this is no database").expect("a file");
    let setup = StoreSetup::new(&folder.store()).await;
    expect_broken(&setup).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_fails_only_requests_that_need_the_store() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = closed.local_addr().expect("an address");
    drop(closed);
    let setup = StoreSetup::new(&format!("{{kind: redis, url: \"redis://{address}\"}}")).await;
    expect_broken(&setup).await;
}

/// Checks that, with a store that fails, only requests that refer to saved responses fail.
async fn expect_broken(setup: &StoreSetup) {
    for stream in [false, true] {
        let response = setup
            .create("claude", &json!({"input": "hello", "stream": stream}))
            .await;
        assert_eq!(
            (&response["status"], &response["store"]),
            (&json!("completed"), &json!(false))
        );
    }
    let known = format!("resp_px{}", "0".repeat(40));
    let (status, error) = setup
        .try_create("claude", &json!({"input": "x", "previous_response_id": known}))
        .await;
    assert_eq!(
        (status, &error["error"]["message"]),
        (500, &json!("the response store is not available"))
    );
    assert_eq!(setup.get(&format!("/claude/v1/responses/{known}")).await.0, 500);
}

#[tokio::test]
async fn only_the_last_event_of_a_stream_waits_for_the_store() {
    // A server that takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = silent.local_addr().expect("an address");
    let setup = StoreSetup::new(&format!("{{kind: redis, url: \"redis://{address}\"}}")).await;
    let began = Instant::now();
    let request = setup.request("claude", &json!({"input": "long 5", "stream": true}));
    let mut response = request.fetch().await;
    let mut text = String::new();
    while !text.contains("response.output_item.done") {
        let piece = response.chunk().await.expect("a stream").expect("not the end");
        text.push_str(std::str::from_utf8(&piece).expect("text"));
    }
    let (items, waited) = (began.elapsed(), Duration::from_secs(1));
    assert!(items < waited, "{items:?}");
    assert!(!text.contains("event: response.completed"), "{text}");
    let rest = tokio::time::timeout(2 * PATIENCE, response.text())
        .await
        .expect("an end");
    assert!(began.elapsed() > waited);
    let last = read_last_event(&rest.expect("the rest"));
    assert_eq!(
        (&last["type"], &last["response"]["store"]),
        (&json!("response.completed"), &json!(false))
    );
    drop(silent);
}

#[tokio::test]
async fn age_and_size_limit_the_store() {
    let setup = StoreSetup::new("{kind: memory, max_age: 2s}").await;
    let response = setup.create("chat", &json!({"input": "x"})).await;
    let path = format!("/chat/v1/responses/{}", id(&response));
    assert_eq!(setup.get(&path).await.0, 200);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    // A request that continues a response renews it.
    let next = setup
        .create(
            "chat",
            &json!({"input": "y", "previous_response_id": id(&response)}),
        )
        .await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(setup.get(&path).await.0, 200);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    for id in [id(&response), id(&next)] {
        assert_eq!(setup.get(&format!("/chat/v1/responses/{id}")).await.0, 404);
    }

    let setup = StoreSetup::new("{kind: memory, max_bytes: 1MiB}").await;
    let mut responses = Vec::new();
    for _ in 0..4 {
        responses.push(setup.create("chat", &json!({"input": "x".repeat(300_000)})).await);
    }
    let mut kept = Vec::new();
    for response in &responses {
        kept.push(setup.get(&format!("/chat/v1/responses/{}", id(response))).await.0 == 200);
    }
    assert!(!kept[0] && kept[3], "{kept:?}");
    let large = setup
        .create("chat", &json!({"input": "x".repeat(1_100_000)}))
        .await;
    assert_eq!(large["store"], false);
}

#[tokio::test]
async fn many_conversations_at_once_stay_apart() {
    let setup = StoreSetup::new(MEMORY).await;
    let talk = |number: usize| {
        let setup = &setup;
        async move {
            let stream = number.is_multiple_of(2);
            let first = setup
                .create(
                    "chat",
                    &json!({"input": format!("number {number}."), "stream": stream}),
                )
                .await;
            let next = json!({"input": "go on", "previous_response_id": id(&first), "stream": stream});
            let second = setup.create("chat", &next).await;
            let (_, list) = setup
                .get(&format!(
                    "/chat/v1/responses/{}/input_items?order=asc",
                    id(&second)
                ))
                .await;
            assert_eq!(list["data"][0]["content"][0]["text"], format!("number {number}."));
        }
    };
    run_together(24, talk).await;
}

/// Runs futures together.
async fn run_together<F: Future<Output = ()>>(count: usize, make: impl Fn(usize) -> F) {
    let mut all: Vec<_> = (0..count).map(|number| Box::pin(make(number))).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if all.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
