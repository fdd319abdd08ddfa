use serde_json::{Value, json};

use super::*;

const PATH: &str = "/v1/chat/completions";

fn body(text: &str) -> Value {
    let tool =
        |name: &str, schema| json!({"type": "function", "function": {"name": name, "parameters": schema}});
    json!({
        "model": "gpt-demo",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}],
        "tools": [tool("get_weather", weather()), tool("get_time", clock())],
    })
}

fn streaming(mut body: Value) -> Value {
    body["stream"] = true.into();
    body["stream_options"] = json!({"include_usage": true});
    body
}

/// Checks the grammar of a stream and folds it to message, finish reason and usage.
fn fold(events: &[(String, Value)]) -> (Value, Value, Value) {
    let (done, chunks) = events.split_last().unwrap();
    assert_eq!(done.1, "[DONE]");
    let (counts, chunks) = chunks.split_last().unwrap();
    assert_eq!(counts.1["choices"], json!([]));
    let mut message = json!({"role": null, "content": null, "refusal": null});
    let mut finish = Value::Null;
    for (index, (name, chunk)) in chunks.iter().enumerate() {
        assert_eq!(name, "");
        assert!(chunk["usage"].is_null() && chunk.get("usage").is_some());
        for key in ["id", "model", "created"] {
            assert_eq!(chunk[key], counts.1[key]);
        }
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert!(finish.is_null(), "something follows the finish reason");
        let choice = &chunk["choices"][0];
        finish = choice["finish_reason"].clone();
        let delta = choice["delta"].as_object().unwrap();
        assert_eq!(delta.contains_key("role"), index == 0);
        for (key, value) in delta {
            if key == "tool_calls" {
                let call = &value[0];
                let (position, calls) = (
                    call["index"].as_u64().unwrap() as usize,
                    &mut message["tool_calls"],
                );
                if calls.is_null() {
                    *calls = json!([]);
                }
                let calls = calls.as_array_mut().unwrap();
                if position == calls.len() {
                    assert_eq!(call["function"]["arguments"], "");
                    calls.push(json!({"id": call["id"], "type": call["type"], "function": call["function"]}));
                    continue;
                }
                assert_eq!(position + 1, calls.len(), "no way back to an earlier call");
                assert!(call.get("id").is_none() && call["function"].get("name").is_none());
                append(
                    &mut calls[position]["function"]["arguments"],
                    &call["function"]["arguments"],
                );
            } else if !value.is_null() {
                append(&mut message[key.as_str()], value);
            }
        }
    }
    (message, finish, counts.1["usage"].clone())
}

fn append(target: &mut Value, piece: &Value) {
    *target = format!(
        "{}{}",
        target.as_str().unwrap_or_default(),
        piece.as_str().unwrap()
    )
    .into();
}

#[tokio::test]
async fn a_stream_folds_to_the_object() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    for (text, kind, finish) in [
        ("hello “you” 😀", "text", "stop"),
        ("think, please", "text", "stop"),
        ("use a tool", "tool", "tool_calls"),
        ("think, then use tools in parallel", "tool", "tool_calls"),
        ("truncate this", "text", "length"),
        ("refuse this", "text", "content_filter"),
        ("long 50", "long", "stop"),
    ] {
        let whole = post(&demo, PATH, &body(text)).await;
        let stream = post(&demo, PATH, &streaming(body(text))).await;
        assert_eq!((whole.status, stream.status), (200, 200));
        assert_eq!(whole.header("x-demo-script"), Some(kind), "{text}");
        assert_eq!(
            stream.header("content-type"),
            Some("text/event-stream; charset=utf-8")
        );
        let object = whole.json();
        let (mut message, reason, usage) = fold(&stream.events());
        assert_eq!(reason, finish, "{text}");
        assert_eq!(object["choices"][0]["finish_reason"], finish);
        assert_eq!(object["usage"], usage);
        let mut expected = object["choices"][0]["message"].clone();
        expected.as_object_mut().unwrap().remove("annotations");
        for message in [&mut message, &mut expected] {
            // A stream begins with an empty text even if the object has none, and each response has other
            // identifiers.
            if message["content"] == "" {
                message["content"] = Value::Null;
            }
            for call in message["tool_calls"].as_array_mut().into_iter().flatten() {
                assert!(call["id"].take().as_str().unwrap().starts_with("call_"));
            }
        }
        assert_eq!(message, expected, "{text}");
    }
}

#[tokio::test]
async fn requested_blocks_are_sent() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let response =
        async |text: &str| post(&demo, PATH, &body(text)).await.json()["choices"][0]["message"].clone();
    assert!(
        response("hello there").await["content"]
            .as_str()
            .unwrap()
            .contains("hello there")
    );
    assert!(response("think").await["reasoning_content"].is_string());
    let called = response("How is the weather?").await;
    assert_eq!(called["tool_calls"][0]["function"]["name"], "get_weather");
    assert_eq!(
        called["tool_calls"][0]["function"]["arguments"],
        r#"{"city":"demo city"}"#
    );
    assert!(called["content"].is_null());
    let both = response("parallel get_time").await;
    assert_eq!(both["tool_calls"][0]["function"]["name"], "get_time");
    assert_eq!(both["tool_calls"][1]["function"]["name"], "get_weather");
}

