//! Reads keys from the YAML tree: checks the kinds of values, replaces variables, and reports unknown and missing
//! keys.
//!
//! Nothing here stops at the first problem, because a user wants to see all of them at once.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::document::{YamlNode, YamlPath, YamlStep};
use super::variables::{self, Environment};

/// A value and its path.
#[derive(Debug, Clone)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: YamlPath,
}

/// Text with its variables replaced.
#[derive(Debug, Clone)]
pub(super) struct ExpandedText {
    pub(super) value: String,
    /// The text in the file, which messages quote, because a variable may contain a secret.
    pub(super) written: String,
}

/// A key that may be absent.
pub(super) type OptionalKey<T> = Option<Located<T>>;

/// How to treat a variable that is not set, in a key that contains a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnsetSecrets {
    /// Report a problem, as for all other keys.
    Refuse,
    /// Replace the secret by a value that passes all checks. This is for commands that do not use secrets and often
    /// run in a shell without the server's variables.
    StandIn,
}

/// The environment, and the problems found until now.
pub(super) struct ConfigReader<'a> {
    environment: &'a Environment<'a>,
    unset_secrets: UnsetSecrets,
    pub(super) problems: Vec<Located<String>>,
}

impl<'a> ConfigReader<'a> {
    pub(super) fn new(environment: &'a Environment<'a>, unset_secrets: UnsetSecrets) -> Self {
        Self {
            environment,
            unset_secrets,
            problems: Vec::new(),
        }
    }

    pub(super) fn report(&mut self, at: &YamlPath, message: impl Into<String>) {
        self.problems.push(Located {
            value: message.into(),
            at: at.clone(),
        });
    }

