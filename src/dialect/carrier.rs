//! Carriers: strings in which one vendor's reasoning state crosses another vendor's client.
//!
//! A carrier is `px1.` + a letter for the origin + `.` + base64url of the exact JSON of the vendor's block or item. It
//! stands in a field that the client sends back untouched (a thinking signature, `reasoning_details`). Only strings
//! with this prefix are taken for ours; a vendor's own state is never guessed from its bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use serde_json::value::RawValue;

use crate::canonical::{Family, Opaque};

const MAGIC: &str = "px1.";

/// The carrier of a vendor's reasoning state.
pub fn encode(opaque: &Opaque) -> String {
    let letter = match opaque.origin {
        Family::Claude => 'c',
        Family::OpenaiResponses => 'r',
        Family::OpenaiChat => 'u',
    };
    format!("{MAGIC}{letter}.{}", URL_SAFE_NO_PAD.encode(opaque.json.get()))
}

/// What a string carries; `None` where it is no carrier of this version.
pub fn decode(text: &str) -> Option<Opaque> {
    let (letter, payload) = text.strip_prefix(MAGIC)?.split_once('.')?;
    let origin = match letter {
        "c" => Family::Claude,
        "r" => Family::OpenaiResponses,
        "u" => Family::OpenaiChat,
        _ => return None,
    };
    let json = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(Opaque {
        origin,
        json: RawValue::from_string(json).ok()?,
    })
}

/// Whether a string claims to be a carrier, of whatever version.
pub fn is_carrier(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("px") else {
        return false;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && rest.as_bytes().get(digits) == Some(&b'.')
}

/// The marker of reasoning that its vendor does not sign: chat reasoning text.
pub fn unsigned() -> Opaque {
    Opaque {
        origin: Family::OpenaiChat,
        json: RawValue::NULL.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_byte_for_byte() {
        for origin in [Family::Claude, Family::OpenaiResponses, Family::OpenaiChat] {
            for text in [
                r#"{"b": 1.0,"a":"é🚀","n":12345678901234567890123}"#,
                "{}",
                r#""x""#,
            ] {
                let Ok(json) = RawValue::from_string(text.to_owned()) else {
                    panic!("{text}")
                };
                let carrier = encode(&Opaque { origin, json });
                assert!(
                    carrier
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)),
                    "{carrier}"
                );
                assert!(is_carrier(&carrier));
                let back = decode(&carrier).map(|opaque| (opaque.origin, opaque.json.get().to_owned()));
                assert_eq!(back, Some((origin, text.to_owned())));
            }
        }
    }

    #[test]
    fn foreign_strings_are_no_carriers() {
        for text in [
            "",
            "ErUBCkYIBxgCIkD",
            "px1.c.***",
            "px1.z.e30",
            "px1.c.bm90IGpzb24",
        ] {
            assert!(decode(text).is_none(), "{text}");
        }
        assert!(
            is_carrier("px2.c.e30") && !is_carrier("pixel") && !is_carrier("px.") && !is_carrier("gAAAA")
        );
    }
}
