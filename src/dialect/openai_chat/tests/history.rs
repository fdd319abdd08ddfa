use super::*;

#[test]
fn results_follow_their_calls_and_images_follow_the_results() {
    let image = Block::Image(Image {
        source: MediaSource::Base64 {
            media_type: "image/png".to_owned(),
            data: "AA==".into(),
        },
        detail: None,
        cache: None,
    });
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
            vec![result("a", vec![text("1"), image, text("2")], false)],
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
fn documents_become_what_the_api_has() {
    let document = |source| {
        Block::Document(Document {
            source,
            title: Some("T".to_owned()),
            context: None,
            citations: true,
            cache: None,
        })
    };
    let pdf = MediaSource::Base64 {
        media_type: "application/pdf".to_owned(),
        data: "AA==".into(),
    };
    let words = DocumentSource::Text { text: "w".into() };
    let url = MediaSource::Url {
        url: "https://x".into(),
    };
    let blocks = vec![
        document(DocumentSource::Media(pdf)),
        document(words),
        document(DocumentSource::Media(url)),
    ];
    let (body, _, losses) = write(&request(vec![Message::new(Role::User, 0, blocks)]), &acme());
    let parts = &body["messages"][0]["content"];
    assert_eq!(
        parts[0]["file"],
        json!({"file_data": "data:application/pdf;base64,AA==", "filename": "T"})
    );
    assert_eq!(parts[1]["text"], "[document: T]\nw");
    assert!(parts.get(2).is_none());
    let refused: Vec<&str> = losses.refused().map(|loss| loss.path.as_str()).collect();
    assert_eq!(refused, ["messages[0].content[2]"]);
}
