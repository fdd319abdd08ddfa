//! Variants of a union that its type does not name.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::RawJson;

/// An object whose tag is not known, with all its members in their order, the tag included.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// The tag's value; empty if there was none.
    pub tag: String,
    /// Name and text of every member.
    pub members: Vec<(String, RawJson)>,
}

impl Unknown {
    /// An object of these members.
    pub fn new(tag: impl Into<String>, members: Vec<(String, RawJson)>) -> Self {
        Self {
            tag: tag.into(),
            members,
        }
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.members
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| &**value)
    }
}

impl Serialize for Unknown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
