use super::*;

#[test]
fn a_history_is_written_item_by_item() {
    let own = json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAA", "summary": [], "status": null});
    let foreign = json!({"type": "thinking", "thinking": "t", "signature": "s"});
    let object = || ToolInput::from_arguments("{\"a\":1.0}".to_owned());
    let image = Block::Image(crate::canonical::Image {
        source: crate::canonical::MediaSource::Base64 {
            media_type: "image/png".to_owned(),
            data: "AA==".into(),
        },
        detail: None,
        cache: Some(CacheBreakpoint::default()),
    });
    let long = "x".repeat(83);
    let mut request = request(vec![
        Message::new(Role::User, 0, vec![text("go")]),
        Message::new(
            Role::Assistant,
            1,
            vec![
                thought(Family::OpenaiResponses, &own),
                text("I look."),
                thought(Family::Claude, &foreign),
                call(&long, object()),
                call("b", ToolInput::Freeform { text: "raw".into() }),
            ],
        ),
        Message::new(
            Role::User,
            2,
            vec![
                text("and"),
                result(&long, vec![text("1"), image], false),
                result("b", vec![], true),
            ],
        ),
        Message::new(Role::System, 3, vec![text("mind")]),
        Message::new(Role::Assistant, 4, vec![thought(Family::OpenaiResponses, &own)]),
    ]);
    request.system.push(SystemBlock {
        text: "be".into(),
        origin: SystemOrigin::Field,
        cache: None,
    });
    let (body, losses) = write(&request, &capabilities());
    assert_eq!(body["instructions"], "be");
    let input = body["input"].as_array().cloned().unwrap_or_default();
    let kinds: Vec<&str> = input
        .iter()
        .map(|item| {
            item["type"]
                .as_str()
                .or(item["role"].as_str())
                .unwrap_or_default()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "user",
            "reasoning",
            "assistant",
            "function_call",
            "custom_tool_call",
            "function_call_output",
            "custom_tool_call_output",
            "user",
            "developer",
        ]
    );
    assert_eq!(
        input[1],
        json!({"type": "reasoning", "encrypted_content": "gAAAA", "id": "rs_1", "summary": []})
    );
    assert_eq!(input[3]["arguments"], "{\"a\":1.0}");
    assert_eq!(input[3]["call_id"], input[5]["call_id"]);
    assert!(input[3]["call_id"].as_str().is_some_and(|id| id.len() <= 64));
    assert_eq!(input[5]["output"][1]["detail"], "auto");
    assert_eq!(input[6]["output"], "Tool execution failed.");
    assert_eq!(
        (&body["store"], &body["include"]),
        (&json!(false), &json!(["reasoning.encrypted_content"]))
    );
    assert_eq!(
        listed(&losses),
        [
            "dropped input[1].content[2]",
            "ignored input[2].content[1]",
            "dropped input"
        ]
    );

    // A longer history extends the shorter one.
    request.messages.truncate(3);
    let (short, _) = write(&request, &capabilities());
    let short = short["input"].as_array().cloned().unwrap_or_default();
    assert!(input.starts_with(&short));
}

#[test]
fn results_without_a_call_and_calls_of_one_id_are_refused() {
    let object = || ToolInput::from_arguments(String::new());
    let request = request(vec![
        Message::new(Role::Assistant, 0, vec![call("a", object()), call("a", object())]),
        Message::new(Role::User, 1, vec![result("z", vec![], false)]),
    ]);
    let (_, losses) = write(&request, &capabilities());
    assert_eq!(
        listed(&losses),
        ["refused input[0].content[1]", "refused input[1].content[0]"]
    );
}

fn write_system(system: Vec<SystemBlock>, capabilities: &Capabilities) -> (Value, Vec<String>) {
    let mut request = request(Vec::new());
    request.system = system;
    let (body, losses) = write(&request, capabilities);
    (body, listed(&losses))
}

fn system_block(text: &str, origin: SystemOrigin, cache: Option<CacheBreakpoint>) -> SystemBlock {
    SystemBlock {
        text: text.into(),
        origin,
        cache,
    }
}

