use super::*;

/// Reads the parts of one user's message.
fn read_parts(parts: &Value) -> (Vec<Block>, Vec<String>) {
    let (request, losses) = read_input(&json!([{"role": "user", "content": parts}]));
    let content = request.messages.into_iter().next().map(|message| message.content);
    (content.unwrap_or_default(), listed(&losses))
}

/// Writes blocks of one user's message; returns the content.
fn write_blocks(content: Vec<Block>, capabilities: &Capabilities) -> (Value, Vec<String>) {
    let (body, losses) = write(&request(vec![Message::new(Role::User, 0, content)]), capabilities);
    (body["input"][0]["content"].clone(), listed(&losses))
}

fn document(source: DocumentSource) -> Document {
    Document {
        source,
        title: None,
        context: None,
        citations: false,
        cache: None,
    }
}

#[test]
fn an_image_or_file_without_a_source_is_refused() {
    let (_, losses) = read_parts(&json!([{"type": "input_image"}, {"type": "input_file", "filename": "a"}]));
    assert_eq!(
        losses,
        [
            "refused input[0].content[0].image_url",
            "refused input[0].content[1].file_data"
        ]
    );
}

#[test]
fn file_data_without_a_scheme_is_a_pdf() {
    let (content, losses) = read_parts(&json!([{"type": "input_file", "file_data": "JVBERg=="}]));
    let [
        Block::Document(Document {
            source: DocumentSource::Media(MediaSource::Base64 { media_type, data }),
            ..
        }),
    ] = content.as_slice()
    else {
        panic!("{content:?}")
    };
    assert_eq!(
        (media_type.as_str(), data.as_str()),
        ("application/pdf", "JVBERg==")
    );
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn a_data_url_that_is_not_in_base64_is_refused() {
    let (_, losses) = read_parts(&json!([{"type": "input_image", "image_url": "data:text/plain,x"}]));
    assert_eq!(losses, ["refused input[0].content[0].image_url"]);
}

#[test]
fn how_closely_a_file_is_looked_at_is_only_a_hint() {
    let (_, losses) = read_parts(&json!([{"type": "input_file", "file_id": "f", "detail": "low"}]));
    assert_eq!(losses, ["ignored input[0].content[0].detail"]);
}

#[test]
fn only_citations_of_web_pages_are_read_and_only_spans_in_order() {
    let (content, losses) = read_parts(&json!([{"type": "output_text", "text": "abc", "annotations": [
        {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 2},
        {"type": "url_citation", "url": "https://b", "title": "B", "start_index": 2, "end_index": 0},
        {"type": "file_citation", "file_id": "f", "index": 0},
    ]}]));
    let [Block::Text(text)] = content.as_slice() else {
        panic!("{content:?}")
    };
    let spans: Vec<_> = text.annotations.iter().map(|citation| citation.span).collect();
    assert_eq!(spans, [Some((0, 2)), None]);
    assert_eq!(losses, ["dropped input[0].content[0].annotations"]);
}

#[test]
fn an_unknown_part_is_refused() {
    let (_, losses) = read_parts(&json!([{"type": "input_smell", "smell": "x"}]));
    assert_eq!(losses, ["refused input[0].content[0]"]);
}

#[test]
fn a_single_plain_text_is_written_as_a_string() {
    let (content, _) = write_blocks(vec![text("a")], &capabilities());
    assert_eq!(content, "a");
    let (content, _) = write_blocks(vec![text("a"), text("b")], &capabilities());
    assert_eq!(content[1], json!({"type": "input_text", "text": "b"}));
}

#[test]
fn a_cache_breakpoint_is_written_for_the_models_that_accept_it() {
    let breakpoint = |ttl| {
        Block::Text(Text {
            cache: Some(CacheBreakpoint { ttl }),
            ..Text::from("a".to_owned())
        })
    };
    let accepts = Capabilities {
        cache_breakpoints: true,
        ..capabilities()
    };
    for (ttl, expected) in [
        (None, json!({})),
        (Some(CacheTtl::FiveMinutes), json!({"ttl": "30m"})),
        (Some(CacheTtl::OneHour), json!({"ttl": "30m"})),
        (Some(CacheTtl::TwelveHours), json!({"ttl": "12h"})),
    ] {
        let (content, losses) = write_blocks(vec![breakpoint(ttl)], &accepts);
        let mut written = content[0]["prompt_cache_breakpoint"].clone();
        written.as_object_mut().map(|members| members.remove("mode"));
        assert_eq!(written, expected, "{ttl:?}");
        assert!(losses.is_empty(), "{losses:?}");
    }
    let refuses = Capabilities {
        cache_breakpoints: false,
        ..capabilities()
    };
    let (content, losses) = write_blocks(vec![breakpoint(None)], &refuses);
    assert_eq!(content, "a");
    assert_eq!(losses, ["ignored input[0].content[0]"]);
}

#[test]
fn an_unknown_image_detail_becomes_auto() {
    let image = Image {
        source: MediaSource::Url {
            url: "https://x".into(),
        },
        detail: Some(ImageDetail("microscopic".to_owned())),
        cache: None,
    };
    let (content, losses) = write_blocks(vec![Block::Image(image)], &capabilities());
    assert_eq!(content[0]["detail"], "auto");
    assert_eq!(losses, ["approximated input[0].content[0].detail"]);
}

#[test]
fn a_file_in_a_vendors_store_is_refused() {
    let file = || MediaSource::File { id: "f".to_owned() };
    let image = Image {
        source: file(),
        detail: None,
        cache: None,
    };
    let blocks = vec![
        Block::Image(image),
        Block::Document(document(DocumentSource::Media(file()))),
    ];
    let (_, losses) = write_blocks(blocks, &capabilities());
    assert_eq!(
        losses,
        ["refused input[0].content[0]", "refused input[0].content[1]"]
    );
}

#[test]
fn file_data_without_a_name_gets_one() {
    let source = MediaSource::Base64 {
        media_type: "application/pdf".to_owned(),
        data: "JVBERg==".into(),
    };
    let blocks = vec![Block::Document(document(DocumentSource::Media(source)))];
    let (content, _) = write_blocks(blocks, &capabilities());
    assert_eq!(
        content[0],
        json!({"type": "input_file", "file_data": "data:application/pdf;base64,JVBERg==", "filename": "document.pdf"})
    );
}

#[test]
fn a_document_of_text_is_written_below_a_heading() {
    let document = Document {
        title: Some("T".to_owned()),
        context: Some("c".into()),
        citations: true,
        ..document(DocumentSource::Text { text: "body".into() })
    };
    let (content, losses) = write_blocks(vec![Block::Document(document)], &capabilities());
    assert_eq!(content, "[document: T]\nbody");
    assert_eq!(
        losses,
        [
            "dropped input[0].content[0].context",
            "dropped input[0].content[0].citations",
            "approximated input[0].content[0]",
        ]
    );
}

#[test]
fn a_document_of_blocks_is_written_as_those_blocks() {
    let content = vec![text("a"), text("b")];
    let blocks = vec![Block::Document(document(DocumentSource::Blocks { content }))];
    let (content, losses) = write_blocks(blocks, &capabilities());
    let texts: Vec<&str> = (0..3).filter_map(|at| content[at]["text"].as_str()).collect();
    assert_eq!(texts, ["[document]", "a", "b"]);
    assert_eq!(losses, ["approximated input[0].content[0]"]);
}

#[test]
fn a_search_result_is_written_as_text() {
    let result = SearchResult {
        source: "https://x".to_owned(),
        title: "T".to_owned(),
        content: vec!["a".into(), "b".into()],
        citations: false,
        cache: None,
    };
    let (content, losses) = write_blocks(vec![Block::SearchResult(result)], &capabilities());
    assert_eq!(content, "[search result: T]\nhttps://x\na\nb");
    assert_eq!(losses, ["approximated input[0].content[0]"]);
}
