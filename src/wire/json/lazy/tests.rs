use bytes::Bytes;
use proptest::prelude::*;

use super::super::{parse_shared, parse_text, to_bytes};
use super::*;

/// The first string of a list, read as a shared document; `None` if the document is not valid.
fn shared(json: &str) -> Option<LazyStr> {
    let document = Bytes::copy_from_slice(json.as_bytes());
    let texts: Vec<LazyStr> = parse_shared(&document).ok()?;
    texts.into_iter().next()
}

fn in_list(string: &str) -> String {
    format!("[ {string} ]")
}

fn written(text: &LazyStr) -> String {
    String::from_utf8(to_bytes(text)).unwrap_or_default()
}

/// Strings in several spellings, and values that are no valid string.
const SPELLINGS: [&str; 24] = [
    r#""""#,
    r#""plain""#,
    r#"" \n\t\r\f ""#,
    r#""\u00a0\n""#,
    r#""\u0020""#,
    r#""\nfirst\nsecond\n""#,
    r#""\"quoted\" \\ \/ \b""#,
    r#""\u00e9é\ud83d\ude00😀""#,
    r#""a text that is long enough to be looked at in words: \u001f and its end""#,
    r#""\u0000""#,
    r#""\ud800""#,
    r#""\udc00\ud800""#,
    r#""\ud83dx""#,
    r#""\ud83d\n""#,
    r#""\ud83d\u0041""#,
    r#""\u12""#,
    r#""\u12g4""#,
    r#""\x""#,
    r#""\""#,
    "\"a\nb\"",
    "\"a\u{0}b\"",
    r#""not closed"#,
    "1",
    "null",
];

#[test]
fn lazy_strings_decode_as_in_serde_json() {
    for spelling in SPELLINGS {
        let json = in_list(spelling);
        let theirs = serde_json::from_str::<Vec<String>>(&json).ok();
        let ours = shared(&json);
        assert_eq!(
            ours.as_ref().map(LazyStr::as_str),
            theirs.as_ref().map(|texts| texts[0].as_str()),
            "{json}"
        );
        let Some(text) = ours else { continue };
        // Asked before it is decoded.
        let again = shared(&json).unwrap_or_default();
        assert_eq!(again.len(), text.as_str().len(), "{json}");
        assert_eq!(again.is_empty(), text.as_str().is_empty(), "{json}");
        assert_eq!(again.is_blank(), text.as_str().trim().is_empty(), "{json}");
        for prefix in [
            "",
            "plain",
            "plainer",
            " ",
            "\n",
            "\nfirst",
            "é",
            "a text that",
            "\"",
        ] {
            let again = shared(&json).unwrap_or_default();
            assert_eq!(
                again.starts_with(prefix),
                text.as_str().starts_with(prefix),
                "{json}"
            );
        }
        assert_eq!(again, text);
        assert_eq!(again, LazyStr::from(text.as_str()));
        assert_eq!(again.clone().into_string(), text.as_str());
        assert_eq!(again.into_string(), text.as_str());
    }
}

#[test]
fn lazy_strings_are_refused_with_the_same_error_as_decoded_ones() {
    for spelling in SPELLINGS {
        let json = in_list(spelling);
        let decoded: Result<Vec<String>, _> = parse_text(&json);
        let shared: Result<Vec<LazyStr>, _> = parse_shared(&Bytes::copy_from_slice(json.as_bytes()));
        assert_eq!(shared.err(), decoded.err(), "{json}");
    }
    let error = parse_shared::<Vec<LazyStr>>(&Bytes::from_static(b"[\"\xff\"]"));
    assert!(error.is_err_and(|error| error.message.contains("invalid unicode")));
}

#[test]
fn the_spelling_is_written_unchanged() {
    for spelling in [r#""a\/b""#, r#""\u00e9""#, r#""plain""#, r#""""#] {
        let text = shared(&in_list(spelling)).unwrap_or_default();
        assert_eq!(written(&text), spelling);
        // Decoding does not change that.
        assert!(!text.as_str().contains('"'));
        assert_eq!(written(&text.clone()), spelling);
        assert_eq!(serde_json::to_string(&text).ok().as_deref(), Some(spelling));
        assert_eq!(
            serde_json::to_value(&text).ok(),
            serde_json::from_str(spelling).ok()
        );
    }
}

