//! Recognises events that repeat an earlier event with another text, without parsing them.

use std::borrow::Cow;

use super::string;
use crate::wire::find::find_special;
use crate::wire::splice::{JsonKind, SpliceMember, SpliceNode, members};

/// The longest event of which a pattern is made, in bytes. Each open stream keeps one pattern.
const MAX_LENGTH: usize = 2048;
/// The most names that [`FieldPaths::ignored`] may have.
const MAX_IGNORED: usize = 2;
/// The most digits of an integer that a pattern accepts: 18 digits always fit an `i64`, so the parser would accept it
/// too.
const MAX_DIGITS: usize = 18;

/// An event with holes: the bytes of an event that has been parsed, without its text and without the values that its
/// reader ignores.
///
/// # Invariant
///
/// An event that matches means the same as the learned event with another text, so it need not be parsed. Three rules
/// ensure that:
///
/// - Same grammar: all bytes outside of the holes are equal, and a hole accepts only a whole JSON string or a whole
///   integer, according to what the learned event had there. So a match is valid JSON with the same members of the same
///   kinds in the same order.
/// - Same meaning: apart from the text, only members in [`FieldPaths::ignored`] may differ. A reader that begins to use
///   one of them has to remove it from that list. `tests/properties/repeats.rs` varies every member of repeated events
///   to check it.
/// - One text: exactly one of the places for a text was not empty in the learned event, and it had the text that the
///   reader made of the event. So the hole is where the reader takes its text from, and the text passes unchanged.
#[derive(Debug)]
pub struct EventPattern {
    /// The bytes outside of the holes, up to the last closing brace, which is excluded.
    literal: Box<[u8]>,
    /// The holes in the order of the document.
    holes: Vec<PatternHole>,
}

#[derive(Debug)]
struct PatternHole {
    /// How many bytes of `literal` come before the hole.
    before: usize,
    kind: HoleKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HoleKind {
    /// The text of the event.
    Text,
    /// A string that the reader ignores.
    String,
    /// An integer that the reader ignores.
    Integer,
}

/// Where the events of a stream have the values that differ between them.
#[derive(Clone, Copy, Debug)]
pub struct FieldPaths {
    /// The path to the object that contains the text: names of members, and `0` for the first element of an array.
    pub object: &'static [&'static str],
    /// The paths, from that object, of all members that may be the text of an event. One of them is, in each event.
    pub texts: &'static [&'static [&'static str]],
    /// Top-level members that the reader ignores, at most two. Their values may differ as long as they are strings or
    /// integers without sign, as in the learned event.
    pub ignored: &'static [&'static str],
}

