//! Carriers: strings in which a client of one vendor keeps the reasoning state of another.
//!
//! A carrier is `px1.`, a letter for the origin, `.`, and base64url of the exact JSON of the vendor's block or item. If
//! the proxy has a secret, `.` and base64url of a code of authenticity follow. The carrier is in a field that the
//! client sends back unchanged (a thinking signature, `reasoning_details`, `encrypted_content`). Only strings with this
//! prefix are treated as carriers; the origin of a vendor's own state is never guessed from its bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::canonical::{Authenticity, Family, Opaque};

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
    /// The key that is derived from a secret. It is the same in every process that has the secret.
    pub fn new(secret: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"llm-proxy carrier\n");
        hash.update(secret);
        // HMAC-SHA-256 takes a key of the hash's block size; a shorter one is padded with zeros.
        let mut key = [0; 64];
        key.iter_mut()
            .zip(hash.finalize())
            .for_each(|(to, from)| *to = from);
        Self(key)
    }

    /// The state with the mark of this proxy: the first 16 bytes of its code.
    #[must_use]
    pub fn mark(&self, opaque: Opaque) -> Opaque {
        let full = self.code(&opaque).finalize().into_bytes();
        let mut mark = [0; 16];
        mark.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        Opaque {
            authenticity: Authenticity::Marked(mark),
            ..opaque
        }
    }

    /// Whether a state may be sent back to its vendor: it came without a carrier, or it has this proxy's mark. The
    /// comparison takes the same time for every mark, so that none can be found out byte by byte.
    pub fn accepts(&self, opaque: &Opaque) -> bool {
        match opaque.authenticity {
            Authenticity::FromVendor => true,
            Authenticity::Unmarked => false,
            Authenticity::Marked(mark) => self.code(opaque).verify_truncated_left(&mark).is_ok(),
        }
    }

    /// The code of authenticity. It covers the origin: a mark is not valid for the same bytes of another vendor.
    fn code(&self, opaque: &Opaque) -> Hmac<Sha256> {
        let mut code = <Hmac<Sha256> as KeyInit>::new(&self.0.into());
        code.update(&[origin_letter(opaque.origin)]);
        code.update(opaque.json.get().as_bytes());
        code
    }
}

fn origin_letter(origin: Family) -> u8 {
    match origin {
        Family::Claude => b'c',
        Family::OpenaiResponses => b'r',
        Family::OpenaiChat => b'u',
    }
}

/// Writes the carrier of a vendor's reasoning state.
pub fn encode(opaque: &Opaque) -> String {
    let letter = char::from(origin_letter(opaque.origin));
    let carrier = format!("{MAGIC}{letter}.{}", URL_SAFE_NO_PAD.encode(opaque.json.get()));
    match opaque.authenticity {
        Authenticity::Marked(mark) => format!("{carrier}.{}", URL_SAFE_NO_PAD.encode(mark)),
        Authenticity::FromVendor | Authenticity::Unmarked => carrier,
    }
}

/// Reads the state in a carrier; `None` if the string is no carrier of this version.
pub fn decode(text: &str) -> Option<Opaque> {
    let (letter, rest) = text.strip_prefix(MAGIC)?.split_once('.')?;
    let origin = match letter {
        "c" => Family::Claude,
        "r" => Family::OpenaiResponses,
        "u" => Family::OpenaiChat,
        _ => return None,
    };
    let (payload, authenticity) = match rest.split_once('.') {
        None => (rest, Authenticity::Unmarked),
        Some((payload, mark)) => {
            let mark = URL_SAFE_NO_PAD.decode(mark).ok()?;
            (payload, Authenticity::Marked(mark.try_into().ok()?))
        }
    };
    let json = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(Opaque {
        authenticity,
        ..Opaque::new(origin, RawValue::from_string(json).ok()?)
    })
}

/// Whether a string has the form of a carrier of any version. Carriers of other versions must not reach a vendor as its
/// own state either.
pub fn is_carrier(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("px") else {
        return false;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && rest.as_bytes().get(digits) == Some(&b'.')
}

/// The state of reasoning that its vendor does not sign: reasoning text of Chat Completions. Its carrier only records
/// the origin.
pub fn unsigned_reasoning() -> Opaque {
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
    fn a_decoded_carrier_has_the_exact_bytes_of_its_state() {
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
    fn of_carried_state_only_that_with_a_valid_mark_is_accepted() {
        let key = CarrierKey::new("a secret");
        let state = opaque(Family::Claude, "{}");
        let carried = |state: &Opaque| decode(&encode(state));
        let marked = carried(&key.mark(state.clone()));
        assert_eq!(marked.as_ref().map(|state| key.accepts(state)), Some(true));
        assert_eq!(
            marked
                .as_ref()
                .map(|state| CarrierKey::new("another").accepts(state)),
            Some(false)
        );
        assert_eq!(
            carried(&state).map(|state| key.accepts(&state)),
            Some(false),
            "a carrier without a mark"
        );
        assert!(key.accepts(&state), "state without a carrier needs no mark");
        let other = carried(&key.mark(opaque(Family::OpenaiResponses, "{}")));
        let moved = other.map(|state| Opaque {
            origin: Family::Claude,
            ..state
        });
        assert_eq!(
            moved.map(|state| key.accepts(&state)),
            Some(false),
            "a mark is valid for its vendor only"
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
