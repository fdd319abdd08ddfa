//! Requests that go on from what was kept.

use serde_json::{Value, json};

use super::{MEMORY, Setup, id};

#[tokio::test]
async fn a_conversation_goes_on_from_the_previous_answer() {
    let setup = Setup::new(MEMORY).await;
    for prefix in ["claude", "chat"] {
        for stream in [false, true] {
            let first = json!({"input": "hello", "instructions": "Be brief.", "stream": stream});
            let mut answer = setup.done(prefix, &first).await;
            assert_eq!(
                (&answer["store"], &answer["previous_response_id"]),
                (&json!(true), &Value::Null)
            );
            let mut before = setup.sent()["messages"].as_array().cloned().expect("messages");
            before.retain(|message| message["role"] != "system");
            for turn in 1..4 {
                let previous = id(&answer).to_owned();
                assert!(previous.starts_with("resp_px"), "{previous}");
                let next = json!({"input": format!("turn {turn}"), "previous_response_id": previous, "stream": stream});
                answer = setup.done(prefix, &next).await;
                assert_eq!(answer["previous_response_id"], previous);
                let sent = setup.sent();
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
    let setup = Setup::new(MEMORY).await;
    let tools = json!([{"type": "function", "name": "get_weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "string"}}}}]);
    for stream in [false, true] {
        let first = json!({"input": "think, then call the tool", "reasoning": {"effort": "high"}, "tools": tools,
            "stream": stream});
        let answer = setup.done("claude", &first).await;
        let output = answer["output"].as_array().expect("items");
        let kinds: Vec<&Value> = output.iter().map(|item| &item["type"]).collect();
        assert_eq!(kinds, ["reasoning", "function_call"], "{answer}");
        let result =
            json!({"type": "function_call_output", "call_id": output[1]["call_id"], "output": "sunny"});
        let next = json!({"input": [result], "previous_response_id": id(&answer), "reasoning": {"effort": "high"},
            "tools": tools, "stream": stream});
        setup.done("claude", &next).await;
        let sent = setup.sent();
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
async fn references_stand_for_kept_items() {
    let setup = Setup::new(MEMORY).await;
    let answer = setup.done("chat", &json!({"input": "hello"})).await;
    let item = answer["output"][0]["id"].as_str().expect("an identifier");
    let next = json!({"input": [
        {"role": "user", "content": "hello"}, {"type": "item_reference", "id": item},
        {"role": "user", "content": "and now?"}]});
    let second = setup.done("chat", &next).await;
    let sent = setup.sent();
    assert_eq!(sent["messages"].as_array().map(Vec::len), Some(3), "{sent}");
    assert_eq!(sent["messages"][1]["role"], "assistant");
    // Items of the input have identifiers, too, and a reference's item is kept with the turn that used it.
    setup
        .object(
            http::Method::DELETE,
            &format!("/chat/v1/responses/{}", id(&answer)),
        )
        .await;
    let (_, list) = setup
        .get(&format!(
            "/chat/v1/responses/{}/input_items?order=asc",
            id(&second)
        ))
        .await;
    assert_eq!(list["data"][1]["id"], item);
    let asked = list["data"][2]["id"].as_str().expect("an identifier");
    setup.done("chat", &json!({"input": [{"id": asked}]})).await;
    let (status, gone) = setup
        .ask(
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
async fn without_a_store_the_client_is_told_how_to_have_one() {
    let setup = Setup::new("").await;
    for body in [
        json!({"input": "x", "previous_response_id": "resp_1"}),
        json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
    ] {
        let (status, error) = setup.ask("claude", &body).await;
        assert_eq!(status, 400);
        let message = error["error"]["message"].as_str().expect("text");
        assert!(message.contains("server.response_store"), "{message}");
        assert_eq!(error["error"]["type"], "invalid_request_error");
    }
    let answer = setup.done("claude", &json!({"input": "x"})).await;
    assert_eq!(answer["store"], false);
    assert!(!id(&answer).starts_with("resp_px"));
    let (status, error) = setup.get(&format!("/claude/v1/responses/{}", id(&answer))).await;
    assert_eq!(
        (status, &error["error"]["type"]),
        (404, &json!("invalid_request_error"))
    );
}

#[tokio::test]
async fn an_upstream_of_the_same_dialect_keeps_its_own() {
    let setup = Setup::new(MEMORY).await;
    let answer = setup
        .done(
            "own",
            &json!({"input": "x", "previous_response_id": "resp_theirs"}),
        )
        .await;
    assert_eq!(setup.sent()["previous_response_id"], "resp_theirs");
    let (status, _) = setup.get(&format!("/own/v1/responses/{}", id(&answer))).await;
    let seen = setup.demo.requests().pop().expect("a request");
    assert_eq!(seen.method, http::Method::GET, "{status}");
    assert_eq!(seen.uri.path(), format!("/v1/responses/{}", id(&answer)));
}

#[tokio::test]
async fn tokens_are_counted_with_what_was_before() {
    let setup = Setup::new(MEMORY).await;
    let answer = setup.done("chat", &json!({"input": "hello ".repeat(200)})).await;
    let mut counts = Vec::new();
    for previous in [Value::Null, answer["id"].clone()] {
        let body = json!({"model": "m", "input": "x", "previous_response_id": previous});
        let request = setup
            .proxy
            .post("/chat/v1/responses/input_tokens", body.to_string())
            .bearer_auth("mine");
        let body = request
            .send()
            .await
            .expect("an answer")
            .bytes()
            .await
            .expect("a body");
        let count: Value = serde_json::from_slice(&body).expect("JSON");
        counts.push(
            count["input_tokens"]
                .as_u64()
                .unwrap_or_else(|| panic!("{count}")),
        );
    }
    assert!(counts[1] > counts[0] + 100, "{counts:?}");
}
