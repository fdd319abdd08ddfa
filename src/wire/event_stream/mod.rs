//! The AWS event stream (`application/vnd.amazon.eventstream`): an incremental reader and a writer.
//!
//! A message is, with all numbers big-endian: its length, the length of its headers, the CRC-32 of those eight bytes;
//! the headers; the payload; the CRC-32 of all before it. A header is the length of its name in one byte, the name, the
//! type of its value in one byte, the value. See Amazon Transcribe's developer guide, "Event stream encoding"
//! (<https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html>), and the Smithy specification
//! (<https://smithy.io/2.0/aws/amazon-eventstream.html>) for the headers that messages carry.

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
/// Bytes behind the payload.
const CHECKSUM: usize = 4;
/// The type of a header's value: text, its length in two bytes before it.
const TEXT: u8 = 7;

const MESSAGE_TYPE: &str = ":message-type";
const EVENT_TYPE: &str = ":event-type";
const EXCEPTION_TYPE: &str = ":exception-type";
const ERROR_CODE: &str = ":error-code";
const ERROR_MESSAGE: &str = ":error-message";
const CONTENT_TYPE: &str = ":content-type";
