//! Sampling parameters, as far as the model accepts them.

use crate::canonical::{Sampling, Scope};
use crate::capability::SamplingSupport;
use crate::dialect::Target;
use crate::dialect::claude::reasoning::ClaudeThinking;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::wire::json::Number;

/// The sampling parameters of a request.
#[derive(Debug, Default)]
pub struct ClaudeSampling {
    /// `temperature`, 0 to 1.
    pub temperature: Option<Number>,
    /// `top_p`
    pub top_p: Option<Number>,
    /// `top_k`
    pub top_k: Option<i64>,
}

/// Writes the sampling parameters that the model accepts. A thinking budget excludes a temperature other than 1 and
/// `top_k`: the API refuses both.
pub fn write(
    scope: &mut Scope<'_>,
    sampling: &Sampling,
    target: &Target<'_>,
    thinking: &ClaudeThinking,
) -> ClaudeSampling {
    let Sampling {
        temperature,
        top_p,
        top_k,
        seed,
        frequency_penalty,
        presence_penalty,
    } = sampling;
    scope.drop_member("seed", seed, ClaudeReason::ForeignSampling);
    scope.drop_member(
        "frequency_penalty",
        frequency_penalty,
        ClaudeReason::ForeignSampling,
    );
    scope.drop_member(
        "presence_penalty",
        presence_penalty,
        ClaudeReason::ForeignSampling,
    );
    if target.capabilities.sampling != SamplingSupport::All {
        scope.drop_member("temperature", temperature, ClaudeReason::NoSampling);
        scope.drop_member("top_p", top_p, ClaudeReason::NoSampling);
        scope.drop_member("top_k", top_k, ClaudeReason::NoSampling);
        return ClaudeSampling::default();
    }
    let written_temperature = match temperature {
        Some(value) if thinking.has_budget() && value.as_f64() != Some(1.0) => {
            scope
                .field("temperature")
                .drop(ClaudeReason::TemperatureWithThinking);
            None
        }
        Some(value) if value.as_f64().is_some_and(|value| value > 1.0) => {
            scope
                .field("temperature")
                .approximate(ClaudeReason::TemperatureLimit);
            Some(Number::from(1))
        }
        value => value.clone(),
    };
    let top_p = match top_p {
        Some(_) if temperature.is_some() && !target.capabilities.temperature_with_top_p => {
            scope.field("top_p").drop(ClaudeReason::TemperatureOrTopP);
            None
        }
        value => value.clone(),
    };
    let top_k = match top_k {
        Some(_) if thinking.has_budget() => {
            scope.field("top_k").drop(ClaudeReason::TopKWithThinking);
            None
        }
        value => value.and_then(|value| i64::try_from(value).ok()),
    };
    ClaudeSampling {
        temperature: written_temperature,
        top_p,
        top_k,
    }
}
