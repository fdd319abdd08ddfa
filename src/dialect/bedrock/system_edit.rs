//! Edits of the system text of a body, in place.

use bytes::Bytes;

use crate::canonical::Error;
use crate::dialect::claude::envelope::{malformed, unfit};
use crate::dialect::claude::system_edit as claude_system_edit;
use crate::prompt::SystemEdits;
use crate::wire::splice::{self, SpliceNode, Splices};

/// The body with its system text edited and every other byte as it was.
///
/// # Errors
/// An invalid request.
pub fn edit_system(body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
    if !edits.inject_progress {
        return claude_system_edit::edit(body, edits);
    }
    // The summary of the session is made from the request as the reader of the Messages API reads it, and that reader
    // demands a model. It gets an empty one, which is removed again.
    let named = insert_model(body, "")?;
    let edited = Bytes::from(claude_system_edit::edit(&named, edits)?.concat());
    let document = SpliceNode::document(&edited).map_err(malformed)?;
    let mut splices = Splices::new();
    splices
        .retain_members(&document, |key, _| key != "model")
        .map_err(malformed)?;
    Ok(splices.apply(&edited).map_err(unfit)?.into_parts())
}

fn insert_model(body: &Bytes, model: &str) -> Result<Bytes, Error> {
    let mut splices = Splices::new();
    splices
        .set_member(body, "model", splice::encode_str(model))
        .map_err(malformed)?;
    Ok(splices.apply(body).map_err(unfit)?.into_bytes())
}