#[tokio::test]
async fn usage_comes_only_on_request_and_counts_the_cache_as_input() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let mut plain = streaming(body("hello"));
    plain.as_object_mut().unwrap().remove("stream_options");
    let events = post(&demo, PATH, &plain).await.events();
    assert!(events.iter().all(|(_, chunk)| chunk.get("usage").is_none()));

    let usage = post(&demo, PATH, &body("hello")).await.json()["usage"].clone();
    let count = |path: &str| usage.pointer(path).unwrap().as_u64().unwrap();
    assert!(count("/prompt_tokens") > count("/prompt_tokens_details/cached_tokens"));
    assert!(count("/prompt_tokens_details/cached_tokens") > 0);
    assert_eq!(
        count("/total_tokens"),
        count("/prompt_tokens") + count("/completion_tokens")
    );
}

#[tokio::test]
async fn the_result_of_a_tool_is_quoted() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let mut body = body("use a tool");
    let messages = body["messages"].as_array_mut().unwrap();
    let call =
        json!({"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}});
    messages.push(json!({"role": "assistant", "content": null, "tool_calls": [call]}));
    messages.push(
        json!({"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "17 degrees"}]}),
    );
    let response = post(&demo, PATH, &body).await;
    assert_eq!(response.header("x-demo-script"), Some("result"));
    assert_eq!(
        response.json()["choices"][0]["message"]["content"],
        "The tool returned: 17 degrees"
    );
}

#[tokio::test]
async fn errors_have_the_vendors_shape() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    for (text, status, kind, code, retry) in [
        ("error 400", 400, "invalid_request_error", Value::Null, None),
        (
            "error context",
            400,
            "invalid_request_error",
            json!("context_length_exceeded"),
            None,
        ),
        (
            "error 401",
            401,
            "authentication_error",
            json!("invalid_api_key"),
            None,
        ),
        (
            "error 429",
            429,
            "rate_limit_error",
            json!("rate_limit_exceeded"),
            Some("2"),
        ),
        ("error 500", 500, "server_error", Value::Null, None),
        ("overload", 503, "server_error", json!("overloaded"), Some("2")),
    ] {
        let reply = post(&demo, PATH, &streaming(body(text))).await;
        assert_eq!(reply.status, status, "{text}");
        let error = &reply.json()["error"];
        assert_eq!((&error["type"], &error["code"]), (&json!(kind), &code), "{text}");
        assert!(error["message"].is_string() && error["param"].is_null());
        assert_eq!(reply.header("retry-after"), retry);
        assert!(reply.header("x-request-id").is_some());
    }
    for bad in [
        json!({}),
        json!({"model": "m"}),
        json!({"model": "m", "messages": [{}]}),
        json!([]),
    ] {
        assert_eq!(post(&demo, PATH, &bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_stream_can_fail_in_the_middle() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let failed = post(&demo, PATH, &streaming(body("error mid"))).await;
    let events = failed.events();
    assert!(failed.whole);
    assert_eq!(events.len(), 1 + 3 + 1);
    assert_eq!(events[4].1["error"]["type"], "server_error");

    let cut = post(&demo, PATH, &streaming(body("cut"))).await;
    assert!(!cut.whole);
    assert_eq!(cut.events().len(), 1 + 3);
    let cut = post(&demo, PATH, &body("cut")).await;
    assert!(!cut.whole && !cut.body.is_empty());
    assert!(serde_json::from_slice::<Value>(&cut.body).is_err());
}

#[tokio::test]
async fn the_token_limit_cuts_text() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let mut body = body("long 50");
    body["max_completion_tokens"] = 4.into();
    let response = post(&demo, PATH, &body).await.json();
    assert_eq!(
        response["choices"][0]["message"]["content"],
        "word1 word2 word3 word4 "
    );
    assert_eq!(response["choices"][0]["finish_reason"], "length");
    assert_eq!(response["usage"]["completion_tokens"], 4);
}

#[tokio::test]
async fn the_tool_choice_is_obeyed() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    for (choice, expected) in [
        (json!("none"), Value::Null),
        (json!("auto"), json!("get_weather")),
        (
            json!({"type": "function", "function": {"name": "get_time"}}),
            json!("get_time"),
        ),
    ] {
        let mut body = body("use a tool");
        body["tool_choice"] = choice;
        let message = &post(&demo, PATH, &body).await.json()["choices"][0]["message"];
        assert_eq!(message["tool_calls"][0]["function"]["name"], expected);
    }
    let mut forced = body("hello");
    forced["tool_choice"] = "required".into();
    assert_eq!(
        post(&demo, PATH, &forced).await.header("x-demo-script"),
        Some("tool")
    );
}
