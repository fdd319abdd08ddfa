use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn raws(document: &str, key: &str) -> Vec<String> {
    let [found] = find_members(document.as_bytes(), [key]).unwrap();
    found
        .iter()
        .map(|node| String::from_utf8_lossy(node.raw()).into_owned())
        .collect()
}

#[test]
fn finds_only_top_level_members() {
    let document = r#" { "a" : {"model":"no","x":["model","}"]}, "b":"\"model\":", "model" :"gpt" } "#;
    assert_eq!(raws(document, "model"), [r#""gpt""#]);
    assert_eq!(raws(document, "a"), [r#"{"model":"no","x":["model","}"]}"#]);
    assert_eq!(raws(document, "x"), [""; 0]);
}

#[test]
fn finds_every_spelling_and_every_occurrence_of_a_key() {
    let document =
        r#"{"model":1,"mod\u0065l":2,"\u006dodel":3,"models":4,"model ":5,"Model":6,"model":-7.5e+3}"#;
    assert_eq!(raws(document, "model"), ["1", "2", "3", "-7.5e+3"]);
    let first = find_first(document.as_bytes(), "model").unwrap().unwrap();
    assert_eq!(first.raw(), b"1");
    assert_eq!(raws(r#"{"a\\b":1}"#, r"a\b"), ["1"]);
    assert_eq!(raws(r#"{"a\\b":1}"#, r"a\\b"), [""; 0]);
}

#[test]
fn errors_contain_their_offset() {
    for (document, offset, expected) in [
        ("", 0, "an object"),
        ("  [1]", 2, "an object"),
        ("\u{feff}{}", 0, "an object"),
        ("{", 1, "a string"),
        ("{a:1}", 1, "a string"),
        (r#"{"a" 1}"#, 5, "':'"),
        (r#"{"a":}"#, 5, "a value"),
        (r#"{"a":1,}"#, 7, "a string"),
        (r#"{"a":1 "b":2}"#, 7, "',' or '}'"),
        (r#"{"a":tru}"#, 5, "true, false or null"),
        (r#"{"a":01}"#, 6, "',' or '}'"),
        (r#"{"a":1.}"#, 7, "a digit"),
        (r#"{"a":-}"#, 6, "a digit"),
        (r#"{"a":"x}"#, 8, "the end of a string"),
        (r#"{"a":"x\"#, 8, "the end of a string"),
        (r#"{"a":[1}"#, 7, "']'"),
        (r#"{"a":[{"b":1]}"#, 12, "'}'"),
        (r#"{"a":[1"#, 7, "the end of an object or array"),
        (r#"{"a":1}{"#, 7, "the end of the document"),
    ] {
        let error = find_members(document.as_bytes(), ["a"]).unwrap_err();
        assert_eq!(error, ScanError { offset, expected }, "{document:?}");
    }
    let error = find_members(b"{} x", ["a"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "malformed JSON at byte 3: expected the end of the document"
    );
}

#[test]
fn an_iterator_ends_after_its_error() {
    let mut members = members(br#"{"a":1,}"#).unwrap();
    assert!(members.next().unwrap().is_ok());
    assert!(members.next().unwrap().is_err());
    assert!(members.next().is_none());
}

#[test]
fn walks_into_objects_and_arrays() {
    let document =
        br#"{"messages":[{"role":"system","content":"S\u00e9"},{"role":"user","role":"tool"}, []]}"#;
    let [messages] = find_members(document, ["messages"]).unwrap();
    let elements: Vec<_> = messages[0].elements().unwrap().map(Result::unwrap).collect();
    assert_eq!(elements.len(), 3);
    assert_eq!(elements[0].get("content").unwrap().unwrap().text().unwrap(), "Sé");
    assert_eq!(elements[1].get("role").unwrap().unwrap().text().unwrap(), "tool");
    assert!(elements[1].get("content").unwrap().is_none());
    assert_eq!(elements[2].kind(), JsonKind::Array);
    assert!(elements[2].members().is_err());
    assert!(elements[0].elements().is_err());
    assert_eq!(&document[elements[2].span()], b"[]");
}

#[test]
fn text_is_borrowed_when_it_has_no_escapes() {
    let text = |document: &'static str| SpliceNode::document(document.as_bytes()).unwrap().text();
    assert!(matches!(text(r#""pl\/ain""#), Ok(std::borrow::Cow::Owned(t)) if t == "pl/ain"));
    assert!(matches!(text(r#""é""#), Ok(std::borrow::Cow::Borrowed("é"))));
    for bad in [r#""\ud800""#, r#""\x""#, "\"a\nb\"", "1", "null"] {
        assert!(text(bad).is_err(), "{bad:?}");
    }
    assert!(SpliceNode::document(b"\"\xff\"").unwrap().text().is_err());
}

#[test]
fn values_of_any_depth_are_skipped() {
    for depth in [63, 64, 65, 128, 129, 200, 100_000] {
        let inner = "[{\"a\":".repeat(depth) + "1" + &"}]".repeat(depth);
        let document = format!("{{\"x\":{inner},\"model\":\"m\"}}");
        assert_eq!(raws(&document, "model"), ["\"m\""], "{depth}");
        let crossed = document.replacen("}]", "]}", 1);
        assert!(find_members(crossed.as_bytes(), ["model"]).is_err(), "{depth}");
    }
}

fn apply(splices: Splices, document: &str) -> String {
    let spliced = splices
        .apply(&Bytes::copy_from_slice(document.as_bytes()))
        .unwrap();
    assert_eq!(
        spliced.len(),
        spliced.parts().iter().map(Bytes::len).sum::<usize>()
    );
    String::from_utf8(spliced.into_bytes().to_vec()).unwrap()
}

#[test]
fn sets_a_member_at_any_position() {
    for (document, replaced, expected) in [
        (r#"{"model":"a","n":1.0}"#, 1, r#"{"model":"new","n":1.0}"#),
        (
            r#"{"model":"a","model" : {"x":1} }"#,
            2,
            r#"{"model":"new","model" : "new" }"#,
        ),
        (r#" { "n":1}"#, 0, r#" {"model":"new", "n":1}"#),
        (r#"{ }"#, 0, r#"{"model":"new" }"#),
    ] {
        let mut splices = Splices::new();
        assert_eq!(
            splices.set_member(document.as_bytes(), "model", "\"new\""),
            Ok(replaced)
        );
        assert_eq!(apply(splices, document), expected);
    }
    let mut splices = Splices::new();
    assert!(splices.set_member(b"[]", "model", "1").is_err());
    assert!(splices.set_member(b"{\"a\":1", "model", "1").is_err());
    assert!(splices.is_empty());
}

#[test]
fn several_members_can_be_inserted() {
    for (document, expected) in [
        ("{}", r#"{"a":1,"b\"":2}"#),
        (r#"{"c":3}"#, r#"{"a":1,"b\"":2,"c":3}"#),
    ] {
        let mut splices = Splices::new();
        splices.set_member(document.as_bytes(), "a", "1").unwrap();
        splices.set_member(document.as_bytes(), "b\"", "2").unwrap();
        assert_eq!(apply(splices, document), expected);
    }
}

#[test]
fn unchanged_parts_are_shared() {
    let document = Bytes::from_static(b"0123456789");
    let mut splices = Splices::new();
    splices.replace(6..8, "x");
    splices.replace(2..4, "");
    splices.insert(2, "a");
    splices.insert(2, "b");
    let spliced = splices.apply(&document).unwrap();
    let parts: Vec<&[u8]> = spliced.parts().iter().map(|part| &part[..]).collect();
    assert_eq!(parts, [&b"01"[..], b"a", b"b", b"45", b"x", b"89"]);
    assert_eq!(spliced.parts()[3].as_ptr(), document[4..].as_ptr());

    let untouched = Splices::new().apply(&document).unwrap().into_bytes();
    assert_eq!(untouched.as_ptr(), document.as_ptr());
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "the test needs such a range")]
fn refuses_overlapping_and_invalid_edits() {
    let document = Bytes::from_static(b"0123456789");
    for (first, second, error) in [
        (2..5, 4..6, SpliceError::Overlap(4)),
        (2..5, 3..3, SpliceError::Overlap(3)),
        (0..1, 9..11, SpliceError::OutOfRange(9)),
        (0..1, 5..4, SpliceError::OutOfRange(5)),
        (0..1, usize::MAX..usize::MAX, SpliceError::OutOfRange(usize::MAX)),
    ] {
        let mut splices = Splices::new();
        splices.replace(second, "x");
        splices.replace(first, "x");
        assert_eq!(splices.apply(&document), Err(error));
    }
}

const FORM: &[u8] = b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\
    Content-Type: audio/wav\r\n\r\nRIFF\r\n--XXnot\r\n\r\n--XX \t\r\ncontent-disposition:form-data;name=model\r\n\r\nwhisper-1\r\n\
    --XX\r\nContent-Disposition: form-data; name=\"model\"; filename=\"f\"\r\n\r\nno\r\n\
    --XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n\r\n--XX--\r\n";

#[test]
fn finds_the_fields_of_a_form() {
    let values = |name| -> Vec<&[u8]> {
        let spans = form_values(FORM, "XX", name).unwrap();
        spans.into_iter().map(|span| &FORM[span]).collect()
    };
    assert_eq!(values("model"), [&b"whisper-1"[..], b""]);
    assert_eq!(values("file"), [&b""[..]; 0]);
    assert_eq!(form_values(b"--XX--", "XX", "model"), Ok(vec![]));
    assert_eq!(form_values(FORM, "YY", "model"), Err(MultipartError::NoBoundary));
    let last = FORM.len() - b"Content-Disposition: form-data; name=\"model\"\r\n\r\n\r\n--XX--\r\n".len();
    assert_eq!(
        form_values(&FORM[..FORM.len() - 4], "XX", "model"),
        Err(MultipartError::Unfinished(last))
    );
}

#[test]
fn reads_the_boundary() {
    for (value, expected) in [
        ("multipart/form-data; boundary=abc", Some("abc")),
        (
            "Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"",
            Some("a b"),
        ),
        (
            "multipart/form-data; x=\"boundary=no\"; boundary=yes ",
            Some("yes"),
        ),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data", None),
        ("multipart/mixed; boundary=abc", None),
    ] {
        assert_eq!(boundary(value), expected, "{value}");
    }
}

fn json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[ -~]{0,8}",
        "\\PC{0,4}",
        Just("model".to_owned()),
        Just("\"\\\n\u{1}{}[]".to_owned())
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e30f64..1e30).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// Reads the whole document through nodes.
fn read(node: &SpliceNode<'_>) -> Value {
    let parse = || serde_json::from_slice(node.raw()).unwrap();
    match node.kind() {
        JsonKind::Object => Value::Object(
            node.members()
                .unwrap()
                .map(Result::unwrap)
                .map(|member| (member.key.text().unwrap().into_owned(), read(&member.value)))
                .collect(),
        ),
        JsonKind::Array => node
            .elements()
            .unwrap()
            .map(|element| read(&element.unwrap()))
            .collect(),
        JsonKind::String => node.text().unwrap().into_owned().into(),
        JsonKind::Null | JsonKind::Bool | JsonKind::Number => parse(),
    }
}

proptest! {
    #[test]
    fn agrees_with_a_full_parser(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert_eq!(read(&SpliceNode::document(text.as_bytes()).unwrap()), value);
    }

    #[test]
    fn setting_a_member_changes_nothing_else(value in json(), new in "\\PC{0,6}") {
        let text = serde_json::to_string(&value).unwrap();
        let mut splices = Splices::new();
        let set = splices.set_member(text.as_bytes(), "model", encode_str(&new));
        let Value::Object(mut object) = value else {
            prop_assert!(set.is_err());
            return Ok(());
        };
        let edited: Value = serde_json::from_str(&apply(splices, &text)).unwrap();
        object.insert("model".to_owned(), new.into());
        prop_assert_eq!(edited, Value::Object(object));
    }

    #[test]
    fn refuses_the_same_as_a_full_parser_at_the_top_level(text in r#"[ {}":,a1\\\[\]-]{0,10}"#) {
        // Without nesting, only the contents of strings are skipped unread.
        let nested = text.matches(['{', '[']).count() > 1;
        let scanned = members(text.as_bytes()).and_then(|mut members| members.try_for_each(|m| {
            let m = m?;
            if m.value.kind() == JsonKind::String { m.value.text()?; }
            m.key.text().map(drop)
        }));
        let parsed = serde_json::from_str::<serde_json::Map<String, Value>>(&text);
        prop_assert!(parsed.is_err() || scanned.is_ok(), "{}", text);
        prop_assert!(nested || scanned.is_err() || parsed.is_ok(), "{}", text);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = find_members(&bytes, ["model"]);
        let _ = find_first(&bytes, "");
        let _ = SpliceNode::document(&bytes).map(|node| node.text());
        let _ = form_values(&bytes, "X", "model");
    }

    #[test]
    fn arbitrary_json_like_text_does_not_panic(text in r#"[{}\[\]":,\\ a0-]{0,60}"#) {
        let mut splices = Splices::new();
        if splices.set_member(text.as_bytes(), "a", "1").is_ok() {
            apply(splices, &text);
        }
    }

    #[test]
    fn arbitrary_forms_do_not_panic(pieces in prop::collection::vec(
        prop::sample::select(vec!["--X", "\r\n", "--", "Content-Disposition: form-data", "; name=", "model", "\"", "\\", ";"]), 0..40,
    )) {
        let text = pieces.concat();
        for span in form_values(text.as_bytes(), "X", "model").unwrap_or_default() {
            prop_assert!(text.get(span).is_some());
        }
        let _ = boundary(&text);
    }
}

/// Records every node below a node, with its key.
fn walk(node: &SpliceNode<'_>, key: &str, out: &mut Vec<String>) -> Result<(), ScanError> {
    out.push(format!("{key} {:?} {:?}", node.span(), node.kind()));
    match node.kind() {
        JsonKind::Object => {
            for member in node.members()? {
                let member = member?;
                walk(&member.value, &String::from_utf8_lossy(member.key.raw()), out)?;
            }
        }
        JsonKind::Array => {
            for element in node.elements()? {
                walk(&element?, "", out)?;
            }
        }
        JsonKind::String | JsonKind::Number | JsonKind::Bool | JsonKind::Null => {}
    }
    Ok(())
}

/// The nodes of a document without and with an index, with the error that ended the walk.
fn walks(document: &[u8]) -> [(Vec<String>, Option<ScanError>); 2] {
    let walked = |root: Result<SpliceNode<'_>, ScanError>| {
        let mut out = Vec::new();
        let error = root.and_then(|root| walk(&root, "", &mut out)).err();
        (out, error)
    };
    let index = Index::read(document);
    [
        walked(SpliceNode::document(document)),
        walked(index.document(document)),
    ]
}

#[test]
fn nodes_of_an_index_equal_scanned_nodes() {
    for document in [
        r#" { "a" : [ ] , "b":{}, "c" : [1,{"d":[[],[true , null]]},"\"]"] ,"e":{"f":{}},"a":-1.5e3} "#,
        "[]",
        "[[[]],{}]",
        "7",
        "",
        "{",
        "[1,]",
        "[}",
        r#"{"a":1,}"#,
        r#"{"a" 1}"#,
        r#"{"a":{"b" 1},"c":[1 2]}"#,
        "[1] x",
        "[[1}",
    ] {
        let [read, indexed] = walks(document.as_bytes());
        assert_eq!(read, indexed, "{document}");
    }
}

#[test]
fn no_depth_exhausts_the_stack_of_an_index() {
    let document = "[".repeat(200_000) + &"]".repeat(200_000);
    let index = Index::read(document.as_bytes());
    let root = index.document(document.as_bytes()).unwrap();
    assert_eq!(root.span(), 0..document.len());
    assert_eq!(root.elements().unwrap().count(), 1);
}

proptest! {
    #[test]
    fn nodes_of_an_index_equal_scanned_nodes_in_any_text(text in "[\\[\\]{},:\"\\\\a1 t]{0,24}") {
        let [read, indexed] = walks(text.as_bytes());
        prop_assert_eq!(read, indexed);
    }
}
