//! The members of an object that its type does not name.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use super::RawJson;

/// Unknown members in their order, and which known optional members were explicitly null.
///
/// One pointer wide while empty. They are written after the known members.
#[derive(Clone, Debug, Default)]
pub struct Extra(Option<Box<ExtraMembers>>);

/// The first stands apart: most objects that have one have no other, and need one allocation then.
#[derive(Clone, Debug)]
struct ExtraMembers {
    first: ExtraMember,
    more: Vec<ExtraMember>,
}

/// Name and text; no text for an explicit null of a known member.
type ExtraMember = (Cow<'static, str>, Option<RawJson>);

impl Extra {
    /// Whether there is neither an unknown member nor an explicit null.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The unknown members. A name can occur twice if it did on the wire.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.entries()
            .filter_map(|(name, value)| Some((&**name, value.as_deref()?)))
    }

    /// The unknown member of this name; the last one, as most JSON readers have it.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.unknown()
            .filter(|(known, _)| *known == name)
            .last()
            .map(|(_, value)| value)
    }

    /// Whether a known optional member was explicitly null.
    pub fn is_null(&self, name: &str) -> bool {
        self.entries()
            .any(|(known, value)| known == name && value.is_none())
    }

    /// Adds an unknown member.
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: RawJson) {
        self.add((name.into(), Some(value)));
    }

    /// Has a known optional member written as `null` while its field is `None`.
    pub fn push_null(&mut self, name: impl Into<Cow<'static, str>>) {
        self.add((name.into(), None));
    }

    /// Writes everything but the nulls of members that have a value by now.
    pub fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        has_value: impl Fn(&str) -> bool,
    ) -> Result<(), M::Error> {
        for (name, value) in self.entries() {
            if value.is_some() || !has_value(name) {
                map.serialize_entry(name, value)?;
            }
        }
        Ok(())
    }

    fn entries(&self) -> impl Iterator<Item = &ExtraMember> {
        let entries = self.0.iter();
        entries.flat_map(|entries| std::iter::once(&entries.first).chain(&entries.more))
    }

    fn add(&mut self, entry: ExtraMember) {
        match &mut self.0 {
            Some(entries) => entries.more.push(entry),
            empty => {
                let more = Vec::new();
                *empty = Some(Box::new(ExtraMembers { first: entry, more }));
            }
        }
    }
}
