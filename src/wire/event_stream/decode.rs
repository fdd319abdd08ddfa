//! The reader: chunks of bytes in, messages out.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

use super::{
    CHECKSUM, ERROR_CODE, ERROR_MESSAGE, EVENT_TYPE, EXCEPTION_TYPE, LENGTHS, MESSAGE_TYPE, PRELUDE, TEXT,
};

/// The limit on one message's size, in bytes, unless [`EventStreamDecoder::with_limit`] names another: 16 MiB, the most that the
/// format allows.
pub const DEFAULT_MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventStreamKind {
    /// Part of the answer.
    Event,
    /// A failure that the service's API describes; the payload tells of it.
    Exception,
    /// A failure that it does not.
    Error,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventStreamMessage {
    /// What it is.
    pub kind: EventStreamKind,
    /// The type of the event or of the exception, or the error's code; empty where the message names none.
    pub name: String,
    /// What an error says; `None` for the other kinds.
    pub text: Option<String>,
    /// The payload, a slice of what has arrived.
    pub payload: Bytes,
}

/// Why the input is no event stream. The decoder gives nothing more after this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadMessage {
    /// A message is longer than the limit, in bytes.
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The lengths and their checksum do not fit.
    Prelude,
    /// The message and its checksum do not fit.
    Checksum,
    /// The headers cannot be read.
    Headers,
    /// The input ended within a message.
    Truncated,
}

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit } => write!(f, "an event stream's message is larger than {limit} bytes"),
            Self::Prelude => f.write_str("an event stream's message begins with bytes that are no prelude"),
            Self::Checksum => f.write_str("the checksum of an event stream's message is wrong"),
            Self::Headers => f.write_str("the headers of an event stream's message cannot be read"),
            Self::Truncated => f.write_str("an event stream ended within a message"),
        }
    }
}

impl std::error::Error for BadMessage {}

/// An incremental reader of an event stream.
///
/// Push what has arrived with [`push`](Self::push), then call [`next`](Self::next) until it gives `None`. At the end of
/// the input call [`finish`](Self::finish), and `next` once more: a message that is not complete by then is an error.
#[derive(Debug)]
pub struct EventStreamDecoder {
    limit: usize,
    buffer: BytesMut,
    ended: bool,
    failed: Option<BadMessage>,
}

impl Default for EventStreamDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl EventStreamDecoder {
    /// A decoder with the default limit, [`DEFAULT_MESSAGE_LIMIT`].
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_MESSAGE_LIMIT)
    }

    /// A decoder that fails when one message exceeds `limit` bytes, as soon as its length has arrived.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            buffer: BytesMut::new(),
            ended: false,
            failed: None,
        }
    }

    /// Adds what has arrived. The cut may be anywhere.
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

    /// The next message; `None` when more input is needed, or at the end after [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`BadMessage`], then and on every later call.
    #[expect(
        clippy::should_implement_trait,
        reason = "None here means: more input is needed; that is no iterator's end"
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

/// A message from its headers and payload; `None` where the headers cannot be read.
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
                    // What is neither is not part of the answer.
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

/// A text whose length stands before it in `width` bytes.
fn take_text<'a>(bytes: &mut &'a [u8], width: usize) -> Option<&'a str> {
    let length = match width {
        1 => usize::from(bytes.try_get_u8().ok()?),
        _ => usize::from(bytes.try_get_u16().ok()?),
    };
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

/// Passes over a value that is no text.
fn skip_header_value(bytes: &mut &[u8], value_type: u8) -> Option<()> {
    let length = match value_type {
        // True and false have no bytes of their own.
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        // A 64-bit number and a time.
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
