//! Errors about stored responses, with the vendor's own texts and codes: clients act upon them.

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::canonical::ErrorClass;
use crate::dialect::WrittenError;

/// Most characters of an identifier that an error repeats.
const SHOWN: usize = 80;

/// Why a request about a stored response fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredResponseError {
    /// `previous_response_id` names a response that is not stored, or one whose own predecessors are not.
    PreviousNotFound(String),
    /// An `item_reference` names an item that is not stored.
    ItemNotFound(String),
    /// A path names a response that is not stored.
    ResponseNotFound(String),
    /// Only responses in the background can be canceled, and the proxy has none.
    NotBackground,
    /// Only responses in the background can be streamed a second time.
    NotStreamable,
}

impl StoredResponseError {
    /// Its class, for log and metrics.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::ItemNotFound(_) | Self::ResponseNotFound(_) => ErrorClass::NotFound,
            Self::PreviousNotFound(_) | Self::NotBackground | Self::NotStreamable => {
                ErrorClass::InvalidRequest
            }
        }
    }

    /// Writes the error as a response.
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
