//! Streams: each event of the Messages API as the payload of a `chunk`, encoded in Base64.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::json;

use super::error;
use crate::canonical::{Error, ErrorClass, Event, Scope, Usage};
use crate::dialect::StreamReader;
use crate::dialect::claude::{events, stream as claude};
use crate::dialect::shared::envelope::{EventPosition, RawEvent, RawEventReader, RawEventWriter};
use crate::wire::event_stream;
use crate::wire::json::{EventPattern, FieldPaths};
use crate::wire::splice::{self, SpliceNode, Splices};

/// The type of the messages that hold an event.
const CHUNK: &str = "chunk";
/// What the last event has besides its own members.
const METRICS: &str = "amazon-bedrock-invocationMetrics";
/// From this the padding of a payload is taken, so that its length tells nothing of the text in it.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Whole milliseconds.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    bytes: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metrics {
    input_token_count: u64,
    output_token_count: u64,
    cache_read_input_token_count: u64,
    cache_write_input_token_count: u64,
}

impl Metrics {
    fn usage(&self) -> Usage {
        Usage {
            fresh: self.input_token_count,
            cache_read: self.cache_read_input_token_count,
            cache_write: self.cache_write_input_token_count,
            output: self.output_token_count,
            ..Usage::default()
        }
    }
}

/// The largest buffer that is kept for the next event, in bytes.
const KEPT: usize = 16 * 1024;
/// Where a chunk holds its event.
const FIELD_PATHS: FieldPaths = FieldPaths {
    object: &[],
    texts: &[&["bytes"]],
    ignored: &["p"],
};

/// Takes the events of one stream out of their frames.
#[derive(Debug, Default)]
struct Unwrapper {
    /// What the chunks have in common with the first one.
    pattern: Option<EventPattern>,
    /// There has been a first one.
    begun: bool,
    /// The last event.
    event: Vec<u8>,
}

impl Unwrapper {
    /// The event in a frame; `None` where the frame holds none.
    fn unwrap(&mut self, name: Option<&str>, data: &[u8]) -> Result<Option<&[u8]>, Error> {
        let name = name.unwrap_or_default();
        if let Some(failure) = error::read_frame(name, data) {
            return Err(failure);
        }
        // Other events say nothing of the answer.
        if name != CHUNK {
            return Ok(None);
        }
        let bad = || {
            Error::new(
                ErrorClass::Upstream,
                "the upstream sent a chunk that holds no event",
            )
        };
        let known = self.pattern.as_ref().and_then(|pattern| pattern.match_text(data));
        let bytes = match known {
            Some(bytes) => bytes,
            None => {
                let Chunk { bytes } = serde_json::from_slice(data).map_err(|_| bad())?;
                if !std::mem::replace(&mut self.begun, true) {
                    self.pattern = EventPattern::from_event(data, FIELD_PATHS, &bytes);
                }
                bytes
            }
        };
        if self.event.capacity() > KEPT {
            self.event = Vec::new();
        }
        self.event.clear();
        let decoded = STANDARD.decode_vec(bytes.as_bytes(), &mut self.event);
        decoded.map_err(|_| bad())?;
        Ok(Some(&self.event))
    }
}

/// The metrics of the last event.
fn metrics(event: &[u8]) -> Option<Metrics> {
    let found = SpliceNode::document(event).ok()?.get(METRICS).ok()??;
    serde_json::from_slice(found.raw()).ok()
}

/// Reads a stream.
#[derive(Debug, Default)]
pub struct Reader {
    chunks: Unwrapper,
    inner: claude::Reader,
}

impl StreamReader for Reader {
    fn read(&mut self, scope: &mut Scope<'_>, name: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        let event = match self.chunks.unwrap(name, data) {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(failure) => return out.push(Event::Fail(failure)),
        };
        let before = out.len();
        self.inner.read(scope, None, event, out);
        for said in out.iter_mut().skip(before) {
            if let Event::Finish { usage, .. } = said
                && usage.is_none_or(|usage| usage == Usage::default())
                && let Some(metrics) = metrics(event)
            {
                *usage = Some(metrics.usage());
            }
        }
    }

    fn end(&mut self, scope: &mut Scope<'_>, out: &mut Vec<Event>) {
        self.inner.end(scope, out);
    }
}

