//! The reader: chunks of bytes in, messages out.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

use super::{
    CHECKSUM, ERROR_CODE, ERROR_MESSAGE, EVENT_TYPE, EXCEPTION_TYPE, LENGTHS, MESSAGE_TYPE, PRELUDE, TEXT,
};

/// The default limit on the size of one message, in bytes: 16 MiB, the largest that the format allows.
pub const DEFAULT_MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// The kind of a message: the value of its `:message-type` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventStreamKind {
    /// Part of the response.
    Event,
    /// A failure that the service's API defines. The payload describes it.
    Exception,
    /// Another failure. It has a code and a message in its headers, and no payload.
    Error,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventStreamMessage {
    /// Its kind.
    pub kind: EventStreamKind,
    /// The type of the event or exception, or the code of the error; empty if the message has none.
    pub name: String,
    /// The message of an error; `None` for the other kinds.
    pub text: Option<String>,
    /// The payload, a slice of the bytes that arrived.
    pub payload: Bytes,
}

/// Why the input cannot be read. The decoder returns this error from then on: after a damaged message, the start of the
/// next one is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadMessage {
    /// A message is longer than the limit, in bytes.
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The checksum of the lengths is wrong, or the lengths contradict each other.
    Prelude,
    /// The checksum of the message is wrong.
    Checksum,
    /// The headers cannot be read.
    Headers,
    /// The input ended within a message.
    Truncated,
}

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit } => {
                write!(f, "a message of an event stream is larger than {limit} bytes")
            }
            Self::Prelude => f.write_str("a message of an event stream begins with an invalid prelude"),
            Self::Checksum => f.write_str("a message of an event stream has a wrong checksum"),
            Self::Headers => f.write_str("a message of an event stream has invalid headers"),
            Self::Truncated => f.write_str("an event stream ended inside a message"),
        }
    }
}

impl std::error::Error for BadMessage {}

/// An incremental reader of an event stream.
///
/// Call [`push`](Self::push) with the bytes that have arrived, then [`next`](Self::next) until it returns `None`. At
/// the end of the input call [`finish`](Self::finish), and then `next` once more: a message that is not complete is an
/// error then.
#[derive(Debug)]
pub struct EventStreamDecoder {
    limit: usize,
    /// The bytes that have not been returned. A chunk is taken over without a copy if the buffer is empty.
    buffer: BytesMut,
    /// [`Self::finish`] has been called.
    ended: bool,
    failed: Option<BadMessage>,
}

impl Default for EventStreamDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl EventStreamDecoder {
    /// Creates a decoder with the default limit, [`DEFAULT_MESSAGE_LIMIT`].
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_MESSAGE_LIMIT)
    }

    /// Creates a decoder that fails if a message exceeds `limit` bytes, as soon as its length has arrived.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            buffer: BytesMut::new(),
            ended: false,
            failed: None,
        }
    }

    /// Adds bytes that have arrived; a chunk may end anywhere.
    pub fn push(&mut self, chunk: Bytes) {
        if self.failed.is_some() {
            return;
        }
        if self.buffer.is_empty() {
            self.buffer = chunk.into();
        } else {
            self.buffer.extend_from_slice(&chunk);
        }
    }

    /// Declares the input complete.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The next message. `None` if more input is needed, or at the end after [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`BadMessage`], and again on each later call.
    #[expect(
        clippy::should_implement_trait,
        reason = "here `None` means that more input is needed, not that the iterator has ended"
    )]
    pub fn next(&mut self) -> Result<Option<EventStreamMessage>, BadMessage> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let next = self.try_next();
        if let Err(failed) = next {
            self.failed = Some(failed);
            self.buffer = BytesMut::new();
        }
        next
    }

    fn try_next(&mut self) -> Result<Option<EventStreamMessage>, BadMessage> {
        let incomplete = if self.ended && !self.buffer.is_empty() {
            Err(BadMessage::Truncated)
        } else {
            Ok(None)
        };
        let Some(mut prelude) = self.buffer.get(..PRELUDE) else {
            return incomplete;
        };
        let expected = crc32fast::hash(prelude.get(..LENGTHS).unwrap_or_default());
        let total = to_usize(prelude.get_u32());
        let headers = to_usize(prelude.get_u32());
        if prelude.get_u32() != expected || headers > total.saturating_sub(PRELUDE + CHECKSUM) {
            return Err(BadMessage::Prelude);
        }
        if total < PRELUDE + CHECKSUM {
            return Err(BadMessage::Prelude);
        }
        if total > self.limit {
            return Err(BadMessage::TooLarge { limit: self.limit });
        }
        if self.buffer.len() < total {
            return incomplete;
        }
        let mut message = self.buffer.split_to(total).freeze();
        let mut checksum = message.split_off(total - CHECKSUM);
        if checksum.get_u32() != crc32fast::hash(&message) {
            return Err(BadMessage::Checksum);
        }
        message.advance(PRELUDE);
        let headers = message.split_to(headers);
        read_message(&headers, message)
            .map(Some)
            .ok_or(BadMessage::Headers)
    }
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Makes a message of its headers and payload; `None` if the headers cannot be read. Unknown headers are ignored.
fn read_message(mut headers: &[u8], payload: Bytes) -> Option<EventStreamMessage> {
    let mut kind = EventStreamKind::Event;
    let (mut name, mut text) = (String::new(), None);
    while !headers.is_empty() {
        let key = take_text(&mut headers, 1)?;
        let value_type = headers.try_get_u8().ok()?;
        if value_type != TEXT {
            skip_header_value(&mut headers, value_type)?;
            continue;
        }
        let value = take_text(&mut headers, 2)?;
        match key {
            MESSAGE_TYPE => {
                kind = match value {
                    "event" => EventStreamKind::Event,
                    "exception" => EventStreamKind::Exception,
                    // An unknown type is no part of the response, so it must not be taken for one.
                    _ => EventStreamKind::Error,
                }
            }
            EVENT_TYPE | EXCEPTION_TYPE | ERROR_CODE => value.clone_into(&mut name),
            ERROR_MESSAGE => text = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(EventStreamMessage {
        kind,
        name,
        text,
        payload,
    })
}

/// Takes a text that has its length before it in `width` bytes (1 or 2).
fn take_text<'a>(bytes: &mut &'a [u8], width: usize) -> Option<&'a str> {
    let length = match width {
        1 => usize::from(bytes.try_get_u8().ok()?),
        _ => usize::from(bytes.try_get_u16().ok()?),
    };
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

/// Skips a header value that is not text; `None` if its type is unknown, since its length is then, too.
fn skip_header_value(bytes: &mut &[u8], value_type: u8) -> Option<()> {
    let length = match value_type {
        // True and false have no bytes.
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        // A 64-bit integer; a timestamp.
        5 | 8 => 8,
        // Bytes.
        6 => usize::from(bytes.try_get_u16().ok()?),
        // A UUID.
        9 => 16,
        _ => return None,
    };
    *bytes = bytes.get(length..)?;
    Some(())
}
