//! Clients of the Responses API that rely on what an earlier request left, on upstreams that keep nothing.

mod conversations;
mod lifetime;
mod objects;
#[cfg(feature = "redis")]
mod redis;

use std::path::PathBuf;

use llm_proxy::demo::Demo;
use serde_json::{Value, json};

use crate::support::{Proxy, model};

/// The store of most tests.
pub const MEMORY: &str = "{kind: memory}";

/// A proxy with a store in front of the scripted upstream: `/claude` and `/chat` translate, `/own` does not.
pub struct Setup {
    pub demo: Demo,
    pub proxy: Proxy,
}

impl Setup {
    /// `store` is the value of `server.response_store`.
    pub async fn new(store: &str) -> Self {
        let demo = Demo::bind_recording("127.0.0.1:0", 64).await.expect("a demo");
        let proxy = Proxy::serve_file(&file(store, &demo.url())).await;
        Self { demo, proxy }
    }

    pub fn request(&self, prefix: &str, body: &Value) -> reqwest::RequestBuilder {
        let mut body = body.clone();
        body["model"] = json!("m");
        self.proxy
            .post(&format!("/{prefix}/v1/responses"), body.to_string())
            .bearer_auth("mine")
    }

    /// The answer's status and object. A streamed answer's is that of its last event.
    pub async fn ask(&self, prefix: &str, body: &Value) -> (u16, Value) {
        let answer = self.request(prefix, body).send().await.expect("an answer");
        let (status, streamed) = (answer.status().as_u16(), body["stream"] == true);
        let text = answer.text().await.expect("a body");
        if streamed && status == 200 {
            (status, last_event(&text)["response"].clone())
        } else {
            (status, serde_json::from_str(&text).expect("JSON"))
        }
    }

    /// Asks for what has to succeed.
    pub async fn done(&self, prefix: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(prefix, body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub async fn object(&self, method: http::Method, path: &str) -> (u16, Value) {
        let request = self
            .proxy
            .client
            .request(method, self.proxy.url(path))
            .bearer_auth("mine");
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("a body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.object(http::Method::GET, path).await
    }

    /// What the upstream got last.
    pub fn sent(&self) -> Value {
        let seen = self.demo.requests().pop().expect("a request");
        serde_json::from_slice(&seen.body).expect("JSON")
    }
}

/// A configuration file.
pub fn file(store: &str, upstream: &str) -> String {
    let mut text = "models:\n".to_owned();
    for (prefix, dialect) in [
        ("/claude", "claude"),
        ("/chat", "openai-chat"),
        ("/own", "openai-responses"),
    ] {
        let dialects = format!("frontend_dialect: openai-responses, backend_dialect: {dialect}");
        text.push_str(&model(prefix, "*", "claude-sonnet-4-5", upstream, &dialects));
    }
    match store {
        "" => text,
        store => format!("server: {{response_store: {store}}}\n{text}"),
    }
}

pub fn last_event(stream: &str) -> Value {
    let data = stream.lines().rev().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(data.expect("an event")).expect("JSON")
}

pub fn id(answer: &Value) -> &str {
    answer["id"].as_str().expect("an identifier")
}

/// A folder that is gone when the test is.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("llm-proxy-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// A store in a file of this folder.
    fn store(&self) -> String {
        format!(
            "{{kind: disk, path: \"{}\"}}",
            self.0.join("responses.redb").display()
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
