//! The names of the dialects.

use std::fmt;
use std::str::FromStr;

/// The name of a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DialectName {
    /// `openai-chat`
    OpenAiChat,
    /// `openai-responses`
    OpenAiResponses,
    /// `claude`
    Claude,
    /// `bedrock`
    Bedrock,
}

impl DialectName {
    /// All dialects.
    pub const ALL: [Self; 4] = [
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::Claude,
        Self::Bedrock,
    ];

    /// The name as configuration and command line spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::Claude => "claude",
            Self::Bedrock => "bedrock",
        }
    }
}

impl fmt::Display for DialectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for a word that names no dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDialect(pub String);

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = DialectName::ALL.map(DialectName::as_str).join(", ");
        write!(f, "unknown dialect {:?}, expected one of {names}", self.0)
    }
}

impl std::error::Error for UnknownDialect {}

impl FromStr for DialectName {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|dialect| dialect.as_str() == name);
        found.ok_or_else(|| UnknownDialect(name.to_owned()))
    }
}
