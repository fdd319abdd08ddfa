//! Workloads for measuring llm-proxy: the same requests and streams for micro benchmarks, for instruction counts and
//! for complete programs under load.

pub mod exchange;
pub mod request;
pub mod response;
pub mod work;

use std::time::{SystemTime, UNIX_EPOCH};

use llm_proxy::dialect::DialectName;

/// The model name in every client's request.
pub const MODEL: &str = "bench-model";

/// The path to which a client of a dialect sends requests that generate a response.
pub fn path(dialect: DialectName, stream: bool) -> String {
    match dialect {
        DialectName::OpenAiChat => "/v1/chat/completions".to_owned(),
        DialectName::OpenAiResponses => "/v1/responses".to_owned(),
        DialectName::Claude => "/v1/messages".to_owned(),
        DialectName::Bedrock if stream => format!("/model/{MODEL}/invoke-with-response-stream"),
        DialectName::Bedrock => format!("/model/{MODEL}/invoke"),
    }
}

/// The model name for an upstream of a dialect. The proxy's capability table contains it.
pub fn upstream_model(dialect: DialectName) -> &'static str {
    match dialect {
        DialectName::OpenAiChat | DialectName::OpenAiResponses => "gpt-5.2",
        DialectName::Claude => "claude-sonnet-4-5",
        DialectName::Bedrock => "anthropic.claude-sonnet-4-5-20250929-v1:0",
    }
}

/// The time in nanoseconds since 1970. All processes of a machine have the same clock, so they can compare times.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