/// Reads events that pass untranslated.
#[derive(Debug, Default)]
pub struct RawEvents {
    chunks: Unwrapper,
    inner: events::RawEvents,
    metrics: Option<Metrics>,
}

impl RawEventReader for RawEvents {
    fn read(&mut self, name: Option<&str>, data: &Bytes) -> Result<Option<RawEvent>, Error> {
        let Some(event) = self.chunks.unwrap(name, data)? else {
            return Ok(None);
        };
        let event = Bytes::copy_from_slice(event);
        let mut passing = self.inner.read(None, &event)?;
        if let Some(passing) = &mut passing
            && passing.part == EventPosition::End
            && let Some(metrics) = metrics(&passing.json)
        {
            self.metrics = Some(metrics);
            passing.json = without_metrics(&passing.json).unwrap_or(event);
        }
        Ok(passing)
    }

    fn usage(&self) -> Option<Usage> {
        let counted = self.inner.usage().filter(|usage| *usage != Usage::default());
        counted.or_else(|| self.metrics.as_ref().map(Metrics::usage))
    }
}

fn without_metrics(event: &Bytes) -> Option<Bytes> {
    let mut splices = Splices::new();
    let document = SpliceNode::document(event).ok()?;
    splices.retain_members(&document, |key, _| key != METRICS).ok()?;
    Some(splices.apply(event).ok()?.into_bytes())
}

/// Writes events as messages of an event stream.
#[derive(Debug, Default)]
pub struct ChunkEvents {
    began: Option<Instant>,
    first: Option<Duration>,
}

impl RawEventWriter for ChunkEvents {
    fn set_start(&mut self, at: Instant) {
        self.began = Some(at);
    }

    fn write_event(&mut self, name: &str, json: &[u8], out: &mut BytesMut) {
        // The protocol has no such thing.
        if name == "ping" {
            return;
        }
        if self.first.is_none() {
            self.first = self.began.map(|began| began.elapsed());
        }
        write_chunk(json, out);
    }

    fn write_last_event(&mut self, _: &str, json: &[u8], usage: Option<&Usage>, out: &mut BytesMut) {
        let usage = usage.copied().unwrap_or_default();
        let took = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let mut metrics = json!({
            "inputTokenCount": usage.fresh,
            "outputTokenCount": usage.output,
            "invocationLatency": millis(took),
            "firstByteLatency": millis(self.first.unwrap_or(took)),
        });
        if (usage.cache_read > 0 || usage.cache_write > 0)
            && let Some(metrics) = metrics.as_object_mut()
        {
            metrics.insert("cacheReadInputTokenCount".to_owned(), usage.cache_read.into());
            metrics.insert("cacheWriteInputTokenCount".to_owned(), usage.cache_write.into());
        }
        let metrics = metrics.to_string();
        match with_last_member(json, METRICS, &metrics) {
            Some(event) => write_chunk(&event, out),
            None => write_chunk(json, out),
        }
    }

    fn write_failure(&mut self, failure: &Error, out: &mut BytesMut) {
        let (kind, payload) = error::write_frame(failure);
        event_stream::write_exception(out, kind, &payload);
    }

    fn write_keep_alive(&mut self, _: bool, _: &mut BytesMut) {}
}

fn with_last_member(object: &[u8], key: &str, value: &str) -> Option<Vec<u8>> {
    let node = SpliceNode::document(object).ok()?;
    let comma = if node.members().ok()?.next().is_some() {
        ","
    } else {
        ""
    };
    let (inner, _) = object.split_at_checked(node.span().end.checked_sub(1)?)?;
    let mut out = inner.to_vec();
    out.extend_from_slice(format!("{comma}{}:{value}}}", splice::encode_str(key)).as_bytes());
    Some(out)
}

