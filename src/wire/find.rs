//! Finding the bytes that matter in JSON text, sixteen at a time.

use memchr::memchr;
use wide::u8x16;

/// Bytes of a vector.
const WIDTH: usize = 16;
/// Vectors that are looked at one by one before a run counts as long.
const NEAR: usize = 4;
/// Vectors that are looked at together.
const FAR: usize = 4;

/// The index of the first byte from `at` on that a JSON string cannot simply hold: a quote, a backslash or a control
/// character; the length of `bytes` where there is none.
#[inline]
pub fn find_special(bytes: &[u8], mut at: usize) -> usize {
    for _ in 0..NEAR {
        let Some(chunk) = chunk_at::<WIDTH>(bytes, at) else {
            return find_special_in_tail(bytes, at);
        };
        let found = special_bits(chunk);
        if found != 0 {
            return at + first_index(found);
        }
        at += WIDTH;
    }
    find_special_far(bytes, at)
}

/// The index of the first quote from `at` on; the length of `bytes` where there is none.
#[inline]
pub fn find_quote(bytes: &[u8], at: usize) -> usize {
    // Names are short, images long: what is near is found without the start of a search that pays in the long run.
    if let Some(chunk) = chunk_at::<WIDTH>(bytes, at) {
        let found = equals(u8x16::new(*chunk), b'"').to_bitmask();
        if found != 0 {
            return at + first_index(found);
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    memchr(b'"', rest).map_or(bytes.len(), |found| at + found)
}

/// Bytes that are looked at together, each answer with a bit for each byte, the lowest for the first.
#[derive(Debug, Clone, Copy)]
pub struct ByteBlock<'a> {
    chunks: &'a [[u8; WIDTH]],
    last: u8,
}

impl ByteBlock<'_> {
    /// Bytes of a block.
    pub const LENGTH: usize = FAR * WIDTH;
}

impl<'a> ByteBlock<'a> {
    /// The block that begins at `at`; `None` where the text ends before it does.
    #[inline(always)]
    pub fn load(text: &'a [u8], at: usize) -> Option<Self> {
        let block = chunk_at::<{ FAR * WIDTH }>(text, at)?;
        let (chunks, _) = block.as_chunks();
        let [.., last] = *block;
        Some(Self { chunks, last })
    }

    /// The last byte.
    #[inline(always)]
    pub fn last(self) -> u8 {
        self.last
    }

    /// Whether any byte is a quote.
    #[inline(always)]
    pub fn has_quote(self) -> bool {
        let quotes = |found: u8x16, chunk| found | equals(u8x16::new(chunk), b'"');
        let found = self.chunks.iter().copied().fold(u8x16::splat(0), quotes);
        found.to_bitmask() != 0
    }

    /// The quotes.
    #[inline(always)]
    pub fn quotes(self) -> u64 {
        self.bits_where(|bytes| equals(bytes, b'"'))
    }

    /// The backslashes.
    #[inline(always)]
    pub fn backslashes(self) -> u64 {
        self.bits_where(|bytes| equals(bytes, b'\\'))
    }

    /// All brackets, of objects and arrays; and some bytes that JSON has in strings only.
    #[inline(always)]
    pub fn brackets(self) -> u64 {
        // The four of them differ in these bits only.
        self.bits_where(|bytes| equals(bytes | u8x16::splat(0x26), 0x7f))
    }

    #[inline(always)]
    fn bits_where(self, which: impl Fn(u8x16) -> u8x16) -> u64 {
        let add = |bits, (index, chunk)| {
            let found = which(u8x16::new(chunk)).to_bitmask();
            bits | u64::from(found) << (index * WIDTH)
        };
        self.chunks.iter().copied().enumerate().fold(0, add)
    }
}

/// All bits of each byte that is this one.
#[inline(always)]
fn equals(bytes: u8x16, byte: u8) -> u8x16 {
    bytes.simd_eq(u8x16::splat(byte))
}

/// In a long run.
#[inline(never)]
fn find_special_far(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = chunk_at::<{ FAR * WIDTH }>(bytes, at) {
        let (chunks, _) = block.as_chunks::<WIDTH>();
        let nearest = |least: u8x16, chunk: &[u8; WIDTH]| least.min(zero_specials(u8x16::new(*chunk)));
        let least = chunks.iter().fold(u8x16::splat(u8::MAX), nearest);
        if equals(least, 0).to_bitmask() != 0 {
            break;
        }
        at += FAR * WIDTH;
    }
    while let Some(chunk) = chunk_at::<WIDTH>(bytes, at) {
        let found = special_bits(chunk);
        if found != 0 {
            return at + first_index(found);
        }
        at += WIDTH;
    }
    find_special_in_tail(bytes, at)
}

