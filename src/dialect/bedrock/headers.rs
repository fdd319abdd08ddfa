//! The headers of the service: the tier, the guardrail and settings of a request, the token counts of a response.
//!
//! Their names are those of InvokeModel:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::reasons::BedrockReason;
use crate::canonical::{Scope, ServiceTier, Usage};

const TIER: &str = "x-amzn-bedrock-service-tier";
const GUARDRAIL: &str = "x-amzn-bedrock-guardrailidentifier";
/// Other headers of the service, for which no other vendor has an equivalent.
const SETTINGS: [&str; 3] = [
    "x-amzn-bedrock-trace",
    "x-amzn-bedrock-performanceconfig-latency",
    "x-amzn-bedrock-request-metadata",
];

/// Refuses or drops the headers that only this service understands, except the tier.
pub fn check_settings(scope: &mut Scope<'_>, headers: &HeaderMap) {
    if headers.contains_key(GUARDRAIL) {
        scope.at(GUARDRAIL).refuse(BedrockReason::Guardrail);
    }
    for name in SETTINGS {
        if headers.contains_key(name) {
            scope.at(name).drop(BedrockReason::ServiceSetting);
        }
    }
}

/// Drops a tier other than the default one. This is for requests that only change their envelope: [`read_tier`] needs
/// the canonical model.
pub fn drop_tier(scope: &mut Scope<'_>, headers: &HeaderMap) {
    if headers.get(TIER).is_some_and(|tier| tier != "default") {
        scope.at(TIER).drop(BedrockReason::ServiceTierHeader);
    }
}

/// Reads the tier. Without the header, the tier that the body names stays.
pub fn read_tier(
    scope: &mut Scope<'_>,
    headers: &HeaderMap,
    of_body: Option<ServiceTier>,
) -> Option<ServiceTier> {
    let tier = headers.get(TIER).and_then(|value| value.to_str().ok());
    match tier {
        None => of_body,
        Some("default") => Some(ServiceTier::Default),
        Some("priority") => Some(ServiceTier::Priority),
        Some("flex") => Some(ServiceTier::Flex),
        Some(_) => {
            scope.at(TIER).drop(BedrockReason::UnknownTier);
            None
        }
    }
}

/// Writes the header of a tier; `auto` has none.
pub fn write_tier(scope: &mut Scope<'_>, tier: Option<ServiceTier>) -> Option<(HeaderName, HeaderValue)> {
    let tier = match tier? {
        ServiceTier::Auto => return None,
        ServiceTier::Default => "default",
        ServiceTier::Priority => "priority",
        ServiceTier::Flex => "flex",
        ServiceTier::Scale | ServiceTier::Fast | ServiceTier::Ultrafast => {
            scope.at("service_tier").drop(BedrockReason::TierOfAnotherVendor);
            return None;
        }
    };
    Some((HeaderName::from_static(TIER), HeaderValue::from_static(tier)))
}

/// Writes the headers of a complete response: its token counts, and how long it took.
pub fn write_response_headers(
    usage: Option<&Usage>,
    took: Option<Duration>,
) -> Vec<(HeaderName, HeaderValue)> {
    let count = |name, count: u64| (HeaderName::from_static(name), HeaderValue::from(count));
    let mut headers = Vec::new();
    if let Some(usage) = usage {
        headers.push(count("x-amzn-bedrock-input-token-count", usage.fresh));
        headers.push(count("x-amzn-bedrock-output-token-count", usage.output));
        if usage.cache_read > 0 || usage.cache_write > 0 {
            headers.push(count(
                "x-amzn-bedrock-cache-read-input-token-count",
                usage.cache_read,
            ));
            headers.push(count(
                "x-amzn-bedrock-cache-write-input-token-count",
                usage.cache_write,
            ));
        }
    }
    if let Some(took) = took {
        headers.push(count("x-amzn-bedrock-invocation-latency", to_millis(took)));
    }
    headers
}

/// Whole milliseconds.
pub fn to_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