impl EventPattern {
    /// Makes a pattern of an event that has been parsed as its generated type. `text` is the text that the reader got
    /// from it. `None` if the event is too long or does not fulfil the invariant: no place for a text, or more than
    /// one, is not empty, or its string is not `text`.
    pub fn from_event(document: &[u8], paths: FieldPaths, text: &str) -> Option<Self> {
        let FieldPaths {
            object,
            texts,
            ignored,
        } = paths;
        let document = document.trim_ascii_end();
        if document.len() > MAX_LENGTH {
            return None;
        }
        let mut spans = Vec::with_capacity(1 + ignored.len());
        // Values of other kinds get no hole. They stay literal: the pattern matches only if they do not change.
        let mut add_hole = |node: SpliceNode<'_>| match node.kind() {
            JsonKind::String => spans.push((node.span(), HoleKind::String)),
            JsonKind::Number if node.raw().iter().all(u8::is_ascii_digit) => {
                spans.push((node.span(), HoleKind::Integer));
            }
            _ => {}
        };
        // One pass over the top level finds the ignored members and the way to the object. If a name occurs twice, the
        // generated types use the last value. So the hole is there, and the first value stays literal.
        let (mut first, rest) = (None, object.get(1..).unwrap_or_default());
        let mut ignored_values = [None; MAX_IGNORED];
        for member in members(document).ok()? {
            let SpliceMember { key, value } = member.ok()?;
            if object.first().is_some_and(|name| key.is_text(name)) {
                first = Some(value);
            }
            for (name, ignored_value) in ignored.iter().zip(&mut ignored_values) {
                if key.is_text(name) {
                    *ignored_value = Some(value);
                }
            }
        }
        ignored_values.into_iter().flatten().for_each(&mut add_hole);
        let object = match object {
            [] => SpliceNode::document(document).ok()?,
            [..] => find_node(first?, rest)?,
        };
        let filled = |node: &SpliceNode<'_>| node.kind() == JsonKind::String && node.span().len() > 2;
        let mut candidates = texts
            .iter()
            .filter_map(|path| find_node(object, path))
            .filter(filled);
        let candidate = candidates.next()?;
        if candidates.next().is_some() || candidate.text().ok()? != text {
            return None;
        }
        spans.push((candidate.span(), HoleKind::Text));
        spans.sort_unstable_by_key(|(span, _)| span.start);
        let (mut literal, mut holes) = (
            Vec::with_capacity(document.len()),
            Vec::with_capacity(spans.len()),
        );
        let mut at = 0;
        for (span, kind) in spans {
            literal.extend_from_slice(document.get(at..span.start)?);
            holes.push(PatternHole {
                before: literal.len(),
                kind,
            });
            at = span.end;
        }
        // Without the closing brace, before which `match_text` allows white space.
        literal.extend_from_slice(document.get(at..)?.strip_suffix(b"}")?.trim_ascii_end());
        Some(Self {
            literal: literal.into(),
            holes,
        })
    }

    /// The text of an event that matches, borrowed unless it has escapes. `None` if the event does not match and has to
    /// be parsed, or if its text is empty: of an empty text readers make no delta, or another event than of the learned
    /// one.
    pub fn match_text<'a>(&self, document: &'a [u8]) -> Option<Cow<'a, str>> {
        let (mut rest, mut from) = (document, 0);
        let mut found = None;
        for PatternHole { before, kind } in &self.holes {
            rest = rest.strip_prefix(self.literal.get(from..*before)?)?;
            from = *before;
            rest = match kind {
                HoleKind::Integer => {
                    // The grammar of an integer: `07` and an empty hole are not JSON, `7.5` fails at the next literal
                    // byte.
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
        // Some servers (Anthropic's) pad events with a varying number of spaces before the last brace, so that the
        // length of encrypted packets does not reveal the length of the text.
        if rest.trim_ascii_start() != b"}" {
            return None;
        }
        let found = found.filter(|text| !text.is_empty());
        #[cfg(test)]
        if found.is_some() {
            pattern_hits::count();
        }
        found
    }
}

/// Counts the events that matched, so that a test fails if none does.
#[cfg(test)]
pub mod pattern_hits {
    use std::cell::Cell;

    thread_local! {
        static HITS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        HITS.set(HITS.get() + 1);
    }

    /// The number of events that have matched in this thread.
    pub fn get() -> usize {
        HITS.get()
    }
}

/// Follows a path of member names, and `0` for the first element of an array.
fn find_node<'a>(root: SpliceNode<'a>, path: &[&str]) -> Option<SpliceNode<'a>> {
    path.iter().try_fold(root, |node, step| match node.kind() {
        JsonKind::Array if *step == "0" => node.elements().ok()?.next()?.ok(),
        JsonKind::Object => node.get(step).ok()?,
        _ => None,
    })
}

/// Splits off the string at the start: its text, and the bytes after it. `None` if there is none or it is not valid.
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
    // Rare in texts of a few words: an escape.
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
    fn only_texts_and_ignored_members_may_differ() {
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
            // An empty text, another kind, another value, invalid JSON, more bytes after the event.
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
    fn an_event_with_several_texts_or_none_has_no_pattern() {
        let paths = FieldPaths {
            object: &[],
            texts: &[&["a"], &["b"]],
            ignored: &[],
        };
        let of = |document: &str| EventPattern::from_event(document.as_bytes(), paths, "a").is_some();
        assert!(of(r#"{"a":"a","b":""}"#));
        assert!(of(r#"{"a":"a","b":null}"#));
        assert!(!of(r#"{"a":"a","b":"a"}"#));
        assert!(!of(r#"{"a":"other"}"#));
        assert!(!of(r#"{"a":["a"]}"#));
        assert!(!of(r#"{"b":1}"#));
        assert!(!of(&format!(r#"{{"a":"a","c":"{}"}}"#, "x".repeat(MAX_LENGTH))));
    }

    #[test]
    fn the_last_member_of_a_name_counts() {
        let document = br#"{"n":"1","n":"2","o":{"t":"a"},"o":{"t":"b","t":"c"}}"#;
        let paths = FieldPaths {
            object: &["o"],
            texts: &[&["t"]],
            ignored: &["n"],
        };
        let pattern = EventPattern::from_event(document, paths, "c").expect("a pattern");
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
            let paths = FieldPaths { object: &[""], texts: &[&["t"]], ignored: &["n"] };
            if let Some(pattern) = EventPattern::from_event(learned.as_bytes(), paths, &first) {
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
