//! CountTokens: the body of an InvokeModel request, in Base64 in a JSON object.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use http::header::ACCEPT;
use serde_json::{Value, json};

use super::endpoints;
use crate::canonical::{Error, ErrorClass};
use crate::dialect::WrittenRequest;
use crate::dialect::claude::count_tokens as claude_count_tokens;

/// The vendor prefix in the identifiers of the models that accept the bodies of this dialect.
const VENDOR: &str = "anthropic.";

/// Takes the body of the InvokeModel request out of a request for its number of tokens.
///
/// # Errors
/// A body without one, or with a request of Converse.
pub fn unwrap_request(body: &Bytes) -> Result<Bytes, Error> {
    let invalid = |message: &str, path: &str| Error::new(ErrorClass::InvalidRequest, message).at(path);
    let envelope: Value = serde_json::from_slice(body)
        .map_err(|error| Error::new(ErrorClass::InvalidRequest, error.to_string()))?;
    let input = envelope.get("input");
    let member = |name: &str| input.and_then(|input| input.get(name));
    let Some(invoke) = member("invokeModel") else {
        return Err(if member("converse").is_some() {
            let message = "input.converse: tokens of Converse requests cannot be counted; send `invokeModel`";
            invalid(message, "input.converse")
        } else {
            let message = "input.invokeModel: this field is required";
            invalid(message, "input.invokeModel")
        });
    };
    let path = "input.invokeModel.body";
    let inner = invoke
        .get("body")
        .and_then(Value::as_str)
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or_else(|| invalid("input.invokeModel.body: must be a body in base64", path))?;
    claude_count_tokens::unwrap_request(&Bytes::from(inner))
}

/// Makes a request for the number of tokens of a written request. `None` if the upstream's name of the model, such as
/// an application inference profile, does not contain the foundation model, which is the only one that CountTokens
/// accepts.
pub fn wrap_request(written: WrittenRequest, model: &str) -> Option<WrittenRequest> {
    let model = foundation_model(model)?;
    let envelope = json!({"input": {"invokeModel": {"body": STANDARD.encode(written.body)}}});
    let mut headers = written.headers;
    // The form of the response and the tier do not change the number of tokens, and CountTokens has no such headers.
    headers.retain(|(name, _)| name != ACCEPT && !name.as_str().starts_with("x-amzn-bedrock-"));
    headers.push((ACCEPT, HeaderValue::from_static("application/json")));
    Some(WrittenRequest {
        path: endpoints::count_path(model).into(),
        headers,
        body: envelope.to_string().into_bytes(),
        restoration: written.restoration,
    })
}

/// The identifier of the foundation model in a name: CountTokens accepts neither the region prefix of a cross-region
/// inference profile nor the ARN of a profile.
fn foundation_model(model: &str) -> Option<&str> {
    let name = model.rsplit('/').next()?;
    let names_model =
        !model.contains("/") || model.contains(":foundation-model/") || model.contains(":inference-profile/");
    let at = name.find(VENDOR).filter(|_| names_model)?;
    let (region, model) = name.split_at_checked(at)?;
    (region.is_empty() || region.ends_with('.')).then_some(model)
}

/// Reads the number of tokens of a response.
pub fn read_count(body: &[u8]) -> Option<u64> {
    let response: Value = serde_json::from_slice(body).ok()?;
    response.get("inputTokens")?.as_u64()
}

/// Writes a response with a number of tokens.
pub fn write_count(input_tokens: u64) -> Vec<u8> {
    json!({"inputTokens": input_tokens}).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Restoration;

    #[test]
    fn a_wrapped_request_is_unwrapped_to_the_same_body() {
        let written = |body: &str| WrittenRequest {
            path: "/model/m/invoke".into(),
            headers: vec![(ACCEPT, HeaderValue::from_static("*/*"))],
            body: body.as_bytes().to_vec(),
            restoration: Restoration::default(),
        };
        let body = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[]}"#;
        let wrapped = wrap_request(written(body), "us.anthropic.claude-opus-5-5-v1:0");
        let wrapped = wrapped.expect("a known model");
        assert_eq!(
            wrapped.path,
            "/model/anthropic.claude-opus-5-5-v1%3A0/count-tokens"
        );
        assert_eq!(
            wrapped.headers,
            [(ACCEPT, HeaderValue::from_static("application/json"))]
        );
        assert_eq!(unwrap_request(&Bytes::from(wrapped.body)).expect("a body"), body);
        assert!(wrap_request(written("{}"), "some-alias").is_none());
        for (envelope, field) in [
            ("{}", "input.invokeModel"),
            (r#"{"input":{"converse":{}}}"#, "input.converse"),
            (
                r#"{"input":{"invokeModel":{"body":"{}"}}}"#,
                "input.invokeModel.body",
            ),
            (r#"{"input":{"invokeModel":{}}}"#, "input.invokeModel.body"),
        ] {
            let error = unwrap_request(&Bytes::from(envelope)).expect_err(envelope);
            assert_eq!(error.param.as_deref(), Some(field), "{envelope}");
        }
        assert!(unwrap_request(&Bytes::from_static(b"<>")).is_err());
    }

    #[test]
    fn a_foundation_model_is_found_in_names_that_contain_it() {
        const MODEL: &str = "anthropic.claude-opus-5-5-v1:0";
        for (name, expected) in [
            (MODEL, Some(MODEL)),
            ("us.anthropic.claude-opus-5-5-v1:0", Some(MODEL)),
            ("us-gov.anthropic.claude-opus-5-5-v1:0", Some(MODEL)),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5-5-v1:0",
                Some(MODEL),
            ),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-5-5-v1:0",
                Some(MODEL),
            ),
            (
                "arn:aws:bedrock:us-east-1:1:application-inference-profile/a1b2",
                None,
            ),
            ("arn:aws:bedrock:us-east-1:1:provisioned-model/anthropic.x", None),
            ("my-anthropic.x", None),
            ("claude", None),
            ("", None),
        ] {
            assert_eq!(foundation_model(name), expected, "{name}");
        }
    }

    #[test]
    fn a_written_count_is_read_as_the_same_number() {
        assert_eq!(read_count(&write_count(12)), Some(12));
        assert_eq!(read_count(br#"{"input_tokens":1}"#), None);
    }
}
