//! Paths of the Messages API and its list of models.

use http::Method;
use serde_json::{Value, json};

use crate::dialect::Endpoint;

/// Path of the Messages API below an upstream's base URL.
pub const MESSAGES: &str = "/v1/messages";
/// Path of its count of tokens.
pub const COUNT_TOKENS: &str = "/v1/messages/count_tokens";

/// What a request asks for. The leading `/v1` is optional: clients differ in whether their base URL has it.
pub fn classify(method: &Method, path: &str) -> Endpoint {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    match (method, path.trim_end_matches('/')) {
        (&Method::POST, "/messages") => Endpoint::Generate {
            model: None,
            stream: None,
        },
        (&Method::POST, "/messages/count_tokens") => Endpoint::CountTokens { model: None },
        (&Method::GET, "/models") => Endpoint::Models,
        (&Method::GET, path) => match path.strip_prefix("/models/") {
            Some(model) if !model.is_empty() => Endpoint::Model(model.to_owned()),
            _ => Endpoint::Other,
        },
        _ => Endpoint::Other,
    }
}

/// Entries of a page if the query names no limit.
const DEFAULT_LIMIT: usize = 20;
/// Most entries that the query may ask for.
const MAX_LIMIT: usize = 1000;

/// Writes a page of the list of models. The query has `limit`, `after_id` and `before_id`, as in Anthropic's API.
pub fn write_models(models: &[&str], query: Option<&str>) -> Vec<u8> {
    let parameter = |name: &str| {
        query?.split('&').find_map(|pair| {
            pair.split_once('=')
                .filter(|(key, _)| *key == name)
                .map(|(_, v)| v)
        })
    };
    let limit = parameter("limit")
        .and_then(|text| text.parse().ok())
        .unwrap_or(DEFAULT_LIMIT);
    let limit: usize = std::cmp::Ord::clamp(limit, 1, MAX_LIMIT);
    let position = |id: &str| models.iter().position(|model| *model == id);
    let after = parameter("after_id").and_then(position);
    let before = parameter("before_id").and_then(position);
    let (start, end) = match (after, before) {
        (Some(after), _) => (after + 1, (after + 1 + limit).min(models.len())),
        (None, Some(before)) => (before.saturating_sub(limit), before),
        (None, None) => (0, limit.min(models.len())),
    };
    let page = models.get(start..end).unwrap_or_default();
    let has_more = if after.is_none() && before.is_some() {
        start > 0
    } else {
        end < models.len()
    };
    let body = json!({
        "data": page.iter().map(|model| model_entry(model)).collect::<Vec<_>>(),
        "has_more": has_more,
        "first_id": page.first(),
        "last_id": page.last(),
    });
    body.to_string().into_bytes()
}

/// Writes one entry of the list of models.
pub fn write_model(model: &str) -> Vec<u8> {
    model_entry(model).to_string().into_bytes()
}

/// The proxy knows no date of a model; the vendor's own list has the epoch for such models.
fn model_entry(model: &str) -> Value {
    json!({"type": "model", "id": model, "display_name": model, "created_at": "1970-01-01T00:00:00Z"})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_distinguished_with_and_without_version() {
        let generate = Endpoint::Generate {
            model: None,
            stream: None,
        };
        for path in ["/v1/messages", "/messages", "/v1/messages/"] {
            assert_eq!(classify(&Method::POST, path), generate, "{path}");
        }
        assert_eq!(classify(&Method::GET, "/v1/messages"), Endpoint::Other);
        assert_eq!(
            classify(&Method::POST, "/v1/messages/count_tokens"),
            Endpoint::CountTokens { model: None }
        );
        assert_eq!(classify(&Method::GET, "/v1/models"), Endpoint::Models);
        assert_eq!(
            classify(&Method::GET, "/models/a/b"),
            Endpoint::Model("a/b".to_owned())
        );
        assert_eq!(classify(&Method::POST, "/v1/files"), Endpoint::Other);
    }

    #[test]
    fn the_list_comes_in_pages() {
        let models: Vec<String> = (0..25).map(|n| format!("m{n}")).collect();
        let models: Vec<&str> = models.iter().map(String::as_str).collect();
        let page = |query: &str| -> (Vec<String>, bool) {
            let body: Value = serde_json::from_slice(&write_models(&models, Some(query))).unwrap_or_default();
            let ids = body["data"].as_array().into_iter().flatten();
            (
                ids.map(|entry| entry["id"].as_str().unwrap_or_default().to_owned())
                    .collect(),
                body["has_more"] == true,
            )
        };
        assert_eq!(page("").0.len(), 20);
        assert_eq!(
            page("limit=1000"),
            (models.iter().map(|m| (*m).to_owned()).collect(), false)
        );
        assert_eq!(
            page("limit=2&after_id=m3"),
            (vec!["m4".to_owned(), "m5".to_owned()], true)
        );
        assert_eq!(
            page("limit=2&before_id=m2"),
            (vec!["m0".to_owned(), "m1".to_owned()], false)
        );
        assert_eq!(page("after_id=m24"), (vec![], false));
    }
}
