use serde_json::{Value, json};

use super::*;

const PATH: &str = "/v1/messages?beta=true";

fn body(text: &str) -> Value {
    json!({
        "model": "claude-demo",
        "max_tokens": 1000,
        "system": "Be kind.",
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "<system-reminder>error 500, use a tool</system-reminder>"},
            {"type": "text", "text": text},
        ]}],
        "tools": [
            {"name": "get_weather", "input_schema": weather()},
            {"type": "web_search_20260209", "name": "web_search"},
            {"name": "get_time", "input_schema": clock()},
        ],
    })
}

fn streaming(mut body: Value) -> Value {
    body["stream"] = true.into();
    body
}

/// Checks the grammar of a stream and folds it to a message.
fn fold(events: &[(String, Value)]) -> Value {
    let mut message = Value::Null;
    let mut open: Option<(usize, String)> = None;
    let mut stopped = false;
    for (name, event) in events {
        assert_eq!(event["type"], *name, "the event's name is its type");
        assert!(!stopped, "something follows message_stop");
        match name.as_str() {
            "message_start" => {
                assert!(message.is_null());
                message = event["message"].clone();
                assert_eq!(message["content"], json!([]));
                assert!(message["stop_reason"].is_null());
            }
            "content_block_start" => {
                assert!(open.is_none());
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(event["index"], content.len());
                open = Some((content.len(), String::new()));
                content.push(event["content_block"].clone());
            }
            "content_block_delta" => {
                let (index, json) = open.as_mut().unwrap();
                assert_eq!(event["index"], *index);
                let block = &mut message["content"][*index];
                let delta = &event["delta"];
                let (kind, key) = match delta["type"].as_str().unwrap() {
                    "text_delta" => ("text", "text"),
                    "thinking_delta" => ("thinking", "thinking"),
                    "signature_delta" => ("thinking", "signature"),
                    "input_json_delta" => {
                        assert_eq!(block["type"], "tool_use");
                        json.push_str(delta["partial_json"].as_str().unwrap());
                        continue;
                    }
                    other => panic!("{other}"),
                };
                assert_eq!(block["type"], kind);
                let text = format!("{}{}", block[key].as_str().unwrap(), delta[key].as_str().unwrap());
                block[key] = text.into();
            }
            "content_block_stop" => {
                let (index, json) = open.take().unwrap();
                assert_eq!(event["index"], index);
                if message["content"][index]["type"] == "tool_use" {
                    assert_eq!(message["content"][index]["input"], json!({}));
                    message["content"][index]["input"] = serde_json::from_str(&json).unwrap();
                }
            }
            "message_delta" => {
                assert!(open.is_none());
                for (key, value) in event["delta"].as_object().unwrap() {
                    message[key.as_str()] = value.clone();
                }
                for (key, value) in event["usage"].as_object().unwrap() {
                    message["usage"][key.as_str()] = value.clone();
                }
            }
            "message_stop" => stopped = true,
            "ping" => assert!(!message.is_null()),
            other => panic!("{other}"),
        }
    }
    assert!(stopped);
    message
}

#[tokio::test]
async fn a_stream_folds_to_the_object() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    for (text, kind, stop) in [
        ("hello “you” 😀", "text", "end_turn"),
        ("think, please", "text", "end_turn"),
        ("use a tool", "tool", "tool_use"),
        ("think, then use tools in parallel", "tool", "tool_use"),
        ("truncate this", "text", "max_tokens"),
        ("refuse this", "text", "refusal"),
    ] {
        let whole = post(&demo, PATH, &body(text)).await;
        let stream = post(&demo, PATH, &streaming(body(text))).await;
        assert_eq!((whole.status, stream.status), (200, 200));
        assert_eq!(whole.header("x-demo-script"), Some(kind), "{text}");
        let (mut object, mut folded) = (whole.json(), fold(&stream.events()));
        assert_eq!(object["stop_reason"], stop, "{text}");
        for message in [&mut object, &mut folded] {
            // These differ in each response.
            assert!(message["id"].take().as_str().unwrap().starts_with("msg_"));
            for block in message["content"].as_array_mut().unwrap() {
                for key in ["id", "signature"] {
                    assert!(
                        block
                            .get(key)
                            .is_none_or(|value| !value.as_str().unwrap().is_empty())
                    );
                    block[key] = Value::Null;
                }
            }
        }
        assert_eq!(object, folded, "{text}");
    }
}

