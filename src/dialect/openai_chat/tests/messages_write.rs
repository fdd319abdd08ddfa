use super::*;

#[test]
fn results_follow_their_calls_and_images_follow_the_results() {
    let request = request(vec![
        Message::new(Role::User, 0, vec![text("go")]),
        Message::new(Role::Assistant, 1, vec![text("I look."), call("a")]),
        Message::new(Role::Assistant, 2, vec![call("functions.b:0")]),
        Message::new(
            Role::User,
            3,
            vec![text("hurry"), result("functions.b:0", vec![], true)],
        ),
        Message::new(
            Role::User,
            4,
            vec![result("a", vec![text("1"), image(), text("2")], false)],
        ),
    ]);
    let (body, _, losses) = write(&request, &acme());
    let messages = &body["messages"];
    assert_eq!(messages[0], json!({"role": "user", "content": "go"}));
    assert_eq!(messages[1]["content"], "I look.");
    assert_eq!(
        messages[1]["tool_calls"][0]["function"]["arguments"],
        "{\"a\":1.0}"
    );
    let mapped = messages[1]["tool_calls"][1]["id"].clone();
    assert!(
        mapped
            .as_str()
            .is_some_and(|id| id.starts_with("call_") && id.len() <= 40)
    );
    assert_eq!(messages[2]["tool_call_id"], "a");
    assert_eq!(
        messages[2]["content"],
        "1\n\n[not text: see the next message of the user]\n\n2"
    );
    assert_eq!(messages[3]["tool_call_id"], mapped);
    assert_eq!(messages[3]["content"], "Tool execution failed.");
    assert_eq!(messages[4]["content"][0]["text"], "[returned by the tool call a]");
    assert_eq!(
        messages[4]["content"][1]["image_url"]["url"],
        "data:image/png;base64,AA=="
    );
    assert_eq!(messages[5], json!({"role": "user", "content": "hurry"}));
    assert_eq!(
        kinds(&losses),
        [
            (LossKind::Approximated, "messages[4].content[0]"),
            (LossKind::Ignored, "messages[3].content[1]"),
        ]
    );
}

#[test]
fn a_longer_history_extends_the_shorter_one() {
    let mut messages = vec![
        Message::new(Role::User, 0, vec![text("go")]),
        Message::new(Role::Assistant, 1, vec![call("a")]),
        Message::new(Role::User, 2, vec![result("a", vec![text("1")], false)]),
        Message::new(Role::System, 3, vec![text("mind")]),
        Message::new(Role::Assistant, 4, vec![text("done")]),
        Message::new(Role::User, 5, vec![text("more")]),
    ];
    let (long, ..) = write(&request(messages.clone()), &acme());
    messages.truncate(3);
    let (short, ..) = write(&request(messages), &acme());
    let list = |body: &Value| body["messages"].as_array().cloned().unwrap_or_default();
    assert!(list(&long).starts_with(&list(&short)));
}

#[test]
fn unpaired_calls_and_results_are_refused() {
    let orphan = request(vec![Message::new(
        Role::User,
        0,
        vec![result("a", vec![], false)],
    )]);
    let (.., losses) = write(&orphan, &acme());
    assert_eq!(kinds(&losses), [(LossKind::Refused, "messages[0].content[0]")]);
    let twice = request(vec![Message::new(Role::Assistant, 0, vec![call("a"), call("a")])]);
    let (.., losses) = write(&twice, &acme());
    assert_eq!(kinds(&losses), [(LossKind::Refused, "messages[0].content[1]")]);
}

#[test]
fn instructions_take_the_role_that_the_upstream_knows() {
    let mut request = request(vec![
        Message::new(Role::User, 0, vec![text("x")]),
        Message::new(Role::System, 1, vec![text("later")]),
    ]);
    let block = |text: &str| SystemBlock {
        text: text.into(),
        origin: SystemOrigin::Block,
        cache: Some(CacheBreakpoint::default()),
    };
    request.system = vec![block("You code."), block("Well.")];
    let (body, ..) = write(&request, &acme());
    assert_eq!(
        body["messages"][0],
        json!({"role": "system", "content": "You code."})
    );
    assert_eq!(body["messages"][1], json!({"role": "system", "content": "Well."}));
    assert_eq!(body["messages"][3], json!({"role": "system", "content": "later"}));
    let (body, ..) = write(&request, &gpt());
    assert_eq!(body["messages"][0]["role"], "developer");
    let single = Capabilities {
        single_system: true,
        ..acme()
    };
    let (body, _, losses) = write(&request, &single);
    assert_eq!(body["messages"][0]["content"], "You code.\n\nWell.");
    assert_eq!(body["messages"][2]["role"], "user");
    assert!(losses.notable().any(|loss| loss.path == "messages[1]"));
}

