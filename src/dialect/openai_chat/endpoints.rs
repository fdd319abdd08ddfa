//! Paths of the Chat Completions API and its list of models.

use http::Method;
use serde_json::{Value, json};

use crate::dialect::Endpoint;

/// Path of Chat Completions below an upstream's base URL.
pub const CHAT_COMPLETIONS: &str = "/v1/chat/completions";

/// What a request asks for.
pub fn classify(method: &Method, path: &str) -> Endpoint {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    match (method, path.trim_end_matches('/')) {
        (&Method::POST, "/chat/completions") => Endpoint::Generate {
            model: None,
            stream: None,
        },
        (&Method::GET, "/models") => Endpoint::Models,
        (&Method::GET, path) => match path.strip_prefix("/models/") {
            Some(model) if !model.is_empty() => Endpoint::Model(model.to_owned()),
            _ => Endpoint::Other,
        },
        _ => Endpoint::Other,
    }
}

/// The list of models. OpenAI's API knows no pages here.
pub fn write_models(models: &[&str]) -> Vec<u8> {
    let data: Vec<Value> = models.iter().map(|model| entry(model)).collect();
    json!({"object": "list", "data": data}).to_string().into_bytes()
}

/// One entry of the list of models.
pub fn write_model(model: &str) -> Vec<u8> {
    entry(model).to_string().into_bytes()
}

/// When a model came out and whose it is are not known here.
fn entry(model: &str) -> Value {
    json!({"id": model, "object": "model", "created": 0, "owned_by": "llm-proxy"})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        let generate = Endpoint::Generate {
            model: None,
            stream: None,
        };
        assert_eq!(classify(&Method::POST, "/v1/chat/completions"), generate);
        assert_eq!(classify(&Method::POST, "/chat/completions"), generate);
        assert_eq!(classify(&Method::GET, "/chat/completions"), Endpoint::Other);
        assert_eq!(classify(&Method::GET, "/v1/models"), Endpoint::Models);
        let model = Endpoint::Model("meta/llama".to_owned());
        assert_eq!(classify(&Method::GET, "/v1/models/meta/llama"), model);
        assert_eq!(classify(&Method::POST, "/v1/embeddings"), Endpoint::Other);
    }

    #[test]
    fn models_are_listed_as_openai_lists_them() {
        let list: Value = serde_json::from_slice(&write_models(&["a", "b"])).unwrap_or_default();
        assert_eq!(list["object"], "list");
        assert_eq!(list["data"][1]["id"], "b");
        assert_eq!(list["data"][1]["object"], "model");
    }
}