#[tokio::test]
async fn thinking_comes_first_and_input_excludes_the_cache() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let message = post(&demo, PATH, &body("think about the weather")).await.json();
    let kinds: Vec<&Value> = message["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| &block["type"])
        .collect();
    assert_eq!(kinds, ["thinking", "tool_use"]);
    assert_eq!(message["content"][1]["input"], json!({"city": "demo city"}));
    let usage = &message["usage"];
    assert_eq!(usage["cache_read_input_tokens"], 64);
    assert!(usage["input_tokens"].as_u64().unwrap() < 64, "{usage}");
    assert!(usage["output_tokens_details"]["thinking_tokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn the_result_of_a_tool_is_quoted_until_the_user_speaks_again() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let mut body = body("use a tool");
    let messages = body["messages"].as_array_mut().unwrap();
    let call = json!({"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}});
    messages.push(json!({"role": "assistant", "content": [call]}));
    messages.push(json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "17 degrees"}]},
        {"type": "text", "text": "<system-reminder>be brief</system-reminder>"},
    ]}));
    let response = post(&demo, PATH, &body).await.json();
    assert_eq!(
        response["content"],
        json!([{"type": "text", "text": "The tool returned: 17 degrees"}])
    );

    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": "17"}));
    messages.push(json!({"role": "user", "content": "and the weather tomorrow?"}));
    assert_eq!(
        post(&demo, PATH, &body).await.json()["content"][0]["name"],
        "get_weather"
    );
}

#[tokio::test]
async fn errors_have_the_vendors_shape() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    for (text, status, kind, retry) in [
        ("error 400", 400, "invalid_request_error", None),
        ("error context", 400, "invalid_request_error", None),
        ("error 401", 401, "authentication_error", None),
        ("error 404", 404, "not_found_error", None),
        ("error 429", 429, "rate_limit_error", Some("2")),
        ("error 500", 500, "api_error", None),
        ("overload", 529, "overloaded_error", Some("2")),
    ] {
        let reply = post(&demo, PATH, &streaming(body(text))).await;
        let json = reply.json();
        assert_eq!(
            (reply.status, &json["error"]["type"]),
            (status, &json!(kind)),
            "{text}"
        );
        assert_eq!(json["type"], "error");
        assert!(json["error"]["message"].is_string());
        assert_eq!(
            json["request_id"].as_str().map(|id| id.starts_with("req_")),
            Some(true)
        );
        assert_eq!(reply.header("retry-after"), retry);
        assert!(reply.header("request-id").is_some());
    }
    let mut unlimited = body("hello");
    unlimited.as_object_mut().unwrap().remove("max_tokens");
    assert_eq!(post(&demo, PATH, &unlimited).await.status, 400);
    let counted = post(&demo, "/v1/messages/count_tokens", &unlimited).await.json();
    assert!(counted["input_tokens"].as_u64() > Some(0));

    let unversioned = client()
        .post(format!("{}/v1/messages", demo.url()))
        .body(body("hello").to_string());
    let reply = read(unversioned.send().await.unwrap()).await;
    assert_eq!((reply.status, &reply.json()["type"]), (400, &json!("error")));
}

#[tokio::test]
async fn a_stream_can_fail_in_the_middle() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let names = |reply: &TestResponse| {
        reply
            .events()
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    let before = ["message_start", "content_block_start", "ping"];
    let deltas = ["content_block_delta"; 3];

    let failed = post(&demo, PATH, &streaming(body("error mid"))).await;
    assert!(failed.whole);
    assert_eq!(names(&failed), [&before[..], &deltas, &["error"]].concat());
    let cut = post(&demo, PATH, &streaming(body("use a tool and cut"))).await;
    assert!(!cut.whole);
    assert_eq!(names(&cut), [&before[..], &deltas].concat());
}
