//! Writing objects member by member.

use serde::Serialize;
use serde::ser::SerializeMap;

use super::Extra;

/// The JSON text of a generated type.
pub fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    append(value, &mut out);
    out
}

/// Appends the JSON text of a generated type. Writing to memory cannot fail, nor can a generated type: its
/// names are strings and its numbers are finite.
pub fn append<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// Writes a member that has one possible value, unless it came with another one.
pub fn constant<M: SerializeMap>(
    map: &mut M,
    name: &str,
    value: &str,
    extra: &Extra,
) -> Result<(), M::Error> {
    match extra.get(name) {
        Some(_) => Ok(()),
        None => map.serialize_entry(name, value),
    }
}

/// Writes a member if it has a value.
pub fn optional<M: SerializeMap, T: Serialize>(
    map: &mut M,
    name: &str,
    value: &Option<T>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, value),
        None => Ok(()),
    }
}
