//! Completes JSON that broke off.

use serde_json::value::RawValue;

use crate::canonical::RawJson;

/// Closes an object that broke off: an unfinished string ends there, an unfinished member is removed. `None` if even
/// that gives no object.
pub fn close(text: &str) -> Option<RawJson> {
    let text = text.trim_start();
    let mut open = Vec::new();
    let mut in_string = false;
    let mut escaped = false;
    // The positions at which the text could end, each with the brackets that would have to be closed there.
    let mut ends = vec![];
    for (at, c) in text.char_indices() {
        if in_string {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match c {
            '"' => in_string = true,
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' if open.pop() != Some(c) => return None,
            ',' => ends.push((at, open.clone())),
            _ => {}
        }
    }
    let whole = if in_string {
        let cut = if escaped { text.len() - 1 } else { text.len() };
        format!("{}\"", &text[..cut])
    } else {
        text.to_owned()
    };
    ends.push((text.len(), open));
    ends.into_iter().rev().take(2).find_map(|(at, open)| {
        let head = if at == text.len() {
            whole.as_str()
        } else {
            &text[..at]
        };
        let closers: String = open.iter().rev().collect();
        let object = RawValue::from_string(format!("{head}{closers}")).ok()?;
        object.get().starts_with('{').then_some(object)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(text: &str) -> Option<String> {
        close(text).map(|json| json.get().to_owned())
    }

    #[test]
    fn an_object_that_broke_off_is_closed_after_its_last_whole_member() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(closed(r#"{"a":"hel"#), some(r#"{"a":"hel"}"#));
        assert_eq!(closed(r#"{"a":"hel\"#), some(r#"{"a":"hel"}"#));
        assert_eq!(closed(r#"{"a":[1,{"b":2"#), some(r#"{"a":[1,{"b":2}]}"#));
        assert_eq!(closed(r#"{"a":1,"b":"#), some(r#"{"a":1}"#));
        assert_eq!(closed(r#"{"a":1,"b"#), some(r#"{"a":1}"#));
        assert_eq!(closed(r#"{"a":1}"#), some(r#"{"a":1}"#));
        assert_eq!(closed("{"), some("{}"));
        assert_eq!(closed(""), None);
        assert_eq!(closed("[1"), None);
        assert_eq!(closed(r#"{"a":]"#), None);
    }
}
