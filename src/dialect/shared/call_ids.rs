//! Identifiers of tool calls: unchanged if the target accepts them, else mapped to a hash.
//!
//! The mapping has no state: the identifier that a client sends back is mapped to the same one in every request, also
//! after a restart.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// What a dialect accepts as the identifier of a tool call.
#[derive(Clone, Copy, Debug)]
pub struct IdRule {
    /// The most characters.
    pub limit: usize,
    /// The prefix of a mapped identifier.
    pub prefix: &'static str,
}

impl IdRule {
    /// Anthropic refuses characters other than letters, digits, `_` and `-`. It publishes no limit of length.
    pub const CLAUDE: Self = Self {
        limit: 256,
        prefix: "toolu_",
    };

    /// Some hosts of Chat Completions still enforce 40 characters.
    pub const OPENAI_CHAT: Self = Self {
        limit: 40,
        prefix: "call_",
    };

    /// OpenAI refuses a `call_id` of more than 64 characters.
    pub const OPENAI_RESPONSES: Self = Self {
        limit: 64,
        prefix: "call_",
    };

    /// The identifier as the target accepts it: unchanged, or a hash of at most 40 characters. It is the same for a
    /// call and its result, and differs between different identifiers.
    pub fn apply(self, id: &str) -> Cow<'_, str> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !id.is_empty() && id.len() <= self.limit && id.bytes().all(legal) {
            return Cow::Borrowed(id);
        }
        let mut mapped = URL_SAFE_NO_PAD.encode(Sha256::digest(id));
        mapped.truncate(32);
        Cow::Owned(format!("{}{mapped}", self.prefix))
    }
}

/// The upstream's identifier of a response, with the prefix of the client's dialect instead of its own: `msg_01AB`
/// becomes `chatcmpl-01AB`.
pub fn with_prefix(prefix: &str, id: &str) -> String {
    if id.starts_with(prefix) {
        return id.to_owned();
    }
    let known = ["chatcmpl-", "resp_", "msg_", "gen-"];
    let tail = known
        .iter()
        .find_map(|known| id.strip_prefix(known))
        .unwrap_or(id);
    format!("{prefix}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_identifiers_stay() {
        assert_eq!(IdRule::CLAUDE.apply("toolu_01-A"), "toolu_01-A");
        assert_eq!(IdRule::OPENAI_CHAT.apply("call_abc"), "call_abc");
    }

    #[test]
    fn each_other_identifier_is_mapped_to_the_same_and_distinct_hash() {
        let (a, b) = ("functions.Bash:0", "functions.Bash:1");
        let mapped = IdRule::CLAUDE.apply(a);
        assert_eq!(mapped, IdRule::CLAUDE.apply(a));
        assert_ne!(mapped, IdRule::CLAUDE.apply(b));
        assert!(mapped.starts_with("toolu_") && mapped.len() <= 40, "{mapped}");
        let long = "x".repeat(83);
        assert_eq!(IdRule::OPENAI_CHAT.apply(&long).len(), 37);
        assert_ne!(
            IdRule::OPENAI_CHAT.apply(&long),
            IdRule::OPENAI_CHAT.apply(&"x".repeat(84))
        );
        assert_eq!(IdRule::CLAUDE.apply("").len(), 38);
    }

    #[test]
    fn a_response_keeps_the_identifier_after_its_prefix() {
        assert_eq!(with_prefix("chatcmpl-", "msg_01AB"), "chatcmpl-01AB");
        assert_eq!(with_prefix("msg_", "msg_01AB"), "msg_01AB");
        assert_eq!(with_prefix("msg_", "42"), "msg_42");
    }
}
