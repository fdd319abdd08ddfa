//! `POST /v1/responses/input_tokens`: the body is that of a request for a response, without the members that only
//! concern the response. <https://developers.openai.com/api/reference/resources/responses/subresources/input_tokens>

use bytes::Bytes;
use serde_json::{Value, json};

use super::endpoints;
use crate::canonical::{Error, ErrorClass};
use crate::dialect::WrittenRequest;
use crate::wire::splice::{SpliceNode, Splices};

/// The members of such a body, by the API's reference.
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

/// Makes a request for the number of tokens from one for a response.
///
/// # Errors
/// A body that is no JSON object.
pub fn wrap(written: WrittenRequest) -> Result<WrittenRequest, Error> {
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

/// Reads the number of tokens; `None` if the body does not contain it.
pub fn read(body: &[u8]) -> Option<u64> {
    let response: Value = serde_json::from_slice(body).ok()?;
    response.get("input_tokens")?.as_u64()
}

/// Writes the number of tokens.
pub fn write(input_tokens: u64) -> Vec<u8> {
    let response = json!({"object": "response.input_tokens", "input_tokens": input_tokens});
    response.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Restoration;

    #[test]
    fn members_that_concern_the_response_are_left_out() {
        let written = WrittenRequest {
            path: endpoints::RESPONSES.into(),
            headers: Vec::new(),
            body: br#"{"model":"m","store":false,"input":[ ],"max_output_tokens":16,"text":{}}"#.to_vec(),
            restoration: Restoration::default(),
        };
        let wrapped = wrap(written).expect("an object");
        assert_eq!(wrapped.path, "/v1/responses/input_tokens");
        assert_eq!(wrapped.body, br#"{"model":"m","input":[ ],"text":{}}"#);
    }

    #[test]
    fn numbers_are_read_and_written() {
        assert_eq!(read(&write(12)), Some(12));
        assert_eq!(read(b"{}"), None);
        assert_eq!(read(b"<html>"), None);
    }
}
