use super::*;

#[test]
fn a_response_is_read_and_written_back() {
    let body = json!({
        "id": "resp_01", "object": "response", "status": "completed", "service_tier": "default",
        "output": [
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAA",
             "summary": [{"type": "summary_text", "text": "s"}]},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "a", "annotations": []},
                {"type": "output_text", "text": "b", "annotations": []}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1.0}"},
        ],
        "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4},
                  "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 15},
    });
    let mut losses = Losses::new();
    let Ok(response) =
        OpenAiResponses.read_response(&mut Scope::root(&mut losses), body.to_string().as_bytes())
    else {
        panic!("not read")
    };
    assert_eq!(response.content.len(), 4);
    assert_eq!(
        response.usage.map(|usage| (usage.fresh, usage.cache_read)),
        Some((6, 4))
    );
    let back = OpenAiResponses.write_response(&mut Scope::root(&mut losses), response, &context());
    let back: Value = serde_json::from_slice(&back).unwrap_or_default();
    assert_eq!(back["output"][0]["encrypted_content"], "gAAAA");
    assert_eq!(back["output"][2]["content"][0]["text"], "b");
    assert_eq!(back["output"][3]["arguments"], "{\"a\":1.0}");
    let ids: Vec<&str> = (0..4)
        .filter_map(|at| back["output"][at]["id"].as_str())
        .collect();
    assert_eq!(ids, ["rs_01_0", "msg_01_1", "msg_01_2", "fc_01_3"]);
    assert_eq!((&back["tools"], &back["top_p"]), (&json!([]), &json!(1.0)));
    assert_eq!(back["service_tier"], "default");
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn a_response_that_failed_is_an_error() {
    let mut losses = Losses::new();
    let body = json!({"status": "failed", "error": {"code": "server_error", "message": "Boom"}}).to_string();
    let read = OpenAiResponses.read_response(&mut Scope::root(&mut losses), body.as_bytes());
    assert_eq!(read.err().map(|error| error.message), Some("Boom".to_owned()));
    assert!(
        OpenAiResponses
            .read_response(&mut Scope::root(&mut losses), b"<html>")
            .is_err()
    );
}

#[test]
fn why_a_response_is_incomplete_is_read() {
    for (reason, expected) in [
        (json!("content_filter"), FinishReason::ContentFilter),
        (json!("max_output_tokens"), FinishReason::Length),
        (json!("of-tomorrow"), FinishReason::Length),
        (Value::Null, FinishReason::Length),
    ] {
        let (response, _) = read_response(&json!({"status": "incomplete", "output": [],
            "incomplete_details": {"reason": reason}}));
        assert_eq!(response.finish.reason, expected, "{reason}");
    }
}

#[test]
fn a_refusal_with_text_is_the_reason_of_the_end() {
    let reason = |refusal: &str| {
        let part = json!({"type": "refusal", "refusal": refusal});
        let (response, _) = read_response(&json!({"status": "completed", "output": [
            {"type": "message", "content": [part]}]}));
        response.finish.reason
    };
    assert_eq!(reason("No."), FinishReason::Refusal);
    assert_eq!(reason(""), FinishReason::End);
}

#[test]
fn the_first_well_formed_list_of_log_probabilities_is_read() {
    let part = |list: Value| json!({"type": "output_text", "text": "x", "logprobs": list});
    let good = json!([{"token": "x", "logprob": -0.5, "bytes": [120], "top_logprobs": []}]);
    let (response, _) = read_response(
        &json!({"status": "completed", "output": [{"type": "message", "content": [
        part(json!([])), part(json!([{"token": 1}])), part(good.clone()), part(json!([{"token": "y", "logprob": 0}]))]}]}),
    );
    let list = response.logprobs.map(|list| list.get().to_owned());
    assert_eq!(list, Some(good.to_string()));
}

#[test]
fn a_part_of_an_unknown_type_is_dropped() {
    let (response, losses) = read_response(&json!({"status": "completed", "output": [
        {"type": "message", "content": [{"type": "output_smell"}]}]}));
    assert!(response.content.is_empty());
    assert_eq!(listed(&losses), ["dropped output[0]"]);
}

#[test]
fn a_citation_of_a_file_is_dropped() {
    let (_, losses) = read_response(
        &json!({"status": "completed", "output": [{"type": "message", "content": [
        {"type": "output_text", "text": "x", "annotations": [{"type": "file_citation", "file_id": "f"}]}]}]}),
    );
    assert_eq!(listed(&losses), ["dropped output[0].annotations"]);
}

#[test]
fn negative_counts_are_zero() {
    let (response, _) = read_response(&json!({"status": "completed", "output": [],
        "usage": {"input_tokens": -1, "output_tokens": 2}}));
    let counts = response.usage.map(|usage| (usage.input_total(), usage.output));
    assert_eq!(counts, Some((0, 2)));
}

