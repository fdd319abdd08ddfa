//! What generated types are read and written with.
//!
//! Objects keep the members they do not know ([`Extra`]), unions keep the variants they do not know ([`Unknown`]),
//! free-form JSON keeps its text ([`Raw`]). A tagged union is dispatched while it is read: members before the
//! tag are set aside as text, everything after it goes straight into the variant.

mod error;
mod escape;
mod extra;
mod keys;
mod map;
mod members;
mod number;
mod path;
mod serializer;
mod shape;
mod unknown;
mod write;

pub use error::{ReadError, parse};
pub use escape::write_string;
pub use extra::Extra;
pub use keys::{Key, NOT_KNOWN, Tag};
pub use map::Map;
pub use members::{Members, Object, need, read_object};
pub use serde_json::Number;
pub use shape::{Shape, elements, raw_object, read_shape};
pub use unknown::Unknown;
pub use write::{append, compact, constant, optional, to_bytes};

/// JSON kept as the text it came in: order, spelling of numbers and escapes survive.
pub type Raw = Box<serde_json::value::RawValue>;

/// `Deserialize` for types that read themselves from the members of an object.
macro_rules! read_as_object {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::json::read_object(deserializer)
            }
        }
    };
}
pub(crate) use read_as_object;

/// `Deserialize` for types that look at the JSON kind first.
macro_rules! read_as_shape {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::json::read_shape(deserializer)
            }
        }
    };
}
pub(crate) use read_as_shape;

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
                serializer.serialize_str(self.as_str())
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
