//! Taking keys out of the YAML tree: kinds of values, variables, unknown and missing keys.
//!
//! Nothing here stops at the first problem; every problem is kept with the path of the part it is about.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::document::{Node, Path, Step};
use super::variables::{Environment, expand};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: Path,
}

/// A piece of text with its variables replaced.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) value: String,
    /// As the file has it: what messages quote, since a variable may hold a secret.
    pub(super) written: String,
}

/// A key of the file that may be absent.
pub(super) type Optional<T> = Option<Located<T>>;

/// What a variable that is not set does to a key of the file that holds a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnsetSecrets {
    /// It is a problem, as everywhere else.
    Refuse,
    /// The key gets a value that passes all checks. For commands that do not look at secrets, and are run where the
    /// variables of the server are not set.
    StandIn,
}

/// The environment, and the problems found so far.
pub(super) struct Reader<'a> {
    environment: &'a Environment<'a>,
    unset_secrets: UnsetSecrets,
    pub(super) problems: Vec<Located<String>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment<'a>, unset_secrets: UnsetSecrets) -> Self {
        Self {
            environment,
            unset_secrets,
            problems: Vec::new(),
        }
    }

    pub(super) fn problem(&mut self, at: &Path, message: impl Into<String>) {
        self.problems.push(Located {
            value: message.into(),
            at: at.clone(),
        });
    }

    fn expanded<'t>(&mut self, text: &'t str, at: &Path) -> Option<Cow<'t, str>> {
        match expand(text, self.environment) {
            Ok(text) => Some(text),
            Err(messages) => {
                for message in messages {
                    self.problem(at, message);
                }
                None
            }
        }
    }

    fn expected<T>(&mut self, what: &str, node: &Node, at: &Path) -> Option<T> {
        let hint = match (what, node) {
            ("text", Node::Integer(_) | Node::Float(_) | Node::Bool(_)) => ": put it in quotes",
            ("text", Node::Null) => ": for empty text write \"\"",
            _ => "",
        };
        self.problem(at, format!("expected {what}, found {}{hint}", node.kind()));
        None
    }

    pub(super) fn text(&mut self, node: &Node, at: &Path) -> Option<Text> {
        let Node::Text(written) = node else {
            return self.expected("text", node, at);
        };
        let value = self.expanded(written, at)?.into_owned();
        Some(Text {
            value,
            written: written.clone(),
        })
    }

    /// Text that is a secret, or has one in it.
    fn secret_text(&mut self, node: &Node, at: &Path, stand_in: &str) -> Option<Text> {
        if let (UnsetSecrets::StandIn, Node::Text(written)) = (self.unset_secrets, node) {
            let all_set = |name: &str| Some((self.environment)(name).unwrap_or_default());
            if expand(written, self.environment).is_err() && expand(written, &all_set).is_ok() {
                return Some(Text {
                    value: stand_in.to_owned(),
                    written: written.clone(),
                });
            }
        }
        self.text(node, at)
    }

    /// A number, or text with a number and its unit.
    fn measure(&mut self, node: &Node, at: &Path) -> Option<Text> {
        match node {
            Node::Integer(number) => Some(Text {
                value: number.to_string(),
                written: number.to_string(),
            }),
            Node::Text(_) => self.text(node, at),
            _ => self.expected("a number, with or without a unit", node, at),
        }
    }

    fn flag(&mut self, node: &Node, at: &Path) -> Option<bool> {
        match node {
            Node::Bool(flag) => Some(*flag),
            Node::Text(written) if written.contains('$') => match self.expanded(written, at)?.as_ref() {
                "true" => Some(true),
                "false" => Some(false),
                _ => {
                    self.problem(at, format!("`{written}` does not give true or false"));
                    None
                }
            },
            _ => self.expected("true or false", node, at),
        }
    }

    /// A number of a thing that goes by a noun.
    fn number(&mut self, node: &Node, at: &Path, noun: &str, range: &RangeInclusive<u16>) -> Option<u16> {
        let within = |number: u16| range.contains(&number).then_some(number);
        let rule = || format!("a {noun} is a number from {} to {}", range.start(), range.end());
        match node {
            Node::Integer(number) => {
                let found = u16::try_from(*number).ok().and_then(within);
                if found.is_none() {
                    self.problem(at, format!("{number} is out of range: {}", rule()));
                }
                found
            }
            Node::Text(written) if written.contains('$') => {
                let found = self.expanded(written, at)?.trim().parse().ok().and_then(within);
                if found.is_none() {
                    self.problem(at, format!("`{written}` does not give a {noun}: {}", rule()));
                }
                found
            }
            _ => self.expected("a number", node, at),
        }
    }

    fn pairs(&mut self, node: &Node, at: &Path) -> Option<Vec<(Located<String>, Text)>> {
        let Node::Map(entries) = node else {
            return self.expected("a mapping of old to new text", node, at);
        };
        let mut pairs: Vec<(Located<String>, Text)> = Vec::with_capacity(entries.len());
        for (index, (key, value)) in entries.iter().enumerate() {
            let key_at = at.then(Step::Key(index));
            let Node::Text(key) = key else {
                self.expected::<()>("text", key, &key_at);
                continue;
            };
            if pairs.iter().any(|(known, _)| known.value == *key) {
                self.problem(&key_at, "this text is already replaced above");
                continue;
            }
            if let Some(value) = self.text(value, &at.then(Step::Value(index))) {
                pairs.push((
                    Located {
                        value: key.clone(),
                        at: key_at,
                    },
                    value,
                ));
            }
        }
        Some(pairs)
    }
}

