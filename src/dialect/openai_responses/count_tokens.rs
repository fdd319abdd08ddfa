//! `POST /v1/responses/input_tokens`: the body is that of a request for an answer, without what only concerns the
//! answer. <https://developers.openai.com/api/reference/resources/responses/subresources/input_tokens>

use bytes::Bytes;
use serde_json::{Value, json};

use super::endpoints;
use crate::canonical::{Error, ErrorClass};
use crate::dialect::WrittenRequest;
use crate::wire::splice::{SpliceNode, Splices};

/// What such a body may hold.
const MEMBERS: [&str; 12] = [
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "truncation",
    "previous_response_id",
    "conversation",
    "personality",
];

/// The request for the number of tokens.
///
/// # Errors
/// A body that is no JSON object.
pub fn seal(written: WrittenRequest) -> Result<WrittenRequest, Error> {
    let malformed = |error: &dyn std::fmt::Display| Error::new(ErrorClass::InvalidRequest, error.to_string());
    let body = Bytes::from(written.body);
    let document = SpliceNode::document(&body).map_err(|error| malformed(&error))?;
    let mut splices = Splices::new();
    splices
        .retain_members(&document, |key, _| MEMBERS.contains(&key))
        .map_err(|error| malformed(&error))?;
    let body = splices.apply(&body).map_err(|error| malformed(&error))?;
    Ok(WrittenRequest {
        path: endpoints::INPUT_TOKENS.into(),
        body: body.into_bytes().to_vec(),
        ..written
    })
}

/// The number of tokens that an answer tells.
pub fn read(body: &[u8]) -> Option<u64> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    answer.get("input_tokens")?.as_u64()
}

/// The answer that tells a number of tokens.
pub fn write(input_tokens: u64) -> Vec<u8> {
    let answer = json!({"object": "response.input_tokens", "input_tokens": input_tokens});
    answer.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Restoration;

    #[test]
    fn what_concerns_the_answer_is_left_out() {
        let written = WrittenRequest {
            path: endpoints::RESPONSES.into(),
            headers: Vec::new(),
            body: br#"{"model":"m","store":false,"input":[ ],"max_output_tokens":16,"text":{}}"#.to_vec(),
            restoration: Restoration::default(),
        };
        let sealed = seal(written).expect("an object");
        assert_eq!(sealed.path, "/v1/responses/input_tokens");
        assert_eq!(sealed.body, br#"{"model":"m","input":[ ],"text":{}}"#);
    }

    #[test]
    fn numbers_are_read_and_written() {
        assert_eq!(read(&write(12)), Some(12));
        assert_eq!(read(b"{}"), None);
        assert_eq!(read(b"<html>"), None);
    }
}
