//! A YAML document as a tree, and the position of each of its nodes in the file.
//!
//! The YAML crate reports positions only in its errors, so the tree contains none. A node is identified by its
//! [`YamlPath`]. To find its position, [`locate`] parses the text again, fails at that node and returns the position
//! of the error. This costs nothing unless there is a problem to report.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// One YAML value; aliases are resolved.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum YamlNode {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<YamlNode>),
    /// In the order of the file. Duplicate keys are kept, to report them.
    Map(Vec<(YamlNode, YamlNode)>),
}

impl YamlNode {
    /// The kind of the value in words, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// One step down the tree, by index, because keys may be duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum YamlStep {
    Item(usize),
    Key(usize),
    Value(usize),
}

/// The path from the root of the document to one of its nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct YamlPath(Vec<YamlStep>);

impl YamlPath {
    /// The path of the key, if this is the path of its value.
    pub(super) fn of_key(&self) -> Self {
        let mut steps = self.0.clone();
        if let Some(last) = steps.last_mut()
            && let YamlStep::Value(index) = *last
        {
            *last = YamlStep::Key(index);
        }
        Self(steps)
    }

    /// The path of a child node.
    pub(super) fn child(&self, step: YamlStep) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

/// Line and column, both from 1.
pub(super) type FilePosition = (usize, usize);

/// Parses one YAML document.
///
/// # Errors
/// The position, if it is known, and the message of the first syntax error.
pub(super) fn parse(text: &str) -> Result<YamlNode, (Option<FilePosition>, String)> {
    serde_yaml::from_str(text).map_err(|error| {
        let place = error.location().map(|at| (at.line(), at.column()));
        (place, describe(&error.to_string()))
    })
}

/// The position of the node at `path`, or of its closest ancestor that exists.
pub(super) fn locate(text: &str, path: &YamlPath) -> FilePosition {
    let deserializer = serde_yaml::Deserializer::from_str(text);
    match (PositionFinder { steps: &path.0 }).deserialize(deserializer) {
        Err(error) => error.location().map_or((1, 1), |at| (at.line(), at.column())),
        Ok(()) => (1, 1),
    }
}

/// Hints for messages of the YAML parser, each with words that identify the message. The parser reports where it
/// stopped, which is often after the line with the mistake.
const HINTS: [(&str, &str); 7] = [
    (
        "scanning an alias",
        "text that starts with `*` needs quotes in YAML: \"*\"",
    ),
    (
        "unknown anchor",
        "text that starts with `*` needs quotes in YAML: \"*\"",
    ),
    (
        "did not find expected '-' indicator",
        "check the indentation: all keys of an entry begin at the same column",
    ),
    (
        "did not find expected key",
        "check the indentation: all keys of an entry begin at the same column",
    ),
    (
        "mapping values are not allowed",
        "check the indentation of this line, and put text that contains `: ` in quotes",
    ),
    (
        "could not find expected ':'",
        "a line above may lack the `: ` after its key",
    ),
    (
        "found unexpected end of stream",
        "a quote or bracket above is not closed",
    ),
];

/// The message of the YAML crate with a hint. Positions in the message are removed, because they are reported
/// separately.
fn describe(message: &str) -> String {
    if message.contains("more than one document") {
        return "the file contains more than one YAML document (separated by `---`): only one is supported"
            .to_owned();
    }
    let mut plain = String::new();
    for (index, part) in message.split(" at line ").enumerate() {
        let part = if index == 0 {
            part
        } else {
            part.trim_start_matches(|c: char| c.is_ascii_digit())
                .trim_start_matches(" column ")
                .trim_start_matches(|c: char| c.is_ascii_digit())
        };
        plain.push_str(part);
    }
    if let Some((_, hint)) = HINTS.iter().find(|(words, _)| plain.contains(words)) {
        plain.push_str("; ");
        plain.push_str(hint);
    }
    plain
}

impl<'de> Deserialize<'de> for YamlNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlNodeVisitor)
    }
}

struct YamlNodeVisitor;

impl<'de> Visitor<'de> for YamlNodeVisitor {
    type Value = YamlNode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: Error>(self) -> Result<YamlNode, E> {
        Ok(YamlNode::Null)
    }

