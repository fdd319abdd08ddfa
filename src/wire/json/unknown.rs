//! Objects whose tag a union has no variant for.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::RawJson;

/// An object with an unknown tag. All members are kept in their order, including the tag.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// The value of the tag; empty if there was none.
    pub tag: String,
    /// Name and raw JSON of each member.
    pub members: Vec<(String, RawJson)>,
}

impl Unknown {
    /// Creates an object; `members` include the tag.
    pub fn new(tag: impl Into<String>, members: Vec<(String, RawJson)>) -> Self {
        Self {
            tag: tag.into(),
            members,
        }
    }

    /// The value of a member. The last one of a name counts.
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
