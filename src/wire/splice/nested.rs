//! Skips an object or array, 64 bytes at a time.
//!
//! For each block of 64 bytes it computes bit masks of quotes, backslashes and brackets, and from these the mask of the
//! bytes inside of strings; what remains are the brackets outside of strings, which are counted one by one. The method
//! is that of simdjson's first stage (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019,
//! <https://arxiv.org/abs/1902.08318>, section 3.1), with two differences: prefix XOR by shifts, since carry-less
//! multiplication needs an unsafe intrinsic, and a jump over long strings, which are most of a request's bytes.
//!
//! It took 120 KB from 15 µs, string by string, to 6 µs (docs/performance.md). Safe Rust only.

use super::scan::{BracketKind, Brackets, StringCut, ends_with_escape, find_string_end};
use crate::wire::find::{ByteBlock, find_quote};

/// Why skipping stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NestedStop {
    /// The value ended before this offset.
    End(usize),
    /// A bracket that closes none or one of the other kind, or a backslash outside of strings, at this offset.
    Mismatch(usize),
    /// The text ended within the value, outside of strings.
    Open,
    /// The text ended in a string of the value.
    InString(StringCut),
}

/// A string counts as long after this many blocks without a quote: 512 bytes. The rest is then left to memchr.
const LONG: u32 = 8;
/// Every second bit, without the lowest.
const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;

/// Skips from `at`, which is outside of strings, until all brackets in `open` are closed. `open` has to contain the
/// brackets before `at` that belong to the value, or be empty if the value starts at `at`. If the text ends first,
/// `open` is kept up to date and the caller goes on with the next piece of the document.
pub(super) fn skip_to_close(text: &[u8], mut at: usize, open: &mut Brackets) -> NestedStop {
    // All bits set if the block begins inside of a string, else zero: it is XORed to the mask of the strings.
    let mut inside = 0_u64;
    // 1 if the first byte of the block is escaped by the last byte of the block before, else 0.
    let mut escaping = 0_u64;
    let mut long = 0;
    while let Some(block) = ByteBlock::load(text, at) {
        // A block that is inside of a string as a whole: no quote, and no backslash that could reach into the next
        // block. (One at the start that is escaped from before needs no care, for it ends nothing.)
        if inside != 0 && !block.has_quote() && block.last() != b'\\' {
            escaping = 0;
            at += ByteBlock::LENGTH;
            long += 1;
            if long == LONG {
                // The next block begins at the quote, still inside of the string.
                (at, escaping) = find_next_quote(text, at);
                long = 0;
            }
            continue;
        }
        long = 0;
        let backslashes = block.backslashes();
        // Outside of strings a backslash escapes nothing, so these masks are wrong after one. But it is an error, and
        // `track_bracket` stops there.
        let (escaped, next) = find_escaped(backslashes, escaping);
        escaping = next;
        let strings = prefix_xor(block.quotes() & !escaped) ^ inside;
        // The highest bit, spread over all bits.
        inside = 0_u64.wrapping_sub(strings >> 63);
        // The mask of strings includes their opening quotes and excludes their closing ones; neither is a bracket.
        let mut brackets = match strings {
            u64::MAX => 0,
            _ => (block.brackets() | backslashes) & !strings,
        };
        while brackets != 0 {
            let place = at + brackets.trailing_zeros() as usize;
            if let Some(stop) = track_bracket(text, place, open) {
                return stop;
            }
            brackets &= brackets - 1;
        }
        at += ByteBlock::LENGTH;
    }
    // Less than a block is left. If it begins in a string, first to the end of that.
    if inside != 0 {
        if escaping != 0 {
            if at >= text.len() {
                return NestedStop::InString(StringCut { escaped: true });
            }
            at += 1;
        }
        match find_string_end(text, at) {
            Ok(behind) => at = behind,
            Err(cut) => return NestedStop::InString(cut),
        }
    }
    skip_bytewise(text, at, open)
}

/// As [`skip_to_close`], byte by byte, for what is left after the last block.
fn skip_bytewise(text: &[u8], mut at: usize, open: &mut Brackets) -> NestedStop {
    while let Some(byte) = text.get(at) {
        if *byte == b'"' {
            match find_string_end(text, at + 1) {
                Ok(behind) => at = behind,
                Err(cut) => return NestedStop::InString(cut),
            }
            continue;
        }
        if let Some(stop) = track_bracket(text, at, open) {
            return stop;
        }
        at += 1;
    }
    NestedStop::Open
}

