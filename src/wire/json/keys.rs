//! Names and tags, turned into numbers while they are read.

use std::borrow::Cow;

/// What a lookup function answers for a name or a tag that it does not know.
pub const NOT_KNOWN: u16 = u16::MAX;

/// The name of a member.
#[derive(Debug)]
pub enum JsonKey<'de> {
    /// What the lookup function answered.
    Known(u16),
    /// A name that it does not know.
    Other(Cow<'de, str>),
}

/// The value of a union's tag.
#[derive(Debug)]
pub enum UnionTag {
    /// What the lookup function answered.
    Known(u16),
    /// A value that it does not know.
    Other(String),
    /// Explicitly null.
    Null,
    /// Not there.
    Absent,
}
