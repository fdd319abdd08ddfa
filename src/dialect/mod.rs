//! What a dialect is, and the registry of those that exist.
//!
//! Every dialect's folder has the same names for the same things, and the direction is in the name: `request/read.rs`
//! and `request/write.rs`, likewise `response`, `stream` and `messages`; `tools`, `reasoning`, `usage`, `error`,
//! `endpoints`, `system_edit`, `count_tokens` and `rate_limits` for one subject each; `types` for the generated types
//! and `reasons` for the texts of its losses. A dialect has no file for a subject that its API does not have.
//!
//! `openai` holds what the two OpenAI dialects share, `shared` what all dialects do. No dialect uses another; only
//! bedrock, which is Claude in another envelope, uses claude.

pub mod bedrock;
pub mod claude;
pub mod openai;
pub mod openai_chat;
pub mod openai_responses;
mod request;
mod response;
pub mod shared;
mod traits;

pub use crate::canonical::{DialectName, UnknownDialect};
pub use request::{
    ClientRequest, Endpoint, Preferences, ReadRequest, RequestEcho, ResponseLinks, Target, WrittenRequest,
};
pub use response::{ResponseContext, WrittenError};
pub use traits::{
    Dialect, Endpoints, ErrorCodec, ModelList, RateLimitHeaders, RequestCodec, ResponseCodec, StreamCodec,
    StreamReader, StreamWriter, TokenCounting,
};

/// The dialect of a name.
pub fn find(name: DialectName) -> &'static dyn Dialect {
    match name {
        DialectName::Claude => &claude::Claude,
        DialectName::OpenAiChat => &openai_chat::OpenAiChat,
        DialectName::OpenAiResponses => &openai_responses::OpenAiResponses,
        DialectName::Bedrock => &bedrock::Bedrock,
    }
}

/// Every reason that a dialect has for a loss: the name and the text, by the module that declares it. The text has
/// names in braces where values are filled in.
pub fn reasons() -> Vec<(&'static str, &'static [(&'static str, &'static str)])> {
    vec![
        ("shared", shared::reasons::SharedReason::ALL),
        ("claude", claude::reasons::ClaudeReason::ALL),
        ("openai", openai::reasons::OpenAiReason::ALL),
        ("bedrock", bedrock::reasons::BedrockReason::ALL),
        ("openai_chat", openai_chat::reasons::ChatReason::ALL),
        (
            "openai_responses",
            openai_responses::reasons::ResponsesReason::ALL,
        ),
    ]
}
