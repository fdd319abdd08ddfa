//! The two framings of streams behind one type: server-sent events, and the AWS event stream of Bedrock.
//!
//! Readers of dialects get a name and data, and do not know in which framing these came.

use std::fmt;

use bytes::Bytes;

use super::event_stream::{BadMessage, EventStreamDecoder, EventStreamKind, EventStreamMessage};
use super::sse::{EventTooLarge, SseDecoder, SseItem};

/// The framing of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// The AWS event stream.
    EventStream,
}

impl Framing {
    /// The media type of a stream in this framing.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::EventStream => "application/vnd.amazon.eventstream",
        }
    }

    /// Creates a decoder for one stream in this framing.
    pub fn decoder(self) -> FrameDecoder {
        match self {
            Self::Sse => FrameDecoder::Sse(SseDecoder::new()),
            Self::EventStream => FrameDecoder::EventStream(EventStreamDecoder::new()),
        }
    }
}

/// The prefix of the name of an event stream's exception: a failure that the service's API defines.
pub const EXCEPTION: &str = "exception:";
/// The prefix of the name of an event stream's error: any other failure.
pub const ERROR: &str = "error:";

/// One frame of a stream, in either framing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamFrame {
    name: Option<Bytes>,
    /// Its data. For an error of an event stream, which has no payload, it is `{"message": …}` with the error's
    /// message.
    pub data: Bytes,
}

impl StreamFrame {
    /// Its name: the name of a server-sent event, or the type of an event stream's event. In an event stream, the
    /// prefix [`EXCEPTION`] or [`ERROR`] marks a failure. `None` if it has no name or the name is not UTF-8.
    pub fn name(&self) -> Option<&str> {
        let name = std::str::from_utf8(self.name.as_deref()?).ok()?;
        Some(name).filter(|name| !name.is_empty())
    }
}

/// Why a stream cannot be read further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadFrame {
    /// In server-sent events.
    Sse(EventTooLarge),
    /// In an event stream.
    EventStream(BadMessage),
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sse(error) => error.fmt(f),
            Self::EventStream(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BadFrame {}

/// An incremental frame decoder. Call [`push`](Self::push) with the bytes that have arrived, then [`next`](Self::next)
/// until it returns `None`. At the end of the input call [`finish`](Self::finish), and then `next` until `None` again.
#[derive(Debug)]
pub enum FrameDecoder {
    /// For server-sent events.
    Sse(SseDecoder),
    /// For an event stream.
    EventStream(EventStreamDecoder),
}

impl FrameDecoder {
    /// Adds bytes that have arrived; a chunk may end anywhere.
    pub fn push(&mut self, chunk: Bytes) {
        match self {
            Self::Sse(decoder) => decoder.push(chunk),
            Self::EventStream(decoder) => decoder.push(chunk),
        }
    }

    /// Declares the input complete.
    pub fn finish(&mut self) {
        match self {
            Self::Sse(decoder) => decoder.finish(),
            Self::EventStream(decoder) => decoder.finish(),
        }
    }

    /// The next frame. `None` if more input is needed, or at the end. Comments are skipped.
    ///
    /// # Errors
    /// [`BadFrame`], and again on each later call.
    #[expect(
        clippy::should_implement_trait,
        reason = "here `None` means that more input is needed, not that the iterator has ended"
    )]
    pub fn next(&mut self) -> Result<Option<StreamFrame>, BadFrame> {
        match self {
            Self::Sse(decoder) => loop {
                match decoder.next().map_err(BadFrame::Sse)? {
                    Some(SseItem::Event(frame)) => {
                        return Ok(Some(StreamFrame {
                            name: frame.event,
                            data: frame.data,
                        }));
                    }
                    Some(SseItem::Comment(_)) => {}
                    None => return Ok(None),
                }
            },
            Self::EventStream(decoder) => {
                let message = decoder.next().map_err(BadFrame::EventStream)?;
                Ok(message.map(StreamFrame::from))
            }
        }
    }
}

impl From<EventStreamMessage> for StreamFrame {
    fn from(message: EventStreamMessage) -> Self {
        let EventStreamMessage {
            kind,
            name,
            text,
            payload,
        } = message;
        let name = match kind {
            EventStreamKind::Event => name,
            EventStreamKind::Exception => format!("{EXCEPTION}{name}"),
            EventStreamKind::Error => format!("{ERROR}{name}"),
        };
        let data = match text {
            Some(text) => serde_json::json!({ "message": text }).to_string().into(),
            None => payload,
        };
        Self {
            name: Some(name.into()),
            data,
        }
    }
}
