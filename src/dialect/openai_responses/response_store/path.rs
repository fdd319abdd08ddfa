//! The paths of stored responses.

use http::Method;

/// What a client wants of a stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredResponseAction {
    /// Its object.
    Get,
    /// To delete it.
    Delete,
    /// The list of the input items that it is a response to.
    InputItems,
    /// To cancel it, which the API allows only for responses in the background.
    Cancel,
}

/// A path of a stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredResponsePath<'a> {
    /// What the client wants.
    pub action: StoredResponseAction,
    /// The identifier of the response, as the path has it.
    pub id: &'a str,
}

/// Reads the path of a stored response; `None` if it is about something else. `/v1` in front is optional.
pub fn classify<'a>(method: &Method, path: &'a str) -> Option<StoredResponsePath<'a>> {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let rest = path.strip_prefix("/responses/")?.trim_end_matches('/');
    let (id, action) = match (method, rest.split_once('/')) {
        (&Method::GET | &Method::HEAD, None) => (rest, StoredResponseAction::Get),
        (&Method::DELETE, None) => (rest, StoredResponseAction::Delete),
        (&Method::GET | &Method::HEAD, Some((id, "input_items"))) => (id, StoredResponseAction::InputItems),
        (&Method::POST, Some((id, "cancel"))) => (id, StoredResponseAction::Cancel),
        _ => return None,
    };
    (!id.is_empty()).then_some(StoredResponsePath { action, id })
}
