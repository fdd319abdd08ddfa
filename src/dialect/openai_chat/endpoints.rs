//! Paths of the Chat Completions API.

use http::Method;

use crate::dialect::{Endpoint, openai};

/// Path of Chat Completions below an upstream's base URL.
pub const CHAT_COMPLETIONS: &str = "/v1/chat/completions";

/// What a request asks for.
pub fn classify(method: &Method, path: &str) -> Endpoint {
    openai::endpoints::classify(method, path, "/chat/completions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_for_a_response_are_sent_to_one_path() {
        let generate = Endpoint::Generate {
            model: None,
            stream: None,
        };
        assert_eq!(classify(&Method::POST, CHAT_COMPLETIONS), generate);
        assert_eq!(classify(&Method::POST, "/chat/completions"), generate);
        assert_eq!(classify(&Method::POST, "/v1/responses"), Endpoint::Other);
        assert_eq!(classify(&Method::POST, "/v1/embeddings"), Endpoint::Other);
    }
}
