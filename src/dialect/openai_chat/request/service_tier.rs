//! `service_tier`: how fast and at which price a request is processed.

use crate::canonical::{Scope, ServiceTier as CanonicalTier};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;

/// Reads the tier that a client asks for.
pub fn read(scope: &mut Scope<'_>, tier: ServiceTier) -> Option<CanonicalTier> {
    Some(match tier {
        ServiceTier::Auto => CanonicalTier::Auto,
        ServiceTier::Default => CanonicalTier::Default,
        ServiceTier::Flex => CanonicalTier::Flex,
        ServiceTier::Scale => CanonicalTier::Scale,
        ServiceTier::Priority => CanonicalTier::Priority,
        ServiceTier::Fast => CanonicalTier::Fast,
        ServiceTier::Other(_) => {
            scope.drop(OpenAiReason::UnknownServiceTier);
            return None;
        }
    })
}

/// Writes the tier that an upstream is asked for.
pub fn write(scope: &mut Scope<'_>, tier: CanonicalTier) -> ServiceTier {
    match tier {
        CanonicalTier::Auto => ServiceTier::Auto,
        CanonicalTier::Default => ServiceTier::Default,
        CanonicalTier::Flex => ServiceTier::Flex,
        CanonicalTier::Scale => ServiceTier::Scale,
        CanonicalTier::Priority => ServiceTier::Priority,
        CanonicalTier::Fast => ServiceTier::Fast,
        CanonicalTier::Ultrafast => {
            scope.approximate(ChatReason::FastestTier);
            ServiceTier::Fast
        }
    }
}

/// Writes the tier that a response reports, by the upstream's name for it. `None` for any other vendor's tier, because
/// clients expect one of OpenAI's.
pub fn write_response_tier(tier: Option<&str>) -> Option<ServiceTier> {
    match ServiceTier::from(tier?) {
        // Anthropic's names of its normal tier and of its tier for batches.
        ServiceTier::Other(other) if other == "standard" || other == "batch" => Some(ServiceTier::Default),
        ServiceTier::Other(_) => None,
        known @ (ServiceTier::Auto
        | ServiceTier::Default
        | ServiceTier::Flex
        | ServiceTier::Scale
        | ServiceTier::Priority
        | ServiceTier::Fast) => Some(known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Losses;

    #[test]
    fn the_fastest_tier_of_all_becomes_the_fastest_of_this_api() {
        let mut losses = Losses::new();
        let mut scope = Scope::root(&mut losses);
        let written = write(&mut scope.field("service_tier"), CanonicalTier::Ultrafast);
        assert_eq!(written, ServiceTier::Fast);
        assert_eq!(losses.notable().count(), 1);
    }

    #[test]
    fn an_unknown_tier_of_a_request_is_dropped() {
        let mut losses = Losses::new();
        let tier = ServiceTier::from("ultrafast");
        assert_eq!(read(&mut Scope::root(&mut losses), tier), None);
        assert_eq!(losses.notable().count(), 1);
    }

    #[test]
    fn a_response_reports_only_tiers_that_clients_know() {
        let default = Some(ServiceTier::Default);
        assert_eq!(write_response_tier(Some("standard")), default);
        assert_eq!(write_response_tier(Some("batch")), default);
        assert_eq!(write_response_tier(Some("flex")), Some(ServiceTier::Flex));
        assert_eq!(write_response_tier(Some("reserved")), None);
        assert_eq!(write_response_tier(None), None);
    }
}
