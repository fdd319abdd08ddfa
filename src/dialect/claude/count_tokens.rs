//! `POST /v1/messages/count_tokens`: the body is that of a request for a response, without the members that concern
//! only the response. <https://platform.claude.com/docs/en/api/messages/count_tokens>

use bytes::Bytes;
use serde_json::{Value, json};

use super::endpoints;
use super::envelope::{malformed, unfit};
use crate::canonical::Error;
use crate::dialect::WrittenRequest;
use crate::wire::splice::{self, SpliceNode, Splices};

/// The members that such a body may have; the API refuses any other. The last two belong to betas.
const MEMBERS: [&str; 10] = [
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
    "context_management",
    "mcp_servers",
];

/// Makes a request for a response from one for the number of tokens. It gets the output limit that the reader demands,
/// above the budget for thinking if it has one.
///
/// # Errors
/// A body that is no JSON object.
pub fn unwrap_request(body: &Bytes) -> Result<Bytes, Error> {
    let [limits, thinking] = splice::find_members(body, ["max_tokens", "thinking"]).map_err(malformed)?;
    if !limits.is_empty() {
        return Ok(body.clone());
    }
    let budget = |thinking: &SpliceNode<'_>| -> Option<u64> {
        let budget = thinking.get("budget_tokens").ok().flatten()?;
        serde_json::from_slice(budget.raw()).ok()
    };
    let budget = thinking.last().and_then(budget).unwrap_or(0);
    let mut splices = Splices::new();
    let limit = budget.saturating_add(1).to_string();
    splices.set_member(body, "max_tokens", limit).map_err(malformed)?;
    Ok(splices.apply(body).map_err(unfit)?.into_bytes())
}

/// Makes a request for the number of tokens from one for a response.
///
/// # Errors
/// A body that is no JSON object.
pub fn wrap_request(request: WrittenRequest) -> Result<WrittenRequest, Error> {
    let body = Bytes::from(request.body);
    let document = SpliceNode::document(&body).map_err(malformed)?;
    let mut splices = Splices::new();
    splices
        .retain_members(&document, |key, _| MEMBERS.contains(&key))
        .map_err(malformed)?;
    Ok(WrittenRequest {
        path: endpoints::COUNT_TOKENS.into(),
        body: splices.apply(&body).map_err(unfit)?.into_bytes().to_vec(),
        ..request
    })
}

/// Reads the number of tokens; `None` if the body does not contain it.
pub fn read(body: &[u8]) -> Option<u64> {
    let response: Value = serde_json::from_slice(body).ok()?;
    response.get("input_tokens")?.as_u64()
}

/// Writes the number of tokens.
pub fn write(input_tokens: u64) -> Vec<u8> {
    json!({"input_tokens": input_tokens}).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Restoration;

    fn opened(body: &'static str) -> String {
        let body = unwrap_request(&Bytes::from_static(body.as_bytes())).expect("an object");
        String::from_utf8(body.to_vec()).expect("text")
    }

    #[test]
    fn the_output_limit_comes_and_goes() {
        assert_eq!(opened(r#"{"model":"m"}"#), r#"{"max_tokens":1,"model":"m"}"#);
        assert_eq!(opened(r#"{"max_tokens":7}"#), r#"{"max_tokens":7}"#);
        assert_eq!(
            opened(r#"{"thinking":{"type":"enabled","budget_tokens":2048}}"#),
            r#"{"max_tokens":2049,"thinking":{"type":"enabled","budget_tokens":2048}}"#
        );
        assert!(unwrap_request(&Bytes::from_static(b"[]")).is_err());
        let written = WrittenRequest {
            path: endpoints::MESSAGES.into(),
            headers: Vec::new(),
            body: br#"{"max_tokens":1,"model":"m", "messages":[ ],"stream":true,"metadata":{}}"#.to_vec(),
            restoration: Restoration::default(),
        };
        let sealed = wrap_request(written).expect("an object");
        assert_eq!(sealed.path, "/v1/messages/count_tokens");
        assert_eq!(sealed.body, br#"{"model":"m", "messages":[ ]}"#);
    }

    #[test]
    fn numbers_are_read_and_written() {
        assert_eq!(read(&write(12)), Some(12));
        for body in [
            "{}",
            "[]",
            "",
            r#"{"input_tokens":-1}"#,
            r#"{"input_tokens":"1"}"#,
        ] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
