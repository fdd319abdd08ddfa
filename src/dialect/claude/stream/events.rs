//! The transport of events: server-sent events here, chunks in Bedrock. Events that go from one to the other are not
//! translated.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::canonical::{Error, ErrorClass, Usage};
use crate::dialect::ResponseContext;
use crate::dialect::claude::error;
use crate::dialect::claude::types::*;
use crate::dialect::claude::usage::ClaudeTokenCounts;
use crate::dialect::shared::envelope::{
    EventPosition, RawEvent, RawEventReader, RawEventWriter, StreamPhase,
};
use crate::wire::{splice, sse};

const PING: &[u8] = br#"{"type":"ping"}"#;

/// Writes events as server-sent events, translated ones too.
#[derive(Debug)]
pub struct ClaudeSseWriter {
    request_id: String,
}

impl ClaudeSseWriter {
    /// A writer of one response.
    pub fn new(context: &ResponseContext) -> Self {
        Self {
            request_id: context.request_id.clone(),
        }
    }
}

impl RawEventWriter for ClaudeSseWriter {
    fn set_start(&mut self, _: Instant) {}

    fn write_event(&mut self, name: &str, json: &[u8], out: &mut BytesMut) {
        sse::write_event(out, Some(name), json);
    }

    fn write_last_event(&mut self, name: &str, json: &[u8], _: Option<&Usage>, out: &mut BytesMut) {
        self.write_event(name, json, out);
    }

    fn write_failure(&mut self, failure: &Error, out: &mut BytesMut) {
        let json = error::write_json(failure, &self.request_id);
        sse::write_event(out, Some("error"), &json);
    }

    fn write_keep_alive(&mut self, phase: StreamPhase, out: &mut BytesMut) {
        if phase == StreamPhase::Started {
            sse::write_event(out, Some("ping"), PING);
        } else {
            sse::write_comment(out, "keep-alive");
        }
    }
}

/// Reads events without translating them: only their types, and the token counts, which are in the first event and in
/// the last but one.
#[derive(Debug, Default)]
pub struct ClaudeRawEventReader {
    counts: Option<ClaudeTokenCounts>,
}

impl RawEventReader for ClaudeRawEventReader {
    fn read(&mut self, _: Option<&str>, data: &Bytes) -> Result<Option<RawEvent>, Error> {
        // Some servers send an event without data to keep the connection open.
        if data.is_empty() {
            return Ok(None);
        }
        let bad = |_| {
            let message = "the upstream sent a frame that is not an event of its API";
            Error::new(ErrorClass::Upstream, message)
        };
        let kind = splice::find_first(data, "type").map_err(bad)?;
        let name = kind.map(|kind| kind.text()).transpose().map_err(bad)?;
        let name = name.unwrap_or_default();
        let position = match &*name {
            "message_start" | "message_delta" => {
                self.read_counts(data);
                if name == "message_start" {
                    EventPosition::Start
                } else {
                    EventPosition::Middle
                }
            }
            "message_stop" => EventPosition::End,
            "ping" => EventPosition::Ping,
            "error" => return Err(read_failure(data)),
            _ => EventPosition::Middle,
        };
        Ok(Some(RawEvent {
            position,
            name: name.into_owned(),
            json: data.clone(),
        }))
    }

    fn usage(&self) -> Option<Usage> {
        self.counts.map(ClaudeTokenCounts::to_usage)
    }
}

impl ClaudeRawEventReader {
    /// Reads the token counts of an event. An event that cannot be read passes nevertheless, without counts.
    fn read_counts(&mut self, data: &[u8]) {
        let known = || self.counts.unwrap_or_default();
        let more = match parse_event(data) {
            Ok(RawMessageStreamEvent::MessageStart(event)) => {
                event.message.usage.map(|usage| known().merge(usage))
            }
            Ok(RawMessageStreamEvent::MessageDelta(event)) => {
                event.usage.map(|usage| known().merge_delta(usage))
            }
            _ => None,
        };
        self.counts = more.or(self.counts);
    }
}

fn read_failure(data: &[u8]) -> Error {
    match parse_event(data) {
        Ok(RawMessageStreamEvent::Error(event)) => {
            let kind = event.error.type_.unwrap_or_default();
            error::read_event(&kind, &event.error.message)
        }
        _ => Error::new(
            ErrorClass::Upstream,
            "the upstream's stream failed without a message",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(events: &mut ClaudeRawEventReader, json: &'static str) -> Result<Option<RawEvent>, Error> {
        events.read(None, &Bytes::from_static(json.as_bytes()))
    }

    #[test]
    fn events_pass_as_they_are_and_are_counted() {
        let mut events = ClaudeRawEventReader::default();
        for (json, part) in [
            (
                r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"model":"c","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}}"#,
                EventPosition::Start,
            ),
            (r#"{"type":"ping"}"#, EventPosition::Ping),
            (r#"{"type": "news", "n": 1.0}"#, EventPosition::Middle),
            (
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#,
                EventPosition::Middle,
            ),
            (r#"{"type":"message_stop"}"#, EventPosition::End),
        ] {
            let passing = read(&mut events, json).ok().flatten().expect("an event");
            assert_eq!((passing.position, &*passing.json), (part, json.as_bytes()));
        }
        let usage = events.usage().unwrap_or_default();
        assert_eq!((usage.fresh, usage.cache_read, usage.output), (3, 2, 7));
    }

    #[test]
    fn failures_are_distinguished() {
        let mut events = ClaudeRawEventReader::default();
        let busy = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
        let class = |result: Result<Option<RawEvent>, Error>| result.map_err(|error| error.class).err();
        assert_eq!(class(read(&mut events, busy)), Some(ErrorClass::Overloaded));
        for json in ["[1]", "{", r#"{"type":1}"#, r#"{"type":"error"}"#] {
            assert_eq!(
                class(read(&mut events, json)),
                Some(ErrorClass::Upstream),
                "{json}"
            );
        }
    }
}
