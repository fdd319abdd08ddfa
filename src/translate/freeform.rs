//! Takes the text of a call of a freeform tool out of its JSON arguments.
//!
//! To a dialect without freeform tools such a tool is a function with one string parameter, `input`. The text is taken
//! out of the model's arguments piece by piece. Arguments of another shape give their only string, or else themselves.

use serde_json::{Map, Value};

use crate::dialect::shared::tool_names::PARAMETER;

/// The text in complete arguments.
pub fn unwrap_arguments(arguments: &str) -> String {
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

/// Unwraps the arguments of one call while they arrive.
#[derive(Debug, Default)]
pub struct FreeformUnwrapper {
    /// All of the arguments so far: arguments of another shape are recognised only at their end.
    seen: String,
    state: UnwrapState,
}

#[derive(Debug, Default)]
enum UnwrapState {
    /// The beginning, `{"input":"`, has not arrived yet.
    #[default]
    Head,
    /// Inside the string; `from` is the position of the first byte that has not been decoded.
    Text { from: usize },
    /// The string has ended.
    Done,
}

impl FreeformUnwrapper {
    /// Takes a piece of the arguments and returns the text that it adds.
    pub fn push(&mut self, piece: &str) -> String {
        self.seen.push_str(piece);
        if let UnwrapState::Head = self.state
            && let Some(from) = text_start(&self.seen)
        {
            self.state = UnwrapState::Text { from };
        }
        let UnwrapState::Text { from } = self.state else {
            return String::new();
        };
        let rest = &self.seen[from..];
        let (end, closed) = decodable_length(rest);
        // A lone surrogate escape cannot be decoded. The text around it must not be lost: it stays as it was written.
        let decoded = serde_json::from_str::<String>(&format!("\"{}\"", &rest[..end]));
        let text = decoded.unwrap_or_else(|_| rest[..end].to_owned());
        self.state = if closed {
            UnwrapState::Done
        } else {
            UnwrapState::Text { from: from + end }
        };
        text
    }

    /// The text that remains when the arguments are complete: that of another shape.
    pub fn finish(self) -> String {
        match self.state {
            UnwrapState::Head => unwrap_arguments(&self.seen),
            UnwrapState::Text { .. } | UnwrapState::Done => String::new(),
        }
    }
}

/// The position of the string in `{"input":"…`, once that much has arrived.
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

/// The length of the part of a JSON string that can be decoded now, and whether the string ends there. An escape, or a
/// pair of surrogate escapes, is decoded only when all of it has arrived.
fn decodable_length(rest: &str) -> (usize, bool) {
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

/// The length of the escape at the start of `bytes`; `None` while it is incomplete.
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
        let mut unwrapper = FreeformUnwrapper::default();
        let mut text: String = pieces.iter().map(|piece| unwrapper.push(piece)).collect();
        text.push_str(&unwrapper.finish());
        text
    }

    #[test]
    fn a_text_arrives_piece_by_piece_whatever_the_split() {
        let whole = r#" { "input" : "a\n\"b\" \u00e9 \ud83d\ude80 ü" } "#;
        let expected = "a\n\"b\" é 🚀 ü";
        assert_eq!(unwrap_arguments(whole), expected);
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
