use super::*;

fn context(tool_search: bool) -> ResponseContext {
    let members = vec![
        ("temperature", to_raw_json(&0.5)),
        ("tools", to_raw_json(&json!([{"type": "x"}]))),
    ];
    ResponseContext {
        model: "alias".to_owned(),
        preferences: Preferences {
            echo: Some(Arc::new(RequestEcho { members, tool_search })),
            ..Preferences::default()
        },
        created: 7,
        request_id: "req_1".to_owned(),
        input_estimate: 1,
    }
}

/// Writes events; returns the data of the frames after checks that hold for every stream.
fn written(events: Vec<Event>, tool_search: bool) -> Vec<Value> {
    let mut writer = ResponsesStreamWriter::new(&context(tool_search));
    let (mut out, mut losses) = (BytesMut::new(), Losses::new());
    for event in events {
        writer.write(&mut Scope::root(&mut losses), event, &mut out);
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    let mut frames: Vec<Value> = Vec::new();
    for frame in text.split("\n\n").filter(|frame| !frame.is_empty()) {
        let (name, data) = frame.split_once('\n').unwrap_or_default();
        let data: Value = serde_json::from_str(data.trim_start_matches("data: ")).unwrap_or_default();
        assert_eq!(
            name,
            format!("event: {}", data["type"].as_str().unwrap_or_default())
        );
        assert_eq!(data["sequence_number"], frames.len(), "{data}");
        frames.push(data);
    }
    let is_last =
        |frame: &Value| frame["response"]["status"] != json!("in_progress") && frame["response"].is_object();
    assert!(frames.last().is_some_and(is_last), "{text}");
    let done: Vec<&Value> = frames
        .iter()
        .filter(|frame| frame["type"] == "response.output_item.done")
        .map(|frame| &frame["item"])
        .collect();
    let added: Vec<&Value> = frames
        .iter()
        .filter(|frame| frame["type"] == "response.output_item.added")
        .map(|frame| &frame["item"])
        .collect();
    let output = frames
        .last()
        .map(|frame| frame["response"]["output"].clone())
        .unwrap_or_default();
    for (at, item) in output.as_array().into_iter().flatten().enumerate() {
        assert_eq!(added[at]["id"], item["id"]);
        assert_eq!(added[at]["call_id"], item["call_id"]);
        assert!(done.get(at).is_none_or(|done| *done == item), "{item}");
    }
    frames
}

fn types(frames: &[Value]) -> Vec<&str> {
    let names = frames.iter().filter_map(|frame| frame["type"].as_str());
    names
        .map(|name| name.strip_prefix("response.").unwrap_or(name))
        .collect()
}

fn open(index: u32, block: BlockStart) -> Event {
    Event::Open { index, block }
}

fn call(id: &str, name: &str, kind: CallKind) -> BlockStart {
    BlockStart::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        namespace: None,
        call: kind,
    }
}

fn delta(index: u32, delta: Delta) -> Event {
    Event::Delta { index, delta }
}

fn text(index: u32, text: &str) -> Event {
    let text = text.to_owned();
    delta(index, Delta::Text { text })
}

fn input(index: u32, text: &str) -> Event {
    let text = text.to_owned();
    delta(index, Delta::Input { text })
}

fn think(index: u32, part: u32, text: &str) -> Event {
    let text = text.to_owned();
    delta(index, Delta::Reasoning { part, text })
}

fn close(index: u32) -> Event {
    Event::Close { index }
}

fn start() -> Event {
    Event::Start(Start {
        id: Some("msg_01AB".to_owned()),
        ..Start::default()
    })
}

fn finish(reason: FinishReason) -> Event {
    Event::Finish {
        finish: Finish::new(reason),
        usage: Some(Usage {
            reasoning: Some(2),
            ..Usage::from_total(10, 4, 1, 5)
        }),
    }
}

