//! Finished answers: found in a stream, and told that they were not kept.

use std::ops::Range;

use bytes::Bytes;
use serde_json::json;

use crate::wire::splice::{Splices, find_members};

/// The events that end an answer that is kept. One that failed is not.
const LAST: [&[u8]; 2] = [b"event: response.completed\n", b"event: response.incomplete\n"];

/// The event that ends a stream, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastEvent {
    /// Where the event begins.
    pub start: usize,
    /// Where the answer's object lies.
    pub response: Range<usize>,
}

/// The event that ends an answer, in a piece of a stream that consists of whole events as the writer makes them.
pub fn last_event(piece: &[u8]) -> Option<LastEvent> {
    const DATA: &[u8] = b"data: ";
    let (start, name) = LAST.iter().find_map(|name| {
        let mut found = memchr::memmem::find_iter(piece, name);
        // Within an event's data there are no line breaks: at the head of a line it is an event's name.
        let start = found.find(|at| *at == 0 || piece.get(at - 1) == Some(&b'\n'))?;
        Some((start, name))
    })?;
    let data_at = start + name.len() + DATA.len();
    let data = piece.get(start + name.len()..)?.strip_prefix(DATA)?;
    let data = data.get(..memchr::memchr(b'\n', data)?)?;
    let [values] = find_members(data, ["response"]).ok()?;
    let span = values.last()?.span();
    Some(LastEvent {
        start,
        response: data_at + span.start..data_at + span.end,
    })
}

/// The object of an answer, saying that it was not kept.
pub fn unkept(response: &Bytes) -> Bytes {
    let mut splices = Splices::new();
    match splices.set_member(response, "store", "false") {
        Ok(_) => splices
            .apply(response)
            .map_or_else(|_| response.clone(), |spliced| spliced.into_bytes()),
        Err(_) => response.clone(),
    }
}

/// The answer to a request that an answer be forgotten.
pub fn deleted(id: &str) -> Vec<u8> {
    json!({"id": id, "object": "response", "deleted": true})
        .to_string()
        .into_bytes()
}