/// Where less than a vector is left.
#[inline(never)]
fn find_special_in_tail(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return bytes.len();
    }
    let found = match bytes.last_chunk::<WIDTH>() {
        // Some of these bytes have been looked at before.
        Some(chunk) => special_bits(chunk) >> (WIDTH - rest.len()),
        None => return at + find_special_in_short(rest),
    };
    if found == 0 {
        bytes.len()
    } else {
        at + first_index(found)
    }
}

/// The index in less than a vector, or its length.
fn find_special_in_short(bytes: &[u8]) -> usize {
    let mut chunk = [b' '; WIDTH];
    // What lies in the middle is looked at twice.
    let half = if let (Some(head), Some(tail)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let (one, other) = chunk.split_at_mut(8);
        one.copy_from_slice(head);
        other.copy_from_slice(tail);
        8
    } else if let (Some(head), Some(tail)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let both = u64::from(u32::from_le_bytes(*tail)) << 32 | u64::from(u32::from_le_bytes(*head));
        let (one, _) = chunk.split_at_mut(8);
        one.copy_from_slice(&both.to_le_bytes());
        4
    } else {
        return bytes.iter().take_while(|byte| !is_special(**byte)).count();
    };
    match special_bits(&chunk) {
        0 => bytes.len(),
        found if first_index(found) < half => first_index(found),
        found => first_index(found) + bytes.len() - 2 * half,
    }
}

#[inline(always)]
fn chunk_at<const LENGTH: usize>(bytes: &[u8], at: usize) -> Option<&[u8; LENGTH]> {
    bytes.get(at..)?.first_chunk()
}

/// Zero for each special byte, and for no other.
#[inline(always)]
fn zero_specials(bytes: u8x16) -> u8x16 {
    // With one bit changed, the quote (0x22) stands where the space was, right behind the control characters.
    let control_or_quote = (bytes ^ u8x16::splat(2)).saturating_sub(u8x16::splat(0x20));
    control_or_quote.min(bytes ^ u8x16::splat(b'\\'))
}

#[inline]
pub fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// A bit for each special byte, the lowest for the first.
#[inline(always)]
fn special_bits(chunk: &[u8; WIDTH]) -> u32 {
    equals(zero_specials(u8x16::new(*chunk)), 0).to_bitmask()
}

#[inline(always)]
fn first_index(marks: u32) -> usize {
    marks.trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte before, at and behind every place in texts of every length, found as one would by hand.
    fn agrees(find: fn(&[u8], usize) -> usize, belongs: fn(u8) -> bool) {
        let by_hand = |bytes: &[u8], at: usize| {
            let found = bytes.iter().skip(at).position(|byte| belongs(*byte));
            found.map_or(bytes.len(), |found| at + found)
        };
        for byte in 0..=u8::MAX {
            for length in [0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 70] {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    for at in [0, 1, place / 2, place, place + 1] {
                        let expected = by_hand(&bytes, at);
                        assert_eq!(
                            find(&bytes, at),
                            expected,
                            "{byte:#x} at {place} of {length} from {at}"
                        );
                    }
                }
            }
        }
        for length in 0..300 {
            for place in (0..length).chain([length]) {
                let mut bytes = "é~ \u{7f}!#[]\u{10ffff}".repeat(30).into_bytes();
                bytes.truncate(length);
                // Nothing before the offset counts.
                for at in [0, 1, 5, 16, 17, 80].into_iter().filter(|at| *at <= place) {
                    let mut bytes = bytes.clone();
                    if let Some(before) = at.checked_sub(1) {
                        bytes[before] = b'"';
                    }
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte = b'"';
                    }
                    assert_eq!(find(&bytes, at), place, "{place} of {length} from {at}");
                }
            }
        }
    }

    #[test]
    fn specials_are_found_wherever_they_are() {
        agrees(find_special, is_special);
    }

    #[test]
    fn quotes_are_found_wherever_they_are() {
        agrees(find_quote, |byte| byte == b'"');
    }

    #[test]
    fn behind_the_end_is_nothing() {
        for bytes in [&b""[..], b"\"", b"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""] {
            for at in bytes.len()..bytes.len() + 3 {
                assert_eq!(find_special(bytes, at), bytes.len());
                assert_eq!(find_quote(bytes, at), bytes.len());
            }
        }
    }
}
