//! Sampling parameters, as far as the model takes them.

use crate::canonical::{Losses, Path, Sampling};
use crate::capability::SamplingSupport;
use crate::dialect::Target;
use crate::dialect::claude::types::*;
use crate::dialect::shared::legacy::drop_some;
use crate::wire::json::Number;

pub fn write_sampling(
    sampling: &Sampling,
    target: &Target<'_>,
    has_budget: bool,
    out: &mut MessageCreateParams,
    losses: &mut Losses,
) {
    let Sampling {
        temperature,
        top_p,
        top_k,
        seed,
        frequency_penalty,
        presence_penalty,
    } = sampling;
    for (value, name) in [
        (seed, "seed"),
        (frequency_penalty, "frequency_penalty"),
        (presence_penalty, "presence_penalty"),
    ] {
        drop_some(
            value.as_ref(),
            Path::Root.field(name),
            "not taken by this dialect",
            losses,
        );
    }
    if target.capabilities.sampling != SamplingSupport::All {
        let reason = "this model takes no sampling parameters";
        drop_some(
            temperature.as_ref(),
            Path::Root.field("temperature"),
            reason,
            losses,
        );
        drop_some(top_p.as_ref(), Path::Root.field("top_p"), reason, losses);
        drop_some(top_k.as_ref(), Path::Root.field("top_k"), reason, losses);
        return;
    }
    let is_one = |number: &Number| number.as_f64() == Some(1.0);
    out.temperature = match temperature {
        Some(value) if has_budget && !is_one(value) => {
            losses.drop_field("temperature", "thinking allows no temperature but 1");
            None
        }
        Some(value) if value.as_f64().is_some_and(|value| value > 1.0) => {
            losses.approximate("temperature", "cut to 1, the most that is taken");
            Some(Number::from(1))
        }
        value => value.clone(),
    };
    out.top_p = match top_p {
        Some(_) if temperature.is_some() && !target.capabilities.temperature_with_top_p => {
            losses.drop_field("top_p", "this model takes either temperature or top_p");
            None
        }
        value => value.clone(),
    };
    out.top_k = match top_k {
        Some(_) if has_budget => {
            losses.drop_field("top_k", "thinking allows no top_k");
            None
        }
        value => value.and_then(|value| i64::try_from(value).ok()),
    };
}
