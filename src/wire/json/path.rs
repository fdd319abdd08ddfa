//! From a position in a JSON text to the path of the value there.

/// A value's place: the object or array around it, and its name or index there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    container: String,
    member: String,
    /// The text before the position ends with a whole object.
    closed: bool,
}

impl Place {
    /// The path of the value.
    pub(super) fn value(&self) -> String {
        super::error::join(&self.container, &self.member)
    }

    /// The path of the object whose reading failed. serde_json reports a position after the last member that was
    /// read, or after the closing brace if that was next.
    pub(super) fn object(&self) -> String {
        if self.closed {
            self.value()
        } else {
            self.container.clone()
        }
    }
}

/// An object or array that is open at the position.
enum Level {
    Object { key: Option<String> },
    Array { index: usize, started: bool },
}

/// The place of the value that ends at, or contains, the position that serde_json reports (lines from 1,
/// columns in bytes from 1). The text before it is JSON.
pub(super) fn at(text: &[u8], line: usize, column: usize) -> Place {
    let line_start = match line {
        0 | 1 => 0,
        _ => text
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(line - 2)
            .map_or(text.len(), |(at, _)| at + 1),
    };
    let mut end = line_start.saturating_add(column).min(text.len());
    // A refused object or array is reported before its bracket.
    if matches!(text.get(end), Some(b'{' | b'[')) {
        end += 1;
    }
    let before = text.get(..end).unwrap_or_default();
    let levels = open_levels(before);
    let segments: Vec<String> = levels.iter().map(Level::segment).collect();
    let Some((member, containers)) = segments.split_last() else {
        return Place::default();
    };
    let container = containers
        .iter()
        .fold(String::new(), |path, segment| super::error::join(&path, segment));
    Place {
        container,
        member: member.clone(),
        closed: before.ends_with(b"}"),
    }
}

impl Level {
    fn segment(&self) -> String {
        match self {
            Self::Object { key } => key.clone().unwrap_or_default(),
            Self::Array { started: false, .. } => String::new(),
            Self::Array { index, .. } => format!("[{index}]"),
        }
    }
}

fn open_levels(text: &[u8]) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    let mut expects_key = false;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b']')
            && let Some(Level::Array { started, .. }) = levels.last_mut()
        {
            *started = true;
        }
        match byte {
            b'{' => {
                levels.push(Level::Object { key: None });
                expects_key = true;
            }
            b'[' => {
                levels.push(Level::Array {
                    index: 0,
                    started: false,
                });
                expects_key = false;
            }
            b'}' | b']' => {
                levels.pop();
                expects_key = false;
            }
            b',' => match levels.last_mut() {
                Some(Level::Array { index, .. }) => *index += 1,
                Some(Level::Object { .. }) => expects_key = true,
                None => {}
            },
            b'"' => {
                let start = at - 1;
                at = string_end(text, at);
                if expects_key && let Some(Level::Object { key }) = levels.last_mut() {
                    *key = text
                        .get(start..at)
                        .and_then(|key| serde_json::from_slice(key).ok());
                    expects_key = false;
                }
            }
            _ => {}
        }
    }
    levels
}

/// The index after the closing quote of a string whose opening quote is just before `at`.
fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => return at,
            b'\\' => at += 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Place, at};

    fn place(text: &str) -> Place {
        at(text.as_bytes(), 1, text.len())
    }

    #[test]
    fn value_at_the_position() {
        for (text, path) in [
            ("", ""),
            ("{", ""),
            (r#"{"a""#, "a"),
            (r#"{"a":1"#, "a"),
            (r#"{"a":[1,{"b":2"#, "a[1].b"),
            (r#"{"a":["#, "a"),
            (r#"{"a":[ "#, "a"),
            (r#"{"a":[[1,2],[3"#, "a[1][0]"),
            (r#"{"a":{}"#, "a"),
            (r#"{"a":{},"b":1"#, "b"),
            (r#"{"a":"}]{[,\\\"","b":"x"#, "b"),
            (r#"{"x\"y":1"#, "x\"y"),
            (r#"{"\u0061":1"#, "a"),
        ] {
            assert_eq!(place(text).value(), path, "{text}");
        }
    }

    #[test]
    fn object_at_the_position() {
        assert_eq!(place(r#"{"a":[{"b":2"#).object(), "a[0]");
        assert_eq!(place(r#"{"a":[{"b":2}"#).object(), "a[0]");
        assert_eq!(place(r#"{"a":[{"#).object(), "a[0]");
    }

    #[test]
    fn lines_count() {
        let text = b"{\n \"a\": 1,\n \"b\": [2,\n 3]}";
        assert_eq!(at(text, 2, 7).value(), "a");
        assert_eq!(at(text, 4, 2).value(), "b[1]");
        assert_eq!(at(text, 99, 99).value(), "");
    }
}
