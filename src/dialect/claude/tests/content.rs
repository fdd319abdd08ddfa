//! Content blocks of requests.

use super::*;
use crate::canonical::{Audio, Document, DocumentSource, Image, MediaSource};

/// The user's blocks as they are written, and the losses.
fn write_blocks(content: Vec<Block>) -> (Value, Vec<String>) {
    let (body, _, lost) = write(&request(vec![user(0, content)]), &model(|_| {}));
    (body["messages"][0]["content"].clone(), lost)
}

fn image(source: MediaSource) -> Block {
    Block::Image(Image {
        source,
        detail: None,
        cache: None,
    })
}

fn document(source: DocumentSource) -> Block {
    Block::Document(Document {
        source,
        title: None,
        context: None,
        citations: false,
        cache: None,
    })
}

fn base64(media_type: &str, data: &str) -> MediaSource {
    MediaSource::Base64 {
        media_type: media_type.to_owned(),
        data: data.into(),
    }
}

fn file() -> MediaSource {
    MediaSource::File { id: "f1".to_owned() }
}

#[test]
fn citations_of_web_pages_are_kept_and_others_dropped_by_their_position() {
    let web = json!({"type": "web_search_result_location", "url": "https://a", "title": null, "cited_text": "c", "encrypted_index": "i"});
    let (blocks, lost) =
        read_blocks(json!([{"type": "text", "text": "a", "citations": [web, {"type": "song"}]}]));
    assert_eq!(
        to_json(&blocks)[0]["annotations"],
        json!([{"url": "https://a", "title": ""}])
    );
    assert_eq!(
        lost,
        ["dropped messages[0].content[0].citations[1] CitationOfNoWebPage"]
    );
}

#[test]
fn a_cache_breakpoint_is_kept_without_a_lifetime_that_is_not_known() {
    let cache = |control: Value| {
        let (blocks, lost) = read_blocks(json!([{"type": "text", "text": "a", "cache_control": control}]));
        (to_json(&blocks)[0]["cache"].clone(), lost)
    };
    let (hour, lost) = cache(json!({"type": "ephemeral", "ttl": "1h"}));
    assert_eq!((hour, lost.len()), (json!({"ttl": "one_hour"}), 0));
    let (unknown, lost) = cache(json!({"type": "ephemeral", "ttl": "9d", "news": 1}));
    assert_eq!(unknown, json!({}));
    assert_eq!(
        lost,
        ["ignored messages[0].content[0].cache_control.news CacheSetting"]
    );
}

