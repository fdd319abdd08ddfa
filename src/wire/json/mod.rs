//! What generated types are read and written with.
//!
//! Objects keep the members they do not know ([`Extra`]), unions keep the variants they do not know ([`Unknown`]),
//! free-form JSON keeps its text ([`RawJson`]). A tagged union is dispatched while it is read: where the tag comes first,
//! everything after it goes straight into the variant; what comes before a later one is passed over to find it.

mod error;
mod escape;
mod extra;
mod keys;
mod lazy;
mod map;
mod members;
mod number;
mod pattern;
mod raw_members;
mod read;
mod scan;
mod serde_json_compat;
mod serializer;
mod string;
mod template;
mod unknown;
mod untagged;
mod write;

pub use error::{JsonFault, ReadError, parse, parse_shared, parse_text, parse_with_raw_members};
pub use escape::write_string;
pub use extra::Extra;
pub use keys::{JsonKey, NOT_KNOWN, UnionTag};
pub use lazy::{Concat, LazyStr, join};
pub use map::Map;
pub use members::{ObjectMembers, ReadObject, need, read_object};
pub use number::IntegerMode;
#[cfg(test)]
pub use pattern::pattern_hits;
pub use pattern::{EventPattern, FieldPaths};
pub use raw_members::RawMembers;
pub use read::ReadJson;
pub use scan::Scanner;
pub use serde_json::Number;
pub use serializer::NoEscape;
pub use template::{FrameTemplate, TemplateMarks};
pub use unknown::Unknown;
pub use untagged::{UntaggedUnion, read_untagged};
pub use write::{append, compact, to_bytes, write_constant, write_optional};

/// JSON kept as the text it came in: order, spelling of numbers and escapes survive.
pub type RawJson = Box<serde_json::value::RawValue>;

/// [`ReadJson`] for types that read themselves from the members of an object.
macro_rules! read_as_object {
    ($type:ty) => {
        $crate::wire::json::read_with!($type, read_object);
    };
}
pub(crate) use read_as_object;

/// [`ReadJson`] for types that look at the JSON kind first.
macro_rules! read_as_untagged {
    ($type:ty) => {
        $crate::wire::json::read_with!($type, read_untagged);
    };
}
pub(crate) use read_as_untagged;

/// [`ReadJson`] by a function of this module, and `Deserialize` for documents that serde_json reads.
macro_rules! read_with {
    ($type:ty, $read:ident) => {
        impl $crate::wire::json::ReadJson for $type {
            fn read(
                scanner: &mut $crate::wire::json::Scanner<'_>,
            ) -> Result<Self, $crate::wire::json::JsonFault> {
                $crate::wire::json::$read(scanner)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = $crate::wire::json::RawJson::deserialize(deserializer)?;
                $crate::wire::json::parse_text(text.get()).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use read_with;

/// Reading, writing and conversions of an enum of strings that is open: `Other` holds what is not known.
macro_rules! open_enum {
    ($type:ident { $($variant:ident = $value:literal),* $(,)? }) => {
        impl $type {
            /// The value on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Other(value) => value,
                }
            }
        }

        impl From<&str> for $type {
            fn from(value: &str) -> Self {
                match value {
                    $($value => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl From<std::borrow::Cow<'_, str>> for $type {
            fn from(value: std::borrow::Cow<'_, str>) -> Self {
                match &*value {
                    $($value => Self::$variant,)*
                    _ => Self::Other(value.into_owned()),
                }
            }
        }

        impl From<String> for $type {
            fn from(value: String) -> Self {
                match value.as_str() {
                    $($value => Self::$variant,)*
                    _ => Self::Other(value),
                }
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Other(value) => serializer.serialize_str(value),
                    known => {
                        serde::Serialize::serialize(&$crate::wire::json::NoEscape(known.as_str()), serializer)
                    }
                }
            }
        }

        impl $crate::wire::json::ReadJson for $type {
            fn read(
                scanner: &mut $crate::wire::json::Scanner<'_>,
            ) -> Result<Self, $crate::wire::json::JsonFault> {
                scanner.read_string().map(Self::from)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(String::deserialize(deserializer)?))
            }
        }
    };
}
pub(crate) use open_enum;
