//! Takes the text of a freeform tool's call out of the JSON arguments it was wrapped in.
//!
//! A dialect without freeform tools gets a function with one string parameter, `input`. What the model writes for it is
//! unwrapped piece by piece; where it has another shape, its sole string property or the raw text stands in.

use serde_json::{Map, Value};

use crate::dialect::shared::tool_names::PARAMETER;

/// The text that complete arguments stand for.
pub fn unwrap(arguments: &str) -> String {
    let Ok(members) = serde_json::from_str::<Map<String, Value>>(arguments) else {
        return arguments.to_owned();
    };
    if let Some(Value::String(text)) = members.get(PARAMETER) {
        return text.clone();
    }
    let mut strings = members.values().filter_map(Value::as_str);
    match (strings.next(), strings.next()) {
        (Some(text), None) => text.to_owned(),
        _ => arguments.to_owned(),
    }
}

/// Unwraps a call's arguments while they arrive.
#[derive(Debug, Default)]
pub struct Unwrapper {
    seen: String,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// The beginning has not been recognised yet.
    #[default]
    Head,
    /// Inside the string; `from` is where its undecoded rest begins.
    Text { from: usize },
    /// The string has ended.
    Done,
}

impl Unwrapper {
    /// Takes a piece of the arguments and gives the text that it adds.
    pub fn push(&mut self, piece: &str) -> String {
        self.seen.push_str(piece);
        if let State::Head = self.state
            && let Some(from) = text_start(&self.seen)
        {
            self.state = State::Text { from };
        }
        let State::Text { from } = self.state else {
            return String::new();
        };
        let rest = &self.seen[from..];
        let (end, closed) = decodable(rest);
        // A lone surrogate escape has no decoded form; its piece stays as it was written.
        let decoded = serde_json::from_str::<String>(&format!("\"{}\"", &rest[..end]));
        let text = decoded.unwrap_or_else(|_| rest[..end].to_owned());
        self.state = if closed {
            State::Done
        } else {
            State::Text { from: from + end }
        };
        text
    }

    /// The text that is still owed when the arguments are complete.
    pub fn finish(self) -> String {
        match self.state {
            State::Head => unwrap(&self.seen),
            State::Text { .. } | State::Done => String::new(),
        }
    }
}

/// Where the string begins in `{"input":"…`, once that much has arrived.
fn text_start(seen: &str) -> Option<usize> {
    let rest = seen.trim_start().strip_prefix('{')?.trim_start();
    let rest = rest
        .strip_prefix('"')?
        .strip_prefix(PARAMETER)?
        .strip_prefix('"')?;
    let rest = rest
        .trim_start()
        .strip_prefix(':')?
        .trim_start()
        .strip_prefix('"')?;
    Some(seen.len() - rest.len())
}

/// How much of a JSON string's inside can be decoded now, and whether the string ends there. An escape, and a pair of
/// surrogate escapes, is decoded whole or not yet.
fn decodable(rest: &str) -> (usize, bool) {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return (at, true),
            b'\\' => {
                let length = match escape_length(&bytes[at..]) {
                    Some(length) => length,
                    None => return (at, false),
                };
                at += length;
            }
            _ => at += 1,
        }
    }
    (at, false)
}

/// Length of the escape at the start of `bytes`; `None` while it is incomplete.
fn escape_length(bytes: &[u8]) -> Option<usize> {
    if *bytes.get(1)? != b'u' {
        return Some(2);
    }
    let unit = bytes.get(2..6)?;
    let high = matches!(unit, [b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', ..]);
    if !high {
        return Some(6);
    }
    bytes.get(6..12).map(|_| 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(pieces: &[&str]) -> String {
        let mut unwrapper = Unwrapper::default();
        let mut text: String = pieces.iter().map(|piece| unwrapper.push(piece)).collect();
        text.push_str(&unwrapper.finish());
        text
    }

    #[test]
    fn a_text_arrives_piece_by_piece_whatever_the_split() {
        let whole = r#" { "input" : "a\n\"b\" \u00e9 \ud83d\ude80 ü" } "#;
        let expected = "a\n\"b\" é 🚀 ü";
        assert_eq!(unwrap(whole), expected);
        for (cut, _) in whole.char_indices() {
            let (left, right) = whole.split_at(cut);
            assert_eq!(stream(&[left, right]), expected, "cut at {cut}");
        }
        let singles: Vec<String> = whole.chars().map(String::from).collect();
        let singles: Vec<&str> = singles.iter().map(String::as_str).collect();
        assert_eq!(stream(&singles), expected);
    }

    #[test]
    fn other_shapes_are_recovered_in_order() {
        assert_eq!(stream(&[r#"{"patch":"p"}"#]), "p");
        assert_eq!(stream(&[r#"{"a":"p","b":"q"}"#]), r#"{"a":"p","b":"q"}"#);
        assert_eq!(stream(&[r#"{"a":"p","input":"q"}"#]), "q");
        assert_eq!(stream(&["not json"]), "not json");
        assert_eq!(stream(&[r#"{"input":""}"#]), "");
    }

    #[test]
    fn a_lone_surrogate_loses_no_text_and_does_not_panic() {
        assert_eq!(stream(&[r#"{"input":"a"#, r#"\ud83d"}"#]), r"a");
        assert_eq!(stream(&[r#"{"input":"a\ud83dbcdefg"}"#]), r"a\ud83dbcdefg");
    }
}
