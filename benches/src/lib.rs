//! What llm-proxy is measured with: the same requests and streams for the micro benches, for instruction counts and for
//! whole programs under load.

pub mod answer;
pub mod exchange;
pub mod request;
pub mod work;

use std::time::{SystemTime, UNIX_EPOCH};

use llm_proxy::dialect::DialectName;

/// The name of the model that every client asks for.
pub const MODEL: &str = "bench-model";

/// Where a client of a dialect sends a request for an answer.
pub fn path(dialect: DialectName, stream: bool) -> String {
    match dialect {
        DialectName::OpenAiChat => "/v1/chat/completions".to_owned(),
        DialectName::OpenAiResponses => "/v1/responses".to_owned(),
        DialectName::Claude => "/v1/messages".to_owned(),
        DialectName::Bedrock if stream => format!("/model/{MODEL}/invoke-with-response-stream"),
        DialectName::Bedrock => format!("/model/{MODEL}/invoke"),
    }
}

/// The name of the model that an upstream of a dialect is asked for: one that the proxy knows the abilities of.
pub fn upstream_model(dialect: DialectName) -> &'static str {
    match dialect {
        DialectName::OpenAiChat | DialectName::OpenAiResponses => "gpt-5.2",
        DialectName::Claude => "claude-sonnet-4-5",
        DialectName::Bedrock => "anthropic.claude-sonnet-4-5-20250929-v1:0",
    }
}

/// The time in nanoseconds since 1970, the same in all processes of a machine.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
