//! Strings of JSON text: where they end, how long their text is, and what they mean.
//!
//! Strict: an escape that RFC 8259 does not know, a lone surrogate or a raw control character is an error, with the
//! reasons that serde_json gives. The bytes are known to be UTF-8. [`super::super::splice`] has a scanner that accepts
//! more and checks less.

use crate::wire::find::{find_special, is_special};

/// A word of which every byte is `byte`.
const fn repeat_byte(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Eight bytes from `at` on, the first in the lowest bits; `None` if fewer are left.
#[inline]
fn read_word(bytes: &[u8], at: usize) -> Option<u64> {
    let chunk = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*chunk))
}

/// Sets the high bit of each special byte of a word, and no bit below the first of them.
///
/// This is the well-known test for a zero byte, `(x - 0x01…) & !x & 0x80…`, with a byte's XOR in place of `x` to find a
/// given byte, and with 0x20 in place of 0x01 to find the bytes below it
/// (<https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>, `#HasLessInWord`). A subtraction borrows from
/// the next higher byte, so marks above the first one may be wrong. Only the first one is used.
///
/// [`unescape`] uses it because the loaded word serves the search and the copy. Words instead of bytes took the strings
/// of a written 120 KB request from 0.83 to 0.56 million instructions; all searches without a copy have moved on to the
/// vectors of [`find_special`].
#[inline]
fn mark_specials(word: u64) -> u64 {
    let quote = word ^ repeat_byte(b'"');
    let backslash = word ^ repeat_byte(b'\\');
    let control = word.wrapping_sub(repeat_byte(0x20)) & !word;
    let quote = quote.wrapping_sub(repeat_byte(1)) & !quote;
    let backslash = backslash.wrapping_sub(repeat_byte(1)) & !backslash;
    (quote | backslash | control) & repeat_byte(0x80)
}

/// The index of the first marked byte.
#[inline]
fn first_marked(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// Why a string is not valid, and the offset of the error.
type BrokenString = (&'static str, usize);

const CONTROL: &str = "control character (\\u0000-\\u001F) found while parsing a string";
const END: &str = "EOF while parsing a string";
const ESCAPE: &str = "invalid escape";
const LONE: &str = "lone leading surrogate in hex escape";
const CUT: &str = "unexpected end of hex escape";

/// Checks the string whose content begins at `at`: the offset after its closing quote.
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

/// Checks the string whose content begins at `start`, and refuses whatever [`unescape`] refuses: the offset of its
/// closing quote, and the length of its text after decoding.
///
/// [`super::LazyStr`] depends on both. A string that passes here can be decoded later, where an error could no longer
/// be reported. And a length that differs from the spelling's shows that the string has escapes.
pub(super) fn measure_string(bytes: &[u8], start: usize) -> Result<(usize, usize), BrokenString> {
    let mut at = start;
    // How much longer the spelling is than the text.
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

/// Decodes the inside of a string; `None` if it is not valid.
pub(super) fn decode(spelling: &str) -> Option<String> {
    // `unescape` ends at a quote, which the inside of a string does not contain.
    let mut quoted = Vec::with_capacity(spelling.len() + 1);
    quoted.extend_from_slice(spelling.as_bytes());
    quoted.push(b'"');
    let mut scratch = Vec::with_capacity(spelling.len() + 8);
    unescape(&quoted, 0, 0, &mut scratch).ok().map(|(text, _)| text)
}

/// Decodes a string of which `start..end` contains nothing special: the text, and the offset after the closing quote.
///
/// The text is built in `scratch`, a buffer that grows to the longest string of a document once, and then copied into a
/// `String` of the right size. `length` bytes of it are the text so far; what lies after them is left over.
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
        // Eight bytes are copied before it is known how many of them belong to the text: cheaper than a copy of
        // variable length for each piece between escapes, most of which are short. The next copy overwrites the
        // surplus.
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

/// Writes bytes (at most eight) to the buffer at `length` and returns how many.
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

/// Makes the buffer longer than `length` by at least eight bytes. Buffers double, so that this stays a cold path.
#[cold]
fn make_room(scratch: &mut Vec<u8>, length: usize) {
    let size = (length + 64).next_power_of_two().max(256);
    if scratch.len() < size {
        scratch.resize(size, 0);
    }
}

/// Reads the `\uXXXX` escape that begins at `at`, or the two escapes of a surrogate pair: the character, and the offset
/// after it. JSON permits lone surrogates (RFC 8259 section 8.2); a Rust string cannot contain them, so they are
/// refused.
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

/// Reads four hexadecimal digits.
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
    fn strings_decode_as_in_serde_json() {
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
