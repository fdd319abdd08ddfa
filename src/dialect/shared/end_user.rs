//! Identifiers of end users. Vendors ask for opaque ones that do not reveal the person.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The identifier, or its digest if it looks like an e-mail address or a telephone number, which Anthropic refuses.
pub fn make_opaque(id: &str) -> String {
    let digits = id.chars().filter(char::is_ascii_digit).count();
    let telephone = digits >= 7 && id.chars().all(|c| c.is_ascii_digit() || "+-() ./".contains(c));
    if id.contains('@') || telephone {
        digest(id)
    } else {
        id.to_owned()
    }
}

/// SHA-256 in hexadecimal.
pub fn digest(id: &str) -> String {
    Sha256::digest(id)
        .iter()
        .fold(String::with_capacity(64), |mut out, byte| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_hidden() {
        assert_eq!(make_opaque("bob@x.org").len(), 64);
        assert_eq!(make_opaque("+49 (89) 1234-567").len(), 64);
        assert_eq!(make_opaque("user_123"), "user_123");
        assert_eq!(
            digest(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
