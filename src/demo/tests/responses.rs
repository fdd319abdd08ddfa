use serde_json::{Value, json};

use super::*;

const PATH: &str = "/v1/responses";

fn body(text: &str) -> Value {
    json!({
        "model": "gpt-demo",
        "instructions": "Be kind.",
        "include": ["reasoning.encrypted_content"],
        "input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}],
        "tools": [
            {"type": "web_search"},
            {"type": "function", "name": "get_weather", "parameters": weather(), "strict": true},
            {"type": "function", "name": "get_time", "parameters": clock(), "strict": false},
        ],
    })
}

fn streaming(mut body: Value) -> Value {
    body["stream"] = true.into();
    body
}

/// Checks the grammar of a stream, item by item, and returns its last response object.
fn fold(events: &[(String, Value)]) -> Value {
    let mut items: Vec<Value> = Vec::new();
    let mut open: Option<(Value, String)> = None;
    for (number, (name, event)) in events.iter().enumerate() {
        assert_eq!(
            (&event["type"], &event["sequence_number"]),
            (&json!(name), &json!(number))
        );
        match name.as_str() {
            "response.created" => assert_eq!(number, 0),
            "response.in_progress" => {
                assert_eq!(number, 1);
                assert_eq!(
                    (&event["response"]["status"], &event["response"]["output"]),
                    (&json!(name[9..]), &json!([]))
                );
            }
            "response.output_item.added" => {
                assert!(open.is_none());
                assert_eq!(event["output_index"], items.len());
                open = Some((event["item"].clone(), String::new()));
            }
            "response.output_item.done" => {
                let ((added, text), item) = (open.take().unwrap(), &event["item"]);
                assert_eq!(event["output_index"], items.len());
                for key in ["id", "type", "call_id", "name"] {
                    assert_eq!(added[key], item[key]);
                }
                let whole = match item["type"].as_str().unwrap() {
                    "reasoning" => &item["summary"][0]["text"],
                    "message" => &item["content"][0]["text"],
                    _ => &item["arguments"],
                };
                assert_eq!(text, whole.as_str().unwrap(), "the deltas amount to the item");
                items.push(item.clone());
            }
            "response.completed" | "response.incomplete" => {
                assert!(open.is_none());
                assert_eq!(number + 1, events.len());
                assert_eq!(event["response"]["status"], name[9..]);
                assert_eq!(event["response"]["id"], events[0].1["response"]["id"]);
                assert_eq!(event["response"]["output"], json!(items));
                return event["response"].clone();
            }
            _ => {
                let (item, text) = open.as_mut().unwrap();
                assert_eq!(
                    (&event["item_id"], &event["output_index"]),
                    (&item["id"], &json!(items.len()))
                );
                let kind = match item["type"].as_str().unwrap() {
                    "reasoning" => "response.reasoning_summary",
                    "message" if name.contains("content_part") => "response.content_part",
                    "message" => "response.output_text",
                    _ => "response.function_call_arguments",
                };
                assert!(name.starts_with(kind), "{name}");
                text.push_str(event["delta"].as_str().unwrap_or_default());
            }
        }
    }
    panic!("no end");
}

#[tokio::test]
async fn a_stream_folds_to_the_object() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    for (text, kinds, status) in [
        ("hello “you” 😀", vec!["message"], "completed"),
        ("think, please", vec!["reasoning", "message"], "completed"),
        (
            "think, then use tools in parallel",
            vec!["reasoning", "function_call", "function_call"],
            "completed",
        ),
        ("truncate this", vec!["message"], "incomplete"),
        ("refuse this", vec!["message"], "incomplete"),
    ] {
        let mut object = post(&demo, PATH, &body(text)).await.json();
        let mut folded = fold(&post(&demo, PATH, &streaming(body(text))).await.events());
        let shown: Vec<&Value> = object["output"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| &item["type"])
            .collect();
        assert_eq!(shown, kinds, "{text}");
        assert_eq!(object["status"], status);
        assert_eq!(
            object["output"].as_array().unwrap().last().unwrap()["status"],
            status
        );
        assert_eq!(object["instructions"], "Be kind.");
        assert_eq!(object["tools"], body("")["tools"]);
        for response in [&mut object, &mut folded] {
            // These differ in each response.
            assert!(response["id"].take().as_str().unwrap().starts_with("resp_"));
            for item in response["output"].as_array_mut().unwrap() {
                assert_eq!(
                    item.get("encrypted_content").is_some(),
                    item["type"] == "reasoning"
                );
                for key in ["id", "call_id", "encrypted_content"] {
                    item[key] = Value::Null;
                }
            }
        }
        assert_eq!(object, folded, "{text}");
    }
}

#[tokio::test]
async fn the_result_of_a_tool_is_quoted() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let mut body = body("use a tool");
    let items = body["input"].as_array_mut().unwrap();
    items.push(json!({"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"}));
    items.push(json!({"type": "function_call_output", "call_id": "c1", "output": "17 degrees"}));
    let response = post(&demo, PATH, &body).await.json();
    assert_eq!(
        response["output"][0]["content"][0]["text"],
        "The tool returned: 17 degrees"
    );

    let plain = post(&demo, PATH, &json!({"model": "m", "input": "hello there"}))
        .await
        .json();
    assert!(
        plain["output"][0]["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("hello there")
    );
    assert_eq!(plain["tools"], json!([]));
}

#[tokio::test]
async fn requested_errors_are_sent() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let limited = post(&demo, PATH, &body("error 429")).await;
    assert_eq!(
        (limited.status, &limited.json()["error"]["code"]),
        (429, &json!("rate_limit_exceeded"))
    );
    assert_eq!(post(&demo, PATH, &json!({"model": "m"})).await.status, 400);

    let events = post(&demo, PATH, &streaming(body("error mid"))).await.events();
    let (name, error) = events.last().unwrap();
    assert_eq!((name.as_str(), &error["code"]), ("error", &json!("server_error")));
    assert_eq!(error["sequence_number"], events.len() - 1);
    assert!(!post(&demo, PATH, &streaming(body("cut"))).await.whole);
}
