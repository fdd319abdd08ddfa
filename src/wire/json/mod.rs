//! The JSON runtime of the generated types: reads them, writes them, and keeps what they do not know.
//!
//! Objects keep unknown members ([`Extra`]), unions keep unknown variants ([`Unknown`]), and free-form JSON keeps its
//! text ([`RawJson`]). So a document that is read and written loses nothing but the order of its members.
//!
//! # Files, in reading order
//!
//! | file | contents |
//! | --- | --- |
//! | `read.rs` | the trait [`ReadJson`], which every type that is read implements |
//! | `scan/` | [`Scanner`]: the position in the text; `skip.rs` for values that are not read, `mismatch.rs` for their errors |
//! | `string.rs` | strings: check, measure, decode |
//! | `number.rs` | integers |
//! | `members.rs`, `keys.rs` | objects member by member; the tag of a tagged union |
//! | `untagged.rs` | unions without a tag |
//! | `extra.rs`, `unknown.rs`, `map.rs` | unknown members, unknown variants, objects whose names are data |
//! | `error.rs` | entry points ([`parse`] and its variants), errors with paths |
//! | `lazy/` | [`LazyStr`]: text that stays in the request's body |
//! | `raw_members.rs` | members of a request that its response repeats |
//! | `write.rs`, `serializer.rs`, `escape.rs` | writing |
//! | `serde_json_compat.rs` | the internals of serde_json that this module relies on |
//! | `pattern.rs`, `template.rs` | [`EventPattern`], [`FrameTemplate`]: the two halves of the fast path for repeated stream events |
//!
//! # Two scanners
//!
//! [`Scanner`] reads a document in full, into types, for a translation. It is strict: it accepts what serde_json
//! accepts. [`crate::wire::splice`] finds a few values in a document that is forwarded, and leaves the rest of it
//! unread. It is lenient: of a value that it skips it checks only that strings end and brackets pair. That is why there
//! are two: checking everything would make forwarding a request several times as expensive, and the upstream checks it
//! anyway.

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

/// JSON kept as the text in which it arrived: key order, number spelling and escapes survive.
pub type RawJson = Box<serde_json::value::RawValue>;

/// Implements [`ReadJson`] for a type that implements [`ReadObject`].
macro_rules! read_as_object {
    ($type:ty) => {
        $crate::wire::json::read_with!($type, read_object);
    };
}
pub(crate) use read_as_object;

/// Implements [`ReadJson`] for a type that implements [`UntaggedUnion`].
macro_rules! read_as_untagged {
    ($type:ty) => {
        $crate::wire::json::read_with!($type, read_untagged);
    };
}
pub(crate) use read_as_untagged;

/// Implements [`ReadJson`] by a function of this module, and `Deserialize` by way of raw JSON. The latter is for
/// generated types within documents that serde_json reads; its error has the path within the value only.
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

/// Implements reading, writing and conversions for an open enum of strings: `Other` contains values without a variant.
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
