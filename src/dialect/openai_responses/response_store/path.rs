//! The paths of stored answers.

use http::Method;

/// What a request asks of one stored answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The answer's object.
    Get,
    /// That it be forgotten.
    Delete,
    /// What it answers.
    InputItems,
    /// That it end; only those that are made in the background can.
    Cancel,
}

/// An action and the identifier of the answer, as the path has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredPath<'a> {
    /// What is asked.
    pub action: Action,
    /// Of which answer.
    pub id: &'a str,
}

/// What a path asks of a stored answer; `None` where it is about something else. `/v1` in front is optional.
pub fn classify<'a>(method: &Method, path: &'a str) -> Option<StoredPath<'a>> {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let rest = path.strip_prefix("/responses/")?.trim_end_matches('/');
    let (id, action) = match (method, rest.split_once('/')) {
        (&Method::GET | &Method::HEAD, None) => (rest, Action::Get),
        (&Method::DELETE, None) => (rest, Action::Delete),
        (&Method::GET | &Method::HEAD, Some((id, "input_items"))) => (id, Action::InputItems),
        (&Method::POST, Some((id, "cancel"))) => (id, Action::Cancel),
        _ => return None,
    };
    (!id.is_empty()).then_some(StoredPath { action, id })
}
