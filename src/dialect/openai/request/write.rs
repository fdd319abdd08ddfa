//! Parts of a request that both dialects write alike.

use serde_json::{Number, Value};

use crate::canonical::{Effort, RawJson, Sampling, Scope};
use crate::capability::{Capabilities, SamplingSupport};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::shared::{end_user, json_schema};

/// The most characters of a tool's name.
pub const TOOL_NAME_LIMIT: usize = 64;

/// The most characters of `safety_identifier`.
pub const END_USER_LIMIT: usize = 128;

/// The name of a schema that has none; the APIs require one.
pub const UNNAMED_SCHEMA: &str = "response";

/// The end user's identifier, or its digest if it is longer than the APIs accept: the same user gives the same digest,
/// which is all that abuse detection needs.
pub fn write_end_user(id: &str) -> String {
    if id.chars().count() > END_USER_LIMIT {
        end_user::digest(id)
    } else {
        id.to_owned()
    }
}

/// The limit of output tokens, within what the model and the API accept; `least` is the API's own minimum, in tokens.
/// `None` if the client's limit is 0.
pub fn write_output_limit(
    scope: &mut Scope<'_>,
    limit: u64,
    least: u64,
    capabilities: &Capabilities,
) -> Option<i64> {
    if limit == 0 {
        scope.refuse(OpenAiReason::NoOutput);
        return None;
    }
    let most = capabilities.max_output.unwrap_or(u64::MAX);
    let fitted = limit.min(most).max(least);
    if fitted < limit {
        scope.approximate(OpenAiReason::OutputLimit { most });
    } else if fitted > limit {
        scope.approximate(OpenAiReason::LeastOutput { least });
    }
    Some(i64::try_from(fitted).unwrap_or(i64::MAX))
}

/// Writes the sampling parameters that a model accepts.
#[derive(Clone, Copy, Debug)]
pub struct SamplingWriter<'a> {
    capabilities: &'a Capabilities,
    is_accepted: bool,
}

impl<'a> SamplingWriter<'a> {
    /// A writer for a request with this reasoning effort, on which it depends whether some models accept any parameter.
    pub fn new(capabilities: &'a Capabilities, effort: Option<Effort>) -> Self {
        let is_accepted = match capabilities.sampling {
            SamplingSupport::None => false,
            SamplingSupport::WithoutReasoning => effort == Some(Effort::None),
            SamplingSupport::All => true,
        };
        Self {
            capabilities,
            is_accepted,
        }
    }

    /// A parameter, dropped if the model accepts none.
    pub fn write(self, scope: &mut Scope<'_>, field: &'static str, value: Option<&Number>) -> Option<Number> {
        if !self.is_accepted {
            scope.drop_member(field, &value, OpenAiReason::NoSampling);
            return None;
        }
        value.cloned()
    }

    /// `temperature` and `top_p`, of which some models accept only one.
    pub fn write_temperature_and_top_p(
        self,
        scope: &mut Scope<'_>,
        sampling: &Sampling,
    ) -> (Option<Number>, Option<Number>) {
        let temperature = self.write(scope, "temperature", sampling.temperature.as_ref());
        let top_p = self.write(scope, "top_p", sampling.top_p.as_ref());
        if temperature.is_some() && top_p.is_some() && !self.capabilities.temperature_with_top_p {
            scope.field("top_p").drop(OpenAiReason::TemperatureAndTopP);
            return (temperature, None);
        }
        (temperature, top_p)
    }
}