#[test]
fn reasoning_goes_back_where_the_server_wants_it() {
    let reasoning = Block::Reasoning(Reasoning {
        parts: vec!["a".into(), "b".into()],
        opaque: Some(carrier::unsigned_reasoning()),
    });
    let request = request(vec![
        Message::new(Role::User, 0, vec![text("x")]),
        Message::new(Role::Assistant, 1, vec![reasoning, call("a")]),
    ]);
    let with = |reasoning_replay| Capabilities {
        reasoning_replay,
        ..acme()
    };
    let (body, ..) = write(&request, &with(ReasoningReplay::ReasoningContent));
    assert_eq!(body["messages"][1]["reasoning_content"], "a\n\nb");
    assert_eq!(body["messages"][1].get("content"), Some(&Value::Null));
    let (body, ..) = write(&request, &with(ReasoningReplay::Reasoning));
    assert_eq!(body["messages"][1]["reasoning"], "a\n\nb");
    let (body, ..) = write(&request, &with(ReasoningReplay::None));
    assert!(!body.to_string().contains("a\\n\\nb"));
}

#[test]
fn a_turn_of_several_messages_becomes_one() {
    let mut request = request(vec![
        Message::new(Role::Assistant, 0, vec![text("I look.")]),
        Message::new(Role::Assistant, 1, vec![text("Done."), call("a")]),
    ]);
    request.messages[1].name = Some("ann".to_owned());
    let (body, ..) = write(&request, &acme());
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["content"], "I look.\n\nDone.");
    assert_eq!(messages[0]["name"], "ann");
}

#[test]
fn a_turn_of_reasoning_alone_is_left_out() {
    let reasoning = Block::Reasoning(Reasoning {
        parts: vec!["a".into()],
        opaque: None,
    });
    let model = Capabilities {
        reasoning_replay: ReasoningReplay::Reasoning,
        ..acme()
    };
    let (body, ..) = write(&assistant(vec![reasoning]), &model);
    assert_eq!(body["messages"], json!([{"role": "user", "content": "go"}]));
}

#[test]
fn a_message_without_content_is_left_out() {
    let request = request(vec![
        Message::new(Role::User, 0, vec![text("")]),
        Message::new(Role::System, 1, vec![]),
        Message::new(Role::User, 2, vec![text("x")]),
    ]);
    let (body, ..) = write(&request, &acme());
    assert_eq!(body["messages"], json!([{"role": "user", "content": "x"}]));
}

#[test]
fn only_openai_knows_a_refusal() {
    let request = assistant(vec![Block::Refusal { text: "no".into() }, call("a")]);
    let (body, ..) = write(&request, &gpt());
    assert_eq!(body["messages"][1]["refusal"], "no");
    assert_eq!(body["messages"][1]["content"], Value::Null);
    let (body, ..) = write(&request, &acme());
    assert_eq!(body["messages"][1]["content"], "no");
    assert!(body["messages"][1].get("refusal").is_none());
}

#[test]
fn the_beginning_of_a_response_is_approximate_where_it_is_not_continued() {
    let prefill = |prefill| Capabilities { prefill, ..acme() };
    let request = assistant(vec![text("It is")]);
    let (.., losses) = write(&request, &prefill(false));
    assert_eq!(
        kinds(&losses),
        [(LossKind::Approximated, "messages[1].content[0]")]
    );
    let (.., losses) = write(&request, &prefill(true));
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn of_two_results_of_a_call_the_first_is_sent() {
    let request = request(vec![
        Message::new(Role::Assistant, 0, vec![call("a")]),
        Message::new(
            Role::User,
            1,
            vec![
                result("a", vec![text("1")], false),
                result("a", vec![text("2")], false),
            ],
        ),
    ]);
    let (body, _, losses) = write(&request, &acme());
    assert_eq!(body["messages"][1]["content"], "1");
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(2));
    assert_eq!(kinds(&losses), [(LossKind::Dropped, "messages[1].content[1]")]);
}