#[test]
fn every_kind_of_block_is_written_in_the_order_of_the_grammar() {
    let state = Opaque::new(
        Family::Claude,
        to_raw_json(&json!({"type": "thinking", "thinking": "ab", "signature": "s"})),
    );
    let frames = written(
        vec![
            start(),
            open(0, BlockStart::Reasoning),
            think(0, 0, "a"),
            think(0, 1, "b"),
            delta(0, Delta::Opaque(state.clone())),
            close(0),
            open(1, BlockStart::Text),
            close(1),
            open(2, BlockStart::Text),
            text(2, "hé"),
            delta(
                2,
                Delta::Annotation(Annotation {
                    url: "https://x".to_owned(),
                    title: String::new(),
                    span: None,
                }),
            ),
            close(2),
            open(3, call("c1", "f", CallKind::Function)),
            input(3, "{}"),
            close(3),
            open(4, call("c2", "p", CallKind::Freeform)),
            input(4, "x\ny"),
            close(4),
            finish(FinishReason::ToolUse),
        ],
        false,
    );
    assert_eq!(
        types(&frames),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.annotation.added",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "output_item.added",
            "custom_tool_call_input.delta",
            "custom_tool_call_input.done",
            "output_item.done",
            "completed",
        ]
    );
    let [.., last] = frames.as_slice() else { return };
    let response = &last["response"];
    assert_eq!(response["id"], "resp_01AB");
    assert_eq!(response["model"], "alias");
    assert_eq!(response["temperature"], 0.5);
    assert_eq!(response["tools"], json!([{"type": "x"}]));
    for absent in [
        "error",
        "incomplete_details",
        "instructions",
        "previous_response_id",
        "reasoning",
    ] {
        assert_eq!(response.get(absent), Some(&Value::Null), "{absent}");
    }
    assert_eq!(
        response["usage"],
        json!({
            "input_tokens": 10,
            "input_tokens_details": {"cache_write_tokens": 1, "cached_tokens": 4},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 15,
        })
    );
    let output = &response["output"];
    assert_eq!(
        output[0]["summary"][1],
        json!({"type": "summary_text", "text": "b"})
    );
    assert_eq!(output[0]["encrypted_content"], carrier::encode(&state));
    assert_eq!(output[1]["content"][0]["annotations"][0]["end_index"], 2);
    assert_eq!(output[2]["status"], "completed");
    assert_eq!(
        output[3],
        json!({
            "type": "custom_tool_call", "id": "ctc_01AB_3", "call_id": "c2", "name": "p", "input": "x\ny",
            "status": "completed",
        })
    );
    assert_eq!(frames[0]["response"]["usage"], Value::Null);
}

#[test]
fn a_call_that_the_limit_cuts_off_is_incomplete_and_one_without_arguments_is_not_empty() {
    let frames = written(
        vec![
            start(),
            open(0, call("c1", "f", CallKind::Function)),
            close(0),
            open(1, call("c2", "g", CallKind::Function)),
            input(1, "{\"a\":"),
            close(1),
            finish(FinishReason::Length),
        ],
        false,
    );
    let [.., last] = frames.as_slice() else { return };
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(
        last["response"]["incomplete_details"]["reason"],
        "max_output_tokens"
    );
    let output = &last["response"]["output"];
    assert_eq!(
        (&output[0]["arguments"], &output[0]["status"]),
        (&json!("{}"), &json!("completed"))
    );
    assert_eq!(
        (&output[1]["arguments"], &output[1]["status"]),
        (&json!("{\"a\":"), &json!("incomplete"))
    );
}

#[test]
fn malformed_arguments_of_a_complete_response_are_written_as_they_are() {
    let frames = written(
        vec![
            start(),
            open(0, call("c1", "f", CallKind::Function)),
            input(0, "oops"),
            close(0),
            open(1, BlockStart::Text),
            text(1, "x"),
            close(1),
            finish(FinishReason::ToolUse),
        ],
        false,
    );
    let [.., last] = frames.as_slice() else { return };
    let output = &last["response"]["output"];
    assert_eq!(
        (&output[0]["arguments"], &output[0]["status"]),
        (&json!("oops"), &json!("completed"))
    );
    assert_eq!(output[1]["content"][0]["text"], "x");
}

