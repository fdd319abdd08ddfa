//! Requests that continue saved responses.

use serde_json::{Value, json};

use super::{MEMORY, StoreSetup, id};
use crate::support::{FetchResponse, read_json};

#[tokio::test]
async fn a_conversation_continues_the_previous_response() {
    let setup = StoreSetup::new(MEMORY).await;
    for prefix in ["claude", "chat"] {
        for stream in [false, true] {
            let first = json!({"input": "hello", "instructions": "Be brief.", "stream": stream});
            let mut response = setup.create(prefix, &first).await;
            assert_eq!(
                (&response["store"], &response["previous_response_id"]),
                (&json!(true), &Value::Null)
            );
            let mut before = setup.upstream_request()["messages"]
                .as_array()
                .cloned()
                .expect("messages");
            before.retain(|message| message["role"] != "system");
            for turn in 1..4 {
                let previous = id(&response).to_owned();
                assert!(previous.starts_with("resp_px"), "{previous}");
                let next = json!({"input": format!("turn {turn}"), "previous_response_id": previous, "stream": stream});
                response = setup.create(prefix, &next).await;
                assert_eq!(response["previous_response_id"], previous);
                let sent = setup.upstream_request();
                assert!(
                    !sent.to_string().contains("Be brief."),
                    "instructions are not inherited"
                );
                let messages = sent["messages"].as_array().expect("messages");
                assert_eq!(messages.len(), 1 + 2 * turn, "{prefix} {stream}");
                assert_eq!(
                    messages[..before.len()],
                    before[..],
                    "a longer history extends the shorter one"
                );
                before.clone_from(messages);
            }
        }
    }
}

#[tokio::test]
async fn thinking_and_its_tool_go_back_to_claude() {
    let setup = StoreSetup::new(MEMORY).await;
    let tools = json!([{"type": "function", "name": "get_weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "string"}}}}]);
    for stream in [false, true] {
        let first = json!({"input": "think, then call the tool", "reasoning": {"effort": "high"}, "tools": tools,
            "stream": stream});
        let response = setup.create("claude", &first).await;
        let output = response["output"].as_array().expect("items");
        let kinds: Vec<&Value> = output.iter().map(|item| &item["type"]).collect();
        assert_eq!(kinds, ["reasoning", "function_call"], "{response}");
        let result =
            json!({"type": "function_call_output", "call_id": output[1]["call_id"], "output": "sunny"});
        let next = json!({"input": [result], "previous_response_id": id(&response), "reasoning": {"effort": "high"},
            "tools": tools, "stream": stream});
        setup.create("claude", &next).await;
        let sent = setup.upstream_request();
        assert_eq!(sent["thinking"]["type"], "enabled", "{sent}");
        let turn = sent["messages"][1]["content"].as_array().expect("blocks");
        assert_eq!(turn[0]["type"], "thinking", "{sent}");
        assert!(turn[0]["signature"].as_str().is_some_and(|text| text.len() > 8));
        assert!(
            !sent.to_string().contains("px1."),
            "the signature is the vendor's own"
        );
        assert_eq!(turn[1]["type"], "tool_use");
        assert_eq!(sent["messages"][2]["content"][0]["type"], "tool_result");
    }
}

#[tokio::test]
async fn references_are_replaced_by_saved_items() {
    let setup = StoreSetup::new(MEMORY).await;
    let response = setup.create("chat", &json!({"input": "hello"})).await;
    let item = response["output"][0]["id"].as_str().expect("an identifier");
    let next = json!({"input": [
        {"role": "user", "content": "hello"}, {"type": "item_reference", "id": item},
        {"role": "user", "content": "and now?"}]});
    let second = setup.create("chat", &next).await;
    let sent = setup.upstream_request();
    assert_eq!(sent["messages"].as_array().map(Vec::len), Some(3), "{sent}");
    assert_eq!(sent["messages"][1]["role"], "assistant");
    // Items of the input have identifiers, too, and the item of a reference is saved with the turn that used it.
    setup
        .request_object(
            http::Method::DELETE,
            &format!("/chat/v1/responses/{}", id(&response)),
        )
        .await;
    let (_, list) = setup
        .get(&format!(
            "/chat/v1/responses/{}/input_items?order=asc",
            id(&second)
        ))
        .await;
    assert_eq!(list["data"][1]["id"], item);
    let user_item = list["data"][2]["id"].as_str().expect("an identifier");
    setup.create("chat", &json!({"input": [{"id": user_item}]})).await;
    let (status, gone) = setup
        .try_create(
            "chat",
            &json!({"input": [{"type": "item_reference", "id": item}]}),
        )
        .await;
    assert_eq!(
        (status, &gone["error"]["param"]),
        (404, &json!("input")),
        "{gone}"
    );
}

#[tokio::test]
async fn without_a_store_the_error_names_the_setting() {
    let setup = StoreSetup::new("").await;
    for body in [
        json!({"input": "x", "previous_response_id": "resp_1"}),
        json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
    ] {
        let (status, error) = setup.try_create("claude", &body).await;
        assert_eq!(status, 400);
        let message = error["error"]["message"].as_str().expect("text");
        assert!(message.contains("server.response_store"), "{message}");
        assert_eq!(error["error"]["type"], "invalid_request_error");
    }
    let response = setup.create("claude", &json!({"input": "x"})).await;
    assert_eq!(response["store"], false);
    assert!(!id(&response).starts_with("resp_px"));
    let (status, error) = setup
        .get(&format!("/claude/v1/responses/{}", id(&response)))
        .await;
    assert_eq!(
        (status, &error["error"]["type"]),
        (404, &json!("invalid_request_error"))
    );
}

#[tokio::test]
async fn an_upstream_of_the_same_dialect_keeps_its_own() {
    let setup = StoreSetup::new(MEMORY).await;
    let response = setup
        .create(
            "own",
            &json!({"input": "x", "previous_response_id": "resp_theirs"}),
        )
        .await;
    assert_eq!(setup.upstream_request()["previous_response_id"], "resp_theirs");
    let (status, _) = setup.get(&format!("/own/v1/responses/{}", id(&response))).await;
    let seen = setup.demo.requests().pop().expect("a request");
    assert_eq!(seen.method, http::Method::GET, "{status}");
    assert_eq!(seen.uri.path(), format!("/v1/responses/{}", id(&response)));
}

#[tokio::test]
async fn tokens_are_counted_with_the_previous_responses() {
    let setup = StoreSetup::new(MEMORY).await;
    let response = setup
        .create("chat", &json!({"input": "hello ".repeat(200)}))
        .await;
    let mut counts = Vec::new();
    for previous in [Value::Null, response["id"].clone()] {
        let body = json!({"model": "m", "input": "x", "previous_response_id": previous});
        let request = setup
            .proxy
            .post("/chat/v1/responses/input_tokens", body.to_string())
            .bearer_auth("mine");
        let count = read_json(request.fetch().await).await;
        counts.push(
            count["input_tokens"]
                .as_u64()
                .unwrap_or_else(|| panic!("{count}")),
        );
    }
    assert!(counts[1] > counts[0] + 100, "{counts:?}");
}
