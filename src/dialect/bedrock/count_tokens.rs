//! CountTokens: the body of an InvokeModel request in base64, in an envelope of JSON.
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
use crate::dialect::claude::count_tokens as claude;

/// The vendor whose models take the bodies of this dialect.
const VENDOR: &str = "anthropic.";

/// The body of the InvokeModel request.
///
/// # Errors
/// An envelope that holds none, or one of Converse.
pub fn open(body: &Bytes) -> Result<Bytes, Error> {
    let invalid = |message: &str, path: &str| Error::new(ErrorClass::InvalidRequest, message).at(path);
    let envelope: Value = serde_json::from_slice(body)
        .map_err(|error| Error::new(ErrorClass::InvalidRequest, error.to_string()))?;
    let input = envelope.get("input");
    let member = |name: &str| input.and_then(|input| input.get(name));
    let Some(invoke) = member("invokeModel") else {
        return Err(if member("converse").is_some() {
            let message =
                "input.converse: tokens of Converse requests are not counted here; send invokeModel";
            invalid(message, "input.converse")
        } else {
            let message = "input.invokeModel: the request whose tokens are to be counted is missing";
            invalid(message, "input.invokeModel")
        });
    };
    let path = "input.invokeModel.body";
    let inner = invoke
        .get("body")
        .and_then(Value::as_str)
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or_else(|| invalid("input.invokeModel.body: has to be a body in base64", path))?;
    claude::unwrap_request(&Bytes::from(inner))
}

/// The request for the number of tokens; `None` where the model's name hides which one it is.
pub fn seal(written: WrittenRequest, model: &str) -> Result<Option<WrittenRequest>, Error> {
    let Some(model) = foundation_model(model) else {
        return Ok(None);
    };
    let envelope = json!({"input": {"invokeModel": {"body": STANDARD.encode(written.body)}}});
    let mut headers = written.headers;
    // What the answer's stream and its kind of processing should be like does not concern its length.
    headers.retain(|(name, _)| name != ACCEPT && !name.as_str().starts_with("x-amzn-bedrock-"));
    headers.push((ACCEPT, HeaderValue::from_static("application/json")));
    Ok(Some(WrittenRequest {
        path: endpoints::count_path(model).into(),
        headers,
        body: envelope.to_string().into_bytes(),
        restoration: written.restoration,
    }))
}

/// The identifier of the model itself: CountTokens takes neither the region of a cross-region inference profile in front
/// of it nor the ARN of a profile.
fn foundation_model(model: &str) -> Option<&str> {
    let name = model.rsplit('/').next()?;
    let is_own =
        !model.contains("/") || model.contains(":foundation-model/") || model.contains(":inference-profile/");
    let at = name.find(VENDOR).filter(|_| is_own)?;
    let (region, model) = name.split_at_checked(at)?;
    (region.is_empty() || region.ends_with('.')).then_some(model)
}

/// The number of tokens that an answer tells.
pub fn read(body: &[u8]) -> Option<u64> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    answer.get("inputTokens")?.as_u64()
}

/// The answer that tells a number of tokens.
pub fn write(input_tokens: u64) -> Vec<u8> {
    json!({"inputTokens": input_tokens}).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Restoration;

    #[test]
    fn requests_go_into_the_envelope_and_come_out() {
        let written = |body: &str| WrittenRequest {
            path: "/model/m/invoke".into(),
            headers: vec![(ACCEPT, HeaderValue::from_static("*/*"))],
            body: body.as_bytes().to_vec(),
            restoration: Restoration::default(),
        };
        let body = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[]}"#;
        let sealed = seal(written(body), "us.anthropic.claude-opus-5-5-v1:0");
        let sealed = sealed.expect("an object").expect("a known model");
        assert_eq!(
            sealed.path,
            "/model/anthropic.claude-opus-5-5-v1%3A0/count-tokens"
        );
        assert_eq!(
            sealed.headers,
            [(ACCEPT, HeaderValue::from_static("application/json"))]
        );
        assert_eq!(open(&Bytes::from(sealed.body)).expect("a body"), body);
        assert!(seal(written("{}"), "some-alias").expect("a body").is_none());
        for (envelope, field) in [
            ("{}", "input.invokeModel"),
            (r#"{"input":{"converse":{}}}"#, "input.converse"),
            (
                r#"{"input":{"invokeModel":{"body":"{}"}}}"#,
                "input.invokeModel.body",
            ),
            (r#"{"input":{"invokeModel":{}}}"#, "input.invokeModel.body"),
        ] {
            let error = open(&Bytes::from(envelope)).expect_err(envelope);
            assert_eq!(error.param.as_deref(), Some(field), "{envelope}");
        }
        assert!(open(&Bytes::from_static(b"<>")).is_err());
    }

    #[test]
    fn profiles_are_told_from_the_models_behind_them() {
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
    fn numbers_are_read_and_written() {
        assert_eq!(read(&write(12)), Some(12));
        assert_eq!(read(br#"{"input_tokens":1}"#), None);
    }
}