#[test]
fn a_failure_keeps_the_earlier_items_and_marks_none_as_done() {
    let delay = Some(Duration::from_millis(1500));
    let failure = Error::new(ErrorClass::RateLimit, "Slow down.").retry_after(delay);
    let frames = written(
        vec![
            start(),
            open(0, BlockStart::Text),
            text(0, "be"),
            close(0),
            open(1, call("c1", "f", CallKind::Function)),
            input(1, "{\"a\""),
            Event::Fail(failure),
        ],
        false,
    );
    let [.., last] = frames.as_slice() else { return };
    assert_eq!(last["type"], "response.failed");
    let response = &last["response"];
    assert_eq!(response["status"], "failed");
    assert_eq!(response["error"]["code"], "rate_limit_exceeded");
    assert_eq!(
        response["error"]["message"],
        "Slow down. Please try again in 1.5s."
    );
    assert_eq!(response["output"][1]["status"], "incomplete");
    assert_eq!(
        types(&frames)
            .iter()
            .filter(|name| **name == "output_item.done")
            .count(),
        1
    );
    let early = written(vec![Event::Fail(Error::new(ErrorClass::Upstream, "gone"))], false);
    assert_eq!(types(&early), ["created", "in_progress", "failed"]);
}

#[test]
fn a_refusal_completes_a_response_and_a_filter_does_not() {
    let own = written(
        vec![
            start(),
            open(0, BlockStart::Refusal),
            text(0, "No."),
            close(0),
            finish(FinishReason::Refusal),
        ],
        false,
    );
    let [.., last] = own.as_slice() else { return };
    assert_eq!(last["type"], "response.completed");
    assert_eq!(
        last["response"]["output"][0]["content"][0],
        json!({"type": "refusal", "refusal": "No."})
    );
    let finish = Finish {
        explanation: Some("Policy.".to_owned()),
        ..Finish::new(FinishReason::Refusal)
    };
    let explained = written(vec![start(), Event::Finish { finish, usage: None }], false);
    let [.., last] = explained.as_slice() else { return };
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"]["reason"], "content_filter");
    assert_eq!(last["response"]["output"][0]["content"][0]["refusal"], "Policy.");
}

#[test]
fn a_search_for_tools_is_written_as_such_to_a_client_that_searches() {
    let events = || {
        vec![
            start(),
            open(0, call("c1", "tool_search", CallKind::Function)),
            input(0, "{\"query\":\"x\"}"),
            close(0),
            finish(FinishReason::ToolUse),
        ]
    };
    let frames = written(events(), true);
    let [.., last] = frames.as_slice() else { return };
    assert_eq!(
        last["response"]["output"][0],
        json!({
            "type": "tool_search_call", "id": "tsc_01AB_0", "call_id": "c1", "execution": "client",
            "arguments": {"query": "x"}, "status": "completed",
        })
    );
    let frames = written(events(), false);
    let [.., last] = frames.as_slice() else { return };
    assert_eq!(last["response"]["output"][0]["type"], "function_call");
}

#[test]
fn a_web_search_is_shown_only_with_its_query() {
    let search = |query: Option<&str>| {
        let tool = ServerTool {
            origin: Family::Claude,
            item: "server_tool_use".to_owned(),
            query: query.map(str::to_owned),
        };
        written(
            vec![
                start(),
                open(0, BlockStart::ServerTool(tool)),
                close(0),
                finish(FinishReason::End),
            ],
            false,
        )
    };
    let frames = search(Some("rust"));
    let [.., last] = frames.as_slice() else { return };
    assert_eq!(
        last["response"]["output"][0]["action"],
        json!({"type": "search", "query": "rust"})
    );
    assert_eq!(types(&search(None)), ["created", "in_progress", "completed"]);
}

