//! Finished responses: their object in a stream, and `store`, the member that reports whether they are kept.

use std::ops::Range;

use bytes::Bytes;
use serde_json::json;

use crate::wire::splice::{Splices, find_members};

/// The first lines of the events that end a response that is kept. A failed one is not.
const LAST: [&[u8]; 2] = [b"event: response.completed\n", b"event: response.incomplete\n"];

/// Where the event that ends a response is in a piece of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastEvent {
    /// Byte offset of the event.
    pub start: usize,
    /// The bytes of the response object.
    pub response: Range<usize>,
}

/// Finds the event that ends a response, in a piece of a stream that consists of whole events as the stream writer of
/// this dialect writes them.
///
/// The writer could report where it wrote the object instead. That report would have to pass through the trait of all
/// stream writers and through the translated stream, which writes several events into one piece, for this one reader.
/// The search costs little: it looks for two fixed lines in bytes that were just written.
pub fn last_event(piece: &[u8]) -> Option<LastEvent> {
    const DATA: &[u8] = b"data: ";
    let (start, name) = LAST.iter().find_map(|name| {
        let mut found = memchr::memmem::find_iter(piece, name);
        // The data of an event has no line breaks, so at the head of a line this is the name of an event.
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

/// The response object with `"store":false`, for a response that could not be kept.
pub fn unkept(response: &Bytes) -> Bytes {
    let mut splices = Splices::new();
    match splices.set_member(response, "store", "false") {
        Ok(_) => splices
            .apply(response)
            .map_or_else(|_| response.clone(), |spliced| spliced.into_bytes()),
        Err(_) => response.clone(),
    }
}

/// Writes the confirmation that a stored response was deleted.
pub fn deleted(id: &str) -> Vec<u8> {
    json!({"id": id, "object": "response", "deleted": true})
        .to_string()
        .into_bytes()
}
