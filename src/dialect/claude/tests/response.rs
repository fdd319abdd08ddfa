//! Complete responses, token counts, and why a response ended.

use super::*;
use crate::canonical::{Annotation, Finish, FinishReason, Response, ServerTool, Usage};
use crate::dialect::shared::carrier;
use crate::dialect::{Preferences, ResponseCodec, ResponseContext};

pub(super) fn context() -> ResponseContext {
    ResponseContext {
        model: "the-clients".to_owned(),
        preferences: Preferences::default(),
        created: 0,
        request_id: "req_1".to_owned(),
        input_estimate: 42,
    }
}

/// A response with this content and these members.
fn message(content: Value, members: Value) -> Value {
    let mut message = json!({"type": "message", "id": "msg_1", "role": "assistant", "model": "m", "content": content,
        "stop_reason": "end_turn", "stop_sequence": null});
    if let (Some(message), Value::Object(members)) = (message.as_object_mut(), members) {
        message.extend(members);
    }
    message
}

fn read_response(body: &Value) -> Result<(Response, Vec<String>), Error> {
    let mut losses = Losses::new();
    let response = Claude.read_response(&mut Scope::root(&mut losses), body.to_string().as_bytes())?;
    Ok((response, listed(&losses)))
}

fn must_read(body: &Value) -> (Response, Vec<String>) {
    match read_response(body) {
        Ok(read) => read,
        Err(error) => panic!("{error}"),
    }
}

fn response(content: Vec<Block>, reason: FinishReason) -> Response {
    Response {
        id: None,
        model: None,
        content,
        finish: Finish::new(reason),
        usage: None,
        service_tier: None,
        logprobs: None,
    }
}

fn write_response(response: Response) -> (Value, Vec<String>) {
    let mut losses = Losses::new();
    let body = Claude.write_response(&mut Scope::root(&mut losses), response, &context());
    (json_of(&body), listed(&losses))
}

#[test]
fn token_counts_are_read_and_negative_ones_are_zero() {
    let usage = json!({"input_tokens": 3, "output_tokens": -1, "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 7, "cache_creation": {"ephemeral_1h_input_tokens": 2, "ephemeral_5m_input_tokens": 5},
        "output_tokens_details": {"thinking_tokens": 1}, "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
        "service_tier": "batch"});
    let (read, lost) = must_read(&message(json!([]), json!({ "usage": usage })));
    let expected = Usage {
        fresh: 3,
        cache_read: 5,
        cache_write: 7,
        cache_write_1h: Some(2),
        output: 0,
        reasoning: Some(1),
        web_searches: 2,
    };
    assert_eq!(read.usage, Some(expected));
    assert_eq!((read.service_tier.as_deref(), lost.len()), (Some("default"), 0));
}

#[test]
fn an_unknown_reason_for_the_end_is_an_ordinary_end() {
    let reason = |reason: &str| {
        let (read, lost) = must_read(&message(json!([]), json!({ "stop_reason": reason })));
        (read.finish.reason, lost)
    };
    assert_eq!(reason("pause_turn"), (FinishReason::Pause, vec![]));
    let unknown = vec!["approximated stop_reason UnknownStopReason".to_owned()];
    assert_eq!(reason("bored"), (FinishReason::End, unknown));
}

#[test]
fn only_citations_of_web_pages_are_read() {
    let web = json!({"type": "web_search_result_location", "url": "https://a", "title": "A"});
    let page = json!({"type": "page_location"});
    let (read, lost) = must_read(&message(
        json!([{"type": "text", "text": "a", "citations": [web, page]}]),
        json!({}),
    ));
    let annotations = &to_json(&read.content)[0]["annotations"];
    assert_eq!(annotations, &json!([{"url": "https://a", "title": "A"}]));
    assert_eq!(lost, ["dropped content[0].citations CitationOfNoWebPage"]);
}

