use crate::dialect::RequestCodec;
use http::header::ACCEPT;
use serde_json::{Value, json};

use super::*;
use crate::canonical::Losses;
use crate::canonical::{ErrorClass, LossKind, Scope};
use crate::capability::lookup;

const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

/// A request of a claude client as Bedrock gets it.
fn sealed(
    model: &str,
    pairs: &[(&'static str, &'static str)],
    body: &str,
) -> (Result<WrittenRequest, Error>, Losses) {
    let mut losses = Losses::new();
    let headers = headers(pairs);
    let inbound = ClientRequest {
        headers: &headers,
        model: None,
        stream: None,
        body: &Bytes::copy_from_slice(body.as_bytes()),
    };
    let target = Target {
        model,
        capabilities: &lookup(DialectName::Bedrock, model),
        length: 0,
    };
    let letter = Envelope::unwrap_request(&Claude, &mut Scope::root(&mut losses), &inbound);
    let written =
        letter.and_then(|letter| Bedrock.wrap_request(&mut Scope::root(&mut losses), letter, &target));
    (written, losses)
}

fn text(written: Result<WrittenRequest, Error>) -> String {
    String::from_utf8(written.expect("a request").body).expect("text")
}

fn listed(losses: &Losses) -> Vec<(LossKind, &str)> {
    let entries = losses.entries().iter();
    entries.map(|loss| (loss.kind, loss.path.as_str())).collect()
}

const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

#[test]
fn the_envelope_changes_and_the_rest_stays() {
    let body = r#"{ "model":"m", "max_tokens":1.0,"stream":true ,
      "messages" : [{"role":"user","content":[{"type":"news","n":12345678901234567890}]},{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"EqB\/x=="}]}]}"#;
    let betas = (
        "anthropic-beta",
        "interleaved-thinking-2025-05-14, claude-code-20250219",
    );
    let profile = ("anthropic-user-profile-id", "up_1");
    let (written, losses) = sealed(MODEL, &[VERSION, betas, profile], body);
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
    let inbound = ClientRequest {
        headers: &headers,
        model: Some(MODEL),
        stream: Some(true),
        body: &Bytes::from(written.body),
    };
    let letter = Bedrock
        .unwrap_request(&mut Scope::root(&mut Losses::new()), &inbound)
        .expect("a request");
    let capabilities = lookup(DialectName::Claude, "claude-x");
    let target = Target {
        model: "claude-x",
        capabilities: &capabilities,
        length: 0,
    };
    let back = Envelope::wrap_request(&Claude, &mut Scope::root(&mut Losses::new()), letter, &target)
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
fn the_later_version_is_for_models_that_have_it() {
    let body = r#"{"model":"m","max_tokens":1,"messages":[]}"#;
    let later = ("anthropic-version", "2026-10-21");
    for (model, version, expected) in [
        ("us.anthropic.claude-opus-5-5", later, "2026-10-21"),
        ("us.anthropic.claude-opus-5-5", VERSION, "bedrock-2023-05-31"),
        (MODEL, later, "bedrock-2023-05-31"),
    ] {
        let written = text(sealed(model, &[version], body).0);
        let read: Value = serde_json::from_str(&written).expect("JSON");
        assert_eq!(read["anthropic_version"], expected, "{model}");
    }
}

#[test]
fn what_bedrock_does_not_take_is_left_out_and_told() {
    let body = json!({
        "model": "m",
        "max_tokens": 1,
        "speed": "fast",
        "service_tier": "auto",
        "cache_control": {"type": "ephemeral"},
        "mcp_servers": [],
        "output_config": {"effort": "low", "task_budget": {"type": "tokens", "total": 1}},
        "context_management": {"edits": [{"type": "clear_thinking_20251015"}, {"type": "compact_20260112"}]},
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cch=1"},
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "scope": "global", "ttl": "1h"}},
        ],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "system", "content": "be kind", "clear_at": "next_user_message"},
            {"role": "system", "content": [{"type": "tool_removal"}, {"type": "text", "text": "b"}]},
        ],
        "tools": [
            {"name": "t", "input_schema": {"eager_input_streaming": 1}, "eager_input_streaming": true, "defer_loading": true},
            {"type": "computer_20250124", "name": "computer"},
        ],
    });
    let betas = ("anthropic-beta", "context-management-2025-06-27");
    let (written, losses) = sealed(MODEL, &[VERSION, betas], &body.to_string());
    let written: Value = serde_json::from_str(&text(written)).expect("JSON");
    let expected = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "anthropic_beta": [
            "compact-2026-01-12",
            "fine-grained-tool-streaming-2025-05-14",
            "tool-search-tool-2025-10-19",
            "computer-use-2025-01-24",
        ],
        "max_tokens": 1,
        "output_config": {"effort": "low"},
        "context_management": {"edits": [{"type": "compact_20260112"}]},
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "user", "content": "<system-reminder>be kind</system-reminder>"},
            {"role": "user", "content": [{"type": "text", "text": "<system-reminder>b</system-reminder>"}]},
        ],
        "tools": [
            {"name": "t", "input_schema": {"eager_input_streaming": 1}, "defer_loading": true},
            {"type": "computer_20250124", "name": "computer"},
        ],
    });
    assert_eq!(written, expected);
    use LossKind::{Approximated, Dropped, Ignored};
    let mut told = listed(&losses);
    told.sort();
    assert_eq!(
        told,
        [
            (Dropped, "anthropic-beta.context-management-2025-06-27"),
            (Dropped, "context_management.edits[0]"),
            (Dropped, "messages[2].content[0]"),
            (Dropped, "output_config.task_budget"),
            (Dropped, "speed"),
            (Approximated, "messages[1]"),
            (Approximated, "messages[2]"),
            (Ignored, "cache_control"),
            (Ignored, "service_tier"),
            (Ignored, "system[1].cache_control.scope"),
            (Ignored, "system[0]"),
        ]
        .into_iter()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
}

