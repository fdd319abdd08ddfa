use serde_json::Value;

use super::*;
use crate::canonical::ServiceTier;

#[test]
fn a_request_is_read_with_the_model_of_its_url_and_the_tier_of_its_header() {
    let body = r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["b"],"model":"other","stream":false,"max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
    let tier = ("x-amzn-bedrock-service-tier", "flex");
    let trace = ("x-amzn-bedrock-trace", "ENABLED");
    let (request, losses) = read(&[tier, trace], body);
    let request = request.expect("a request").request;
    assert_eq!((request.model.as_str(), request.stream), (MODEL, true));
    assert_eq!(request.service_tier, Some(ServiceTier::Flex));
    assert_eq!(
        listed(&losses),
        [
            (LossKind::Dropped, "x-amzn-bedrock-trace"),
            (LossKind::Ignored, "anthropic_beta.b")
        ]
    );
    let guardrail = ("x-amzn-bedrock-guardrailidentifier", "g");
    assert_eq!(read(&[guardrail], body).1.refused().count(), 1);
}

#[test]
fn a_written_request_has_the_envelope_and_the_header_of_its_tier() {
    let (request, _) = read(
        &[("x-amzn-bedrock-service-tier", "priority")],
        r#"{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#,
    );
    let capabilities = lookup(DialectName::Bedrock, MODEL);
    let target = Target {
        model: MODEL,
        capabilities: &capabilities,
        length: 0,
    };
    let mut losses = Losses::new();
    let request = request.expect("a request").request;
    let written = Bedrock
        .write_request(&mut Scope::root(&mut losses), &request, &target)
        .expect("a request");
    assert_eq!(
        String::from_utf8_lossy(&written.body),
        r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#
    );
    let sent: HeaderMap = written.headers.into_iter().collect();
    assert_eq!(sent["x-amzn-bedrock-service-tier"], "priority");
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn editing_system_text_leaves_no_model_in_the_body() {
    let edits = SystemEdits {
        append: "End.".to_owned(),
        inject_progress: true,
        ..SystemEdits::default()
    };
    let body = Bytes::from_static(br#"{"max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#);
    let edited = Bedrock.edit_system(&body, &edits).expect("a body").concat();
    let edited: Value = serde_json::from_slice(&edited).expect("JSON");
    assert_eq!(edited["system"][0]["text"], "End.");
    assert!(edited.get("model").is_none());
}
