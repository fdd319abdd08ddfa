//! What all dialects share in editing the system text of a body in place.

use bytes::Bytes;
use http::HeaderMap;

use crate::canonical::{Error, ErrorClass, Losses};
use crate::dialect::{ClientRequest, ReadRequest};
use crate::prompt::SystemEdits;
use crate::wire::splice::{ScanError, Splices};

/// The body with the splices that `plan` finds for the edits and the texts that they add; `read` reads the request.
///
/// # Errors
/// A body that is not the JSON that it should be.
pub fn in_place(
    body: &Bytes,
    edits: &SystemEdits,
    read: impl FnOnce(&ClientRequest<'_>, &mut Losses) -> Result<ReadRequest, Error>,
    plan: impl FnOnce(&[String], &mut Splices) -> Result<(), ScanError>,
) -> Result<Vec<Bytes>, Error> {
    let mut splices = Splices::new();
    plan(&additions(body, edits, read), &mut splices).map_err(|error| invalid(&error))?;
    Ok(splices.apply(body).map_err(|error| invalid(&error))?.into_parts())
}

/// The texts that are added to the system prompt of this body, which `read` reads.
///
/// The conversation is read only where a summary of it is asked for. A body that cannot be read gets none: what is wrong
/// with it is for the upstream to say.
fn additions(
    body: &Bytes,
    edits: &SystemEdits,
    read: impl FnOnce(&ClientRequest<'_>, &mut Losses) -> Result<ReadRequest, Error>,
) -> Vec<String> {
    if edits.inject_progress {
        let headers = HeaderMap::new();
        let inbound = ClientRequest {
            headers: &headers,
            model: None,
            stream: None,
            body,
        };
        if let Ok(read) = read(&inbound, &mut Losses::new()) {
            return edits.additions(&read.request);
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
        format!("the body is not the JSON that it should be: {error}"),
    )
}
