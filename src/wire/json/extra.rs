//! Members of an object for which its type has no field.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use super::RawJson;

/// Unknown members in the order of the document, and the optional members that were explicitly `null`. Both are written
/// after the known members, so that a document that is read and written loses nothing but the order.
///
/// One pointer wide while empty: every generated struct has one.
#[derive(Clone, Debug, Default)]
pub struct Extra(Option<Box<ExtraMembers>>);

/// The first is separate from the list: most objects with unknown members have only one, and then need one allocation.
#[derive(Clone, Debug)]
struct ExtraMembers {
    first: ExtraMember,
    more: Vec<ExtraMember>,
}

/// Name and value; `None` for an explicit null of a known member, whose name is static and needs no allocation.
type ExtraMember = (Cow<'static, str>, Option<RawJson>);

impl Extra {
    /// Whether there are no unknown members and no explicit nulls.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The unknown members. A name occurs twice if it did in the document.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.entries()
            .filter_map(|(name, value)| Some((&**name, value.as_deref()?)))
    }

    /// The unknown member of this name. The last one counts, as in most JSON parsers.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.unknown()
            .filter(|(known, _)| *known == name)
            .last()
            .map(|(_, value)| value)
    }

    /// Whether a known optional member was explicitly `null`.
    pub fn is_null(&self, name: &str) -> bool {
        self.entries()
            .any(|(known, value)| known == name && value.is_none())
    }

    /// Adds an unknown member.
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: RawJson) {
        self.add((name.into(), Some(value)));
    }

    /// Records that a known optional member is `null`. It is written as `null` as long as its field is `None`.
    pub fn push_null(&mut self, name: impl Into<Cow<'static, str>>) {
        self.add((name.into(), None));
    }

    /// Writes the unknown members, and the nulls of those members that still have no value (`has_value`).
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
