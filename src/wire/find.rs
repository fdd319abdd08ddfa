//! Searches JSON text for the bytes that matter, sixteen at a time (SIMD).
//!
//! Most of a request is long strings, and passing over them is the largest part of reading it. The vectors are those of
//! the `wide` crate: std's intrinsics are unsafe to call, and of a plain loop over byte masks the compiler made
//! shuffles that were slower than no masks at all (docs/performance.md, "Tried without gain").

use memchr::memchr;
use wide::u8x16;

/// Bytes in a vector.
const WIDTH: usize = 16;
/// Vectors that are checked one by one before a run counts as long. Most strings of a request (names, roles,
/// identifiers) end within them, and the set-up of the wide loop would cost them more than it saves.
const NEAR: usize = 4;
/// Vectors that the wide loop, and a [`ByteBlock`], check together.
const FAR: usize = 4;

/// The index of the first special byte at or after `at`, or `bytes.len()` if there is none. Special are the bytes that
/// a JSON string cannot contain as they are: a quote, a backslash and the control characters below 0x20.
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

/// The index of the first quote at or after `at`, or `bytes.len()` if there is none.
#[inline]
pub fn find_quote(bytes: &[u8], at: usize) -> usize {
    // Names are short and images long. One vector covers most names; memchr, which also uses AVX2, is faster on long
    // strings but costs more to start.
    if let Some(chunk) = chunk_at::<WIDTH>(bytes, at) {
        let found = equals(u8x16::new(*chunk), b'"').to_bitmask();
        if found != 0 {
            return at + first_index(found);
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    memchr(b'"', rest).map_or(bytes.len(), |found| at + found)
}

/// 64 bytes that are searched together. The masks have one bit for each byte; the lowest bit is for the first byte.
#[derive(Debug, Clone, Copy)]
pub struct ByteBlock<'a> {
    chunks: &'a [[u8; WIDTH]],
    last: u8,
}

impl ByteBlock<'_> {
    /// Bytes in a block.
    pub const LENGTH: usize = FAR * WIDTH;
}

impl<'a> ByteBlock<'a> {
    /// The block that begins at `at`; `None` if fewer than [`Self::LENGTH`] bytes are left.
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

    /// Whether the block contains a quote. Cheaper than [`Self::quotes`]: the vectors are combined before one mask is
    /// made.
    #[inline(always)]
    pub fn has_quote(self) -> bool {
        let quotes = |found: u8x16, chunk| found | equals(u8x16::new(chunk), b'"');
        let found = self.chunks.iter().copied().fold(u8x16::splat(0), quotes);
        found.to_bitmask() != 0
    }

    /// The mask of the quotes.
    #[inline(always)]
    pub fn quotes(self) -> u64 {
        self.bits_where(|bytes| equals(bytes, b'"'))
    }

    /// The mask of the backslashes.
    #[inline(always)]
    pub fn backslashes(self) -> u64 {
        self.bits_where(|bytes| equals(bytes, b'\\'))
    }

    /// The mask of all brackets, plus some false positives: `Y`, `_`, `y` and DEL, which valid JSON contains in strings
    /// only. The caller looks at the byte anyway.
    #[inline(always)]
    pub fn brackets(self) -> u64 {
        // `[`, `]`, `{` and `}` (0x5b, 0x5d, 0x7b, 0x7d) differ in the bits 0x26 only: one comparison instead of four.
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

/// Sets all bits of each lane that equals `byte` and clears the others.
#[inline(always)]
fn equals(bytes: u8x16, byte: u8) -> u8x16 {
    bytes.simd_eq(u8x16::splat(byte))
}

/// Searches a long run, [`FAR`] vectors in each step. Not inlined: [`find_special`] is inlined in many places and
/// rarely gets here.
#[inline(never)]
fn find_special_far(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = chunk_at::<{ FAR * WIDTH }>(bytes, at) {
        let (chunks, _) = block.as_chunks::<WIDTH>();
        // A minimum of zero says that one of the vectors contains a special byte; the loop below then finds which one.
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

/// Searches the end of the text, where less than a vector is left.
#[inline(never)]
fn find_special_in_tail(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return bytes.len();
    }
    let found = match bytes.last_chunk::<WIDTH>() {
        // The last vector of the text overlaps bytes before `at`; the shift removes their bits.
        Some(chunk) => special_bits(chunk) >> (WIDTH - rest.len()),
        None => return at + find_special_in_short(rest),
    };
    if found == 0 {
        bytes.len()
    } else {
        at + first_index(found)
    }
}

/// Searches the rest of a text that is shorter than a vector: the index of the first special byte, or the length.
///
/// Every short string that is written comes here, because [`super::json::write_string`] searches each string by itself.
/// The bytes are copied into one vector as two halves of a fixed length, which may overlap; a loop over single bytes,
/// or a copy of variable length, would cost more.
fn find_special_in_short(bytes: &[u8]) -> usize {
    let mut chunk = [b' '; WIDTH];
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
        // In the second half, which is the last `half` bytes of the text.
        found => first_index(found) + bytes.len() - 2 * half,
    }
}

/// `LENGTH` bytes from `at` on; `None` if fewer are left.
#[inline(always)]
fn chunk_at<const LENGTH: usize>(bytes: &[u8], at: usize) -> Option<&[u8; LENGTH]> {
    bytes.get(at..)?.first_chunk()
}

/// Makes each lane with a special byte zero, and no other lane.
#[inline(always)]
fn zero_specials(bytes: u8x16) -> u8x16 {
    // Flipping bit 1 maps the quote (0x22) to 0x20 and permutes the control characters among themselves; the saturating
    // subtraction then makes 0x00 to 0x20 zero. The space (0x20) becomes 0x22 and stays above.
    let control_or_quote = (bytes ^ u8x16::splat(2)).saturating_sub(u8x16::splat(0x20));
    control_or_quote.min(bytes ^ u8x16::splat(b'\\'))
}

/// Whether a byte is special, as [`find_special`] means it.
#[inline]
pub fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// The mask of the special bytes: the lowest bit is for the first byte.
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

    /// Compares a search with a loop over bytes: every byte value at every position in texts of many lengths, with a
    /// start before, at and after that position.
    fn assert_agrees_with_loop(find: fn(&[u8], usize) -> usize, belongs: fn(u8) -> bool) {
        let by_loop = |bytes: &[u8], at: usize| {
            let found = bytes.iter().skip(at).position(|byte| belongs(*byte));
            found.map_or(bytes.len(), |found| at + found)
        };
        for byte in 0..=u8::MAX {
            for length in [0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 70] {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    for at in [0, 1, place / 2, place, place + 1] {
                        let expected = by_loop(&bytes, at);
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
                // A quote right before the start must not be found.
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
    fn special_bytes_are_found_at_every_position() {
        assert_agrees_with_loop(find_special, is_special);
    }

    #[test]
    fn quotes_are_found_at_every_position() {
        assert_agrees_with_loop(find_quote, |byte| byte == b'"');
    }

    #[test]
    fn a_search_from_behind_the_end_finds_nothing() {
        for bytes in [&b""[..], b"\"", b"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""] {
            for at in bytes.len()..bytes.len() + 3 {
                assert_eq!(find_special(bytes, at), bytes.len());
                assert_eq!(find_quote(bytes, at), bytes.len());
            }
        }
    }
}
