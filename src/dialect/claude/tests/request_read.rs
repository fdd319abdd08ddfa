use super::*;
use crate::canonical::{ServiceTier, SystemOrigin};

#[test]
fn members_of_the_vendors_services_are_refused_or_dropped() {
    let members = json!({
        "billing_policy": {"type": "billing_policy"}, "cache_control": {"type": "ephemeral"}, "compaction": {"type": "summarize"}, "container": "c",
        "context_management": {}, "diagnostics": {}, "fallback_credit_token": "t", "fallbacks": [],
        "inference_geo": "eu", "mcp_servers": [{"type": "url", "url": "u", "name": "n"}], "thread": {"type": "create"},
        "news": 1,
    });
    let expected = [
        "dropped news UnknownMember",
        "dropped billing_policy VendorBilling",
        "ignored cache_control AutomaticCaching",
        "dropped compaction VendorCompaction",
        "refused container VendorState",
        "dropped context_management ContextEditing",
        "dropped diagnostics VendorDiagnostics",
        "dropped fallback_credit_token VendorFallback",
        "dropped fallbacks VendorFallback",
        "refused inference_geo DataResidency",
        "refused mcp_servers McpServers",
        "refused thread VendorState",
    ];
    assert_eq!(losses_of(members), expected);
}

#[test]
fn an_empty_list_of_mcp_servers_is_no_loss() {
    assert_eq!(losses_of(json!({"mcp_servers": []})), [""; 0]);
}

#[test]
fn an_invalid_member_is_an_error_that_names_it() {
    let error = |members: Value| {
        let error = try_read(&HeaderMap::new(), &with(members)).err();
        error.map(|error| (error.class, error.param))
    };
    let invalid = |path: &str| Some((ErrorClass::InvalidRequest, Some(path.to_owned())));
    assert_eq!(error(json!({"max_tokens": -1})), invalid("max_tokens"));
    assert_eq!(error(json!({"max_tokens": 0})), None);
    let no_text = json!({"messages": [{"role": "user", "content": [{"type": "text"}]}]});
    assert_eq!(error(no_text), invalid("messages[0].content[0].text"));
}

#[test]
fn model_and_mode_of_the_path_replace_those_of_the_body() {
    let mut losses = Losses::new();
    let client_request = ClientRequest {
        headers: &HeaderMap::new(),
        model: Some("of-the-path"),
        stream: Some(true),
        body: &bytes::Bytes::from(with(json!({"stream": false})).to_string()),
    };
    let read = Claude.read_request(&mut Scope::root(&mut losses), &client_request);
    let read = read.map(|read| (read.request.model, read.request.stream)).ok();
    assert_eq!(read, Some(("of-the-path".to_owned(), true)));
}

#[test]
fn fast_mode_is_a_service_tier() {
    let tier = |members: Value| read(&with(members)).0.service_tier;
    assert_eq!(
        tier(json!({"speed": "fast", "service_tier": "auto"})),
        Some(ServiceTier::Fast)
    );
    assert_eq!(tier(json!({"speed": "standard"})), None);
    assert_eq!(
        tier(json!({"service_tier": "standard_only"})),
        Some(ServiceTier::Default)
    );
    assert_eq!(tier(json!({"service_tier": "gold"})), None);
    let lost = losses_of(json!({"service_tier": "gold"}));
    assert_eq!(lost, ["dropped service_tier UnknownServiceTier"]);
}

#[test]
fn the_session_is_the_cache_key_or_else_the_end_user() {
    let key = |session: Option<&'static str>, metadata: Value| {
        let mut headers = HeaderMap::new();
        if let Some(session) = session {
            headers.insert("x-claude-code-session-id", HeaderValue::from_static(session));
        }
        let read = try_read(&headers, &with(json!({"metadata": metadata}))).ok();
        read.and_then(|(request, _)| request.cache_key)
    };
    assert_eq!(key(Some("s1"), json!({"user_id": "u"})).as_deref(), Some("s1"));
    assert_eq!(key(None, json!({"user_id": "u"})).map(|key| key.len()), Some(64));
    assert_eq!(key(None, json!({"user_id": ""})), None);
}

#[test]
fn the_former_output_format_is_read_if_there_is_no_newer_one() {
    let format = |kind: &str| json!({"type": "json_schema", "schema": {"type": "object", "title": kind}});
    let title = |members: Value| {
        let (request, losses) = read(&with(members));
        assert_eq!(listed(&losses), [""; 0]);
        to_json(&request.output_format)["schema"]["title"].clone()
    };
    assert_eq!(title(json!({"output_format": format("old")})), "old");
    let both = json!({"output_format": format("old"), "output_config": {"format": format("new")}});
    assert_eq!(title(both), "new");
}

#[test]
fn an_output_schema_that_is_no_object_is_refused() {
    let format = json!({"type": "json_schema", "schema": [], "news": 1});
    let lost = losses_of(
        json!({"output_config": {"format": format, "task_budget": {"type": "tokens", "total": 1}}}),
    );
    let expected = [
        "dropped output_config.task_budget TaskBudget",
        "dropped output_config.format.news UnknownMember",
        "refused output_config.format.schema SchemaIsNoObject",
    ];
    assert_eq!(lost, expected);
}

#[test]
fn the_attribution_line_is_removed_from_the_first_instruction_only() {
    let line = "x-anthropic-billing-header: a=1; b=2";
    let system = |system: Value| {
        let (request, losses) = read(&with(json!({ "system": system })));
        let texts: Vec<String> = request
            .system
            .iter()
            .map(|block| block.text.to_string())
            .collect();
        (texts, listed(&losses))
    };
    let block = |text: &str| json!({"type": "text", "text": text});
    let (texts, lost) = system(json!(format!("{line}\n\nBe kind.")));
    assert_eq!(
        (texts, lost),
        (
            vec!["Be kind.".to_owned()],
            vec!["ignored system Attribution".to_owned()]
        )
    );
    let (texts, lost) = system(json!([block(line), block("Be kind."), block(line)]));
    assert_eq!(texts, ["Be kind.", line]);
    assert_eq!(lost, ["ignored system[0] Attribution"]);
}

#[test]
fn instructions_keep_their_form_and_blank_ones_are_left_out() {
    let origins = |system: Value| {
        let (request, _) = read(&with(json!({ "system": system })));
        request
            .system
            .iter()
            .map(|block| block.origin)
            .collect::<Vec<_>>()
    };
    assert_eq!(origins(json!("a")), [SystemOrigin::Field]);
    assert_eq!(origins(json!(" \n")), []);
    let blocks = json!([{"type": "text", "text": ""}, {"type": "text", "text": "a"}]);
    assert_eq!(origins(blocks), [SystemOrigin::Block]);
    assert_eq!(
        losses_of(json!({"system": [{"type": "song"}]})),
        ["refused system[0] UnknownVariant"]
    );
}
