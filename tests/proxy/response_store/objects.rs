//! Which responses are saved, who can read them, and the paths of saved responses.

use serde_json::{Value, json};

use super::{MEMORY, StoreSetup, id};
use crate::support::{FetchResponse, read_json};

#[tokio::test]
async fn nobody_else_can_use_a_response() {
    let setup = StoreSetup::new(MEMORY).await;
    let response = setup.create("claude", &json!({"input": "a secret"})).await;
    let (own, item) = (
        id(&response),
        response["output"][0]["id"].as_str().expect("an identifier"),
    );
    let unknown = format!("resp_px{}", "0".repeat(40));
    let mut errors = Vec::new();
    for (prefix, token, previous) in [
        ("claude", "other", own),
        ("chat", "mine", own),
        ("claude", "mine", &*unknown),
        ("claude", "mine", "resp_from_elsewhere"),
        ("claude", "mine", ""),
    ] {
        let body = json!({"model": "m", "input": "go on", "previous_response_id": previous});
        let request = setup
            .proxy
            .post(&format!("/{prefix}/v1/responses"), body.to_string());
        let response = request.bearer_auth(token).fetch().await;
        assert_eq!(response.status(), 400);
        let error = read_json(response).await;
        assert_eq!(error["error"]["code"], "previous_response_not_found");
        assert_eq!(error["error"]["param"], "previous_response_id");
        errors.push(error.to_string().replace(previous, ""));
        let body = json!({"model": "m", "input": [{"type": "item_reference", "id": item}]});
        let request = setup
            .proxy
            .post(&format!("/{prefix}/v1/responses"), body.to_string());
        let foreign = (prefix, token) != ("claude", "mine");
        let response = request.bearer_auth(token).fetch().await;
        assert_eq!(response.status(), if foreign { 404 } else { 200 });
        for method in [http::Method::GET, http::Method::DELETE] {
            let url = setup.proxy.url(&format!("/{prefix}/v1/responses/{previous}x"));
            let request = setup.proxy.client.request(method, url).bearer_auth(token);
            assert_eq!(request.fetch().await.status(), 404);
        }
    }
    assert!(
        errors[..4].windows(2).all(|pair| pair[0] == pair[1]),
        "{errors:?}"
    );
    assert_eq!(setup.get(&format!("/claude/v1/responses/{own}")).await.0, 200);
}

#[tokio::test]
async fn saved_responses_are_objects() {
    let setup = StoreSetup::new(MEMORY).await;
    let first = setup
        .create("chat", &json!({"input": "one", "stream": true}))
        .await;
    let next = json!({"input": [{"role": "user", "content": "two"}, {"role": "user", "content": "three"}],
        "previous_response_id": id(&first)});
    let second = setup.create("chat", &next).await;
    for response in [&first, &second] {
        let (status, object) = setup.get(&format!("/chat/v1/responses/{}", id(response))).await;
        assert_eq!((status, &object), (200, response));
    }
    let path = format!("/chat/responses/{}", id(&second));
    let (status, error) = setup.get(&format!("{path}?stream=true")).await;
    assert_eq!((status, &error["error"]["param"]), (400, &json!("stream")));
    let (status, error) = setup
        .request_object(http::Method::POST, &format!("{path}/cancel"))
        .await;
    assert_eq!(
        (status, &error["error"]["message"]),
        (400, &json!("Cannot cancel a synchronous response."))
    );
    let (status, list) = setup.get(&format!("{path}/input_items")).await;
    assert_eq!(status, 200);
    let texts: Vec<&Value> = list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| &item["content"][0]["text"])
        .collect();
    assert_eq!(
        (texts[0], texts[1], texts[3]),
        (&json!("three"), &json!("two"), &json!("one"))
    );
    assert_eq!(
        (&list["object"], &list["has_more"]),
        (&json!("list"), &json!(false))
    );
    let page = format!("{path}/input_items?limit=1&order=asc");
    let (_, list) = setup.get(&page).await;
    assert_eq!(
        (&list["has_more"], &list["data"][0]["content"][0]["text"]),
        (&json!(true), &json!("one"))
    );
    let after = list["last_id"].as_str().expect("an identifier");
    let (_, list) = setup.get(&format!("{page}&after={after}")).await;
    assert_eq!(list["data"][0]["type"], "message");
    assert_eq!(list["data"][0]["role"], "assistant");
    assert_eq!(setup.get(&format!("{path}/input_items?limit=0")).await.0, 400);

    let first_path = format!("/chat/v1/responses/{}", id(&first));
    let (status, deleted) = setup.request_object(http::Method::DELETE, &first_path).await;
    assert_eq!(status, 200);
    assert_eq!(
        deleted,
        json!({"id": id(&first), "object": "response", "deleted": true})
    );
    assert_eq!(setup.get(&first_path).await.0, 404);
    assert_eq!(
        setup.request_object(http::Method::DELETE, &first_path).await.0,
        404
    );
    // What went on from it is still there to see, but the conversation has lost its beginning.
    assert_eq!(setup.get(&path).await.0, 200);
    let (status, error) = setup
        .try_create(
            "chat",
            &json!({"input": "x", "previous_response_id": id(&second)}),
        )
        .await;
    assert_eq!(
        (status, &error["error"]["code"]),
        (400, &json!("previous_response_not_found"))
    );
}

