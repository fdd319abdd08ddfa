//! Errors about stored answers, in the vendor's own words and with its codes: clients act upon them.

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::canonical::ErrorClass;
use crate::dialect::WrittenError;

/// Most characters of an identifier that an error repeats.
const SHOWN: usize = 80;

/// Why a request about a stored answer fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredError {
    /// `previous_response_id` names, or goes back to, an answer that is not there.
    PreviousNotFound(String),
    /// An `item_reference` names an item that is not there.
    ItemNotFound(String),
    /// A path names an answer that is not there.
    ResponseNotFound(String),
    /// Only answers that are made in the background can be cancelled.
    NotBackground,
    /// Nor can others be streamed once more.
    NotStreamable,
}

impl StoredError {
    /// The class, for the log.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::ItemNotFound(_) | Self::ResponseNotFound(_) => ErrorClass::NotFound,
            Self::PreviousNotFound(_) | Self::NotBackground | Self::NotStreamable => {
                ErrorClass::InvalidRequest
            }
        }
    }

    /// The error as an answer.
    pub fn write(&self, request_id: &str) -> WrittenError {
        let shown = |id: &str| id.chars().take(SHOWN).collect::<String>();
        let (status, message, param, code) = match self {
            Self::PreviousNotFound(id) => (
                StatusCode::BAD_REQUEST,
                format!("Previous response with id '{}' not found.", shown(id)),
                Some("previous_response_id"),
                Some("previous_response_not_found"),
            ),
            Self::ItemNotFound(id) => (
                StatusCode::NOT_FOUND,
                format!(
                    "Item with id '{}' not found. Items are not persisted when `store` is set to false.",
                    shown(id)
                ),
                Some("input"),
                None,
            ),
            Self::ResponseNotFound(id) => (
                StatusCode::NOT_FOUND,
                format!("Response with id '{}' not found.", shown(id)),
                None,
                None,
            ),
            Self::NotBackground => (
                StatusCode::BAD_REQUEST,
                "Cannot cancel a synchronous response.".to_owned(),
                Some("response_id"),
                None,
            ),
            Self::NotStreamable => (
                StatusCode::BAD_REQUEST,
                "This response cannot be streamed because it was not created with background=true."
                    .to_owned(),
                Some("stream"),
                None,
            ),
        };
        let body = json!({
            "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code},
        });
        let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        if let Ok(value) = HeaderValue::from_str(request_id) {
            headers.push((HeaderName::from_static("x-request-id"), value));
        }
        WrittenError {
            status,
            headers,
            body: body.to_string().into_bytes(),
        }
    }
}
