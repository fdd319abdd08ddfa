use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::demo::DemoCounts;

fn body(text: &str, stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]})
}

#[tokio::test]
async fn lists_models_in_the_clients_dialect() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let openai = get(&demo, "/v1/models", ("authorization", "Bearer x"))
        .await
        .json();
    assert_eq!(
        (&openai["object"], &openai["data"][0]["object"]),
        (&json!("list"), &json!("model"))
    );
    let claude = get(&demo, "/v1/models?limit=1000", ("x-api-key", "x"))
        .await
        .json();
    assert_eq!(
        (&claude["has_more"], &claude["data"][0]["type"]),
        (&json!(false), &json!("model"))
    );
    assert_eq!(claude["last_id"], claude["data"][1]["id"]);

    let one = get(&demo, "/v1/models/gpt-demo", ("accept", "*/*")).await;
    assert_eq!(one.json()["id"], "gpt-demo");
    let none = get(&demo, "/v1/models/other", ("accept", "*/*")).await;
    assert_eq!(
        (none.status, &none.json()["error"]["code"]),
        (404, &json!("model_not_found"))
    );
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    assert_eq!(
        post(&demo, "/some/prefix/v1/chat/completions", &body("hi", false))
            .await
            .status,
        200
    );
    for (path, status) in [
        ("/v1/v1/chat/completions", 404),
        ("/v1/embeddings", 404),
        ("/chat/completions", 404),
    ] {
        assert_eq!(
            post(&demo, path, &body("hi", false)).await.status,
            status,
            "{path}"
        );
    }
    assert_eq!(
        get(&demo, "/v1/chat/completions", ("accept", "*/*")).await.status,
        405
    );
    assert_eq!(get(&demo, "/", ("accept", "*/*")).await.status, 200);
    assert_eq!(client().head(demo.url()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn echo_contains_facts_and_no_secret() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let reply = post(&demo, "/x/v1/chat/completions?a=b", &body("echo", false)).await;
    assert!(!String::from_utf8_lossy(&reply.body).contains("very-secret"));
    let text = reply.json()["choices"][0]["message"]["content"].take();
    let facts: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    assert_eq!(facts["auth"], json!(["authorization"]));
    assert_eq!(facts["path"], "/x/v1/chat/completions");
    assert_eq!(
        (&facts["query"], &facts["model"], &facts["stream"]),
        (&json!("a=b"), &json!("m"), &json!(false))
    );
}

#[tokio::test]
async fn keeps_the_last_requests_if_configured() {
    let demo = Demo::bind_recording("127.0.0.1:0", 2).await.unwrap();
    for text in ["one", "two", "three"] {
        post(&demo, "/v1/chat/completions", &body(text, false)).await;
    }
    let requests = demo.requests();
    let bodies: Vec<Value> = requests
        .iter()
        .map(|r| serde_json::from_slice(&r.body).unwrap())
        .collect();
    assert_eq!(bodies, [body("two", false), body("three", false)]);
    assert_eq!(requests[0].headers["authorization"], "Bearer very-secret");
    assert!(!format!("{requests:?}").contains("very-secret"));
    assert_eq!(demo.counts().requests, 3);

    let forgetful = Demo::bind("127.0.0.1:0").await.unwrap();
    post(&forgetful, "/v1/chat/completions", &body("one", false)).await;
    assert!(forgetful.requests().is_empty());
}

#[tokio::test]
async fn pieces_are_sent_one_by_one() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let request = client()
        .post(format!("{}/v1/chat/completions", demo.url()))
        .body(body("long 400, step", true).to_string());
    let mut response = request.send().await.unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains(r#""role":"assistant""#));
    for n in 1..=400 {
        demo.step(1);
        let chunk = response.chunk().await.unwrap().unwrap();
        let text = String::from_utf8_lossy(&chunk);
        assert_eq!(text.matches("data: ").count(), 1);
        assert!(text.contains(&format!("\"word{n} \"")), "{text}");
    }
    let end = response.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&end).contains(r#""finish_reason":"stop""#));
}

#[tokio::test]
async fn notices_when_a_client_leaves() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let request = client()
        .post(format!("{}/v1/chat/completions", demo.url()))
        .body(body("long 400, step", true).to_string());
    let response = request.send().await.unwrap();
    assert_eq!(
        demo.counts(),
        DemoCounts {
            requests: 1,
            open_streams: 1,
            abandoned_streams: 0
        }
    );
    drop(response);
    while demo.counts().open_streams > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(demo.counts().abandoned_streams, 1);

    post(&demo, "/v1/chat/completions", &body("hello", true)).await;
    assert_eq!(
        demo.counts(),
        DemoCounts {
            requests: 2,
            open_streams: 0,
            abandoned_streams: 1
        }
    );
}

#[tokio::test]
async fn a_slow_stream_keeps_its_pace() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let start = std::time::Instant::now();
    post(&demo, "/v1/chat/completions", &body("long 5, slow 20", true)).await;
    assert!(start.elapsed() >= Duration::from_millis(5 * 20));
}

#[tokio::test]
async fn shuts_down_after_the_last_response() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let url = demo.url();
    let request = client()
        .post(format!("{url}/v1/chat/completions"))
        .body(body("long 5, slow 20", true).to_string());
    let response = request.send().await.unwrap();
    let (reply, ()) = tokio::join!(read(response), demo.shutdown());
    assert!(reply.whole);
    assert_eq!(reply.events().last().unwrap().1, "[DONE]");
    assert!(client().get(url).send().await.unwrap_err().is_connect());
}
