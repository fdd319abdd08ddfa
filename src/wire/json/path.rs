//! From a position in a JSON text to the path of the value there.

/// A value's place: the object or array around it, and its name or index there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) container: String,
    pub(super) member: String,
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
    let end = line_start.saturating_add(column).min(text.len());
    let levels = open_levels(text.get(..end).unwrap_or_default());
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