#[test]
fn field_and_beta_of_context_edits_leave_together() {
    let body =
        r#"{"model":"m","messages":[],"context_management":{"edits":[{"type":"clear_thinking_20251015"}]}}"#;
    let betas = ("anthropic-beta", "context-management-2025-06-27");
    let written = text(sealed(MODEL, &[VERSION, betas], body).0);
    assert_eq!(
        written,
        r#"{"anthropic_version":"bedrock-2023-05-31","messages":[]}"#
    );
}

#[test]
fn promises_that_bedrock_cannot_keep_are_refused() {
    for (member, path) in [
        (r#""mcp_servers":[{"name":"s"}]"#, "mcp_servers"),
        (r#""container":"c""#, "container"),
        (r#""inference_geo":"eu""#, "inference_geo"),
        (
            r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#,
            "tools[0]",
        ),
        (
            r#""messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x"}}]}]"#,
            "messages[0].content[0].source",
        ),
        (
            r#""messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"document","source":{"type":"file","file_id":"f"}}]}]}]"#,
            "messages[0].content[0].content[0].source",
        ),
    ] {
        let (_, losses) = sealed(MODEL, &[VERSION], &format!(r#"{{"model":"m",{member}}}"#));
        let refused: Vec<&str> = losses.refused().map(|loss| loss.path.as_str()).collect();
        assert_eq!(refused, [path]);
    }
}

#[test]
fn odd_bodies_are_errors() {
    for body in ["", "[]", "{", r#"{"model":1}"#, r#"{"max_tokens":1}"#] {
        let class = sealed(MODEL, &[VERSION], body)
            .0
            .map_err(|error| error.class)
            .err();
        assert_eq!(class, Some(ErrorClass::InvalidRequest), "{body}");
    }
    // Members that stand there twice are all looked at.
    let body = r#"{"model":"m","output_config":{"effort":"low","x":1},"output_config":{"y":1}}"#;
    let class = sealed(MODEL, &[VERSION], body)
        .0
        .map_err(|error| error.class)
        .err();
    assert_eq!(class, Some(ErrorClass::InvalidRequest));
    assert_eq!(
        text(sealed(MODEL, &[VERSION], r#"{"model":"m"}"#).0),
        r#"{"anthropic_version":"bedrock-2023-05-31"}"#
    );
}

fn read(pairs: &[(&'static str, &'static str)], body: &str) -> (Result<ReadRequest, Error>, Losses) {
    let mut losses = Losses::new();
    let headers = headers(pairs);
    let inbound = ClientRequest {
        headers: &headers,
        model: Some(MODEL),
        stream: Some(true),
        body: &Bytes::copy_from_slice(body.as_bytes()),
    };
    (
        Bedrock.read_request(&mut Scope::root(&mut losses), &inbound),
        losses,
    )
}

#[test]
fn a_request_is_read_with_what_the_url_and_the_headers_say() {
    let body = r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["b"],"model":"other","stream":false,"max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
    let tier = ("x-amzn-bedrock-service-tier", "flex");
    let trace = ("x-amzn-bedrock-trace", "ENABLED");
    let (request, losses) = read(&[tier, trace], body);
    let request = request.expect("a request").request;
    assert_eq!((request.model.as_str(), request.stream), (MODEL, true));
    assert_eq!(request.service_tier, Some(crate::canonical::ServiceTier::Flex));
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
fn a_request_of_another_dialect_gets_its_envelope_and_its_tier() {
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
fn system_text_is_edited_without_a_model_in_the_body() {
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
