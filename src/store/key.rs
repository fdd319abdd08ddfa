//! The owner of an entry, and identifiers that nobody can guess.

use std::fmt;

use sha2::{Digest, Sha256};

/// The prefix of the identifiers of saved responses: that of the API, and a mark of the proxy.
const PREFIX: &str = "resp_px";
/// The number of random bytes in an identifier: 160 bits.
const RANDOM: usize = 20;

/// The owner of entries: a digest of the route and the client's credential. Neither can be recovered from it, so a
/// store that leaks contains no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOwner(String);

impl StoreOwner {
    /// The owner for a route's prefix and a client's credential, which is empty for a client without one.
    pub fn new(route: &str, credential: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"llm-proxy response store");
        // With the length, no other division of the same text into route and credential has this digest.
        hash.update((route.len() as u64).to_le_bytes());
        hash.update(route);
        hash.update(credential);
        Self(lower_hex(&hash.finalize()))
    }

    /// The key of one of the owner's entries.
    pub fn key(&self, id: &str) -> StoreKey {
        StoreKey(format!("{}:{id}", self.0))
    }
}

/// The key of an entry. It contains the owner, so that no client can read the entries of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreKey(String);

impl StoreKey {
    /// The key's text: hexadecimal digits, a colon and the identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes the identifier of a response.
///
/// # Errors
/// When the system provides no random bytes.
pub fn new_response_id() -> Result<String, getrandom::Error> {
    let mut random = [0; RANDOM];
    getrandom::fill(&mut random)?;
    Ok(format!("{PREFIX}{}", lower_hex(&random)))
}

/// The identifier, if it has the form of those that a proxy makes for saved responses.
pub fn parse_response_id(text: &str) -> Option<&str> {
    let tail = text.strip_prefix(PREFIX)?;
    let digits = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (tail.len() == 2 * RANDOM && digits(tail)).then_some(text)
}

/// The identifier of the response that an item belongs to, from the item's identifier: `resp_pxAB` for `msg_pxAB_0`.
pub fn response_id_of_item(item: &str) -> Option<String> {
    let (_, tail) = item.split_once('_')?;
    let (tail, _index) = tail.split_once('_')?;
    let id = format!("resp_{tail}");
    parse_response_id(&id).map(str::to_owned)
}

fn lower_hex(bytes: &[u8]) -> String {
    use fmt::Write;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_recognised_and_differ() {
        let (one, other) = (new_response_id().unwrap(), new_response_id().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 47);
        assert_eq!(parse_response_id(&one), Some(one.as_str()));
        let tail = one.strip_prefix("resp_").unwrap();
        for item in [format!("msg_{tail}_0"), format!("fco_{tail}_i12")] {
            assert_eq!(response_id_of_item(&item).as_deref(), Some(one.as_str()));
        }
        for text in [
            "",
            "resp_px",
            "resp_abc",
            "resp_px00",
            &one.to_uppercase(),
            &one[..46],
        ] {
            assert_eq!(parse_response_id(text), None, "{text}");
        }
        for item in ["", "msg_1", "msg_abc_0", tail, &one] {
            assert_eq!(response_id_of_item(item), None, "{item}");
        }
    }

    #[test]
    fn owners_differ_by_route_and_credential() {
        assert_eq!(StoreOwner::new("/a", "key"), StoreOwner::new("/a", "key"));
        assert_ne!(StoreOwner::new("/a", "key"), StoreOwner::new("/a", "other"));
        assert_ne!(StoreOwner::new("/a", "b"), StoreOwner::new("/ab", ""));
        assert!(!format!("{:?}", StoreOwner::new("/a", "key-text")).contains("key-text"));
    }
}
