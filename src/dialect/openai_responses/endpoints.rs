//! Paths of the Responses API and its list of models.

use http::Method;
use serde_json::{Value, json};

use crate::dialect::Endpoint;

/// Path of a request for a response, below an upstream's base URL.
pub const RESPONSES: &str = "/v1/responses";
/// Path of a request for the number of tokens.
pub const INPUT_TOKENS: &str = "/v1/responses/input_tokens";

/// What a request with this method and path asks for. `/v1` in front is optional.
pub fn classify(method: &Method, path: &str) -> Endpoint {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    match (method, path.trim_end_matches('/')) {
        (&Method::POST, "/responses") => Endpoint::Generate {
            model: None,
            stream: None,
        },
        (&Method::POST, "/responses/input_tokens") => Endpoint::CountTokens { model: None },
        (&Method::GET, "/models") => Endpoint::Models,
        (&Method::GET, path) => match path.strip_prefix("/models/") {
            Some(model) if !model.is_empty() => Endpoint::Model(model.to_owned()),
            _ => Endpoint::Other,
        },
        _ => Endpoint::Other,
    }
}

/// Writes the list of models. OpenAI's API has no pages here.
pub fn write_models(models: &[&str]) -> Vec<u8> {
    let data: Vec<Value> = models.iter().map(|model| list_entry(model)).collect();
    json!({"object": "list", "data": data}).to_string().into_bytes()
}

/// Writes one entry of the list of models.
pub fn write_model(model: &str) -> Vec<u8> {
    list_entry(model).to_string().into_bytes()
}

/// An entry of the list. The proxy does not know when a model was released, nor by whom.
fn list_entry(model: &str) -> Value {
    json!({"id": model, "object": "model", "created": 0, "owned_by": "llm-proxy"})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_classified() {
        let generate = Endpoint::Generate {
            model: None,
            stream: None,
        };
        assert_eq!(classify(&Method::POST, "/v1/responses"), generate);
        assert_eq!(classify(&Method::POST, "/responses/"), generate);
        assert_eq!(
            classify(&Method::POST, "/v1/responses/input_tokens"),
            Endpoint::CountTokens { model: None }
        );
        for (method, path) in [
            (Method::GET, "/v1/responses"),
            (Method::GET, "/v1/responses/resp_1"),
            (Method::POST, "/v1/responses/compact"),
        ] {
            assert_eq!(classify(&method, path), Endpoint::Other, "{path}");
        }
        assert_eq!(
            classify(&Method::GET, "/v1/models/meta/llama"),
            Endpoint::Model("meta/llama".to_owned())
        );
    }
}
