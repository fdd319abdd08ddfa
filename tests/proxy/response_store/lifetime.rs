//! How long something is kept, and what happens when it cannot be.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Folder, MEMORY, Setup, file, id, last_event};
use crate::support::{PATIENCE, Proxy};

#[tokio::test]
async fn a_file_outlives_the_proxy() {
    let folder = Folder::new("restart");
    let mut setup = Setup::new(&folder.store()).await;
    let answer = setup
        .done("claude", &json!({"input": "remember", "stream": true}))
        .await;

    let taken = llm_proxy::config::parse(&file(&folder.store(), &setup.demo.url()), &|_| None);
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
    setup.proxy = Proxy::serve_file(&file(&folder.store(), &setup.demo.url())).await;
    assert_eq!(
        setup.get(&format!("/claude/v1/responses/{}", id(&answer))).await,
        (200, answer.clone())
    );
    setup
        .done(
            "claude",
            &json!({"input": "go on", "previous_response_id": id(&answer)}),
        )
        .await;
    let sent = setup.sent();
    assert_eq!(sent["messages"].as_array().map(Vec::len), Some(3));
    assert!(sent["messages"][0].to_string().contains("remember"));
}

#[tokio::test]
async fn a_file_that_is_no_database_stops_nobody_who_needs_none() {
    let folder = Folder::new("broken");
    std::fs::write(folder.0.join("responses.redb"), "this is no database").expect("a file");
    let setup = Setup::new(&folder.store()).await;
    broken(&setup).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_stops_nobody_who_needs_none() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = closed.local_addr().expect("an address");
    drop(closed);
    let setup = Setup::new(&format!("{{kind: redis, url: \"redis://{address}\"}}")).await;
    broken(&setup).await;
}

/// A store that fails: what needs it is told, everything else is answered.
async fn broken(setup: &Setup) {
    for stream in [false, true] {
        let answer = setup
            .done("claude", &json!({"input": "hello", "stream": stream}))
            .await;
        assert_eq!(
            (&answer["status"], &answer["store"]),
            (&json!("completed"), &json!(false))
        );
    }
    let known = format!("resp_px{}", "0".repeat(40));
    let (status, error) = setup
        .ask("claude", &json!({"input": "x", "previous_response_id": known}))
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
    let setup = Setup::new(&format!("{{kind: redis, url: \"redis://{address}\"}}")).await;
    let began = Instant::now();
    let request = setup.request("claude", &json!({"input": "long 5", "stream": true}));
    let mut answer = request.send().await.expect("an answer");
    let mut text = String::new();
    while !text.contains("response.output_item.done") {
        let piece = answer.chunk().await.expect("a stream").expect("not the end");
        text.push_str(std::str::from_utf8(&piece).expect("text"));
    }
    let (items, waited) = (began.elapsed(), Duration::from_secs(1));
    assert!(items < waited, "{items:?}");
    assert!(!text.contains("event: response.completed"), "{text}");
    let rest = tokio::time::timeout(2 * PATIENCE, answer.text())
        .await
        .expect("an end");
    assert!(began.elapsed() > waited);
    let last = last_event(&rest.expect("the rest"));
    assert_eq!(
        (&last["type"], &last["response"]["store"]),
        (&json!("response.completed"), &json!(false))
    );
    drop(silent);
}

#[tokio::test]
async fn age_and_size_bound_what_is_kept() {
    let setup = Setup::new("{kind: memory, max_age: 2s}").await;
    let answer = setup.done("chat", &json!({"input": "x"})).await;
    let path = format!("/chat/v1/responses/{}", id(&answer));
    assert_eq!(setup.get(&path).await.0, 200);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    // Going on from an answer renews it.
    let next = setup
        .done(
            "chat",
            &json!({"input": "y", "previous_response_id": id(&answer)}),
        )
        .await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(setup.get(&path).await.0, 200);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    for id in [id(&answer), id(&next)] {
        assert_eq!(setup.get(&format!("/chat/v1/responses/{id}")).await.0, 404);
    }

    let setup = Setup::new("{kind: memory, max_bytes: 1MiB}").await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(setup.done("chat", &json!({"input": "x".repeat(300_000)})).await);
    }
    let mut kept = Vec::new();
    for answer in &answers {
        kept.push(setup.get(&format!("/chat/v1/responses/{}", id(answer))).await.0 == 200);
    }
    assert!(!kept[0] && kept[3], "{kept:?}");
    let large = setup.done("chat", &json!({"input": "x".repeat(1_100_000)})).await;
    assert_eq!(large["store"], false);
}

#[tokio::test]
async fn many_conversations_at_once_stay_apart() {
    let setup = Setup::new(MEMORY).await;
    let talk = |number: usize| {
        let setup = &setup;
        async move {
            let stream = number.is_multiple_of(2);
            let first = setup
                .done(
                    "chat",
                    &json!({"input": format!("number {number}."), "stream": stream}),
                )
                .await;
            let next = json!({"input": "go on", "previous_response_id": id(&first), "stream": stream});
            let second = setup.done("chat", &next).await;
            let (_, list) = setup
                .get(&format!(
                    "/chat/v1/responses/{}/input_items?order=asc",
                    id(&second)
                ))
                .await;
            assert_eq!(list["data"][0]["content"][0]["text"], format!("number {number}."));
        }
    };
    futures(24, talk).await;
}

/// Runs futures together.
async fn futures<F: Future<Output = ()>>(count: usize, make: impl Fn(usize) -> F) {
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
