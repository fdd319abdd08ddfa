//! Paths of the Responses API.

use http::Method;

use crate::dialect::Endpoint;
use crate::dialect::openai;

/// Path of a request for a response, below an upstream's base URL.
pub const RESPONSES: &str = "/v1/responses";
/// Path of a request for the number of tokens.
pub const INPUT_TOKENS: &str = "/v1/responses/input_tokens";

/// What a request asks for.
pub fn classify(method: &Method, path: &str) -> Endpoint {
    match (method, openai::endpoints::strip_version(path)) {
        (&Method::POST, "/responses/input_tokens") => Endpoint::CountTokens { model: None },
        _ => openai::endpoints::classify(method, path, "/responses"),
    }
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
