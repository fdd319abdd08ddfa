//! Writes JSON: whole values, single members, and raw JSON without white space.

use serde::Serialize;
use serde::ser::SerializeMap;

use super::Extra;
use super::serializer::{JsonWriter, NoEscape};
use crate::wire::find::find_special;

/// The JSON text of a value of a generated type.
pub fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    append(value, &mut out);
    out
}

/// Appends the JSON text of a value of a generated type. It cannot fail: memory accepts every write, and generated
/// types have strings as names and no variants that JSON cannot express.
pub fn append<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    let written = value.serialize(JsonWriter::new(out));
    debug_assert!(written.is_ok(), "{written:?}");
}

/// Removes the white space between the tokens of a valid JSON text. Names, strings and numbers keep their spelling.
pub fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    // Everything before `done` has been copied or removed.
    let (mut done, mut at) = (0, 0);
    let bytes = json.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = skip_valid_string(bytes, at);
                continue;
            }
            b' ' | b'\t' | b'\r' | b'\n' => {
                out.push_str(json.get(done..at).unwrap_or_default());
                done = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    out.push_str(json.get(done..).unwrap_or_default());
    out
}

/// The offset after the string that opens at `at`. The text is valid JSON, so only quotes and backslashes matter.
fn skip_valid_string(json: &[u8], at: usize) -> usize {
    let mut from = at + 1;
    loop {
        from = find_special(json, from);
        match json.get(from) {
            Some(b'"') => return from + 1,
            Some(_) => from += 2,
            None => return json.len(),
        }
    }
}

/// Writes a member that has one possible value, unless `extra` has another one from the document.
pub fn write_constant<M: SerializeMap>(
    map: &mut M,
    name: &str,
    value: &str,
    extra: &Extra,
) -> Result<(), M::Error> {
    match extra.get(name) {
        Some(_) => Ok(()),
        None => map.serialize_entry(&NoEscape(name), &NoEscape(value)),
    }
}

/// Writes an optional member if it has a value. Names of generated types have nothing to escape.
pub fn write_optional<M: SerializeMap, T: Serialize>(
    map: &mut M,
    name: &str,
    value: &Option<T>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(&NoEscape(name), value),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_white_space_between_tokens_is_removed() {
        let json = "{ \"a b\" : [ 1.0 , 1e2 ,\n\t123456789012345678901234567890 ], \"q\": \" \\\" \\\\\" }";
        let expected = "{\"a b\":[1.0,1e2,123456789012345678901234567890],\"q\":\" \\\" \\\\\"}";
        assert_eq!(compact(json), expected);
        assert_eq!(compact(expected), expected);
    }
}
