use http::header::ACCEPT;
use serde_json::Value;

use super::*;
use crate::canonical::ErrorClass;

#[test]
fn the_envelope_changes_and_every_other_byte_stays() {
    let body = r#"{ "model":"m", "max_tokens":1.0,"stream":true ,
      "messages" : [{"role":"user","content":[{"type":"news","n":12345678901234567890}]},{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"EqB\/x=="}]}]}"#;
    let betas = (
        "anthropic-beta",
        "interleaved-thinking-2025-05-14, claude-code-20250219",
    );
    let profile = ("anthropic-user-profile-id", "up_1");
    let (written, losses) = wrap(MODEL, &[VERSION, betas, profile], body);
    let written = written.expect("a request");
    assert_eq!(
        written.path,
        "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream"
    );
    assert_eq!(
        written.headers[0],
        (
            ACCEPT,
            HeaderValue::from_static("application/vnd.amazon.eventstream")
        )
    );
    assert_eq!(
        String::from_utf8_lossy(&written.body),
        r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["interleaved-thinking-2025-05-14"],"user_profile_id":"up_1", "max_tokens":1.0 ,
      "messages" : [{"role":"user","content":[{"type":"news","n":12345678901234567890}]},{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"EqB\/x=="}]}]}"#
    );
    assert_eq!(
        listed(&losses),
        [(LossKind::Dropped, "anthropic-beta.claude-code-20250219")]
    );

    // And back.
    let headers = HeaderMap::new();
    let request = ClientRequest {
        headers: &headers,
        model: Some(MODEL),
        stream: Some(true),
        body: &Bytes::from(written.body),
    };
    let unwrapped = Bedrock
        .unwrap_request(&mut Scope::root(&mut Losses::new()), &request)
        .expect("a request");
    let capabilities = lookup(DialectName::Claude, "claude-x");
    let target = Target {
        model: "claude-x",
        capabilities: &capabilities,
        length: 0,
    };
    let back = Envelope::wrap_request(&Claude, &mut Scope::root(&mut Losses::new()), unwrapped, &target)
        .expect("a request");
    assert_eq!(back.path, "/v1/messages");
    let sent: HeaderMap = back.headers.into_iter().collect();
    assert_eq!(sent["anthropic-version"], "2023-06-01");
    assert_eq!(sent["anthropic-beta"], "interleaved-thinking-2025-05-14");
    assert_eq!(sent["anthropic-user-profile-id"], "up_1");
    let rest = r#""max_tokens":1.0 ,
      "messages" : [{"role":"user","content":[{"type":"news","n":12345678901234567890}]},{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"EqB\/x=="}]}]}"#;
    let back = String::from_utf8_lossy(&back.body).into_owned();
    assert!(back.ends_with(rest), "{back}");
    assert!(
        back.contains(r#""model":"claude-x""#) && back.contains(r#""stream":true"#),
        "{back}"
    );
}

#[test]
fn the_later_version_is_written_only_for_models_that_have_it() {
    let body = r#"{"model":"m","max_tokens":1,"messages":[]}"#;
    let later = ("anthropic-version", "2026-10-21");
    for (model, version, expected) in [
        ("us.anthropic.claude-opus-5-5", later, "2026-10-21"),
        ("us.anthropic.claude-opus-5-5", VERSION, "bedrock-2023-05-31"),
        (MODEL, later, "bedrock-2023-05-31"),
    ] {
        let written = text(wrap(model, &[version], body).0);
        let read: Value = serde_json::from_str(&written).expect("JSON");
        assert_eq!(read["anthropic_version"], expected, "{model}");
    }
}

#[test]
fn a_malformed_body_is_an_invalid_request() {
    for body in ["", "[]", "{", r#"{"model":1}"#, r#"{"max_tokens":1}"#] {
        let class = wrap(MODEL, &[VERSION], body).0.map_err(|error| error.class).err();
        assert_eq!(class, Some(ErrorClass::InvalidRequest), "{body}");
    }
    // Of a member that occurs twice both are edited, and the edits of the second do not fit.
    let body = r#"{"model":"m","output_config":{"effort":"low","x":1},"output_config":{"y":1}}"#;
    let class = wrap(MODEL, &[VERSION], body).0.map_err(|error| error.class).err();
    assert_eq!(class, Some(ErrorClass::InvalidRequest));
    assert_eq!(
        text(wrap(MODEL, &[VERSION], r#"{"model":"m"}"#).0),
        r#"{"anthropic_version":"bedrock-2023-05-31"}"#
    );
}
