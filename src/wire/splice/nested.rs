//! Passing over an object or array, sixty-four bytes at a time.

use super::scan::{Brackets, StringCut, ends_with_escape, find_string_end};
use crate::wire::find::{ByteBlock, find_quote};

/// Where the way through a nested value ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NestedStop {
    /// Behind the value.
    End(usize),
    /// At a bracket that closes none or one of the other kind, or at a backslash outside of strings.
    Mismatch(usize),
    /// The text ends between two strings of the value.
    Open,
    /// The text ends in a string.
    InString(StringCut),
}

/// So many blocks of a string without a quote make it a long one.
const LONG: u32 = 8;
/// Every other bit, from the second on.
const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;

/// Goes on from `at`, outside of strings, through the value whose brackets are `open`, until they are closed: without
/// recursion, so that no depth can exhaust the stack.
pub(super) fn skip_to_close(text: &[u8], mut at: usize, open: &mut Brackets) -> NestedStop {
    // All bits are set while a block begins inside of a string.
    let mut inside = 0_u64;
    // The lowest bit is set when a block begins behind a backslash that escapes.
    let mut escaping = 0_u64;
    let mut long = 0;
    while let Some(block) = ByteBlock::load(text, at) {
        if inside != 0 && !block.has_quote() && block.last() != b'\\' {
            escaping = 0;
            at += ByteBlock::LENGTH;
            long += 1;
            if long == LONG {
                (at, escaping) = find_next_quote(text, at);
                long = 0;
            }
            continue;
        }
        long = 0;
        let backslashes = block.backslashes();
        // Right up to the first backslash outside of strings, where the way ends.
        let (escaped, next) = find_escaped(backslashes, escaping);
        escaping = next;
        let strings = prefix_xor(block.quotes() & !escaped) ^ inside;
        // The last bit, spread over all.
        inside = 0_u64.wrapping_sub(strings >> 63);
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

/// As [`skip_to_close`], where less than a block is left.
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

/// Takes a byte outside of strings.
#[inline]
fn track_bracket(text: &[u8], at: usize, open: &mut Brackets) -> Option<NestedStop> {
    match text.get(at) {
        Some(b'{') => open.push(true),
        Some(b'[') => open.push(false),
        Some(byte @ (b'}' | b']')) => {
            if open.pop() != Some(*byte == b'}') {
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

/// The next quote in a string that goes on at `at`, or the end of the text, and whether a backslash before it escapes
/// it; what is before `at` escapes nothing.
fn find_next_quote(text: &[u8], at: usize) -> (usize, u64) {
    let found = find_quote(text, at);
    let inside = text.get(at..found).unwrap_or_default();
    (found, u64::from(ends_with_escape(inside)))
}

/// Which bytes of a block are escaped, and whether the first of the next one is: in a run of backslashes, every other one
/// escapes what follows it. `first` tells whether the first byte here is escaped.
#[inline]
fn find_escaped(backslashes: u64, first: u64) -> (u64, u64) {
    if backslashes == 0 {
        return (first, 0);
    }
    // A run that begins at an even place carries the subtraction on to its end, one at an odd place does not; so the odd
    // bits of the difference tell where each run counts from.
    let starts = backslashes & !first;
    let escapes_and_ends = ((starts << 1) | ODD).wrapping_sub(starts) ^ ODD;
    let escaped = escapes_and_ends ^ (backslashes | first);
    (escaped, (escapes_and_ends & backslashes) >> 63)
}

/// Sets each bit that has an odd number of set bits up to and with itself.
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

    /// The same, byte by byte.
    fn slowly(text: &[u8], at: usize, open: &mut Brackets) -> NestedStop {
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

    fn agree(text: &[u8], at: usize) {
        let expected = slowly(text, at, &mut Brackets::default());
        let found = skip_to_close(text, at, &mut Brackets::default());
        assert_eq!(found, expected, "{} from {at}", String::from_utf8_lossy(text));
    }

    #[test]
    fn runs_of_backslashes_escape_wherever_they_lie() {
        for run in (0..70).chain([127, 128, 129, 1000]) {
            for before in [0, 1, 50, 61, 62, 63, 64, 600, 1100] {
                let (fill, slashes) = ("x".repeat(before), "\\".repeat(run));
                let text = format!("[\"{fill}{slashes}\"]]\",{{}}]\"]");
                agree(text.as_bytes(), 0);
                agree(format!("{text}{}", " ".repeat(130)).as_bytes(), 0);
                agree(format!("[{fill}{slashes}\"]\"{fill}]").as_bytes(), 0);
            }
        }
    }

    #[test]
    fn long_strings_end_wherever_they_are_cut() {
        let text = format!("[\"{}\\\\\\\"]{}\"]", "]".repeat(700), "y".repeat(70));
        for end in 0..=text.len() {
            agree(text.get(..end).unwrap_or_default().as_bytes(), 0);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_passed_as_byte_by_byte(
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
            agree(pieces.concat().as_bytes(), at);
        }
    }
}
