//! How the events of a stream are told apart on the wire.

use std::fmt;

use bytes::Bytes;

use super::event_stream::{BadMessage, EventStreamDecoder, EventStreamKind, EventStreamMessage};
use super::sse::{EventTooLarge, SseDecoder, SseItem};

/// How the events of a stream travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// As server-sent events.
    Sse,
    /// As messages of an AWS event stream.
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

    /// A reader of one stream.
    pub fn decoder(self) -> FrameDecoder {
        match self {
            Self::Sse => FrameDecoder::Sse(SseDecoder::new()),
            Self::EventStream => FrameDecoder::EventStream(EventStreamDecoder::new()),
        }
    }
}

/// What stands before the name of a message that is a failure of the service's API.
pub const EXCEPTION: &str = "exception:";
/// What stands before the name of a message that is another failure.
pub const ERROR: &str = "error:";

/// One frame of a stream, whatever its framing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamFrame {
    name: Option<Bytes>,
    /// Its data: of an event stream's `error` message, which has no payload, `{"message": …}`.
    pub data: Bytes,
}

impl StreamFrame {
    /// Its name: that of a server-sent event or the type of an event stream's event. Failures in an event stream have
    /// [`EXCEPTION`] or [`ERROR`] before theirs. `None` where there is none, or none that is text.
    pub fn name(&self) -> Option<&str> {
        let name = std::str::from_utf8(self.name.as_deref()?).ok()?;
        Some(name).filter(|name| !name.is_empty())
    }
}

/// Why a stream cannot be read any further.
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

/// An incremental reader of a stream. Push what has arrived, then call [`next`](Self::next) until it gives `None`; at
/// the end of the input call [`finish`](Self::finish), and `next` until `None` once more.
#[derive(Debug)]
pub enum FrameDecoder {
    /// Of server-sent events.
    Sse(SseDecoder),
    /// Of an event stream.
    EventStream(EventStreamDecoder),
}

impl FrameDecoder {
    /// Adds what has arrived. The cut may be anywhere.
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

    /// The next frame; `None` when more input is needed, or at the end.
    ///
    /// # Errors
    /// [`BadFrame`], then and on every later call.
    #[expect(
        clippy::should_implement_trait,
        reason = "None here means: more input is needed; that is no iterator's end"
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
