//! Paths of the runtime API, such as `/model/{id}/invoke`, and the list of models.

use http::Method;
use serde_json::{Value, json};

use crate::dialect::Endpoint;

/// The operation for a complete response.
const INVOKE: &str = "invoke";
/// The operation for a streamed response.
const STREAM: &str = "invoke-with-response-stream";
/// The operation for the number of tokens of a request.
const COUNT: &str = "count-tokens";

/// What a request asks for. AWS's clients percent-encode the identifier of the model; an ARN with plain slashes is
/// understood too.
pub fn classify(method: &Method, path: &str) -> Endpoint {
    let Some((model, operation)) = split_path(path).filter(|_| method == Method::POST) else {
        return Endpoint::Other;
    };
    let model = decode(model);
    match operation {
        INVOKE | STREAM => Endpoint::Generate {
            model: Some(model),
            stream: Some(operation == STREAM),
        },
        COUNT => Endpoint::CountTokens { model: Some(model) },
        _ => Endpoint::Other,
    }
}

/// The path of a request for a complete response.
pub fn invoke_path(model: &str) -> String {
    format!("/model/{}/{INVOKE}", encode(model))
}

/// The path of a request for a streamed response.
pub fn stream_path(model: &str) -> String {
    format!("/model/{}/{STREAM}", encode(model))
}

/// The path of a request for the number of its tokens.
pub fn count_path(model: &str) -> String {
    format!("/model/{}/{COUNT}", encode(model))
}

/// The path with another model in it.
pub fn rename(path: &str, model: &str) -> Option<String> {
    let (_, operation) = split_path(path)?;
    Some(format!("/model/{}/{operation}", encode(model)))
}

/// Whether the path belongs to the control plane, which AWS serves from another host. Claude Code requests the
/// inference profiles when it starts, and sends that request to the host of the runtime.
pub fn is_control_plane(method: &Method, path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next();
    let resources = ["inference-profiles", "foundation-models"];
    method == Method::GET && first.is_some_and(|first| resources.contains(&first))
}

/// The encoded identifier of the model, and the operation.
fn split_path(path: &str) -> Option<(&str, &str)> {
    let (model, operation) = path
        .trim_end_matches('/')
        .strip_prefix("/model/")?
        .rsplit_once('/')?;
    (!model.is_empty()).then_some((model, operation))
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn encode(text: &str) -> percent_encoding::PercentEncode<'_> {
    /// All but the unreserved characters of RFC 3986, as AWS's clients encode them.
    const RESERVED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    percent_encoding::utf8_percent_encode(text, RESERVED)
}

/// Writes the list of models in the form of ListFoundationModels.
pub fn write_models(models: &[&str]) -> Vec<u8> {
    let models: Vec<Value> = models.iter().map(|model| model_summary(model)).collect();
    json!({ "modelSummaries": models }).to_string().into_bytes()
}

/// Writes one entry in the form of GetFoundationModel.
pub fn write_model(model: &str) -> Vec<u8> {
    json!({ "modelDetails": model_summary(model) })
        .to_string()
        .into_bytes()
}

fn model_summary(model: &str) -> Value {
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

    fn classify_post(path: &str) -> Endpoint {
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
            assert_eq!(classify_post(&invoke_path(model)), generate(model, false));
            assert_eq!(classify_post(&stream_path(model)), generate(model, true));
            let path = rename("/model/a%3A0/count-tokens", model).unwrap_or_default();
            assert!(
                path.ends_with("/count-tokens") && path.split('/').count() == 4,
                "{path}"
            );
        }
        assert_eq!(classify_post("/model/a%3a0/invoke"), generate("a:0", false));
        assert_eq!(
            classify_post(&format!("/model/{ARN}/invoke")),
            generate(ARN, false)
        );
        assert_eq!(invoke_path("v1:0"), "/model/v1%3A0/invoke");
        let count = Endpoint::CountTokens {
            model: Some("a:0".to_owned()),
        };
        assert_eq!(classify_post(&count_path("a:0")), count);
        assert_eq!(count_path("a:0"), "/model/a%3A0/count-tokens");
        for path in [
            "/model/invoke",
            "/model//invoke",
            "/model/m/converse",
            "/v1/messages",
            "/",
        ] {
            assert_eq!(classify_post(path), Endpoint::Other, "{path}");
        }
        assert_eq!(classify(&Method::GET, "/model/m/invoke"), Endpoint::Other);
        assert_eq!(rename("/guardrail/g/version/1/apply", "m"), None);
    }

    #[test]
    fn the_control_plane_is_recognised() {
        assert!(is_control_plane(&Method::GET, "/inference-profiles"));
        assert!(is_control_plane(&Method::GET, "/inference-profiles/us.x"));
        assert!(!is_control_plane(&Method::GET, "/model/m/invoke"));
        assert!(!is_control_plane(&Method::POST, "/inference-profiles"));
    }
}
