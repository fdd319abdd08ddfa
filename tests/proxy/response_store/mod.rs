//! Clients of the Responses API that refer to earlier responses, on upstreams that keep none.

mod conversations;
mod lifetime;
mod objects;
#[cfg(feature = "redis")]
mod redis;

use std::path::PathBuf;

use llm_proxy::demo::Demo;
use serde_json::{Value, json};

use crate::support::{FetchResponse, TestProxy, dialects, model, read_json};

/// The store of most tests.
pub const MEMORY: &str = "{kind: memory}";

/// A proxy with a store in front of the scripted upstream: `/claude` and `/chat` translate, `/own` does not.
pub struct StoreSetup {
    pub demo: Demo,
    pub proxy: TestProxy,
}

impl StoreSetup {
    /// `store` is the value of `server.response_store`.
    pub async fn new(store: &str) -> Self {
        let demo = Demo::bind_recording("127.0.0.1:0", 64).await.expect("a demo");
        let proxy = TestProxy::serve_file(&config_file(store, &demo.url())).await;
        Self { demo, proxy }
    }

    pub fn request(&self, prefix: &str, body: &Value) -> reqwest::RequestBuilder {
        let mut body = body.clone();
        body["model"] = json!("m");
        self.proxy
            .post(&format!("/{prefix}/v1/responses"), body.to_string())
            .bearer_auth("mine")
    }

    /// Requests a response. Returns its status and object; the object of a streamed response is that of its last event.
    pub async fn try_create(&self, prefix: &str, body: &Value) -> (u16, Value) {
        let response = self.request(prefix, body).fetch().await;
        let (status, streamed) = (response.status().as_u16(), body["stream"] == true);
        let text = response.text().await.expect("a body");
        if streamed && status == 200 {
            (status, read_last_event(&text)["response"].clone())
        } else {
            (status, serde_json::from_str(&text).expect("JSON"))
        }
    }

    /// Requests a response that has to succeed.
    pub async fn create(&self, prefix: &str, body: &Value) -> Value {
        let (status, response) = self.try_create(prefix, body).await;
        assert_eq!(status, 200, "{response}");
        response
    }

    /// Requests a path of saved responses. Returns status and body.
    pub async fn request_object(&self, method: http::Method, path: &str) -> (u16, Value) {
        let request = self
            .proxy
            .client
            .request(method, self.proxy.url(path))
            .bearer_auth("mine");
        let response = request.fetch().await;
        let status = response.status().as_u16();
        (status, read_json(response).await)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.request_object(http::Method::GET, path).await
    }

    /// The body of the request that the upstream received last.
    pub fn upstream_request(&self) -> Value {
        let seen = self.demo.requests().pop().expect("a request");
        serde_json::from_slice(&seen.body).expect("JSON")
    }
}

/// A configuration file.
pub fn config_file(store: &str, upstream: &str) -> String {
    let mut text = "models:\n".to_owned();
    for (prefix, dialect) in [
        ("/claude", "claude"),
        ("/chat", "openai-chat"),
        ("/own", "openai-responses"),
    ] {
        let keys = dialects("openai-responses", dialect);
        text.push_str(&model(prefix, "*", "claude-sonnet-4-5", upstream, &keys));
    }
    match store {
        "" => text,
        store => format!("server: {{response_store: {store}}}\n{text}"),
    }
}

pub fn read_last_event(stream: &str) -> Value {
    let data = stream.lines().rev().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(data.expect("an event")).expect("JSON")
}

pub fn id(response: &Value) -> &str {
    response["id"].as_str().expect("an identifier")
}

/// A folder that is deleted at the end of the test.
pub struct TestFolder(pub PathBuf);

impl TestFolder {
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

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