    fn expand<'t>(&mut self, text: &'t str, at: &YamlPath) -> Option<Cow<'t, str>> {
        match variables::expand(text, self.environment) {
            Ok(text) => Some(text),
            Err(messages) => {
                for message in messages {
                    self.report(at, message);
                }
                None
            }
        }
    }

    /// Reports a value of the wrong kind. `name` is the key; it is empty for the value of a list item.
    fn report_unexpected<T>(&mut self, name: &str, what: &str, node: &YamlNode, at: &YamlPath) -> Option<T> {
        let hint = match (what, node) {
            ("text", YamlNode::Integer(_) | YamlNode::Float(_) | YamlNode::Bool(_)) => ": put it in quotes",
            ("text", YamlNode::Null) => ": for empty text write \"\"",
            ("text", YamlNode::Map(_)) => {
                ": text that begins with `{` needs quotes, and variables are written `${VAR}`"
            }
            // YAML 1.1 had these booleans; in YAML 1.2, they are text.
            ("true or false", YamlNode::Text(word)) => match word.to_lowercase().as_str() {
                "yes" | "on" | "true" => ": write true without quotes",
                "no" | "off" | "false" => ": write false without quotes",
                _ => "",
            },
            _ => "",
        };
        let key = if name.is_empty() {
            String::new()
        } else {
            format!("`{name}`: ")
        };
        self.report(at, format!("{key}expected {what}, found {}{hint}", node.kind()));
        None
    }

    pub(super) fn read_text(&mut self, name: &str, node: &YamlNode, at: &YamlPath) -> Option<ExpandedText> {
        let YamlNode::Text(written) = node else {
            return self.report_unexpected(name, "text", node, at);
        };
        let value = self.expand(written, at)?.into_owned();
        Some(ExpandedText {
            value,
            written: written.clone(),
        })
    }

    /// Reads text that is or contains a secret.
    fn read_secret_text(
        &mut self,
        name: &str,
        node: &YamlNode,
        at: &YamlPath,
        stand_in: &str,
    ) -> Option<ExpandedText> {
        if let (UnsetSecrets::StandIn, YamlNode::Text(written)) = (self.unset_secrets, node) {
            let all_set = |name: &str| Some((self.environment)(name).unwrap_or_default());
            if variables::expand(written, self.environment).is_err()
                && variables::expand(written, &all_set).is_ok()
            {
                return Some(ExpandedText {
                    value: stand_in.to_owned(),
                    written: written.clone(),
                });
            }
        }
        self.read_text(name, node, at)
    }

    /// Reads a number, or text with a number and a unit.
    fn read_quantity(&mut self, name: &str, node: &YamlNode, at: &YamlPath) -> Option<ExpandedText> {
        match node {
            YamlNode::Integer(number) => Some(ExpandedText {
                value: number.to_string(),
                written: number.to_string(),
            }),
            YamlNode::Text(_) => self.read_text(name, node, at),
            _ => self.report_unexpected(name, "a number, with or without a unit", node, at),
        }
    }

    fn read_flag(&mut self, name: &str, node: &YamlNode, at: &YamlPath) -> Option<bool> {
        match node {
            YamlNode::Bool(flag) => Some(*flag),
            YamlNode::Text(written) if written.contains('$') => match self.expand(written, at)?.as_ref() {
                "true" => Some(true),
                "false" => Some(false),
                _ => {
                    self.report(at, format!("`{written}` must give true or false"));
                    None
                }
            },
            _ => self.report_unexpected(name, "true or false", node, at),
        }
    }

    /// Reads a number; `noun` names it in messages.
    fn read_number(
        &mut self,
        name: &str,
        node: &YamlNode,
        at: &YamlPath,
        noun: &str,
        range: &RangeInclusive<u16>,
    ) -> Option<u16> {
        let within = |number: u16| range.contains(&number).then_some(number);
        let rule = || format!("a {noun} is a number from {} to {}", range.start(), range.end());
        match node {
            YamlNode::Integer(number) => {
                let found = u16::try_from(*number).ok().and_then(within);
                if found.is_none() {
                    self.report(at, format!("{number} is out of range: {}", rule()));
                }
                found
            }
            YamlNode::Text(written) if written.contains('$') => {
                let found = self.expand(written, at)?.trim().parse().ok().and_then(within);
                if found.is_none() {
                    self.report(at, format!("`{written}` must give a {noun}: {}", rule()));
                }
                found
            }
            _ => self.report_unexpected(name, "a number", node, at),
        }
    }

    fn read_pairs(
        &mut self,
        name: &str,
        node: &YamlNode,
        at: &YamlPath,
    ) -> Option<Vec<(Located<String>, ExpandedText)>> {
        let YamlNode::Map(entries) = node else {
            return self.report_unexpected(name, "a mapping of old to new text", node, at);
        };
        let mut pairs: Vec<(Located<String>, ExpandedText)> = Vec::with_capacity(entries.len());
        for (index, (key, value)) in entries.iter().enumerate() {
            let key_at = at.child(YamlStep::Key(index));
            let YamlNode::Text(key) = key else {
                self.report_unexpected::<()>(name, "text", key, &key_at);
                continue;
            };
            if pairs.iter().any(|(known, _)| known.value == *key) {
                self.report(&key_at, "duplicate text: it is already replaced above");
                continue;
            }
            if let Some(value) = self.read_text(name, value, &at.child(YamlStep::Value(index))) {
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

/// The keys of one mapping. Read each known key, then call [`MappingKeys::finish`] to report the others.
pub(super) struct MappingKeys<'n> {
    at: YamlPath,
    entries: Vec<KeyEntry<'n>>,
    known: Vec<&'static str>,
    missing: Vec<&'static str>,
}

struct KeyEntry<'n> {
    name: &'n str,
    index: usize,
    node: &'n YamlNode,
}

impl<'n> MappingKeys<'n> {
    /// The keys of `node`. If it is not a mapping, reports a problem and returns `None`.
    pub(super) fn of(reader: &mut ConfigReader<'_>, node: &'n YamlNode, at: YamlPath) -> Option<Self> {
        let YamlNode::Map(pairs) = node else {
            return reader.report_unexpected("", "a mapping of keys to values", node, &at);
        };
        let mut entries: Vec<KeyEntry<'_>> = Vec::with_capacity(pairs.len());
        for (index, (key, node)) in pairs.iter().enumerate() {
            let key_at = at.child(YamlStep::Key(index));
            match key {
                YamlNode::Text(name) if entries.iter().any(|entry| entry.name == name) => {
                    reader.report(&key_at, format!("duplicate key `{name}`"));
                }
                YamlNode::Text(name) => entries.push(KeyEntry { name, index, node }),
                _ => {
                    reader.report_unexpected::<()>("", "text as a key", key, &key_at);
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

    fn entry(&self, name: &str) -> Option<&KeyEntry<'n>> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The value of a key; `None` if the key is absent or has no value (`key:`).
    fn take(&mut self, name: &'static str) -> Option<(&'n YamlNode, YamlPath)> {
        self.known.push(name);
        let entry = self.entry(name)?;
        (*entry.node != YamlNode::Null).then(|| (entry.node, self.at.child(YamlStep::Value(entry.index))))
    }

    pub(super) fn take_node(&mut self, name: &'static str) -> Option<(&'n YamlNode, YamlPath)> {
        self.take(name)
    }

    pub(super) fn take_required_node(&mut self, name: &'static str) -> Option<(&'n YamlNode, YamlPath)> {
        let found = self.take(name);
        if found.is_none() {
            self.missing.push(name);
        }
        found
    }

    pub(super) fn read_text(
        &mut self,
        reader: &mut ConfigReader<'_>,
        name: &'static str,
    ) -> OptionalKey<ExpandedText> {
        let (node, at) = self.take(name)?;
        reader
            .read_text(name, node, &at)
            .map(|value| Located { value, at })
    }

    pub(super) fn read_required_text(
        &mut self,
        reader: &mut ConfigReader<'_>,
        name: &'static str,
    ) -> OptionalKey<ExpandedText> {
        let (node, at) = self.take_required_node(name)?;
        reader
            .read_text(name, node, &at)
            .map(|value| Located { value, at })
    }

    /// Reads text that is or contains a secret. `stand_in` replaces it in the case of [`UnsetSecrets::StandIn`].
    pub(super) fn read_secret_text(
        &mut self,
        reader: &mut ConfigReader<'_>,
        name: &'static str,
        stand_in: &str,
    ) -> OptionalKey<ExpandedText> {
        let (node, at) = self.take(name)?;
        let value = reader.read_secret_text(name, node, &at, stand_in)?;
        Some(Located { value, at })
    }

    pub(super) fn read_required_secret_text(
        &mut self,
        reader: &mut ConfigReader<'_>,
        name: &'static str,
        stand_in: &str,
    ) -> OptionalKey<ExpandedText> {
        let (node, at) = self.take_required_node(name)?;
        let value = reader.read_secret_text(name, node, &at, stand_in)?;
        Some(Located { value, at })
    }

    pub(super) fn read_quantity(
        &mut self,
        reader: &mut ConfigReader<'_>,
        name: &'static str,
    ) -> OptionalKey<ExpandedText> {
        let (node, at) = self.take(name)?;
        reader
            .read_quantity(name, node, &at)
            .map(|value| Located { value, at })
    }

    pub(super) fn read_flag(
        &mut self,
        reader: &mut ConfigReader<'_>,
        name: &'static str,
    ) -> OptionalKey<bool> {
        let (node, at) = self.take(name)?;
        reader
            .read_flag(name, node, &at)
            .map(|value| Located { value, at })
    }

    pub(super) fn read_port(
        &mut self,
        reader: &mut ConfigReader<'_>,
        name: &'static str,
    ) -> OptionalKey<u16> {
        self.read_number(reader, name, "port", 0..=u16::MAX)
    }

    /// Reads a number; `noun` names it in messages.
    pub(super) fn read_number(
        &mut self,
        reader: &mut ConfigReader<'_>,
        name: &'static str,
        noun: &str,
        range: RangeInclusive<u16>,
    ) -> OptionalKey<u16> {
        let (node, at) = self.take(name)?;
        reader
            .read_number(name, node, &at, noun, &range)
            .map(|value| Located { value, at })
    }

    /// Reads a mapping of texts. Its path is that of the key, because the mapping itself begins on the next line.
    pub(super) fn read_pairs(
        &mut self,
        reader: &mut ConfigReader<'_>,
        name: &'static str,
    ) -> OptionalKey<Vec<(Located<String>, ExpandedText)>> {
        let (node, at) = self.take(name)?;
        reader.read_pairs(name, node, &at).map(|value| Located {
            value,
            at: at.of_key(),
        })
    }

    /// Reports the keys that were not read, and the required keys that are missing.
    pub(super) fn finish(self, reader: &mut ConfigReader<'_>) {
        let mut meant = Vec::new();
        for entry in &self.entries {
            if self.known.contains(&entry.name) {
                continue;
            }
            let free = |name: &&&str| !self.entries.iter().any(|entry| entry.name == **name);
            let hint = match find_closest(entry.name, self.known.iter().filter(free).copied()) {
                Some(name) => {
                    meant.push(name);
                    format!("did you mean `{name}`?")
                }
                None if entry.name == "<<" => "YAML merge keys are not supported".to_owned(),
                None => format!("the keys here are {}", self.known.join(", ")),
            };
            let at = self.at.child(YamlStep::Key(entry.index));
            reader.report(&at, format!("unknown key `{}`: {hint}", entry.name));
        }
        for name in &self.missing {
            if let Some(entry) = self.entry(name) {
                let at = self.at.child(YamlStep::Key(entry.index));
                reader.report(&at, format!("the required key `{name}` has no value"));
            } else if !meant.contains(name) {
                // A required key that is misspelt was reported above. It is one mistake, not two.
                reader.report(&self.at, format!("the required key `{name}` is missing"));
            }
        }
    }

    /// All names that were read, and the required ones that are missing.
    #[cfg(test)]
    pub(super) fn asked_for(&self) -> (&[&'static str], &[&'static str]) {
        (&self.known, &self.missing)
    }
}

/// The name that is most similar to `written`; `None` if none is similar enough for a hint.
pub(crate) fn find_closest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this similarity, a hint would be a guess.
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
