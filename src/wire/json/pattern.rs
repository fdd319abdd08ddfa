//! Documents that say the same as one before but for a few values.

use std::borrow::Cow;

use super::string;
use crate::wire::find::find_special;
use crate::wire::splice::{JsonKind, SpliceMember, SpliceNode, members};

/// The longest document that is made a pattern of, in bytes: one is kept for each stream.
const MAX_LENGTH: usize = 2048;
/// The most members that are passed over.
const MAX_IGNORED: usize = 2;
/// So many digits always fit an integer of 64 bits.
const MAX_DIGITS: usize = 18;

/// What the events of a stream have in common that differ only in a text and in a few values that nobody reads.
///
/// Whatever has the bytes of a document that has been read, and in the places of its strings and integers other strings
/// and integers, is read as that document was. So it need not be taken apart again.
#[derive(Debug)]
pub struct EventPattern {
    /// The document without what stands in the holes, and without its last brace.
    literal: Box<[u8]>,
    holes: Vec<PatternHole>,
}

#[derive(Debug)]
struct PatternHole {
    /// How much of `literal` stands before it.
    before: usize,
    kind: HoleKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HoleKind {
    /// The string that is wanted.
    Text,
    /// A string that is passed over.
    String,
    /// An integer that is passed over.
    Integer,
}

/// Where documents hold what differs between them.
#[derive(Clone, Copy, Debug)]
pub struct FieldPaths {
    /// The way from the document to the object that holds the text: names of members, `0` for an array's first element.
    pub object: &'static [&'static str],
    /// The ways from there to the members that may be the text; one of them in a document.
    pub texts: &'static [&'static [&'static str]],
    /// Members of the document of which, where they are strings or integers, any value is as good.
    pub ignored: &'static [&'static str],
}

impl EventPattern {
    /// The pattern of a document, an object that has been read as the type it should have, and in which `text` is the
    /// one string that is not empty and stands where texts do. `None` where that is not so.
    pub fn from_event(document: &[u8], places: FieldPaths, text: &str) -> Option<Self> {
        let FieldPaths {
            object,
            texts,
            ignored,
        } = places;
        let document = document.trim_ascii_end();
        if document.len() > MAX_LENGTH {
            return None;
        }
        let mut places = Vec::with_capacity(1 + ignored.len());
        let mut add_hole = |node: SpliceNode<'_>| match node.kind() {
            JsonKind::String => places.push((node.span(), HoleKind::String)),
            JsonKind::Number if node.raw().iter().all(u8::is_ascii_digit) => {
                places.push((node.span(), HoleKind::Integer));
            }
            _ => {}
        };
        // Of several members of one name the last one counts.
        let (mut first, rest) = (None, object.get(1..).unwrap_or_default());
        let mut others = [None; MAX_IGNORED];
        for member in members(document).ok()? {
            let SpliceMember { key, value } = member.ok()?;
            if object.first().is_some_and(|name| key.is_text(name)) {
                first = Some(value);
            }
            for (name, other) in ignored.iter().zip(&mut others) {
                if key.is_text(name) {
                    *other = Some(value);
                }
            }
        }
        others.into_iter().flatten().for_each(&mut add_hole);
        let object = match object {
            [] => SpliceNode::document(document).ok()?,
            [..] => find_node(first?, rest)?,
        };
        let filled = |node: &SpliceNode<'_>| node.kind() == JsonKind::String && node.span().len() > 2;
        let mut wanted = texts
            .iter()
            .filter_map(|path| find_node(object, path))
            .filter(filled);
        let place = wanted.next()?;
        if wanted.next().is_some() || place.text().ok()? != text {
            return None;
        }
        places.push((place.span(), HoleKind::Text));
        places.sort_unstable_by_key(|(span, _)| span.start);
        let (mut literal, mut holes) = (
            Vec::with_capacity(document.len()),
            Vec::with_capacity(places.len()),
        );
        let mut at = 0;
        for (span, kind) in places {
            literal.extend_from_slice(document.get(at..span.start)?);
            holes.push(PatternHole {
                before: literal.len(),
                kind,
            });
            at = span.end;
        }
        literal.extend_from_slice(document.get(at..)?.strip_suffix(b"}")?.trim_ascii_end());
        Some(Self {
            literal: literal.into(),
            holes,
        })
    }

    /// The text of a document of this pattern; `None` of any other, and of one whose text is empty.
    pub fn match_text<'a>(&self, document: &'a [u8]) -> Option<Cow<'a, str>> {
        let (mut rest, mut from) = (document, 0);
        let mut found = None;
        for PatternHole { before, kind } in &self.holes {
            rest = rest.strip_prefix(self.literal.get(from..*before)?)?;
            from = *before;
            rest = match kind {
                HoleKind::Integer => {
                    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let (digits, after) = rest.split_at_checked(length)?;
                    if !(1..=MAX_DIGITS).contains(&length) || (length > 1 && digits.starts_with(b"0")) {
                        return None;
                    }
                    after
                }
                HoleKind::String => split_string(rest)?.1,
                HoleKind::Text => {
                    let (text, after) = split_string(rest)?;
                    found = Some(text);
                    after
                }
            };
        }
        rest = rest.strip_prefix(self.literal.get(from..)?)?;
        // Servers pad their events here, so that the length tells nothing of the text.
        if rest.trim_ascii_start() != b"}" {
            return None;
        }
        let found = found.filter(|text| !text.is_empty());
        #[cfg(test)]
        pattern_hits::count(found.is_some());
        found
    }
}

