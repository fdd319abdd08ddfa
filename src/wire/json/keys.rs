//! Member names and union tags, as numbers.
//!
//! Generated code gives each known name a number through a lookup function (`match` on the string) and then matches the
//! number. So no `String` is made for a known name, and the compiler builds one search for all names of a type.

use std::borrow::Cow;

/// The result of a lookup function for a name or tag that the type does not have.
pub const NOT_KNOWN: u16 = u16::MAX;

/// The name of a member.
#[derive(Debug)]
pub enum JsonKey<'de> {
    /// The number of a known name.
    Known(u16),
    /// A name that the type does not have.
    Other(Cow<'de, str>),
}

/// The value of a union's tag.
#[derive(Debug)]
pub enum UnionTag {
    /// The number of a known value.
    Known(u16),
    /// A value that the union does not have.
    Other(String),
    /// The tag is `null`.
    Null,
    /// The object has no tag.
    Absent,
}
