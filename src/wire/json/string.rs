//! The bytes of strings and of values that are kept as text.

use crate::wire::find::{find_special, is_special};

/// A byte in every byte of a word.
const fn repeat_byte(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

#[inline]
fn read_word(bytes: &[u8], at: usize) -> Option<u64> {
    let chunk = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*chunk))
}

/// The high bit of each byte that is special. Bits after the first one may be wrong: subtractions borrow.
#[inline]
fn mark_specials(word: u64) -> u64 {
    let quote = word ^ repeat_byte(b'"');
    let backslash = word ^ repeat_byte(b'\\');
    let control = word.wrapping_sub(repeat_byte(0x20)) & !word;
    let quote = quote.wrapping_sub(repeat_byte(1)) & !quote;
    let backslash = backslash.wrapping_sub(repeat_byte(1)) & !backslash;
    (quote | backslash | control) & repeat_byte(0x80)
}

#[inline]
fn first_marked(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// Why and where a string is broken.
type BrokenString = (&'static str, usize);

const CONTROL: &str = "control character (\\u0000-\\u001F) found while parsing a string";
const END: &str = "EOF while parsing a string";
const ESCAPE: &str = "invalid escape";
const LONE: &str = "lone leading surrogate in hex escape";
const CUT: &str = "unexpected end of hex escape";

/// The index after the closing quote of the string whose content begins at `at`.
pub(super) fn check_string(bytes: &[u8], mut at: usize) -> Result<usize, BrokenString> {
    loop {
        at = find_special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => match bytes.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                Some(b'u') => {
                    read_hex(bytes, at + 2)?;
                    at += 6;
                }
                _ => return Err((ESCAPE, at)),
            },
            Some(_) => return Err((CONTROL, at)),
            None => return Err((END, at)),
        }
    }
}

/// Passes over the string whose content begins at `at`, and refuses what [`unescape`] does: the index of its closing
/// quote, and how long the text is that it spells.
pub(super) fn measure_string(bytes: &[u8], start: usize) -> Result<(usize, usize), BrokenString> {
    let mut at = start;
    // By how much the spelling is longer than the text.
    let mut longer = 0;
    loop {
        at = find_special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok((at, at - start - longer)),
            Some(b'\\') => match bytes.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                    at += 2;
                    longer += 1;
                }
                Some(b'u') => {
                    let (char, after) = read_unicode_escape(bytes, at)?;
                    longer += after - at - char.len_utf8();
                    at = after;
                }
                _ => return Err((ESCAPE, at)),
            },
            Some(_) => return Err((CONTROL, at)),
            None => return Err((END, at)),
        }
    }
}

/// What the inside of a string means; `None` where it is none.
pub(super) fn decode(spelling: &str) -> Option<String> {
    let mut quoted = Vec::with_capacity(spelling.len() + 1);
    quoted.extend_from_slice(spelling.as_bytes());
    quoted.push(b'"');
    let mut scratch = Vec::with_capacity(spelling.len() + 8);
    unescape(&quoted, 0, 0, &mut scratch).ok().map(|(text, _)| text)
}

