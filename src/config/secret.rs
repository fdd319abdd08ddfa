//! Text that must never be printed.

use std::fmt;

use serde::{Serialize, Serializer};

const REDACTED: &str = "[redacted]";

/// A credential. Every way of printing it gives `[redacted]`; only [`Secret::expose`] returns the text.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps `text` as a credential.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The credential itself. Use it only to send or to check the credential.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn no_way_of_printing_contains_the_text() {
        let secret = Secret::new("sk-very-secret");
        assert_eq!(secret.expose(), "sk-very-secret");
        assert_eq!(
            format!("{secret} {secret:?} {secret:#?}"),
            "[redacted] [redacted] [redacted]"
        );
        assert_eq!(serde_json::to_string(&Some(secret)).unwrap(), "\"[redacted]\"");
    }
}