/// The keys of one mapping. Take each key that may stand there, then [`Keys::finish`].
pub(super) struct Keys<'n> {
    at: Path,
    entries: Vec<Entry<'n>>,
    known: Vec<&'static str>,
    missing: Vec<&'static str>,
}

struct Entry<'n> {
    name: &'n str,
    index: usize,
    node: &'n Node,
}

impl<'n> Keys<'n> {
    /// The keys of `node`, or `None` and a problem when it is not a mapping.
    pub(super) fn of(reader: &mut Reader<'_>, node: &'n Node, at: Path) -> Option<Self> {
        let Node::Map(pairs) = node else {
            return reader.expected("a mapping of keys to values", node, &at);
        };
        let mut entries: Vec<Entry<'_>> = Vec::with_capacity(pairs.len());
        for (index, (key, node)) in pairs.iter().enumerate() {
            let key_at = at.then(Step::Key(index));
            match key {
                Node::Text(name) if entries.iter().any(|entry| entry.name == name) => {
                    reader.problem(&key_at, format!("`{name}` stands here twice"));
                }
                Node::Text(name) => entries.push(Entry { name, index, node }),
                _ => {
                    reader.expected::<()>("a key", key, &key_at);
                }
            }
        }
        Some(Self {
            at,
            entries,
            known: Vec::new(),
            missing: Vec::new(),
        })
    }

    fn entry(&self, name: &str) -> Option<&Entry<'n>> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The value of a key; absent and empty (`key:` with nothing behind it) are the same.
    fn take(&mut self, name: &'static str) -> Option<(&'n Node, Path)> {
        self.known.push(name);
        let entry = self.entry(name)?;
        (*entry.node != Node::Null).then(|| (entry.node, self.at.then(Step::Value(entry.index))))
    }

    pub(super) fn node(&mut self, name: &'static str) -> Option<(&'n Node, Path)> {
        self.take(name)
    }

    pub(super) fn required_node(&mut self, name: &'static str) -> Option<(&'n Node, Path)> {
        let found = self.take(name);
        if found.is_none() {
            self.missing.push(name);
        }
        found
    }

    pub(super) fn text(&mut self, reader: &mut Reader<'_>, name: &'static str) -> Optional<Text> {
        let (node, at) = self.take(name)?;
        reader.text(node, &at).map(|value| Located { value, at })
    }

