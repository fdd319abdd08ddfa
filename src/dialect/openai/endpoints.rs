//! Paths that both of OpenAI's APIs have, and the list of models.

use http::Method;
use serde_json::{Value, json};

use crate::dialect::Endpoint;

/// A request's path without the optional `/v1` and without a trailing slash.
pub fn strip_version(path: &str) -> &str {
    path.strip_prefix("/v1").unwrap_or(path).trim_end_matches('/')
}

/// What a request asks for. `path` is as the client sent it; `generate` is the path of requests for a response, such as
/// `/chat/completions`.
pub fn classify(method: &Method, path: &str, generate: &str) -> Endpoint {
    match (method, strip_version(path)) {
        (&Method::POST, path) if path == generate => Endpoint::Generate {
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

/// The list of models. OpenAI's list has no pages.
pub fn write_models(models: &[&str]) -> Vec<u8> {
    let data: Vec<Value> = models.iter().map(|model| model_entry(model)).collect();
    json!({"object": "list", "data": data}).to_string().into_bytes()
}

/// One entry of the list of models.
pub fn write_model(model: &str) -> Vec<u8> {
    model_entry(model).to_string().into_bytes()
}

/// The proxy does not know when a model was released or who owns it, but clients require both members.
fn model_entry(model: &str) -> Value {
    json!({"id": model, "object": "model", "created": 0, "owned_by": "llm-proxy"})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(method: &Method, path: &str) -> Endpoint {
        classify(method, path, "/chat/completions")
    }

    #[test]
    fn the_version_and_a_trailing_slash_are_optional() {
        let generate = Endpoint::Generate {
            model: None,
            stream: None,
        };
        for path in [
            "/v1/chat/completions",
            "/chat/completions",
            "/v1/chat/completions/",
        ] {
            assert_eq!(endpoint(&Method::POST, path), generate, "{path}");
        }
    }

    #[test]
    fn a_request_for_a_response_is_a_post() {
        assert_eq!(endpoint(&Method::GET, "/v1/chat/completions"), Endpoint::Other);
    }

    #[test]
    fn a_models_name_may_contain_slashes() {
        let model = Endpoint::Model("meta/llama".to_owned());
        assert_eq!(endpoint(&Method::GET, "/v1/models/meta/llama"), model);
    }

    #[test]
    fn the_list_of_models_is_not_a_model() {
        for path in ["/v1/models", "/v1/models/", "/models"] {
            assert_eq!(endpoint(&Method::GET, path), Endpoint::Models, "{path}");
        }
        assert_eq!(endpoint(&Method::DELETE, "/v1/models/a"), Endpoint::Other);
    }

    #[test]
    fn models_are_listed_as_openai_lists_them() {
        let list: Value = serde_json::from_slice(&write_models(&["a", "b"])).unwrap_or_default();
        assert_eq!(list["object"], "list");
        assert_eq!(list["data"][1], model_entry("b"));
        let one: Value = serde_json::from_slice(&write_model("b")).unwrap_or_default();
        let expected = json!({"id": "b", "object": "model", "created": 0, "owned_by": "llm-proxy"});
        assert_eq!(one, expected);
    }
}