#[test]
fn the_rest_after_skipped_bytes_is_a_text() {
    for spelling in [r#""data:,12\u0033 é""#, r#""data:,123 é""#] {
        let text = shared(&in_list(spelling)).unwrap_or_default();
        for at in [0, 6, 11, 12, 50] {
            let expected = "data:,123 é".get(at.min(12)..).unwrap_or("é");
            let part = text.clone().skip(at.min(text.len()));
            assert_eq!(part, expected, "{spelling} {at}");
            assert_eq!(written(&part), format!("\"{expected}\""));
        }
    }
}

#[test]
fn appending_makes_an_ordinary_string() {
    let mut text = shared(r#"["a\n"]"#).unwrap_or_default();
    text.push_str("\"b\"");
    assert_eq!(text, "a\n\"b\"");
    assert_eq!(written(&text), r#""a\n\"b\"""#);
}

#[test]
fn a_slice_can_be_decoded_in_several_threads() {
    fn is_shareable<T: Send + Sync>(_: &T) {}
    let text = shared(r#"["a\nb"]"#).unwrap_or_default();
    is_shareable(&text);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let text = &text;
            scope.spawn(move || assert_eq!(text.as_str(), "a\nb"));
        }
    });
}

/// A character in one of its JSON spellings.
fn spelled(char: char, way: u8) -> String {
    let plain = serde_json::to_string(&char.to_string()).unwrap_or_default();
    let plain = plain.trim_matches('"');
    match (way, char) {
        (0, '/') => "\\/".to_owned(),
        (1, _) => {
            let mut units = [0; 2];
            let units = char.encode_utf16(&mut units).iter();
            units.map(|unit| format!("\\u{unit:04X}")).collect()
        }
        (_, '"') => "\\\"".to_owned(),
        _ => plain.to_owned(),
    }
}

fn spelling() -> impl Strategy<Value = (String, String)> {
    let char = prop_oneof![
        any::<char>(),
        prop::char::range(' ', '~'),
        prop::sample::select(vec!['"', '\\', '/', '\n', '\t', '\u{8}', 'é']),
    ];
    prop::collection::vec((char, 0_u8..4), 0..40).prop_map(|chars| {
        let text = chars.iter().map(|(char, _)| char).collect();
        let json: String = chars.iter().map(|(char, way)| spelled(*char, *way)).collect();
        (text, format!("\"{json}\""))
    })
}

proptest! {
    #[test]
    fn any_text_keeps_its_spelling_and_its_meaning((text, json) in spelling()) {
        let lazy = shared(&in_list(&json)).unwrap_or_default();
        prop_assert_eq!(lazy.len(), text.len());
        prop_assert_eq!(lazy.is_blank(), text.trim().is_empty());
        prop_assert_eq!(&written(&lazy), &json);
        prop_assert_eq!(lazy.as_str(), &text);
        prop_assert_eq!(&lazy, &LazyStr::from(text));
    }

    #[test]
    fn joined_texts_mean_the_same_as_joined_strings(parts in prop::collection::vec((spelling(), any::<bool>()), 0..5)) {
        let texts: Vec<LazyStr> = parts
            .iter()
            .map(|((text, json), is_slice)| match is_slice {
                true => shared(&in_list(json)).unwrap_or_default(),
                false => text.into(),
            })
            .collect();
        let plain: Vec<&str> = parts.iter().map(|((text, _), _)| text.as_str()).collect();
        let expected = plain.join("\n\"");
        let joined = join(&texts, "\n\"");
        prop_assert_eq!(joined.len(), expected.len());
        prop_assert_eq!(serde_json::from_str::<String>(&written(&joined)).ok(), Some(expected.clone()));
        prop_assert_eq!(joined.into_string(), expected);
    }
}
