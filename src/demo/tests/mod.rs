//! Tests of the scripted upstream over HTTP: the grammar of its streams, and whether stream and object agree.

mod chat;
mod claude;
mod guide;
mod responses;
mod script;
mod server;

use bytes::Bytes;
use serde_json::{Value, json};

use super::Demo;
use crate::wire::sse::{SseDecoder, SseItem};

struct TestResponse {
    status: u16,
    headers: http::HeaderMap,
    body: Bytes,
    /// Whether the body ended properly.
    whole: bool,
}

impl TestResponse {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The names and data of the events.
    fn events(&self) -> Vec<(String, Value)> {
        let mut decoder = SseDecoder::new();
        decoder.push(self.body.clone());
        decoder.finish();
        let mut events = Vec::new();
        while let Some(item) = decoder.next().unwrap() {
            let SseItem::Event(frame) = item else {
                panic!("a comment");
            };
            let data = match &*frame.data {
                b"[DONE]" => json!("[DONE]"),
                data => serde_json::from_slice(data).unwrap(),
            };
            events.push((frame.name().to_owned(), data));
        }
        events
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

fn client() -> reqwest::Client {
    // A second call fails and has no effect.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

async fn post(demo: &Demo, path: &str, body: &Value) -> TestResponse {
    let request = client()
        .post(format!("{}{path}", demo.url()))
        .header("anthropic-version", "2023-06-01")
        .header("authorization", "Bearer very-secret")
        .body(body.to_string());
    read(request.send().await.unwrap()).await
}

async fn get(demo: &Demo, path: &str, header: (&'static str, &'static str)) -> TestResponse {
    let request = client()
        .get(format!("{}{path}", demo.url()))
        .header(header.0, header.1);
    read(request.send().await.unwrap()).await
}

async fn read(mut response: reqwest::Response) -> TestResponse {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let (mut body, mut whole) = (Vec::new(), true);
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    TestResponse {
        status,
        headers,
        body: body.into(),
        whole,
    }
}

fn weather() -> Value {
    json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["city"],
    })
}

fn clock() -> Value {
    json!({"type": "object", "properties": {"place": {"type": "string"}}})
}