#[test]
fn thinking_without_a_signature_has_no_state() {
    let content = json!([{"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "redacted_thinking", "data": "d"}]);
    let (read, _) = must_read(&message(content, json!({})));
    let blocks = to_json(&read.content);
    assert_eq!(blocks[0].get("opaque"), None);
    assert_eq!(
        blocks[1]["opaque"]["json"],
        json!({"type": "redacted_thinking", "data": "d"})
    );
}

#[test]
fn a_search_of_the_vendor_keeps_its_query_and_other_items_their_type() {
    let content = json!([
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "server_tool_use", "id": "s", "name": "code_execution", "input": {"query": "q"}},
        {"type": "hologram"},
    ]);
    let (read, _) = must_read(&message(content, json!({})));
    let items: Vec<(String, Option<String>)> = read
        .content
        .into_iter()
        .filter_map(|block| match block {
            Block::ServerTool(tool) => Some((tool.item, tool.query)),
            _ => None,
        })
        .collect();
    let expected = [
        ("server_tool_use", Some("q")),
        ("server_tool_use", None),
        ("hologram", None),
    ];
    assert_eq!(
        items,
        expected.map(|(item, query)| (item.to_owned(), query.map(str::to_owned)))
    );
}

#[test]
fn an_error_with_the_status_of_a_success_is_read_as_an_error() {
    let class = |body: Value| read_response(&body).err().map(|error| error.class);
    let busy = json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}});
    assert_eq!(class(busy), Some(ErrorClass::Overloaded));
    assert_eq!(class(json!({"choices": []})), Some(ErrorClass::Upstream));
}

#[test]
fn a_response_repeats_the_clients_name_of_the_model_and_has_an_identifier() {
    let (body, _) = write_response(response(vec![text("a")], FinishReason::End));
    assert_eq!(
        (&body["model"], &body["id"]),
        (&json!("the-clients"), &json!("msg_req_1"))
    );
    assert_eq!(body["usage"]["input_tokens"], 0, "clients expect every number");
}

#[test]
fn an_input_that_the_output_limit_cut_off_is_closed() {
    let input = |reason: FinishReason| {
        let malformed = ToolInput::Malformed {
            text: r#"{"a":"hel"#.into(),
        };
        let (body, lost) = write_response(response(vec![call_with("1", malformed)], reason));
        (body["content"][0]["input"].clone(), lost)
    };
    assert_eq!(input(FinishReason::Length), (json!({"a": "hel"}), vec![]));
    let wrapped = vec!["approximated content InputIsNoJson".to_owned()];
    assert_eq!(
        input(FinishReason::ToolUse),
        (json!({"_raw": r#"{"a":"hel"#}), wrapped)
    );
}

#[test]
fn content_that_the_api_does_not_have_is_dropped() {
    let mut cited = Text::from("a");
    cited.annotations.push(Annotation {
        url: "https://a".to_owned(),
        title: String::new(),
        span: None,
    });
    let foreign = ServerTool {
        origin: Family::OpenaiResponses,
        item: "mcp_call".to_owned(),
        query: None,
    };
    let content = vec![
        Block::Text(cited),
        Block::ServerTool(foreign),
        result("1", vec![]),
        text(""),
    ];
    let mut written = response(content, FinishReason::End);
    written.logprobs = Some(to_raw_json(&json!([])));
    written.service_tier = Some("flex".to_owned());
    let (body, lost) = write_response(written);
    assert_eq!(body["content"], json!([{"type": "text", "text": "a"}]));
    let expected = [
        "ignored logprobs LogprobsOfResponse",
        "dropped annotations CitationIndex",
        "dropped content ForeignItem",
        "dropped content ContentOfResponse",
        "ignored service_tier ForeignServiceTier",
    ];
    assert_eq!(lost, expected);
}

#[test]
fn foreign_reasoning_gets_a_carrier_as_its_signature() {
    let signature = |origin: Option<Family>| {
        let (body, _) = write_response(response(vec![thought(origin)], FinishReason::End));
        body["content"][0]["signature"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(signature(Some(Family::Claude)), "sig");
    let carried = carrier::decode(&signature(Some(Family::OpenaiResponses)));
    assert_eq!(carried.map(|state| state.origin), Some(Family::OpenaiResponses));
    assert_eq!(signature(None), carrier::encode(&carrier::unsigned_reasoning()));
}

#[test]
fn a_refusal_explains_the_end_unless_the_upstream_does() {
    let refusal = Block::Refusal { text: "No.".into() };
    let mut refused = response(vec![refusal], FinishReason::Refusal);
    let details = |response: Response| write_response(response).0["stop_details"].clone();
    assert_eq!(
        details(refused.clone()),
        json!({"type": "refusal", "explanation": "No.", "category": null})
    );
    refused.finish.explanation = Some("Policy.".to_owned());
    assert_eq!(details(refused)["explanation"], "Policy.");
    assert_eq!(details(response(vec![], FinishReason::End)), Value::Null);
}

#[test]
fn a_stop_sequence_is_written_only_with_its_reason() {
    let mut ended = response(vec![], FinishReason::End);
    ended.finish.stop_sequence = Some("END".to_owned());
    assert_eq!(write_response(ended.clone()).0["stop_sequence"], Value::Null);
    ended.finish.reason = FinishReason::StopSequence;
    assert_eq!(write_response(ended).0["stop_sequence"], "END");
}