#[test]
fn a_citation_without_a_span_does_not_cover_later_text() {
    let citation = Annotation {
        url: "https://x".to_owned(),
        title: String::new(),
        span: None,
    };
    let frames = written(
        vec![
            start(),
            open(0, BlockStart::Text),
            text(0, "abc"),
            delta(0, Delta::Annotation(citation)),
            text(0, "def"),
            close(0),
            finish(FinishReason::End),
        ],
        false,
    );
    let [.., last] = frames.as_slice() else { return };
    let part = &last["response"]["output"][0]["content"][0];
    assert_eq!(
        (&part["text"], &part["annotations"][0]["end_index"]),
        (&json!("abcdef"), &json!(3))
    );
}

#[test]
fn log_probabilities_of_all_deltas_are_in_the_complete_text() {
    let list = |token: &str| -> RawJson { to_raw_json(&json!([{"token": token, "logprob": -1.0}])) };
    let frames = written(
        vec![
            start(),
            open(0, BlockStart::Text),
            text(0, "a"),
            delta(0, Delta::Logprobs { json: list("a") }),
            text(0, "b"),
            delta(0, Delta::Logprobs { json: list("b") }),
            close(0),
            finish(FinishReason::End),
        ],
        false,
    );
    let done = frames
        .iter()
        .find(|frame| frame["type"] == "response.output_text.done");
    let tokens: Vec<&str> = (0..2)
        .filter_map(|at| done?["logprobs"][at]["token"].as_str())
        .collect();
    assert_eq!(tokens, ["a", "b"]);
}

#[test]
fn an_empty_delta_writes_nothing() {
    let frames = written(
        vec![
            start(),
            open(0, BlockStart::Text),
            text(0, ""),
            close(0),
            open(1, call("c1", "p", CallKind::Freeform)),
            input(1, ""),
            close(1),
            finish(FinishReason::ToolUse),
        ],
        false,
    );
    assert_eq!(
        types(&frames),
        [
            "created",
            "in_progress",
            "output_item.added",
            "custom_tool_call_input.done",
            "output_item.done",
            "completed",
        ]
    );
}

#[test]
fn an_item_that_a_failure_interrupts_is_in_the_response_as_incomplete() {
    let output = |block: BlockStart, piece: Delta| {
        let failure = Error::new(ErrorClass::Upstream, "gone");
        let frames = written(
            vec![start(), open(0, block), delta(0, piece), Event::Fail(failure)],
            true,
        );
        frames
            .last()
            .map(|last| last["response"]["output"][0].clone())
            .unwrap_or_default()
    };
    let text = |text: &str| Delta::Text {
        text: text.to_owned(),
    };
    let input = |text: &str| Delta::Input {
        text: text.to_owned(),
    };
    let message = output(BlockStart::Text, text("a"));
    assert_eq!(
        (&message["status"], &message["content"][0]["text"]),
        (&json!("incomplete"), &json!("a"))
    );
    let custom = output(call("c", "p", CallKind::Freeform), input("a"));
    assert_eq!(
        (&custom["status"], &custom["input"]),
        (&json!("incomplete"), &json!("a"))
    );
    let search = output(call("c", "tool_search", CallKind::Function), input("{}"));
    assert_eq!(
        (&search["type"], &search["status"]),
        (&json!("tool_search_call"), &json!("incomplete"))
    );
}

#[test]
fn a_kept_response_has_the_identifier_of_the_store() {
    let mut context = context(false);
    context.preferences.links.id = Some("resp_px01".to_owned());
    context.preferences.links.previous = Some("resp_px00".to_owned());
    let mut writer = ResponsesStreamWriter::new(&context);
    let mut out = BytesMut::new();
    writer.write(&mut Scope::root(&mut Losses::new()), start(), &mut out);
    let text = String::from_utf8_lossy(&out);
    let data = text.split("data: ").nth(1).and_then(|data| data.lines().next());
    let event: Value = serde_json::from_str(data.unwrap_or_default()).unwrap_or_default();
    let response = &event["response"];
    assert_eq!(
        (
            &response["id"],
            &response["previous_response_id"],
            &response["store"]
        ),
        (&json!("resp_px01"), &json!("resp_px00"), &json!(true))
    );
}
