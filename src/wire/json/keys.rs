//! Names and tags, turned into numbers while they are read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

/// What a lookup function answers for a name or a tag that it does not know.
pub const NOT_KNOWN: u16 = u16::MAX;

/// The name of a member.
#[derive(Debug)]
pub enum Key {
    /// What the lookup function answered.
    Known(u16),
    /// A name that it does not know.
    Other(String),
}

/// The value of a union's tag.
#[derive(Debug)]
pub enum Tag {
    /// What the lookup function answered.
    Known(u16),
    /// A value that it does not know.
    Other(String),
    /// Explicitly null.
    Null,
    /// Not there. All members have been read.
    Absent,
}

/// Reads a name.
pub(super) struct KeySeed(pub(super) fn(&str) -> u16);

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
        Ok(match (self.0)(name) {
            NOT_KNOWN => Key::Other(name.to_owned()),
            known => Key::Known(known),
        })
    }
}

/// `None` for the wanted name, others in full.
pub(super) struct FindSeed(pub(super) &'static str);

impl<'de> DeserializeSeed<'de> for FindSeed {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FindSeed {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((name != self.0).then(|| name.to_owned()))
    }
}

/// Reads a tag.
pub(super) struct TagSeed(pub(super) fn(&str) -> u16);

impl<'de> DeserializeSeed<'de> for TagSeed {
    type Value = Tag;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tag, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for TagSeed {
    type Value = Tag;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tag, E> {
        Ok(match (self.0)(value) {
            NOT_KNOWN => Tag::Other(value.to_owned()),
            known => Tag::Known(known),
        })
    }

    fn visit_unit<E: Error>(self) -> Result<Tag, E> {
        Ok(Tag::Null)
    }
}