#[test]
fn a_system_prompt_in_blocks_is_written_as_messages() {
    let capabilities = Capabilities {
        single_system: false,
        cache_breakpoints: false,
        ..capabilities()
    };
    let blocks = vec![
        system_block("a", SystemOrigin::Block, None),
        system_block("b", SystemOrigin::Block, Some(CacheBreakpoint::default())),
    ];
    let (body, losses) = write_system(blocks.clone(), &capabilities);
    assert_eq!(body.get("instructions"), None);
    assert_eq!(
        body["input"],
        json!([{"role": "developer", "content": "a"}, {"role": "developer", "content": "b"}])
    );
    assert_eq!(losses, ["ignored instructions"]);
    let capabilities = Capabilities {
        developer_role: false,
        ..capabilities
    };
    let (body, _) = write_system(blocks, &capabilities);
    assert_eq!(body["input"][0]["role"], "system");
}

#[test]
fn a_model_with_one_system_text_gets_the_blocks_joined() {
    let capabilities = Capabilities {
        single_system: true,
        ..capabilities()
    };
    let block = |text| system_block(text, SystemOrigin::Block, None);
    let (body, losses) = write_system(vec![block("a"), block("b")], &capabilities);
    assert_eq!(body["instructions"], "a\n\nb");
    assert_eq!(losses, ["approximated instructions"]);
    let (body, losses) = write_system(vec![block("a")], &capabilities);
    assert_eq!(body["instructions"], "a");
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn citations_of_the_assistant_are_not_sent_back() {
    let cited = Block::Text(Text {
        annotations: vec![Annotation {
            url: "https://x".to_owned(),
            title: String::new(),
            span: None,
        }],
        ..Text::from("a".to_owned())
    });
    let request = request(vec![Message::new(Role::Assistant, 0, vec![cited])]);
    let (body, losses) = write(&request, &capabilities());
    assert_eq!(body["input"], json!([{"role": "assistant", "content": "a"}]));
    assert_eq!(listed(&losses), ["ignored input[0].content[0]"]);
}

#[test]
fn an_image_of_the_assistant_is_refused() {
    let image = Image {
        source: MediaSource::Url {
            url: "https://x".into(),
        },
        detail: None,
        cache: None,
    };
    let request = request(vec![Message::new(Role::Assistant, 0, vec![Block::Image(image)])]);
    let (_, losses) = write(&request, &capabilities());
    assert_eq!(listed(&losses), ["refused input[0].content[0]"]);
}

#[test]
fn the_name_of_a_speaker_is_ignored() {
    let mut message = Message::new(Role::User, 3, vec![text("hi")]);
    message.name = Some("bob".to_owned());
    let (_, losses) = write(&request(vec![message]), &capabilities());
    assert_eq!(listed(&losses), ["ignored input[3].name"]);
}

#[test]
fn a_freeform_call_is_wrapped_for_a_model_with_functions_only() {
    let capabilities = Capabilities {
        freeform_tools: false,
        ..capabilities()
    };
    let request = request(vec![
        Message::new(
            Role::Assistant,
            0,
            vec![call("a", ToolInput::Freeform { text: "raw".into() })],
        ),
        Message::new(Role::User, 1, vec![result("a", vec![text("ok")], false)]),
    ]);
    let (body, _) = write(&request, &capabilities);
    assert_eq!(body["input"][0]["type"], "function_call");
    assert_eq!(body["input"][0]["arguments"], r#"{"input":"raw"}"#);
    assert_eq!(body["input"][1]["type"], "function_call_output");
}

#[test]
fn malformed_arguments_are_sent_as_they_are() {
    let malformed = ToolInput::Malformed {
        text: "{\"a\":".into(),
    };
    let request = request(vec![Message::new(Role::Assistant, 0, vec![call("a", malformed)])]);
    let (body, _) = write(&request, &capabilities());
    assert_eq!(body["input"][0]["arguments"], "{\"a\":");
}
