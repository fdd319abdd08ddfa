//! Strings as JSON writes them.

/// Bytes that are looked at together where a text has long runs without escapes.
const BLOCK: usize = 64;
/// So many bytes without an escape make a run a long one.
const LONG: usize = 64;

/// Appends a string with its quotation marks. Escaped is what RFC 8259 demands and nothing else, the short way where
/// there is one.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    // A vector that has to grow again copies everything; of a large text that is much, and little follows it.
    out.reserve(text.len() + text.len() / 16 + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (clean, next) = rest.split_at_checked(clean_length(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(clean);
        let Some((&byte, tail)) = next.split_first() else {
            break;
        };
        write_escape(byte, out);
        rest = tail;
    }
    out.push(b'"');
}

/// The number of bytes before the first one that has to be escaped.
fn clean_length(text: &[u8]) -> usize {
    let mut at = 0;
    let (words, _) = text.as_chunks::<8>();
    for word in words {
        let found = to_escape(u64::from_le_bytes(*word));
        if found != 0 {
            // The lowest bit that is set tells exactly; those above it may be echoes of it.
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
        if at == LONG {
            at += clean_blocks(text.get(at..).unwrap_or_default());
            break;
        }
    }
    let rest = text.get(at..).unwrap_or_default();
    let (words, tail) = rest.as_chunks::<8>();
    for word in words {
        let found = to_escape(u64::from_le_bytes(*word));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    match text.last_chunk() {
        _ if tail.is_empty() => at,
        // What is looked at twice has nothing to escape.
        Some(last) => match to_escape(u64::from_le_bytes(*last)) {
            0 => text.len(),
            found => text.len() - 8 + found.trailing_zeros() as usize / 8,
        },
        None => clean_length_of_few(text),
    }
}

/// The same for fewer than eight bytes.
fn clean_length_of_few(text: &[u8]) -> usize {
    let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) else {
        return text.iter().take_while(|byte| !needs_escape(**byte)).count();
    };
    let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
    let found = to_escape(u64::from(last) << 32 | u64::from(first));
    match found.trailing_zeros() as usize / 8 {
        _ if found == 0 => text.len(),
        at @ 0..4 => at,
        at => text.len() + at - 8,
    }
}

/// The number of bytes in the blocks before the first one that holds something to escape.
fn clean_blocks(text: &[u8]) -> usize {
    let (blocks, _) = text.as_chunks::<BLOCK>();
    let is_clean = |block: &[u8; BLOCK]| {
        !block
            .iter()
            .fold(false, |found, byte| found | needs_escape(*byte))
    };
    blocks.iter().take_while(|block| is_clean(block)).count() * BLOCK
}

fn needs_escape(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

/// The high bits of those bytes that have to be escaped, as far as the lowest of them: a borrow from it may set others.
fn to_escape(word: u64) -> u64 {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let control = word.wrapping_sub(each(b' '));
    let quotation_mark = (word ^ each(b'"')).wrapping_sub(each(1));
    let backslash = (word ^ each(b'\\')).wrapping_sub(each(1));
    (control | quotation_mark | backslash) & !word & each(0x80)
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'\n' => b'n',
        b'"' | b'\\' => byte,
        b'\t' => b't',
        b'\r' => b'r',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digit = |value: u8| {
                if value < 10 {
                    b'0' + value
                } else {
                    b'a' + value - 10
                }
            };
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0xf)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_string(text, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    fn expected(text: &str) -> String {
        serde_json::to_string(text).unwrap_or_default()
    }

    #[test]
    fn every_character_at_every_place_is_written_as_by_serde_json() {
        for first in (0..=0x17f_u32).chain([0x2028, 0xd7ff, 0xfffd, 0x1_f680]) {
            let Some(char) = char::from_u32(first) else {
                continue;
            };
            for before in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 63, 64, 65, 127, 128, 200] {
                for after in [0, 1, 2, 3, 4, 6, 8, 70] {
                    let text = format!("{}{char}{}", "a".repeat(before), "!".repeat(after));
                    assert_eq!(written(&text), expected(&text));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_by_serde_json(
            pieces in prop::collection::vec(
                prop_oneof![any::<String>(), "[ -~]{0,90}", "[\"\\\\\n\t !#]{0,20}", "[\u{0}-\u{ff}]{0,20}"],
                0..6,
            )
        ) {
            let text = pieces.concat();
            prop_assert_eq!(written(&text), expected(&text));
        }
    }
}
