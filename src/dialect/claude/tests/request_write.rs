use super::*;
use crate::canonical::ServiceTier;
use crate::capability::SamplingSupport;
use crate::dialect::claude;

#[test]
fn a_request_is_written_for_a_fixed_version_of_the_api() {
    let (_, written, _) = write(&request(vec![user(0, vec![text("a")])]), &model(|_| {}));
    assert_eq!(written.path, "/v1/messages");
    let headers: Vec<(&str, &[u8])> = written
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    assert_eq!(headers, [("anthropic-version", b"2023-06-01".as_slice())]);
}

#[test]
fn the_output_limit_is_the_clients_up_to_the_models() {
    let limit = |wanted: Option<u64>, most: Option<u64>| {
        let mut request = request(vec![user(0, vec![text("a")])]);
        request.max_output_tokens = wanted;
        let (body, _, lost) = write(&request, &model(|model| model.max_output = most));
        (body["max_tokens"].as_u64(), lost)
    };
    assert_eq!(limit(Some(7), Some(10)), (Some(7), vec![]));
    let cut = vec!["approximated max_tokens OutputLimit".to_owned()];
    assert_eq!(limit(Some(11), Some(10)), (Some(10), cut));
    assert_eq!(limit(None, Some(10)), (Some(10), vec![]));
    assert_eq!(limit(None, None), (Some(8192), vec![]));
}

#[test]
fn blank_stop_sequences_are_dropped() {
    let (body, lost) = rewrite(json!({"stop_sequences": ["a", " \n"]}), &model(|_| {}));
    assert_eq!(body["stop_sequences"], json!(["a"]));
    assert_eq!(lost, ["dropped stop_sequences BlankStop"]);
    let (body, _) = rewrite(json!({"stop_sequences": [""]}), &model(|_| {}));
    assert_eq!(body.get("stop_sequences"), None);
}

#[test]
fn sampling_parameters_are_written_as_far_as_the_model_accepts_them() {
    let all = json!({"temperature": 0.5, "top_p": 0.9, "top_k": 4});
    let (body, lost) = rewrite(all.clone(), &model(|_| {}));
    assert_eq!(
        (&body["temperature"], &body["top_p"], &body["top_k"]),
        (&json!(0.5), &json!(0.9), &json!(4))
    );
    assert_eq!(lost, [""; 0]);
    let (body, lost) = rewrite(all.clone(), &model(|model| model.temperature_with_top_p = false));
    assert_eq!(body.get("top_p"), None);
    assert_eq!(lost, ["dropped top_p TemperatureOrTopP"]);
    let (_, lost) = rewrite(all, &model(|model| model.sampling = SamplingSupport::None));
    assert_eq!(
        lost,
        [
            "dropped temperature NoSampling",
            "dropped top_p NoSampling",
            "dropped top_k NoSampling"
        ]
    );
}

#[test]
fn a_temperature_above_one_is_cut() {
    let (body, lost) = rewrite(json!({"temperature": 1.7}), &model(|_| {}));
    assert_eq!(body["temperature"], 1);
    assert_eq!(lost, ["approximated temperature TemperatureLimit"]);
}

#[test]
fn a_thinking_budget_excludes_a_temperature_and_top_k() {
    let thinking = json!({"type": "enabled", "budget_tokens": 1024});
    let members = |temperature: Value| json!({"thinking": thinking, "max_tokens": 8000, "temperature": temperature, "top_k": 4});
    let (body, lost) = rewrite(members(json!(0.5)), &model(|_| {}));
    assert_eq!((body.get("temperature"), body.get("top_k")), (None, None));
    assert_eq!(
        lost,
        [
            "dropped temperature TemperatureWithThinking",
            "dropped top_k TopKWithThinking"
        ]
    );
    let (body, lost) = rewrite(members(json!(1.0)), &model(|_| {}));
    assert_eq!(body["temperature"], 1.0);
    assert_eq!(lost, ["dropped top_k TopKWithThinking"]);
}

#[test]
fn members_that_the_api_does_not_have_are_recorded() {
    let mut request = request(vec![user(0, vec![text("a")])]);
    request.sampling.seed = Some(1.into());
    request.sampling.presence_penalty = Some(1.into());
    request.logprobs = Some(2);
    request.cache_key = Some("k".to_owned());
    request.metadata = vec![("a".to_owned(), "b".to_owned())];
    let (_, _, lost) = write(&request, &model(|_| {}));
    let expected = [
        "dropped seed ForeignSampling",
        "dropped presence_penalty ForeignSampling",
        "refused logprobs LogprobsOfRequest",
        "ignored prompt_cache_key CacheKey",
        "ignored metadata Metadata",
    ];
    assert_eq!(lost, expected);
}

#[test]
fn tiers_of_other_vendors_are_approximated_or_dropped() {
    let tier = |tier: ServiceTier| {
        let mut request = request(vec![user(0, vec![text("a")])]);
        request.service_tier = Some(tier);
        let (body, _, lost) = write(&request, &model(|_| {}));
        (body["service_tier"].clone(), lost)
    };
    assert_eq!(tier(ServiceTier::Default), (json!("standard_only"), vec![]));
    let own = vec!["approximated service_tier PriorityTier".to_owned()];
    assert_eq!(tier(ServiceTier::Priority), (json!("auto"), own));
    let foreign = vec!["dropped service_tier ForeignServiceTier".to_owned()];
    for other in [
        ServiceTier::Flex,
        ServiceTier::Scale,
        ServiceTier::Fast,
        ServiceTier::Ultrafast,
    ] {
        assert_eq!(tier(other), (Value::Null, foreign.clone()));
    }
}

#[test]
fn the_tier_is_written_from_the_argument_since_bedrock_has_it_elsewhere() {
    let mut request = request(vec![user(0, vec![text("a")])]);
    request.service_tier = Some(ServiceTier::Fast);
    let mut losses = Losses::new();
    let target = Target {
        model: "up",
        capabilities: &model(|_| {}),
        length: 0,
    };
    let written = claude::request::write(&mut Scope::root(&mut losses), &request, &target, None);
    assert_eq!(json_of(&written.body).get("service_tier"), None);
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn an_end_user_that_looks_like_an_address_is_hidden() {
    let end_user = |id: &str| {
        let (body, _) = rewrite(json!({"metadata": {"user_id": id}}), &model(|_| {}));
        body["metadata"]["user_id"].as_str().map(str::to_owned)
    };
    assert_eq!(end_user("u-1").as_deref(), Some("u-1"));
    assert_eq!(end_user("bob@example.org").map(|id| id.len()), Some(64));
}

#[test]
fn a_system_prompt_keeps_its_form() {
    let system = |system: Value| rewrite(json!({ "system": system }), &model(|_| {})).0["system"].clone();
    assert_eq!(system(json!("a")), "a");
    let blocks = json!([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, {"type": "text", "text": "b"}]);
    assert_eq!(system(blocks.clone()), blocks);
    let (body, _) = rewrite(json!({}), &model(|_| {}));
    assert_eq!(body.get("system"), None);
}

#[test]
fn a_tool_name_that_the_api_refuses_is_mapped_and_restored() {
    let tools = json!([{"name": "mcp.server/tool", "input_schema": {"type": "object"}}]);
    let (request, _) = read(&with(json!({ "tools": tools })));
    let (body, written, _) = write(&request, &model(|_| {}));
    assert_eq!(body["tools"][0]["name"], "mcp_server_tool");
    let original = written.restoration.tools.get("mcp_server_tool");
    assert_eq!(original.map(|tool| tool.name.as_str()), Some("mcp.server/tool"));
}
