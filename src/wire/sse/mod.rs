//! Server-sent events: an incremental reader (`decode.rs`) and a writer (`encode.rs`).
//!
//! The format is that of the WHATWG HTML standard, section 9.2
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>). The rules that matter here:
//!
//! - A line ends with LF, CR or CRLF. A blank line ends an event.
//! - One space after the colon of a field is not part of its value. Several `data` lines are joined with line feeds.
//! - An event without a `data` line is dropped. A line that begins with a colon is a comment; servers send comments as
//!   a sign of life.
//! - A byte order mark may come before the first line. Unknown fields are ignored.
//!
//! There is one difference. The standard drops an event at the end of the input without a blank line after it; here it
//! is delivered, because several servers end their last event that way.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{DEFAULT_EVENT_LIMIT, EventTooLarge, SseDecoder, SseFrame, SseItem};
pub use encode::{write_comment, write_event, write_event_with};
