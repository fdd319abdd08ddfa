//! Parts of a request that both dialects read alike.

use crate::canonical::{Error, ErrorClass, Scope};
use crate::dialect::openai::reasons::OpenAiReason;
use crate::wire::json::ReadError;

/// The error for a body that is no request of the dialect. Names the field if the problem is in one.
pub fn invalid_request(error: &ReadError) -> Error {
    let class = ErrorClass::InvalidRequest;
    match error.path.as_str() {
        "" => Error::new(class, error.message.clone()),
        path => Error::new(class, error.to_string()).at(path),
    }
}

/// Reads a number that OpenAI's schemas declare as a plain integer, and that cannot be negative.
///
/// # Errors
/// A negative number, naming the field.
pub fn read_unsigned(value: i64, field: &'static str) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| {
        let message = format!("{field}: must be 0 or more");
        Error::new(ErrorClass::InvalidRequest, message).at(field)
    })
}

/// What a moderation policy does with a text that it flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModerationMode {
    /// The request or the response is blocked. A mode that is not known counts as this one, the stricter of the two.
    Block,
    /// The response reports the scores.
    Score,
}

/// Records that the moderation policy at this path does not reach the upstream; `modes` are those for input and output,
/// as far as the policy names them.
///
/// The client relies on a policy that blocks, so the request is refused. Scores are only an addition to the response.
pub fn record_moderation(scope: &mut Scope<'_>, modes: [Option<ModerationMode>; 2]) {
    if modes.contains(&Some(ModerationMode::Block)) {
        scope.refuse(OpenAiReason::ModerationBlocks);
    } else {
        scope.drop(OpenAiReason::ModerationScores);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::openai::testing::recorded;

    fn error(path: &str) -> Error {
        invalid_request(&ReadError {
            path: path.to_owned(),
            message: "expected a string".to_owned(),
        })
    }

    #[test]
    fn an_error_in_a_field_names_the_field() {
        let error = error("messages[0].content");
        assert_eq!(error.class, ErrorClass::InvalidRequest);
        assert_eq!(error.param.as_deref(), Some("messages[0].content"));
        assert_eq!(error.message, "messages[0].content: expected a string");
    }

    #[test]
    fn an_error_of_the_whole_body_names_no_field() {
        let error = error("");
        assert_eq!((error.param, error.message.as_str()), (None, "expected a string"));
    }

    #[test]
    fn a_negative_number_is_an_error_of_its_field() {
        assert_eq!(read_unsigned(0, "max_tokens").ok(), Some(0));
        let error = read_unsigned(-1, "max_tokens").err();
        let param = error.and_then(|error| error.param);
        assert_eq!(param.as_deref(), Some("max_tokens"));
    }

    #[test]
    fn only_a_moderation_policy_that_blocks_is_refused() {
        let record = |modes| recorded(|scope| record_moderation(&mut scope.field("moderation"), modes)).1;
        let (block, score) = (Some(ModerationMode::Block), Some(ModerationMode::Score));
        for modes in [[None, None], [score, score]] {
            let dropped = "dropped moderation: moderation scores are not available from other vendors";
            assert_eq!(record(modes), [dropped], "{modes:?}");
        }
        for modes in [[block, None], [score, block]] {
            let refused =
                "refused moderation: blocking by moderation policy is not available from other vendors";
            assert_eq!(record(modes), [refused], "{modes:?}");
        }
    }
}