#[tokio::test]
async fn only_complete_responses_that_shall_be_stored_are_saved() {
    let setup = StoreSetup::new(MEMORY).await;
    for stream in [false, true] {
        let unwanted = setup
            .create(
                "claude",
                &json!({"input": "hello", "store": false, "stream": stream}),
            )
            .await;
        assert_eq!(unwanted["store"], false);
        let cut = setup
            .create(
                "claude",
                &json!({"input": "truncate", "stream": stream, "store": true}),
            )
            .await;
        assert_eq!(
            (&cut["status"], &cut["store"]),
            (&json!("incomplete"), &json!(true))
        );
        assert_eq!(
            setup
                .get(&format!("/claude/v1/responses/{}", id(&unwanted)))
                .await
                .0,
            404
        );
        assert_eq!(
            setup.get(&format!("/claude/v1/responses/{}", id(&cut))).await.0,
            200
        );
        // A response is not saved just because it continues a saved one.
        let next =
            json!({"input": "go on", "previous_response_id": id(&cut), "store": false, "stream": stream});
        let next = setup.create("claude", &next).await;
        assert_eq!(next["previous_response_id"], cut["id"]);
        assert_eq!(
            setup.get(&format!("/claude/v1/responses/{}", id(&next))).await.0,
            404
        );
    }
    for words in ["long 9 error mid", "long 9 cut"] {
        let failed = setup
            .create("claude", &json!({"input": words, "stream": true}))
            .await;
        assert_eq!(
            (&failed["status"], &failed["store"]),
            (&json!("failed"), &json!(false))
        );
        assert_eq!(
            setup
                .get(&format!("/claude/v1/responses/{}", id(&failed)))
                .await
                .0,
            404
        );
    }
    let mut gone = setup.request("claude", &json!({"input": "slow 20 long 1000", "stream": true}));
    gone = gone.header("x-test", "gone");
    let mut gone = gone.fetch().await;
    let begun = gone.chunk().await.expect("a stream").expect("an event");
    let begun = String::from_utf8(begun.to_vec()).expect("text");
    let started: Value = serde_json::from_str(
        begun
            .lines()
            .nth(1)
            .and_then(|line| line.strip_prefix("data: "))
            .expect("data"),
    )
    .expect("JSON");
    drop(gone);
    assert_eq!(
        setup
            .get(&format!("/claude/v1/responses/{}", id(&started["response"])))
            .await
            .0,
        404
    );
    let (status, error) = setup
        .try_create("claude", &json!({"input": "x", "conversation": "conv_1"}))
        .await;
    assert_eq!((status, &error["error"]["param"]), (400, &json!("conversation")));
}