/// Whether the APIs can hold a response or a tool's arguments to this schema with `strict`.
pub fn is_enforceable(schema: &RawJson) -> bool {
    let parsed: Value = serde_json::from_str(schema.get()).unwrap_or_default();
    json_schema::is_openai_strict(&parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::openai::testing::{model, recorded};
    use crate::dialect::shared::raw_json::to_raw_json;

    #[test]
    fn a_long_identifier_of_an_end_user_becomes_its_digest() {
        let longest = "u".repeat(END_USER_LIMIT);
        assert_eq!(write_end_user(&longest), longest);
        assert_eq!(
            write_end_user(&format!("{longest}u")),
            end_user::digest(&format!("{longest}u"))
        );
        let characters = "ü".repeat(END_USER_LIMIT);
        assert_eq!(
            write_end_user(&characters),
            characters,
            "characters count, not bytes"
        );
    }

    #[test]
    fn the_output_limit_is_kept_within_the_models_and_the_apis_bounds() {
        let model = Capabilities {
            max_output: Some(100),
            ..model()
        };
        let limit =
            |limit| recorded(|scope| write_output_limit(&mut scope.field("max_tokens"), limit, 16, &model));
        assert_eq!(limit(50), (Some(50), vec![]));
        let most = "approximated max_tokens: reduced to 100, the output limit of this model".to_owned();
        assert_eq!(limit(101), (Some(100), vec![most]));
        let least =
            "approximated max_tokens: raised to 16, the smallest limit that the API accepts".to_owned();
        assert_eq!(limit(1), (Some(16), vec![least]));
        let none = "refused max_tokens: a response without output tokens cannot be requested".to_owned();
        assert_eq!(limit(0), (None, vec![none]));
    }

    #[test]
    fn an_output_limit_beyond_the_largest_integer_is_the_largest() {
        let model = Capabilities {
            max_output: None,
            ..model()
        };
        let written = recorded(|scope| write_output_limit(scope, u64::MAX, 0, &model));
        assert_eq!(written, (Some(i64::MAX), vec![]));
    }

    #[test]
    fn sampling_parameters_depend_on_the_effort_where_the_model_says_that() {
        let model = Capabilities {
            sampling: SamplingSupport::WithoutReasoning,
            ..model()
        };
        let half = Number::from_f64(0.5);
        let write = |effort| {
            let writer = SamplingWriter::new(&model, effort);
            recorded(|scope| writer.write(scope, "temperature", half.as_ref()))
        };
        let dropped = "dropped temperature: this model accepts no sampling parameters".to_owned();
        assert_eq!(write(Some(Effort::None)), (half.clone(), vec![]));
        assert_eq!(write(Some(Effort::Low)), (None, vec![dropped.clone()]));
        assert_eq!(write(None), (None, vec![dropped]));
    }

    #[test]
    fn a_parameter_that_is_absent_is_no_loss() {
        let model = Capabilities {
            sampling: SamplingSupport::None,
            ..model()
        };
        let writer = SamplingWriter::new(&model, None);
        assert_eq!(
            recorded(|scope| writer.write(scope, "top_p", None)),
            (None, vec![])
        );
    }

    #[test]
    fn top_p_yields_to_temperature_where_the_model_accepts_one() {
        let (one, half) = (Number::from_f64(1.0), Number::from_f64(0.5));
        let sampling = Sampling {
            temperature: one.clone(),
            top_p: half.clone(),
            ..Sampling::default()
        };
        let write = |temperature_with_top_p| {
            let model = Capabilities {
                sampling: SamplingSupport::All,
                temperature_with_top_p,
                ..model()
            };
            recorded(|scope| SamplingWriter::new(&model, None).write_temperature_and_top_p(scope, &sampling))
        };
        assert_eq!(write(true), ((one.clone(), half), vec![]));
        let dropped = "dropped top_p: this model accepts either `temperature` or `top_p`".to_owned();
        assert_eq!(write(false), ((one, None), vec![dropped]));
    }

    #[test]
    fn a_schema_is_enforceable_if_every_object_is_closed() {
        let schema = |closed: bool| {
            to_raw_json(
                &serde_json::json!({"type": "object", "properties": {}, "additionalProperties": !closed}),
            )
        };
        assert!(is_enforceable(&schema(true)));
        assert!(!is_enforceable(&schema(false)));
    }
}