    /// An empty document.
    fn visit_none<E: Error>(self) -> Result<YamlNode, E> {
        Ok(YamlNode::Null)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<YamlNode, A::Error> {
        Err(A::Error::custom("YAML tags (`!name`) are not supported"))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<YamlNode, E> {
        Ok(YamlNode::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<YamlNode, E> {
        Ok(YamlNode::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<YamlNode, E> {
        Ok(YamlNode::Integer(value.into()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<YamlNode, E> {
        Ok(YamlNode::Integer(value))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<YamlNode, E> {
        Ok(i128::try_from(value).map_or(YamlNode::Float(f64::INFINITY), YamlNode::Integer))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<YamlNode, E> {
        Ok(YamlNode::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<YamlNode, E> {
        Ok(YamlNode::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<YamlNode, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(YamlNode::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<YamlNode, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(YamlNode::Map(entries))
    }
}

/// Parses down to a node of the document and fails there, so that the error has the node's position.
struct PositionFinder<'p> {
    steps: &'p [YamlStep],
}

fn stop_here<E: Error>() -> E {
    E::custom("here")
}

impl<'de> DeserializeSeed<'de> for PositionFinder<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PositionFinder<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(stop_here())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Err(stop_here())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Err(stop_here())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Err(stop_here())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Err(stop_here())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(stop_here())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        if let Some((YamlStep::Item(wanted), rest)) = self.steps.split_first() {
            for _ in 0..*wanted {
                access.next_element::<IgnoredAny>()?;
            }
            access.next_element_seed(PositionFinder { steps: rest })?;
        }
        Err(stop_here())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        if let Some((step @ (YamlStep::Key(wanted) | YamlStep::Value(wanted)), rest)) =
            self.steps.split_first()
        {
            for _ in 0..*wanted {
                access.next_entry::<IgnoredAny, IgnoredAny>()?;
            }
            if matches!(step, YamlStep::Key(_)) {
                access.next_key_seed(PositionFinder { steps: rest })?;
            } else if access.next_key::<IgnoredAny>()?.is_some() {
                access.next_value_seed(PositionFinder { steps: rest })?;
            }
        }
        Err(stop_here())
    }
}

#[cfg(test)]
mod tests {
    use super::{YamlNode, YamlPath, YamlStep, locate, parse};

    const TEXT: &str = "server:\n  port: 1\nmodels:\n  - a: x\n    b: {c: [1, two]}\n  - a: y\n    a: z\n";

    fn path(steps: &[YamlStep]) -> YamlPath {
        steps
            .iter()
            .fold(YamlPath::default(), |path, step| path.child(*step))
    }

    #[test]
    fn every_node_has_a_position() {
        use YamlStep::{Item, Key, Value};
        for (steps, place) in [
            (&[][..], (1, 1)),
            (&[Key(0)], (1, 1)),
            (&[Value(0)], (2, 3)),
            (&[Value(0), Value(0)], (2, 9)),
            (&[Key(1)], (3, 1)),
            (&[Value(1), Item(0)], (4, 5)),
            (&[Value(1), Item(0), Value(1), Value(0), Item(1)], (5, 16)),
            (&[Value(1), Item(1), Key(1)], (7, 5)),
            (&[Value(1), Item(1), Value(1)], (7, 8)),
            // The node does not exist: its closest ancestor.
            (&[Value(1), Item(1), Value(9)], (6, 5)),
        ] {
            assert_eq!(locate(TEXT, &path(steps)), place, "{steps:?}");
        }
    }

    #[test]
    fn values_keep_kind_order_and_repetition() {
        let text = |text: &str| YamlNode::Text(text.to_owned());
        assert_eq!(
            parse("{a: 1, a: ~, b: [true, 1.5, '1', &x y, *x]}"),
            Ok(YamlNode::Map(vec![
                (text("a"), YamlNode::Integer(1)),
                (text("a"), YamlNode::Null),
                (
                    text("b"),
                    YamlNode::List(vec![
                        YamlNode::Bool(true),
                        YamlNode::Float(1.5),
                        text("1"),
                        text("y"),
                        text("y")
                    ])
                ),
            ]))
        );
    }

    #[test]
    fn syntax_errors_have_a_position_and_a_hint() {
        let (place, message) = parse("a: *\n").unwrap_err();
        assert_eq!(place.map(|(line, _)| line), Some(1));
        assert!(message.contains("needs quotes"), "{message}");
        assert!(!message.contains(" line "), "{message}");
        for (text, hint) in [
            ("a:\n  - b: 1\n   c: 2\n", "check the indentation"),
            ("a: b\n  c: d\n", "check the indentation"),
            ("a: b: c\n", "in quotes"),
            ("a: 1\nb\nc: 2\n", "may lack the `: `"),
            ("a: 'x\nb: 2\n", "is not closed"),
        ] {
            let (_, message) = parse(text).unwrap_err();
            assert!(message.contains(hint), "{text}: {message}");
        }
        assert!(parse("a: !tag x\n").is_err());
        assert!(parse("a: 1\n---\nb: 2\n").is_err());
    }
}