#[test]
fn images_stay_in_the_result_where_the_server_accepts_them() {
    let request = request(vec![
        Message::new(Role::Assistant, 0, vec![call("a")]),
        Message::new(Role::User, 1, vec![result("a", vec![text("1"), image()], false)]),
    ]);
    let model = Capabilities {
        tool_images: true,
        ..acme()
    };
    let (body, _, losses) = write(&request, &model);
    assert_eq!(body["messages"][1]["content"][1]["type"], "image_url");
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(2));
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn a_breakpoint_of_a_result_is_set_on_its_last_text() {
    let result = Block::ToolResult(ToolResult {
        call_id: "a".to_owned(),
        content: vec![text("1"), text("2")],
        is_error: false,
        cache: Some(CacheBreakpoint::default()),
    });
    let request = request(vec![
        Message::new(Role::Assistant, 0, vec![call("a")]),
        Message::new(Role::User, 1, vec![result]),
    ]);
    let model = Capabilities {
        cache_breakpoints: true,
        ..gpt()
    };
    let (body, ..) = write(&request, &model);
    let content = &body["messages"][1]["content"];
    assert!(content[0].get("prompt_cache_breakpoint").is_none());
    assert!(content[1].get("prompt_cache_breakpoint").is_some());
}

#[test]
fn a_freeform_call_becomes_a_function_where_the_model_has_only_those() {
    let input = || ToolInput::Freeform { text: "a b".into() };
    let freeform = |freeform_tools| Capabilities {
        freeform_tools,
        ..gpt()
    };
    let request = assistant(vec![call_with("a", input())]);
    let (body, ..) = write(&request, &freeform(true));
    let custom = json!({"type": "custom", "id": "a", "custom": {"name": "f", "input": "a b"}});
    assert_eq!(body["messages"][1]["tool_calls"][0], custom);
    let (body, ..) = write(&request, &freeform(false));
    let function = &body["messages"][1]["tool_calls"][0]["function"];
    assert_eq!(function["arguments"], r#"{"input":"a b"}"#);
}

#[test]
fn what_a_message_of_the_assistant_cannot_contain_is_a_loss_of_its_block() {
    let cited = Block::Text(Text {
        text: "a".into(),
        annotations: vec![Annotation {
            url: "https://x".to_owned(),
            title: String::new(),
            span: None,
        }],
        cache: Some(CacheBreakpoint::default()),
    });
    let mut request = assistant(vec![image(), server_tool(), cited, call("a")]);
    request.messages[1].phase = Some("commentary".to_owned());
    let (body, _, losses) = write(&request, &acme());
    assert_eq!(body["messages"][1]["content"], "a");
    let expected = [
        (LossKind::Ignored, "messages[1].phase"),
        (LossKind::Dropped, "messages[1].content[0]"),
        (LossKind::Dropped, "messages[1].content[1]"),
        (LossKind::Ignored, "messages[1].content[2]"),
        (LossKind::Ignored, "messages[1].content[2]"),
    ];
    assert_eq!(kinds(&losses), expected);
}

#[test]
fn what_a_message_of_the_user_cannot_contain_is_a_loss_of_its_block() {
    let reasoning = Block::Reasoning(Reasoning {
        parts: vec!["a".into()],
        opaque: None,
    });
    let (.., losses) = write(&user(vec![reasoning, call("a"), server_tool()]), &acme());
    let expected = [
        (LossKind::Ignored, "messages[0].content[0]"),
        (LossKind::Refused, "messages[0].content[1]"),
        (LossKind::Dropped, "messages[0].content[2]"),
    ];
    assert_eq!(kinds(&losses), expected);
}

#[test]
fn a_text_after_a_cited_one_continues_its_sentence() {
    let cited = Block::Text(Text {
        text: "Blue (".into(),
        annotations: vec![Annotation {
            url: "https://x".to_owned(),
            title: String::new(),
            span: None,
        }],
        cache: None,
    });
    let (body, ..) = write(
        &assistant(vec![cited, text("see there)."), text("Next.")]),
        &acme(),
    );
    assert_eq!(body["messages"][1]["content"], "Blue (see there).\n\nNext.");
    let (body, ..) = write(&assistant(vec![text("one"), text("two")]), &acme());
    assert_eq!(body["messages"][1]["content"], "one\n\ntwo");
}
