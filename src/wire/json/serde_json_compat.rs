//! What this module relies on that serde_json does not promise.

use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::RawJson;

/// How `serde_json` names the structure of which its `RawValue` pretends to be; a test guards it.
pub(super) const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Keeps a text that has been found to be one JSON value.
///
/// The constructor that serde_json has for this would look at every byte once more; what it reads from a deserializer
/// it believes.
pub(super) fn raw_from_valid(span: &str) -> Option<RawJson> {
    RawJson::deserialize(CheckedJson(span)).ok()
}

/// Gives a raw value its text.
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
    fn text_is_kept_as_it_is() {
        for text in ["1.0", "{ \"a\" : [1e5, null] }", "\"\\u00e9\""] {
            assert_eq!(raw_from_valid(text).expect("serde_json takes it").get(), text);
        }
    }
}
