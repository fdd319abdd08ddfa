//! Paths of the runtime API, `/model/{id}/invoke` and its like, and the list of models.

use http::Method;
use serde_json::{Value, json};

use crate::dialect::Endpoint;

/// The path that asks for a complete answer.
const INVOKE: &str = "invoke";
/// The path that asks for a stream.
const STREAM: &str = "invoke-with-response-stream";
/// The path that asks for the number of a request's tokens.
const COUNT: &str = "count-tokens";

/// What a request asks for. The model's identifier is percent-encoded; one with plain slashes, as ARNs have them, is
/// understood too.
pub fn classify(method: &Method, path: &str) -> Endpoint {
    let Some((model, operation)) = split(path).filter(|_| method == Method::POST) else {
        return Endpoint::Other;
    };
    let model = decoded(model);
    match operation {
        INVOKE | STREAM => Endpoint::Generate {
            model: Some(model),
            stream: Some(operation == STREAM),
        },
        COUNT => Endpoint::CountTokens { model: Some(model) },
        _ => Endpoint::Other,
    }
}

/// The path of a request for an answer.
pub fn path(model: &str, stream: bool) -> String {
    let operation = if stream { STREAM } else { INVOKE };
    format!("/model/{}/{operation}", encoded(model))
}

/// The path of a request for the number of its tokens.
pub fn count_path(model: &str) -> String {
    format!("/model/{}/{COUNT}", encoded(model))
}

/// The path with another model in it.
pub fn rename(path: &str, model: &str) -> Option<String> {
    let (_, operation) = split(path)?;
    Some(format!("/model/{}/{operation}", encoded(model)))
}

/// Whether the path belongs to the control plane, which AWS has on another host. Claude Code asks there for inference
/// profiles when it starts, at the address that it has for the runtime.
pub fn is_control_plane(method: &Method, path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next();
    let known = ["inference-profiles", "foundation-models"];
    method == Method::GET && first.is_some_and(|first| known.contains(&first))
}

fn split(path: &str) -> Option<(&str, &str)> {
    let (model, operation) = path
        .trim_end_matches('/')
        .strip_prefix("/model/")?
        .rsplit_once('/')?;
    (!model.is_empty()).then_some((model, operation))
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn encoded(text: &str) -> percent_encoding::PercentEncode<'_> {
    /// All but what RFC 3986 calls unreserved, as AWS's clients do it.
    const RESERVED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    percent_encoding::utf8_percent_encode(text, RESERVED)
}

/// The list of models as ListFoundationModels has it.
pub fn write_models(models: &[&str]) -> Vec<u8> {
    let models: Vec<Value> = models.iter().map(|model| summary(model)).collect();
    json!({ "modelSummaries": models }).to_string().into_bytes()
}

/// One entry as GetFoundationModel has it.
pub fn write_model(model: &str) -> Vec<u8> {
    json!({ "modelDetails": summary(model) }).to_string().into_bytes()
}

fn summary(model: &str) -> Value {
    json!({
        "modelId": model,
        "modelName": model,
        "inputModalities": ["TEXT", "IMAGE"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-5-5";

    fn asked(path: &str) -> Endpoint {
        classify(&Method::POST, path)
    }

    fn generate(model: &str, stream: bool) -> Endpoint {
        Endpoint::Generate {
            model: Some(model.to_owned()),
            stream: Some(stream),
        }
    }

    #[test]
    fn models_are_read_from_paths_and_written_into_them() {
        for model in ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", ARN, "größe/% x"] {
            for stream in [false, true] {
                assert_eq!(asked(&path(model, stream)), generate(model, stream));
            }
            let path = rename("/model/a%3A0/count-tokens", model).unwrap_or_default();
            assert!(
                path.ends_with("/count-tokens") && path.split('/').count() == 4,
                "{path}"
            );
        }
        assert_eq!(asked("/model/a%3a0/invoke"), generate("a:0", false));
        assert_eq!(asked(&format!("/model/{ARN}/invoke")), generate(ARN, false));
        assert_eq!(path("v1:0", false), "/model/v1%3A0/invoke");
        let count = Endpoint::CountTokens {
            model: Some("a:0".to_owned()),
        };
        assert_eq!(asked(&count_path("a:0")), count);
        assert_eq!(count_path("a:0"), "/model/a%3A0/count-tokens");
        for path in [
            "/model/invoke",
            "/model//invoke",
            "/model/m/converse",
            "/v1/messages",
            "/",
        ] {
            assert_eq!(asked(path), Endpoint::Other, "{path}");
        }
        assert_eq!(classify(&Method::GET, "/model/m/invoke"), Endpoint::Other);
        assert_eq!(rename("/guardrail/g/version/1/apply", "m"), None);
    }

    #[test]
    fn the_control_plane_is_elsewhere() {
        assert!(is_control_plane(&Method::GET, "/inference-profiles"));
        assert!(is_control_plane(&Method::GET, "/inference-profiles/us.x"));
        assert!(!is_control_plane(&Method::GET, "/model/m/invoke"));
        assert!(!is_control_plane(&Method::POST, "/inference-profiles"));
    }
}
