//! Server-sent events: an incremental reader and a writer.
//!
//! The format is that of the WHATWG HTML standard, section 9.2 ("Server-sent events"), with one difference: an event
//! whose closing blank line is missing at the end of the input is still delivered, because several servers end their
//! last event that way.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{DEFAULT_EVENT_LIMIT, EventTooLarge, SseDecoder, SseFrame, SseItem};
pub use encode::{write_comment, write_event, write_event_with};