/// Counts the documents that were read by a pattern, so that a test fails when none is.
#[cfg(test)]
pub mod pattern_hits {
    use std::cell::Cell;

    thread_local! {
        static HITS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count(hit: bool) {
        HITS.set(HITS.get() + usize::from(hit));
    }

    /// The documents that this thread has read by a pattern.
    pub fn get() -> usize {
        HITS.get()
    }
}

fn find_node<'a>(root: SpliceNode<'a>, path: &[&str]) -> Option<SpliceNode<'a>> {
    path.iter().try_fold(root, |node, step| match node.kind() {
        JsonKind::Array if *step == "0" => node.elements().ok()?.next()?.ok(),
        JsonKind::Object => node.get(step).ok()?,
        _ => None,
    })
}

/// The string that comes first, and what follows it.
#[inline]
fn split_string(rest: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    if rest.first() != Some(&b'"') {
        return None;
    }
    let end = find_special(rest, 1);
    if rest.get(end) == Some(&b'"') {
        let string = std::str::from_utf8(rest.get(1..end)?).ok()?;
        return Some((Cow::Borrowed(string), rest.get(end + 1..)?));
    }
    let end = string::check_string(rest, end).ok()?;
    let (string, after) = rest.split_at_checked(end)?;
    Some((Cow::Owned(serde_json::from_slice(string).ok()?), after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENT: &[u8] = br#"{"seq": 7, "list": [{"delta": {"kind":"a","text":"one"}}], "pad":"x","n":1.0}"#;
    const FIELD_PATHS: FieldPaths = FieldPaths {
        object: &["list", "0"],
        texts: &[&["delta", "text"], &["other"]],
        ignored: &["seq", "pad"],
    };

    fn text(document: &str) -> Option<String> {
        let pattern = EventPattern::from_event(EVENT, FIELD_PATHS, "one").expect("a pattern");
        pattern.match_text(document.as_bytes()).map(Cow::into_owned)
    }

    #[test]
    fn only_what_may_differ_differs() {
        let event = std::str::from_utf8(EVENT).unwrap_or_default();
        assert_eq!(text(event).as_deref(), Some("one"));
        for (from, to, expected) in [
            ("one", "t\\u0077o \\\"2\\\"", Some("two \"2\"")),
            ("one", "é", Some("é")),
            (": 7", ": 999999999999999999", Some("one")),
            (": 7", ": 0", Some("one")),
            ("\"x\"", "\"\"", Some("one")),
            ("\"x\"", "\"a\\\\b\"", Some("one")),
            ("1.0}", "1.0   }", Some("one")),
            // Nothing to say, another type, another value, broken JSON, another document behind it.
            ("one", "", None),
            ("\"one\"", "null", None),
            (": 7", ": 7.5", None),
            (": 7", ": 07", None),
            (": 7", ": -7", None),
            (": 7", ": ", None),
            (": 7", ": 9999999999999999999", None),
            ("\"x\"", "\"a\\x\"", None),
            ("\"x\"", "\"a\nb\"", None),
            ("\"x\"", "null", None),
            ("1.0", "1.5", None),
            ("\"a\"", "\"b\"", None),
            ("one", "\\ud800", None),
            ("1.0}", "1.0}}", None),
            ("1.0}", "1.0", None),
            ("1.0}", "1.0,\"m\":1}", None),
        ] {
            let document = event.replacen(from, to, 1);
            assert_eq!(text(&document).as_deref(), expected, "{document}");
        }
    }

    #[test]
    fn what_is_ambiguous_has_no_pattern() {
        let places = FieldPaths {
            object: &[],
            texts: &[&["a"], &["b"]],
            ignored: &[],
        };
        let of = |document: &str| EventPattern::from_event(document.as_bytes(), places, "a").is_some();
        assert!(of(r#"{"a":"a","b":""}"#));
        assert!(of(r#"{"a":"a","b":null}"#));
        assert!(!of(r#"{"a":"a","b":"a"}"#));
        assert!(!of(r#"{"a":"other"}"#));
        assert!(!of(r#"{"a":["a"]}"#));
        assert!(!of(r#"{"b":1}"#));
        assert!(!of(&format!(r#"{{"a":"a","c":"{}"}}"#, "x".repeat(MAX_LENGTH))));
    }

    #[test]
    fn of_several_members_of_one_name_the_last_counts() {
        let document = br#"{"n":"1","n":"2","o":{"t":"a"},"o":{"t":"b","t":"c"}}"#;
        let places = FieldPaths {
            object: &["o"],
            texts: &[&["t"]],
            ignored: &["n"],
        };
        let pattern = EventPattern::from_event(document, places, "c").expect("a pattern");
        let text = |from, to| {
            let other = String::from_utf8_lossy(document).replace(from, to);
            pattern.match_text(other.as_bytes()).map(Cow::into_owned)
        };
        assert_eq!(text("\"c\"", "\"d\"").as_deref(), Some("d"));
        assert_eq!(text("\"2\"", "\"3\"").as_deref(), Some("c"));
        assert_eq!(text("\"1\"", "\"3\""), None);
        assert_eq!(text("\"b\"", "\"d\""), None);
    }

    proptest! {
        #[test]
        fn a_pattern_reads_what_a_parser_reads(
            first in "\\PC{1,12}", second in any::<String>(), name in "\\PC{0,6}", number in any::<u64>(),
        ) {
            let event = |text: &str, number: u64| {
                serde_json::json!({"n": number, name.clone(): [1, name], "": {"t": text}}).to_string()
            };
            let learned = event(&first, 1);
            let places = FieldPaths { object: &[""], texts: &[&["t"]], ignored: &["n"] };
            if let Some(pattern) = EventPattern::from_event(learned.as_bytes(), places, &first) {
                let document = event(&second, number);
                let parsed: serde_json::Value = serde_json::from_str(&document).unwrap_or_default();
                if let Some(text) = pattern.match_text(document.as_bytes()) {
                    prop_assert_eq!(Some(&*text), parsed[""]["t"].as_str());
                } else {
                    prop_assert!(second.is_empty() || number > 999_999_999_999_999_999);
                }
            }
        }
    }
}