#[test]
fn web_searches_are_counted_in_both_directions() {
    let (mut response, _) = read_response(&json!({"status": "completed", "output": [],
        "usage": {"input_tokens": 1, "output_tokens": 1}, "tool_usage": {"web_search": {"num_requests": 2}}}));
    assert_eq!(response.usage.map(|usage| usage.web_searches), Some(2));
    let (body, _) = write_response(response.clone());
    assert_eq!(body["tool_usage"]["web_search"]["num_requests"], 2);
    response.usage = Some(Usage::default());
    let (body, _) = write_response(response);
    assert_eq!(body.get("tool_usage").filter(|usage| !usage.is_null()), None);
}

#[test]
fn an_end_is_written_as_the_api_calls_it() {
    for (reason, status, incomplete) in [
        (FinishReason::End, "completed", Value::Null),
        (FinishReason::ToolUse, "completed", Value::Null),
        (FinishReason::Length, "incomplete", json!("max_output_tokens")),
        (
            FinishReason::ContextFull,
            "incomplete",
            json!("max_output_tokens"),
        ),
        (FinishReason::ContentFilter, "incomplete", json!("content_filter")),
        (FinishReason::Refusal, "incomplete", json!("content_filter")),
    ] {
        let (body, losses) = write_response(response(vec![text("x")], reason));
        assert_eq!(body["status"], status, "{reason:?}");
        assert_eq!(body["incomplete_details"]["reason"], incomplete, "{reason:?}");
        assert!(losses.is_empty(), "{losses:?}");
    }
    let (body, losses) = write_response(response(vec![text("x")], FinishReason::Pause));
    assert_eq!(body["status"], "completed");
    assert_eq!(listed(&losses), ["approximated finish_reason"]);
}

#[test]
fn an_explanation_is_shown_unless_the_model_refused_itself() {
    let refused = |content| {
        let mut response = response(content, FinishReason::Refusal);
        response.finish.explanation = Some("Policy.".to_owned());
        write_response(response).0
    };
    let body = refused(vec![text("x")]);
    assert_eq!(body["output"][1]["content"][0]["refusal"], "Policy.");
    let body = refused(vec![Block::Refusal { text: "No.".into() }]);
    assert_eq!(body["output"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["status"], "completed");
}

#[test]
fn malformed_arguments_are_incomplete_only_if_the_response_was_cut_off() {
    let status = |reason| {
        let call = call("a", ToolInput::Malformed { text: "{".into() });
        let (body, _) = write_response(response(vec![call], reason));
        body["output"][0]["status"].clone()
    };
    assert_eq!(status(FinishReason::Length), "incomplete");
    assert_eq!(status(FinishReason::ToolUse), "completed");
}

#[test]
fn an_item_of_a_vendor_is_shown_only_if_it_is_a_search_with_a_query() {
    let tool = |query: Option<&str>| {
        Block::ServerTool(ServerTool {
            origin: Family::Claude,
            item: "server_tool_use".to_owned(),
            query: query.map(str::to_owned),
        })
    };
    let (body, losses) = write_response(response(vec![tool(Some("rust")), tool(None)], FinishReason::End));
    assert_eq!(body["output"][0]["action"]["query"], "rust");
    assert_eq!(body["output"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed(&losses), ["dropped output"]);
}

#[test]
fn a_tier_of_another_vendor_is_not_shown() {
    let tier = |tier: &str| {
        let mut response = response(Vec::new(), FinishReason::End);
        response.service_tier = Some(tier.to_owned());
        write_response(response).0["service_tier"].clone()
    };
    assert_eq!(tier("flex"), "flex");
    assert_eq!(tier("batch-of-tomorrow"), Value::Null);
}

#[test]
fn an_identifier_of_an_item_is_short_and_ends_like_that_of_the_response() {
    let mut response = response(vec![text("x")], FinishReason::End);
    response.id = Some(format!("resp_{}é/z", "x".repeat(80)));
    let (body, _) = write_response(response);
    let id = body["output"][0]["id"].as_str().unwrap_or_default();
    assert_eq!(id.len(), 64);
    assert!(id.starts_with("msg_x") && id.ends_with("xz_0"), "{id}");
}

#[test]
fn every_member_that_is_echoed_is_in_the_response() {
    let request = json!({
        "model": "m", "input": "hi", "instructions": "i", "max_output_tokens": 20, "max_tool_calls": 2,
        "metadata": {"a": "b"}, "parallel_tool_calls": false, "prompt_cache_key": "k", "reasoning": {"effort": "low"},
        "safety_identifier": "s", "temperature": 0.5, "text": {"verbosity": "low"}, "tool_choice": "none",
        "tools": [{"type": "web_search"}], "top_logprobs": 1, "top_p": 0.5, "user": "u",
    });
    let (read, _) = read(&request);
    let echoed = read.preferences.echo.as_ref().map(|echo| echo.members.len());
    assert_eq!(echoed, Some(15));
    let context = ResponseContext {
        preferences: read.preferences,
        ..context()
    };
    let response = response(Vec::new(), FinishReason::End);
    let body = OpenAiResponses.write_response(&mut Scope::root(&mut Losses::new()), response, &context);
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    for (name, value) in request.as_object().into_iter().flatten() {
        if !["model", "input"].contains(&name.as_str()) {
            assert_eq!(body[name], *value, "{name}");
        }
    }
}
