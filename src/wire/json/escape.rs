//! Writes strings: quotes and escapes.

use crate::wire::find::find_special;

/// Appends a string with its quotes. It escapes what RFC 8259 demands (quote, backslash, control characters) and
/// nothing else, with the short escape if there is one: the bytes that serde_json writes.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    // Room for a typical share of escapes. Growing doubles the vector and copies all of it, which is expensive right
    // after a large text, when little follows.
    out.reserve(text.len() + text.len() / 16 + 2);
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

/// Appends a string as [`write_string`] does, without the quotes.
pub(super) fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let end = find_special(bytes, at);
        out.extend_from_slice(bytes.get(at..end).unwrap_or_default());
        let Some(&byte) = bytes.get(end) else {
            break;
        };
        write_escape(byte, out);
        at = end + 1;
    }
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
    fn every_character_at_every_position_is_written_as_by_serde_json() {
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
