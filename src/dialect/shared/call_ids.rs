//! Identifiers of tool calls, kept when legal for the target and mapped without state when not.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// What a dialect takes as the identifier of a tool call.
#[derive(Clone, Copy, Debug)]
pub struct IdRule {
    /// Most characters.
    pub limit: usize,
    /// Prefix of a mapped identifier.
    pub prefix: &'static str,
}

impl IdRule {
    /// Anthropic refuses other characters than letters, digits, `_` and `-`; no limit of length is published.
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

    /// The identifier as the target takes it: unchanged when legal, else a hash of at most 40 characters. The same for
    /// the call and its result, and different for different identifiers.
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

/// The upstream's identifier of an answer behind the prefix that the client's dialect uses: `msg_01AB` becomes
/// `chatcmpl-01AB`.
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
    fn others_are_mapped_alike_each_time_and_apart_from_each_other() {
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
    fn answers_keep_the_tail_of_their_identifier() {
        assert_eq!(with_prefix("chatcmpl-", "msg_01AB"), "chatcmpl-01AB");
        assert_eq!(with_prefix("msg_", "msg_01AB"), "msg_01AB");
        assert_eq!(with_prefix("msg_", "42"), "msg_42");
    }
}