/// What a string means, of which `start..end` holds nothing special, and the index after its closing quote. `scratch` is
/// a buffer to be used again.
pub(super) fn unescape(
    bytes: &[u8],
    start: usize,
    end: usize,
    scratch: &mut Vec<u8>,
) -> Result<(String, usize), BrokenString> {
    let mut length = end - start;
    make_room(scratch, length);
    if let (Some(to), Some(from)) = (scratch.get_mut(..length), bytes.get(start..end)) {
        to.copy_from_slice(from);
    }
    let mut at = end;
    loop {
        // Eight bytes are copied before it is known how many of them belong here: cheaper than a copy for each piece,
        // most of which are short.
        let (found, after) = match read_word(bytes, at) {
            Some(word) => {
                if scratch.len() < length + 8 {
                    make_room(scratch, length);
                }
                let place = scratch.get_mut(length..).and_then(<[u8]>::first_chunk_mut::<8>);
                if let Some(place) = place {
                    *place = word.to_le_bytes();
                }
                match mark_specials(word) {
                    0 => (None, 8),
                    marks => {
                        let first = first_marked(marks);
                        (Some((word >> (first * 8)) as u8), first)
                    }
                }
            }
            None => {
                let byte = *bytes.get(at).ok_or((END, at))?;
                if !is_special(byte) {
                    copy_to(scratch, length, &[byte]);
                    length += 1;
                    at += 1;
                    continue;
                }
                (Some(byte), 0)
            }
        };
        at += after;
        length += after;
        match found {
            None => {}
            Some(b'\\') => {
                let escape = bytes.get(at + 1).copied().unwrap_or_default();
                let plain = match escape {
                    b'n' => b'\n',
                    b'"' | b'\\' | b'/' => escape,
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'b' => 8,
                    b'f' => 12,
                    b'u' => {
                        let (char, after) = read_unicode_escape(bytes, at)?;
                        let mut buffer = [0; 4];
                        length += copy_to(scratch, length, char.encode_utf8(&mut buffer).as_bytes());
                        at = after;
                        continue;
                    }
                    _ => return Err((ESCAPE, at)),
                };
                length += copy_to(scratch, length, &[plain]);
                at += 2;
            }
            Some(b'"') => {
                let built = scratch.get(..length).unwrap_or_default();
                let string = std::str::from_utf8(built).map_err(|_| (ESCAPE, at))?;
                return Ok((string.to_owned(), at + 1));
            }
            Some(_) => return Err((CONTROL, at)),
        }
    }
}

/// Writes to the buffer at `length`; gives how much that was.
#[inline]
fn copy_to(scratch: &mut Vec<u8>, length: usize, bytes: &[u8]) -> usize {
    if scratch.len() < length + 8 {
        make_room(scratch, length);
    }
    if let Some(place) = scratch.get_mut(length..length + bytes.len()) {
        place.copy_from_slice(bytes);
    }
    bytes.len()
}

/// Has the buffer hold more than `length` bytes.
#[cold]
fn make_room(scratch: &mut Vec<u8>, length: usize) {
    let size = (length + 64).next_power_of_two().max(256);
    if scratch.len() < size {
        scratch.resize(size, 0);
    }
}

/// Reads the escape that begins at `at`, or the two that make one character.
fn read_unicode_escape(bytes: &[u8], at: usize) -> Result<(char, usize), BrokenString> {
    let unit = read_hex(bytes, at + 2)?;
    if let Some(char) = char::from_u32(unit) {
        return Ok((char, at + 6));
    }
    let after = at + 6;
    if unit >= 0xdc00 {
        return Err((LONE, after));
    }
    if bytes.get(after..after + 2) != Some(b"\\u") {
        return Err((CUT, after));
    }
    let low = read_hex(bytes, after + 2)?;
    if !(0xdc00..0xe000).contains(&low) {
        return Err((LONE, after + 6));
    }
    let point = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    match char::from_u32(point) {
        Some(char) => Ok((char, after + 6)),
        None => Err((LONE, after + 6)),
    }
}

fn read_hex(bytes: &[u8], at: usize) -> Result<u32, BrokenString> {
    let digits = bytes.get(at..at + 4).ok_or((END, bytes.len()))?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16).ok_or((ESCAPE, at))?;
        Ok(unit * 16 + digit)
    })
}

#[cfg(test)]
mod tests {
    use super::unescape;
    use crate::wire::find::find_special;

    #[test]
    fn strings_mean_what_serde_json_says() {
        let pieces = [
            "",
            "a",
            "plain text ",
            "\\n",
            "\\\"",
            "\\\\",
            "\\t",
            "\\/",
            "\\b\\f\\r",
            "\\u00e9",
            "\\ud83d\\ude00",
            "é",
            "😀",
            "\\ud800",
            "\\udc00",
            "\\ud83dx",
            "\\ud83d\\n",
            "\\u12",
            "\\x",
            "\n",
            "eight by",
        ];
        let mut scratch = Vec::new();
        for first in pieces {
            for second in pieces {
                for third in ["", "tail that is longer than a word", "\\n"] {
                    let text = format!("\"{first}{second}{third}\"");
                    let end = find_special(text.as_bytes(), 1);
                    let ours = unescape(text.as_bytes(), 1, end, &mut scratch).ok();
                    let theirs = serde_json::from_str::<String>(&text).ok();
                    assert_eq!(ours, theirs.map(|theirs| (theirs, text.len())), "{text}");
                }
            }
        }
    }
}
