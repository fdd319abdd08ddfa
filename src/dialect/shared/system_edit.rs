//! Edits of the system text of a body, in place.

use bytes::Bytes;
use http::HeaderMap;

use crate::canonical::{Error, ErrorClass, Losses, Scope};
use crate::dialect::{ClientRequest, ReadRequest};
use crate::prompt::SystemEdits;
use crate::wire::splice::{ScanError, Splices};

/// The body with its system text edited and every other byte as it was. `plan` makes the splices for the edits and the
/// texts that they add; `read` reads the request, if a text is made from the conversation.
///
/// # Errors
/// A body that is not the JSON that it should be.
pub fn edit_in_place(
    body: &Bytes,
    edits: &SystemEdits,
    read: impl FnOnce(&mut Scope<'_>, &ClientRequest<'_>) -> Result<ReadRequest, Error>,
    plan: impl FnOnce(&[String], &mut Splices) -> Result<(), ScanError>,
) -> Result<Vec<Bytes>, Error> {
    let mut splices = Splices::new();
    plan(&added_texts(body, edits, read), &mut splices).map_err(|error| invalid(&error))?;
    Ok(splices.apply(body).map_err(|error| invalid(&error))?.into_parts())
}

/// The texts that are added to the system prompt of this body.
///
/// Only a summary of the conversation needs the request; without one, the body is not read. A body that cannot be read
/// gets no summary and passes: the upstream reports what is wrong with it, in the vendor's own words.
fn added_texts(
    body: &Bytes,
    edits: &SystemEdits,
    read: impl FnOnce(&mut Scope<'_>, &ClientRequest<'_>) -> Result<ReadRequest, Error>,
) -> Vec<String> {
    if edits.inject_progress {
        let headers = HeaderMap::new();
        let request = ClientRequest {
            headers: &headers,
            model: None,
            stream: None,
            body,
        };
        if let Ok(read) = read(&mut Scope::root(&mut Losses::new()), &request) {
            return edits.added_texts(&read.request);
        }
    }
    Some(edits.append.clone())
        .filter(|text| !text.trim().is_empty())
        .into_iter()
        .collect()
}

fn invalid(error: &impl std::fmt::Display) -> Error {
    Error::new(
        ErrorClass::InvalidRequest,
        format!("the body is not valid JSON for this API: {error}"),
    )
}