    pub(super) fn required_text(&mut self, reader: &mut Reader<'_>, name: &'static str) -> Optional<Text> {
        let (node, at) = self.required_node(name)?;
        reader.text(node, &at).map(|value| Located { value, at })
    }

    /// Text that is a secret or has one in it; see [`UnsetSecrets`] for `stand_in`.
    pub(super) fn secret_text(
        &mut self,
        reader: &mut Reader<'_>,
        name: &'static str,
        stand_in: &str,
    ) -> Optional<Text> {
        let (node, at) = self.take(name)?;
        let value = reader.secret_text(node, &at, stand_in)?;
        Some(Located { value, at })
    }

    pub(super) fn required_secret_text(
        &mut self,
        reader: &mut Reader<'_>,
        name: &'static str,
        stand_in: &str,
    ) -> Optional<Text> {
        let (node, at) = self.required_node(name)?;
        let value = reader.secret_text(node, &at, stand_in)?;
        Some(Located { value, at })
    }

    pub(super) fn measure(&mut self, reader: &mut Reader<'_>, name: &'static str) -> Optional<Text> {
        let (node, at) = self.take(name)?;
        reader.measure(node, &at).map(|value| Located { value, at })
    }

    pub(super) fn flag(&mut self, reader: &mut Reader<'_>, name: &'static str) -> Optional<bool> {
        let (node, at) = self.take(name)?;
        reader.flag(node, &at).map(|value| Located { value, at })
    }

    pub(super) fn port(&mut self, reader: &mut Reader<'_>, name: &'static str) -> Optional<u16> {
        self.number(reader, name, "port", 0..=u16::MAX)
    }

    /// A number of a thing that goes by a noun.
    pub(super) fn number(
        &mut self,
        reader: &mut Reader<'_>,
        name: &'static str,
        noun: &str,
        range: RangeInclusive<u16>,
    ) -> Optional<u16> {
        let (node, at) = self.take(name)?;
        reader
            .number(node, &at, noun, &range)
            .map(|value| Located { value, at })
    }

    /// Located at the key: a mapping starts only on the next line.
    pub(super) fn pairs(
        &mut self,
        reader: &mut Reader<'_>,
        name: &'static str,
    ) -> Optional<Vec<(Located<String>, Text)>> {
        let (node, at) = self.take(name)?;
        reader
            .pairs(node, &at)
            .map(|value| Located { value, at: at.key() })
    }

    /// Reports the keys that nobody took and the required ones that are not there.
    pub(super) fn finish(self, reader: &mut Reader<'_>) {
        let mut meant = Vec::new();
        for entry in &self.entries {
            if self.known.contains(&entry.name) {
                continue;
            }
            let free = |name: &&&str| !self.entries.iter().any(|entry| entry.name == **name);
            let hint = match closest(entry.name, self.known.iter().filter(free).copied()) {
                Some(name) => {
                    meant.push(name);
                    format!("did you mean `{name}`?")
                }
                None => format!("the keys here are {}", self.known.join(", ")),
            };
            let at = self.at.then(Step::Key(entry.index));
            reader.problem(&at, format!("unknown key `{}`: {hint}", entry.name));
        }
        for name in &self.missing {
            if let Some(entry) = self.entry(name) {
                let at = self.at.then(Step::Key(entry.index));
                reader.problem(&at, format!("`{name}` has no value"));
            } else if !meant.contains(name) {
                // Only then: a misspelt key is one mistake, not two.
                reader.problem(&self.at, format!("the key `{name}` is missing"));
            }
        }
    }

    /// The names that were asked for, and those of them that are required and not there.
    #[cfg(test)]
    pub(super) fn asked_for(&self) -> (&[&'static str], &[&'static str]) {
        (&self.known, &self.missing)
    }
}

/// The name that `written` was probably meant to be.
pub(crate) fn closest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Less alike than this, a hint would be a guess.
    const ALIKE: f64 = 0.6;
    let written = written.to_lowercase().replace('-', "_");
    names
        .map(|name| {
            (
                strsim::normalized_damerau_levenshtein(&written, &name.replace('-', "_")),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}
