//! The two places where this module relies on internals of serde_json, which a new version may change.
//!
//! Both concern `RawValue`. If an update of serde_json changes one, a test fails: `raw_json_is_kept_unchanged` below
//! for reading, `writes_the_same_as_serde_json` in `serializer.rs` for writing.

use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::RawJson;

/// The name of the struct (and of its only field) as which serde_json's `RawValue` serializes itself. serde_json's own
/// serializer writes the string in it without quotes. [`super::serializer`] recognises the name and does the same.
pub(super) const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Keeps a text that the scanner has already found to be one valid JSON value; `None` never happens as long as
/// serde_json accepts a map for a `RawValue`.
///
/// serde_json's public constructor, `RawValue::from_string`, would parse every byte again. A `RawValue` that comes from
/// a deserializer is not checked: it asks for a newtype struct, accepts a map and takes the map's string as it is.
pub(super) fn raw_from_valid(span: &str) -> Option<RawJson> {
    RawJson::deserialize(CheckedJson(span)).ok()
}

/// A deserializer that hands over a text that is known to be valid JSON.
struct CheckedJson<'a>(&'a str);

impl<'de> Deserializer<'de> for CheckedJson<'de> {
    type Error = serde::de::value::Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_map(MapDeserializer::new(std::iter::once((name, self.0))))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_str(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl fmt::Debug for CheckedJson<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::raw_from_valid;

    #[test]
    fn raw_json_is_kept_unchanged() {
        for text in ["1.0", "{ \"a\" : [1e5, null] }", "\"\\u00e9\""] {
            assert_eq!(raw_from_valid(text).expect("serde_json takes it").get(), text);
        }
    }
}
