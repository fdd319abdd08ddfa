use super::*;

/// The blocks of a message of the user with this part, and the losses.
fn read_part(part: Value) -> (Vec<Block>, Vec<(LossKind, String)>) {
    let body = with_messages(json!([{"role": "user", "content": [part]}]));
    let (read, losses) = read(&body);
    let entries = losses.entries().iter();
    let losses = entries.map(|loss| (loss.kind, loss.path.clone())).collect();
    let message = read.request.messages.into_iter().next();
    (message.map(|message| message.content).unwrap_or_default(), losses)
}

fn read_document(file: Value) -> (Option<Document>, Vec<(LossKind, String)>) {
    let (blocks, losses) = read_part(json!({"type": "file", "file": file}));
    let document = blocks.into_iter().next().map(|block| match block {
        Block::Document(document) => document,
        other => panic!("{other:?}"),
    });
    (document, losses)
}

#[test]
fn empty_text_is_no_block() {
    assert!(read_part(json!({"type": "text", "text": ""})).0.is_empty());
    let (read, _) = read(&with_messages(json!([{"role": "user", "content": ""}])));
    assert!(read.request.messages[0].content.is_empty());
}

#[test]
fn the_detail_of_an_image_is_kept() {
    let url = json!({"url": "https://x/y.png", "detail": "low"});
    let (blocks, losses) = read_part(json!({"type": "image_url", "image_url": url}));
    let [Block::Image(image)] = blocks.as_slice() else {
        panic!("{blocks:?}")
    };
    assert_eq!(image.detail, Some(ImageDetail("low".to_owned())));
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn a_breakpoint_with_an_unknown_lifetime_has_the_default_one() {
    let breakpoint = json!({"mode": "explicit", "ttl": "9d", "new": 1});
    let part = json!({"type": "text", "text": "x", "prompt_cache_breakpoint": breakpoint});
    let (blocks, losses) = read_part(part);
    let [Block::Text(text)] = blocks.as_slice() else {
        panic!("{blocks:?}")
    };
    assert_eq!(text.cache, Some(CacheBreakpoint { ttl: None }));
    let path = "messages[0].content[0].prompt_cache_breakpoint.new";
    assert_eq!(losses, one(LossKind::Ignored, path));
}

#[test]
fn a_breakpoint_of_audio_is_ignored() {
    let audio = json!({"data": "AA==", "format": "wav"});
    let part = json!({"type": "input_audio", "input_audio": audio,
        "prompt_cache_breakpoint": {"mode": "explicit"}});
    let (blocks, losses) = read_part(part);
    assert!(matches!(blocks.as_slice(), [Block::Audio(_)]), "{blocks:?}");
    let path = "messages[0].content[0].prompt_cache_breakpoint";
    assert_eq!(losses, one(LossKind::Ignored, path));
}

#[test]
fn file_data_may_be_base64_alone() {
    let media_type = |data: &str| match read_document(json!({"file_data": data})).0?.source {
        DocumentSource::Media(MediaSource::Base64 { media_type, .. }) => Some(media_type),
        _ => None,
    };
    assert_eq!(
        media_type("data:text/csv;base64,AA==").as_deref(),
        Some("text/csv")
    );
    let png = "iVBORw0KGgoAAAANSUhEUg==";
    assert_eq!(media_type(png).as_deref(), Some("image/png"));
    assert_eq!(
        media_type("AA==").as_deref(),
        Some("application/pdf"),
        "the usual type"
    );
}

#[test]
fn a_file_needs_data_that_is_no_address() {
    let (document, losses) = read_document(json!({"file_data": "https://x/y.pdf"}));
    assert!(document.is_none());
    let path = "messages[0].content[0].file.file_data";
    assert_eq!(losses, one(LossKind::Refused, path));
    let (document, losses) = read_document(json!({"filename": "a.pdf"}));
    assert!(document.is_none());
    assert_eq!(losses, one(LossKind::Refused, "messages[0].content[0].file"));
    let (document, losses) = read_document(json!({"file_data": "data:text/csv,x"}));
    assert!(document.is_none());
    assert_eq!(losses, one(LossKind::Refused, path));
}

#[test]
fn a_file_of_the_vendors_store_is_read_and_not_written() {
    let (document, losses) = read_document(json!({"file_id": "file_1"}));
    assert!(losses.is_empty(), "{losses:?}");
    let block = document.map(Block::Document);
    let (.., losses) = write(&user(block.into_iter().collect()), &gpt());
    assert_eq!(kinds(&losses), [(LossKind::Refused, "messages[0].content[0]")]);
}

#[test]
fn an_unknown_detail_of_an_image_becomes_auto() {
    let source = MediaSource::Url {
        url: "https://x".into(),
    };
    let image = Block::Image(Image {
        source,
        detail: Some(ImageDetail("microscopic".to_owned())),
        cache: None,
    });
    let (body, _, losses) = write(&user(vec![image]), &acme());
    let image = json!({"url": "https://x", "detail": "auto"});
    assert_eq!(body["messages"][0]["content"][0]["image_url"], image);
    let path = "messages[0].content[0].detail";
    assert_eq!(kinds(&losses), [(LossKind::Approximated, path)]);
}

#[test]
fn a_breakpoint_has_the_nearest_lifetime_if_the_model_accepts_any() {
    let with_ttl = |ttl| {
        user(vec![Block::Text(Text {
            text: "x".into(),
            annotations: Vec::new(),
            cache: Some(CacheBreakpoint { ttl }),
        })])
    };
    let model = |cache_breakpoints| Capabilities {
        cache_breakpoints,
        ..gpt()
    };
    for (ttl, written) in [
        (CacheTtl::FiveMinutes, "30m"),
        (CacheTtl::OneHour, "30m"),
        (CacheTtl::TwelveHours, "12h"),
    ] {
        let (body, _, losses) = write(&with_ttl(Some(ttl)), &model(true));
        let breakpoint = &body["messages"][0]["content"][0]["prompt_cache_breakpoint"];
        assert_eq!(breakpoint["ttl"], written);
        assert!(losses.is_empty(), "{losses:?}");
    }
    let (body, _, losses) = write(&with_ttl(None), &model(false));
    assert_eq!(body["messages"][0]["content"], "x");
    assert_eq!(kinds(&losses), [(LossKind::Ignored, "messages[0].content[0]")]);
}

#[test]
fn audio_is_sent_as_it_came() {
    let audio = Block::Audio(Audio {
        format: "wav".to_owned(),
        data: "AA==".into(),
    });
    let (body, ..) = write(&user(vec![audio]), &acme());
    let expected = json!({"data": "AA==", "format": "wav"});
    assert_eq!(body["messages"][0]["content"][0]["input_audio"], expected);
}

#[test]
fn a_search_result_becomes_text() {
    let result = Block::SearchResult(SearchResult {
        source: "https://x".to_owned(),
        title: "T".to_owned(),
        content: vec!["a".into(), "b".into()],
        citations: true,
        cache: None,
    });
    let (body, _, losses) = write(&user(vec![result]), &acme());
    let text = "[search result: T]\nhttps://x\na\nb";
    assert_eq!(body["messages"][0]["content"], text);
    let expected = [
        (LossKind::Approximated, "messages[0].content[0]"),
        (LossKind::Dropped, "messages[0].content[0].citations"),
    ];
    assert_eq!(kinds(&losses), expected);
}

#[test]
fn the_blocks_of_a_document_follow_its_title() {
    let document = Block::Document(Document {
        source: DocumentSource::Blocks {
            content: vec![text("a"), text("b")],
        },
        title: Some("T".to_owned()),
        context: Some("c".to_owned()),
        citations: false,
        cache: None,
    });
    let (body, _, losses) = write(&user(vec![document]), &acme());
    let part = |text: &str| json!({"type": "text", "text": text});
    let expected = json!([part("[document: T]"), part("a"), part("b")]);
    assert_eq!(body["messages"][0]["content"], expected);
    let expected = [
        (LossKind::Dropped, "messages[0].content[0].context"),
        (LossKind::Approximated, "messages[0].content[0]"),
    ];
    assert_eq!(kinds(&losses), expected);
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
