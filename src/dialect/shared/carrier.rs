//! Carriers: strings in which one vendor's reasoning state crosses another vendor's client.
//!
//! A carrier is `px1.` + a letter for the origin + `.` + base64url of the exact JSON of the vendor's block or item, and,
//! where the proxy has a secret, `.` + base64url of a code of authenticity. It stands in a field that the client sends
//! back untouched (a thinking signature, `reasoning_details`, `encrypted_content`). Only strings with this prefix are
//! taken for ours; a vendor's own state is never guessed from its bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::canonical::{Family, Opaque, Passage};

const MAGIC: &str = "px1.";

/// The key that carriers are authenticated with.
#[derive(Clone)]
pub struct CarrierKey([u8; 64]);

impl std::fmt::Debug for CarrierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CarrierKey")
    }
}

impl CarrierKey {
    /// The key that follows from a secret; the same in every process that has it.
    pub fn new(secret: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"llm-proxy carrier\n");
        hash.update(secret);
        // The code takes a key of its block's size, filled up with zeros.
        let mut key = [0; 64];
        key.iter_mut()
            .zip(hash.finalize())
            .for_each(|(to, from)| *to = from);
        Self(key)
    }

    /// The state with the mark that says that this proxy carried it.
    #[must_use]
    pub fn mark(&self, opaque: Opaque) -> Opaque {
        let full = self.code(&opaque).finalize().into_bytes();
        let mut mark = [0; 16];
        mark.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        Opaque {
            passage: Passage::Marked(mark),
            ..opaque
        }
    }

    /// Whether a state may be sent back to its vendor: it is no carrier's, or it has our mark. Takes the same time
    /// whatever the mark is.
    pub fn admits(&self, opaque: &Opaque) -> bool {
        match opaque.passage {
            Passage::Plain => true,
            Passage::Unmarked => false,
            Passage::Marked(mark) => self.code(opaque).verify_truncated_left(&mark).is_ok(),
        }
    }

    fn code(&self, opaque: &Opaque) -> Hmac<Sha256> {
        let mut code = <Hmac<Sha256> as KeyInit>::new(&self.0.into());
        code.update(&[letter(opaque.origin)]);
        code.update(opaque.json.get().as_bytes());
        code
    }
}

fn letter(origin: Family) -> u8 {
    match origin {
        Family::Claude => b'c',
        Family::OpenaiResponses => b'r',
        Family::OpenaiChat => b'u',
    }
}

/// The carrier of a vendor's reasoning state.
pub fn encode(opaque: &Opaque) -> String {
    let letter = char::from(letter(opaque.origin));
    let carrier = format!("{MAGIC}{letter}.{}", URL_SAFE_NO_PAD.encode(opaque.json.get()));
    match opaque.passage {
        Passage::Marked(mark) => format!("{carrier}.{}", URL_SAFE_NO_PAD.encode(mark)),
        Passage::Plain | Passage::Unmarked => carrier,
    }
}

/// What a string carries; `None` where it is no carrier of this version.
pub fn decode(text: &str) -> Option<Opaque> {
    let (letter, rest) = text.strip_prefix(MAGIC)?.split_once('.')?;
    let origin = match letter {
        "c" => Family::Claude,
        "r" => Family::OpenaiResponses,
        "u" => Family::OpenaiChat,
        _ => return None,
    };
    let (payload, passage) = match rest.split_once('.') {
        None => (rest, Passage::Unmarked),
        Some((payload, mark)) => {
            let mark = URL_SAFE_NO_PAD.decode(mark).ok()?;
            (payload, Passage::Marked(mark.try_into().ok()?))
        }
    };
    let json = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(Opaque {
        passage,
        ..Opaque::new(origin, RawValue::from_string(json).ok()?)
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
    Opaque::new(Family::OpenaiChat, RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opaque(origin: Family, text: &str) -> Opaque {
        let Ok(json) = RawValue::from_string(text.to_owned()) else {
            panic!("{text}")
        };
        Opaque::new(origin, json)
    }

    #[test]
    fn what_goes_in_comes_out_byte_for_byte() {
        let key = CarrierKey::new("a secret");
        for origin in [Family::Claude, Family::OpenaiResponses, Family::OpenaiChat] {
            for text in [
                r#"{"b": 1.0,"a":"é🚀","n":12345678901234567890123}"#,
                "{}",
                r#""x""#,
            ] {
                for state in [opaque(origin, text), key.mark(opaque(origin, text))] {
                    let carrier = encode(&state);
                    let in_alphabet = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
                    assert!(carrier.bytes().all(in_alphabet), "{carrier}");
                    assert!(is_carrier(&carrier));
                    let back = decode(&carrier).map(|opaque| (opaque.origin, opaque.json.get().to_owned()));
                    assert_eq!(back, Some((origin, text.to_owned())));
                }
            }
        }
    }

    #[test]
    fn only_what_this_proxy_marked_is_admitted() {
        let key = CarrierKey::new("a secret");
        let state = opaque(Family::Claude, "{}");
        let carried = |state: &Opaque| decode(&encode(state));
        let marked = carried(&key.mark(state.clone()));
        assert_eq!(marked.as_ref().map(|state| key.admits(state)), Some(true));
        assert_eq!(
            marked
                .as_ref()
                .map(|state| CarrierKey::new("another").admits(state)),
            Some(false)
        );
        assert_eq!(
            carried(&state).map(|state| key.admits(&state)),
            Some(false),
            "a carrier without a mark"
        );
        assert!(key.admits(&state), "what is no carrier's is not asked for a mark");
        let other = carried(&key.mark(opaque(Family::OpenaiResponses, "{}")));
        let moved = other.map(|state| Opaque {
            origin: Family::Claude,
            ..state
        });
        assert_eq!(
            moved.map(|state| key.admits(&state)),
            Some(false),
            "a mark holds for its vendor"
        );
    }

    #[test]
    fn foreign_strings_are_no_carriers() {
        for text in [
            "",
            "ErUBCkYIBxgCIkD",
            "px1.c.***",
            "px1.z.e30",
            "px1.c.bm90IGpzb24",
            "px1.c.e30.AAAA",
        ] {
            assert!(decode(text).is_none(), "{text}");
        }
        assert!(
            is_carrier("px2.c.e30") && !is_carrier("pixel") && !is_carrier("px.") && !is_carrier("gAAAA")
        );
    }
}
