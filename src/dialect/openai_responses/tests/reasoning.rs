use super::*;

#[test]
fn reasoning_comes_back_from_a_carrier_or_as_the_vendors_own() {
    let block = json!({"type": "thinking", "thinking": "t", "signature": "s"});
    let carried = carrier::encode(&Opaque::new(Family::Claude, to_raw_json(&block)));
    let item = |state: &str| {
        json!({"type": "reasoning", "content": null, "encrypted_content": state,
               "summary": [{"type": "summary_text", "text": "t"}]})
    };
    let (request, losses) = read_input(&json!([item(&carried), item("gAAAA"), item("px9.c.e30")]));
    let opaques: Vec<&Opaque> = request
        .messages
        .iter()
        .flat_map(|message| &message.content)
        .filter_map(|block| match block {
            Block::Reasoning(reasoning) => reasoning.opaque.as_ref(),
            _ => None,
        })
        .collect();
    let [claude, own] = opaques.as_slice() else {
        panic!("{opaques:?}")
    };
    assert_eq!(
        (claude.origin, claude.json.get()),
        (Family::Claude, block.to_string().as_str())
    );
    assert_eq!(own.origin, Family::OpenaiResponses);
    assert_eq!(
        serde_json::from_str::<Value>(own.json.get()).unwrap_or_default(),
        item("gAAAA")
    );
    assert_eq!(listed(&losses), ["dropped input[2]"]);
}

#[test]
fn own_reasoning_without_state_is_not_sent() {
    let item = json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}]});
    let content = vec![thought(Family::OpenaiResponses, &item), text("a")];
    let (body, losses) = write(
        &request(vec![Message::new(Role::Assistant, 0, content)]),
        &capabilities(),
    );
    assert_eq!(body["input"], json!([{"role": "assistant", "content": "a"}]));
    assert_eq!(listed(&losses), ["dropped input[0].content[0]"]);
}

#[test]
fn own_reasoning_with_content_is_state_enough() {
    let item = json!({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "t"}]});
    let content = vec![thought(Family::OpenaiResponses, &item), text("a")];
    let (body, losses) = write(
        &request(vec![Message::new(Role::Assistant, 0, content)]),
        &capabilities(),
    );
    assert_eq!(body["input"][0]["content"][0]["text"], "t");
    assert_eq!(body["input"][0]["summary"], json!([]));
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn the_summary_is_read_rather_than_the_content() {
    let texts = |item: Value| -> Vec<String> {
        let (response, _) = read_response(&json!({"status": "completed", "output": [item]}));
        let [Block::Reasoning(reasoning)] = response.content.as_slice() else {
            panic!("{:?}", response.content)
        };
        reasoning
            .parts
            .iter()
            .map(|part| part.as_str().to_owned())
            .collect()
    };
    let content = json!([{"type": "reasoning_text", "text": "c"}]);
    let summary = json!([{"type": "summary_text", "text": "s"}]);
    assert_eq!(
        texts(json!({"type": "reasoning", "content": content, "summary": summary})),
        ["s"]
    );
    assert_eq!(
        texts(json!({"type": "reasoning", "content": content, "summary": []})),
        ["c"]
    );
}

#[test]
fn a_reasoning_item_that_is_only_a_summary_has_no_state() {
    let item = json!({"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "s"}]});
    let (response, _) = read_response(&json!({"status": "completed", "output": [item]}));
    assert!(matches!(
        response.content.as_slice(),
        [Block::Reasoning(Reasoning { opaque: None, .. })]
    ));
}

#[test]
fn reasoning_that_nobody_signs_gets_a_carrier_that_says_so() {
    let unsigned = Block::Reasoning(Reasoning {
        parts: vec!["t".into()],
        opaque: None,
    });
    let (body, _) = write_response(response(vec![unsigned], FinishReason::End));
    let carrier = body["output"][0]["encrypted_content"]
        .as_str()
        .unwrap_or_default();
    let origin = carrier::decode(carrier).map(|opaque| opaque.origin);
    assert_eq!(origin, Some(Family::OpenaiChat));
}

#[test]
fn a_summary_is_asked_for_if_the_client_wants_to_see_reasoning() {
    let summary = |set: fn(&mut Request)| {
        let mut request = request(Vec::new());
        set(&mut request);
        write(&request, &capabilities()).0["reasoning"].clone()
    };
    assert_eq!(
        summary(|request| request.reasoning.effort = Some(Effort::Low)),
        json!({"effort": "low"})
    );
    assert_eq!(
        summary(|request| request.reasoning.thinking = Some(Thinking::Adaptive)),
        json!({"summary": "auto"})
    );
    assert_eq!(
        summary(|request| request.reasoning.thinking = Some(Thinking::Disabled)),
        json!({"effort": "none"})
    );
    assert_eq!(summary(|_| {}), Value::Null);
}