/// Counts the byte at `at`, which is outside of strings, if it is a bracket.
#[inline]
fn track_bracket(text: &[u8], at: usize, open: &mut Brackets) -> Option<NestedStop> {
    match text.get(at) {
        Some(b'{') => open.push(BracketKind::Object),
        Some(b'[') => open.push(BracketKind::Array),
        Some(byte @ (b'}' | b']')) => {
            let closed = if *byte == b'}' {
                BracketKind::Object
            } else {
                BracketKind::Array
            };
            if open.pop() != Some(closed) {
                return Some(NestedStop::Mismatch(at));
            }
            if open.is_empty() {
                return Some(NestedStop::End(at + 1));
            }
        }
        Some(b'\\') => return Some(NestedStop::Mismatch(at)),
        _ => {}
    }
    None
}

/// Finds the next quote of a string that continues at `at`, or the end of the text. Also returns 1 if a backslash
/// escapes the byte there, else 0. The bytes before `at` escape nothing.
fn find_next_quote(text: &[u8], at: usize) -> (usize, u64) {
    let found = find_quote(text, at);
    let inside = text.get(at..found).unwrap_or_default();
    (found, u64::from(ends_with_escape(inside)))
}

/// The mask of the escaped bytes of a block, and 1 if the first byte of the next block is escaped, else 0. `first` is
/// that bit from the block before.
///
/// In a run of backslashes, the first, third … escape the byte after them. The subtraction finds them for all runs at
/// once and without a branch, as in simdjson's `json_escape_scanner`; the test compares it with a loop.
#[inline]
fn find_escaped(backslashes: u64, first: u64) -> (u64, u64) {
    if backslashes == 0 {
        return (first, 0);
    }
    // With the odd bits set, the subtraction borrows through a run that begins at an even bit and not through one that
    // begins at an odd bit. So the difference, XORed with the odd bits, has every second bit of each run counted from
    // its first one, which are the backslashes that escape, and the bit after each run of odd length.
    let starts = backslashes & !first;
    let escapes_and_ends = ((starts << 1) | ODD).wrapping_sub(starts) ^ ODD;
    let escaped = escapes_and_ends ^ (backslashes | first);
    (escaped, (escapes_and_ends & backslashes) >> 63)
}

/// Sets each bit for which an odd number of bits is set from the lowest up to and including it. Of a mask of quotes
/// this makes the mask of strings.
#[inline]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Skips byte by byte, with a flag for strings and one for escapes.
    fn skip_slowly(text: &[u8], at: usize, open: &mut Brackets) -> NestedStop {
        let (mut inside, mut escaped) = (false, false);
        for (at, byte) in text.iter().enumerate().skip(at) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if inside => escaped = true,
                b'"' => inside = !inside,
                _ if inside => {}
                _ => {
                    if let Some(stop) = track_bracket(text, at, open) {
                        return stop;
                    }
                }
            }
        }
        if inside {
            NestedStop::InString(StringCut { escaped })
        } else {
            NestedStop::Open
        }
    }

    fn assert_agrees(text: &[u8], at: usize) {
        let expected = skip_slowly(text, at, &mut Brackets::default());
        let found = skip_to_close(text, at, &mut Brackets::default());
        assert_eq!(found, expected, "{} from {at}", String::from_utf8_lossy(text));
    }

    #[test]
    fn runs_of_backslashes_escape_at_every_offset_in_a_block() {
        for run in (0..70).chain([127, 128, 129, 1000]) {
            for before in [0, 1, 50, 61, 62, 63, 64, 600, 1100] {
                let (fill, slashes) = ("x".repeat(before), "\\".repeat(run));
                let text = format!("[\"{fill}{slashes}\"]]\",{{}}]\"]");
                assert_agrees(text.as_bytes(), 0);
                assert_agrees(format!("{text}{}", " ".repeat(130)).as_bytes(), 0);
                assert_agrees(format!("[{fill}{slashes}\"]\"{fill}]").as_bytes(), 0);
            }
        }
    }

    #[test]
    fn long_strings_are_skipped_whatever_their_length() {
        let text = format!("[\"{}\\\\\\\"]{}\"]", "]".repeat(700), "y".repeat(70));
        for end in 0..=text.len() {
            assert_agrees(text.get(..end).unwrap_or_default().as_bytes(), 0);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_skipped_as_byte_by_byte(
            pieces in prop::collection::vec(
                prop_oneof![
                    r#"[{}\[\]":,\\ a0-]{0,60}"#,
                    r#"\[("[ab\\\[]{0,30}",){0,4}"#,
                    "\"(a|\\\\\\\\|\\\\\"){0,200}\"",
                    "\"[a\\\\]{500,700}",
                    Just("\"".to_owned()),
                ],
                0..6,
            ),
            at in 0_usize..3,
        ) {
            assert_agrees(pieces.concat().as_bytes(), at);
        }
    }
}
