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

/// The JSON text without the white space between its tokens; names, strings and numbers stay as they are spelled.
pub fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for char in json.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            ' ' | '\t' | '\r' | '\n' if !in_string => continue,
            _ => {}
        }
        out.push(char);
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_space_between_tokens_goes() {
        let json = "{ \"a b\" : [ 1.0 , 1e2 ,\n\t123456789012345678901234567890 ], \"q\": \" \\\" \\\\\" }";
        let expected = "{\"a b\":[1.0,1e2,123456789012345678901234567890],\"q\":\" \\\" \\\\\"}";
        assert_eq!(compact(json), expected);
        assert_eq!(compact(expected), expected);
    }
}