#[test]
fn sources_of_media_are_kept_and_an_unknown_one_is_refused() {
    let source = |kind: &str, source: Value| read_blocks(json!([{"type": kind, "source": source}]));
    let (blocks, lost) = source("image", json!({"type": "url", "url": "https://a"}));
    assert_eq!(
        (to_json(&blocks)[0]["url"].clone(), lost.len()),
        (json!("https://a"), 0)
    );
    let (blocks, _) = source("document", json!({"type": "file", "file_id": "f1"}));
    assert_eq!(to_json(&blocks)[0]["source"]["id"], "f1");
    let content = json!([{"type": "text", "text": "a"}, {"type": "song"}]);
    let (blocks, lost) = source("document", json!({"type": "content", "content": content}));
    assert_eq!(
        to_json(&blocks)[0]["source"]["content"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(
        lost,
        ["refused messages[0].content[0].source.content[1] UnknownVariant"]
    );
    for kind in ["image", "document"] {
        let (blocks, lost) = source(kind, json!({"type": "tape"}));
        assert!(blocks.is_empty());
        assert_eq!(lost, ["refused messages[0].content[0].source UnknownVariant"]);
    }
    let image = json!([{"type": "image", "source": {"type": "url", "url": "u"}, "transformations": {"oversized_image": "error"}}]);
    assert_eq!(
        read_blocks(image).1,
        ["dropped messages[0].content[0].transformations ImageTransformation"]
    );
}

#[test]
fn what_only_the_vendor_can_use_is_refused_or_ignored_and_its_own_tools_are_kept_for_the_writer() {
    let info = json!({"model": "m"});
    let (blocks, lost) = read_blocks(json!([
        {"type": "container_upload", "file_id": "f"},
        {"type": "fallback", "from": info, "to": info},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
    ]));
    assert_eq!(
        to_json(&blocks),
        json!([{"kind": "server_tool", "origin": "claude", "item": "server_tool_use"}])
    );
    let expected = [
        "refused messages[0].content[0] ContainerFile",
        "ignored messages[0].content[1] FallbackMarker",
    ];
    assert_eq!(lost, expected);
    let (written, lost) = write_blocks([vec![text("a")], blocks].concat());
    assert_eq!(written, "a");
    assert_eq!(lost, ["dropped messages[0].content[1] ForeignServerTool"]);
}

#[test]
fn a_call_of_a_toolset_is_refused() {
    let call = json!({"type": "tool_use", "id": "1", "name": "f", "input": {}, "toolset_name": "set"});
    let result = json!({"type": "tool_result", "tool_use_id": "1", "toolset_name": "set"});
    let expected = [
        "refused messages[0].content[0].toolset_name Toolset",
        "refused messages[0].content[1].toolset_name Toolset",
    ];
    assert_eq!(read_blocks(json!([call, result])).1, expected);
}

#[test]
fn a_reference_to_a_tool_in_a_result_becomes_its_name() {
    let reference = json!({"type": "tool_reference", "tool_name": "f"});
    let (blocks, lost) =
        read_blocks(json!([{"type": "tool_result", "tool_use_id": "1", "content": [reference]}]));
    assert_eq!(
        to_json(&blocks)[0]["content"],
        json!([{"kind": "text", "text": "f"}])
    );
    assert_eq!(
        lost,
        ["approximated messages[0].content[0].content[0] ToolReference"]
    );
}

#[test]
fn an_input_that_is_no_object_is_wrapped_in_one() {
    let input = |input: ToolInput| {
        let messages = vec![
            user(0, vec![text("a")]),
            assistant(1, vec![call_with("1", input)]),
        ];
        let (body, _, lost) = write(&request(messages), &model(|_| {}));
        let lost: Vec<String> = lost.into_iter().filter(|loss| !loss.contains("tools")).collect();
        (body["messages"][1]["content"][0]["input"].clone(), lost)
    };
    let malformed = |text: &str| input(ToolInput::Malformed { text: text.into() });
    let at = "approximated messages[1].content[0]";
    assert_eq!(
        malformed("[1.0]"),
        (json!({"value": [1.0]}), vec![format!("{at} InputIsNoObject")])
    );
    assert_eq!(
        malformed("{\"a\":"),
        (json!({"_raw": "{\"a\":"}), vec![format!("{at} InputIsNoJson")])
    );
    let freeform = ToolInput::Freeform { text: "ls".into() };
    assert_eq!(input(freeform), (json!({"input": "ls"}), Vec::new()));
}

#[test]
fn a_wrapped_input_is_unwrapped_when_it_comes_back() {
    let input = |input: Value| {
        let (blocks, _) = read_blocks(json!([{"type": "tool_use", "id": "1", "name": "f", "input": input}]));
        match blocks.into_iter().next() {
            Some(Block::ToolCall(call)) => Some(call.input),
            _ => None,
        }
    };
    let raw = input(json!({"_raw": "{\"a\":"}));
    assert!(matches!(raw, Some(ToolInput::Malformed { text }) if text.as_str() == "{\"a\":"));
    let own = input(json!({"_raw": "x", "b": 1}));
    assert!(
        matches!(own, Some(ToolInput::Object { .. })),
        "a member of the tool's own"
    );
    let list = input(json!([1]));
    assert!(matches!(list, Some(ToolInput::Malformed { text }) if text.as_str() == "[1]"));
}

#[test]
fn identifiers_of_calls_are_mapped_alike_in_call_and_result() {
    let id = "call|with/odd characters";
    let messages = vec![
        user(0, vec![text("a")]),
        assistant(1, vec![call(id)]),
        user(2, vec![result(id, vec![])]),
    ];
    let (body, _, _) = write(&request(messages), &model(|_| {}));
    let written = &body["messages"][1]["content"][0]["id"];
    assert!(
        written.as_str().is_some_and(|id| id.starts_with("toolu_")),
        "{written}"
    );
    assert_eq!(&body["messages"][2]["content"][0]["tool_use_id"], written);
}

#[test]
fn a_result_is_written_without_blank_text_and_a_single_text_as_a_string() {
    let content = |content: Vec<Block>| {
        let messages = vec![
            user(0, vec![text("a")]),
            assistant(1, vec![call("1")]),
            user(2, vec![result("1", content)]),
        ];
        let (body, _, lost) = write(&request(messages), &model(|_| {}));
        (body["messages"][2]["content"][0].get("content").cloned(), lost)
    };
    assert_eq!(content(vec![text("one")]).0, Some(json!("one")));
    assert_eq!(
        content(vec![text(" "), text("b")]).0,
        Some(json!([{"type": "text", "text": "b"}]))
    );
    assert_eq!(content(vec![text("")]).0, None);
    let (none, lost) = content(vec![thought(None)]);
    assert_eq!(none, None);
    let refused: Vec<&String> = lost.iter().filter(|loss| loss.starts_with("refused")).collect();
    assert_eq!(refused, ["refused messages[2].content[0] ToolResultContent"]);
}

#[test]
fn images_of_other_types_and_files_of_other_stores_are_refused() {
    let (written, lost) = write_blocks(vec![image(base64("image/png", "AAAA")), text("a")]);
    assert_eq!(
        written[0]["source"],
        json!({"type": "base64", "media_type": "image/png", "data": "AAAA"})
    );
    assert_eq!(lost, [""; 0]);
    assert_eq!(
        write_blocks(vec![image(base64("image/bmp", "AAAA"))]).1,
        ["refused messages[0].content[0] ImageType"]
    );
    for media in [image(file()), document(DocumentSource::Media(file()))] {
        assert_eq!(
            write_blocks(vec![media]).1,
            ["refused messages[0].content[0] FileOfAnotherStore"]
        );
    }
    let audio = Block::Audio(Audio {
        format: "wav".to_owned(),
        data: "AAAA".into(),
    });
    assert_eq!(
        write_blocks(vec![audio]).1,
        ["refused messages[0].content[0] Audio"]
    );
}

#[test]
fn a_text_file_becomes_a_text_document() {
    let written = |media_type: &str, data: &str| {
        let (written, lost) = write_blocks(vec![document(DocumentSource::Media(base64(media_type, data)))]);
        (written[0]["source"].clone(), lost)
    };
    let plain = json!({"type": "text", "media_type": "text/plain", "data": "hello"});
    assert_eq!(written("text/csv", "aGVsbG8=").0, plain);
    assert_eq!(written("application/pdf", "aGVsbG8=").0["type"], "base64");
    for (media_type, data) in [("text/csv", "/w=="), ("application/zip", "aGVsbG8=")] {
        assert_eq!(
            written(media_type, data).1,
            ["refused messages[0].content[0] DocumentType"],
            "{media_type}"
        );
    }
}

#[test]
fn the_content_of_a_document_is_text_and_images() {
    let content = vec![text("a"), document(DocumentSource::Text { text: "b".into() })];
    let (written, lost) = write_blocks(vec![document(DocumentSource::Blocks { content })]);
    assert_eq!(
        written[0]["source"]["content"],
        json!([{"type": "text", "text": "a"}])
    );
    assert_eq!(lost, ["refused messages[0].content[0] DocumentContent"]);
}
