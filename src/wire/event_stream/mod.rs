//! The AWS event stream (`application/vnd.amazon.eventstream`): an incremental reader (`decode.rs`) and a writer
//! (`encode.rs`). Bedrock frames its streams this way.
//!
//! A message consists of these parts; all numbers are big-endian:
//!
//! | bytes | contents |
//! | --- | --- |
//! | 4 | length of the whole message |
//! | 4 | length of the headers |
//! | 4 | CRC-32 of the eight bytes before |
//! | | headers: length of the name (1 byte), name, type of the value (1 byte), value |
//! | | payload |
//! | 4 | CRC-32 of all bytes before |
//!
//! The first checksum is checked before the length is used, so that a damaged length cannot make the reader wait for
//! gigabytes.
//!
//! Sources: <https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html> ("Event stream encoding") for the
//! encoding, and <https://smithy.io/2.0/aws/amazon-eventstream.html> for the headers.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{
    BadMessage, DEFAULT_MESSAGE_LIMIT, EventStreamDecoder, EventStreamKind, EventStreamMessage,
};
pub use encode::{write_event, write_exception};

/// Bytes before the headers: two lengths and their checksum.
const PRELUDE: usize = 12;
/// Bytes of the prelude that its checksum covers.
const LENGTHS: usize = 8;
/// Bytes after the payload.
const CHECKSUM: usize = 4;
/// The type of a header value that is text; its length comes before it in two bytes.
const TEXT: u8 = 7;

const MESSAGE_TYPE: &str = ":message-type";
const EVENT_TYPE: &str = ":event-type";
const EXCEPTION_TYPE: &str = ":exception-type";
const ERROR_CODE: &str = ":error-code";
const ERROR_MESSAGE: &str = ":error-message";
const CONTENT_TYPE: &str = ":content-type";
