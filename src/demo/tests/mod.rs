//! The scripted upstream seen through HTTP: grammar of the streams, and agreement of stream and object.

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

struct Reply {
    status: u16,
    headers: http::HeaderMap,
    body: Bytes,
    /// The body ended as it should.
    whole: bool,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The stream's events: names and data.
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
    // A second installation fails, and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

async fn post(demo: &Demo, path: &str, body: &Value) -> Reply {
    let request = client()
        .post(format!("{}{path}", demo.url()))
        .header("anthropic-version", "2023-06-01")
        .header("authorization", "Bearer very-secret")
        .body(body.to_string());
    read(request.send().await.unwrap()).await
}

async fn get(demo: &Demo, path: &str, header: (&'static str, &'static str)) -> Reply {
    let request = client()
        .get(format!("{}{path}", demo.url()))
        .header(header.0, header.1);
    read(request.send().await.unwrap()).await
}

async fn read(mut response: reqwest::Response) -> Reply {
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
    Reply {
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