fn write_chunk(json: &[u8], out: &mut BytesMut) {
    event_stream::write_event(out, CHUNK, |out| {
        let encoded = STANDARD.encode(json);
        out.reserve(encoded.len() + PADDING.len() + 24);
        out.put_slice(br#"{"bytes":""#);
        out.put_slice(encoded.as_bytes());
        out.put_slice(br#"","p":""#);
        // Fills up to a multiple of the padding's length, as far as the encoding's own steps allow.
        let room = PADDING.len() - encoded.len() % PADDING.len();
        out.put_slice(PADDING.get(..room).unwrap_or_default().as_bytes());
        out.put_slice(br#""}"#);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::framing::{Framing, StreamFrame};

    fn frames(wire: BytesMut) -> Vec<StreamFrame> {
        let mut decoder = Framing::EventStream.decoder();
        decoder.push(wire.freeze());
        decoder.finish();
        std::iter::from_fn(|| decoder.next().expect("a readable stream")).collect()
    }

    #[test]
    fn events_survive_their_wrapping() {
        let mut writer = ChunkEvents::default();
        let mut out = BytesMut::new();
        let usage = Usage {
            fresh: 3,
            cache_read: 4,
            output: 5,
            ..Usage::default()
        };
        writer.write_keep_alive(true, &mut out);
        writer.write_event("ping", br#"{"type":"ping"}"#, &mut out);
        writer.write_event("news", br#"{"type":"news", "n":1.0}"#, &mut out);
        writer.write_last_event(
            "message_stop",
            br#"{"type":"message_stop"}"#,
            Some(&usage),
            &mut out,
        );
        let frames = frames(out);
        assert_eq!(frames.len(), 2);
        assert!(frames.iter().all(|frame| frame.name() == Some(CHUNK)));

        let mut chunks = Unwrapper::default();
        let last = chunks.unwrap(frames[1].name(), &frames[1].data).ok().flatten();
        let expected = r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":3,"outputTokenCount":5,"invocationLatency":0,"firstByteLatency":0,"cacheReadInputTokenCount":4,"cacheWriteInputTokenCount":0}}"#;
        assert_eq!(last, Some(expected.as_bytes()));

        let mut reader = RawEvents::default();
        let mut read = |frame: &StreamFrame| reader.read(frame.name(), &frame.data).ok().flatten();
        let news = read(&frames[0]).map(|passing| passing.json);
        assert_eq!(news.as_deref(), Some(&br#"{"type":"news", "n":1.0}"#[..]));
        let stop = read(&frames[1]).expect("an event");
        assert_eq!(
            (stop.part, &*stop.json),
            (EventPosition::End, &br#"{"type":"message_stop"}"#[..])
        );
        assert_eq!(reader.usage(), Some(usage));
    }

    #[test]
    fn chunks_of_near_lengths_look_alike() {
        let length = |count: usize| {
            let mut out = BytesMut::new();
            write_chunk(&vec![b'x'; count], &mut out);
            out.len()
        };
        assert_eq!(length(10), length(30));
        assert!(length(30) < length(60));
    }

    #[test]
    fn what_is_no_chunk_of_an_event_fails_or_is_passed_over() {
        let read = |name: &str, data: &str| {
            let mut reader = RawEvents::default();
            reader.read(Some(name), &Bytes::copy_from_slice(data.as_bytes()))
        };
        assert_eq!(read("metadata", "{}"), Ok(None));
        for data in [
            "",
            "{}",
            r#"{"bytes":"!"}"#,
            r#"{"bytes":"e30"}"#,
            r#"{"bytes":"WzFd"}"#,
        ] {
            let class = read(CHUNK, data).map_err(|error| error.class);
            assert_eq!(class, Err(ErrorClass::Upstream), "{data}");
        }
    }
}
