//! Writes events as chunks.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};
use serde_json::json;

use super::super::{error, headers};
use super::{CHUNK, METRICS};
use crate::canonical::{Error, Usage};
use crate::dialect::shared::envelope::{RawEventWriter, StreamPhase};
use crate::wire::event_stream;
use crate::wire::splice::{self, SpliceNode};

/// The padding of a payload is a prefix of this. It hides the length of the event, from which someone who sees only the
/// encrypted traffic could guess the text.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Writes events as messages of an event stream.
#[derive(Debug, Default)]
pub struct ChunkEventWriter {
    /// When the request arrived.
    start: Option<Instant>,
    /// The time from the request's arrival to the first event.
    first_event_after: Option<Duration>,
}

impl RawEventWriter for ChunkEventWriter {
    fn set_start(&mut self, at: Instant) {
        self.start = Some(at);
    }

    fn write_event(&mut self, name: &str, json: &[u8], out: &mut BytesMut) {
        // The protocol has no event for that.
        if name == "ping" {
            return;
        }
        if self.first_event_after.is_none() {
            self.first_event_after = self.start.map(|start| start.elapsed());
        }
        write_chunk(json, out);
    }

    fn write_last_event(&mut self, _: &str, json: &[u8], usage: Option<&Usage>, out: &mut BytesMut) {
        let usage = usage.copied().unwrap_or_default();
        let took = self.start.map_or(Duration::ZERO, |start| start.elapsed());
        let mut metrics = json!({
            "inputTokenCount": usage.fresh,
            "outputTokenCount": usage.output,
            "invocationLatency": headers::to_millis(took),
            "firstByteLatency": headers::to_millis(self.first_event_after.unwrap_or(took)),
        });
        if (usage.cache_read > 0 || usage.cache_write > 0)
            && let Some(metrics) = metrics.as_object_mut()
        {
            metrics.insert("cacheReadInputTokenCount".to_owned(), usage.cache_read.into());
            metrics.insert("cacheWriteInputTokenCount".to_owned(), usage.cache_write.into());
        }
        let metrics = metrics.to_string();
        match append_member(json, METRICS, &metrics) {
            Some(event) => write_chunk(&event, out),
            None => write_chunk(json, out),
        }
    }

    fn write_failure(&mut self, failure: &Error, out: &mut BytesMut) {
        let (kind, payload) = error::write_frame(failure);
        event_stream::write_exception(out, kind, &payload);
    }

    fn write_keep_alive(&mut self, _: StreamPhase, _: &mut BytesMut) {}
}

/// The object with one more member at its end; `None` if it is no JSON object.
fn append_member(object: &[u8], key: &str, value: &str) -> Option<Vec<u8>> {
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

pub(super) fn write_chunk(json: &[u8], out: &mut BytesMut) {
    event_stream::write_event(out, CHUNK, |out| {
        let encoded = STANDARD.encode(json);
        out.reserve(encoded.len() + PADDING.len() + 24);
        out.put_slice(br#"{"bytes":""#);
        out.put_slice(encoded.as_bytes());
        out.put_slice(br#"","p":""#);
        // Pads to the next multiple of the padding's length; Base64 grows in steps of four characters.
        let room = PADDING.len() - encoded.len() % PADDING.len();
        out.put_slice(PADDING.get(..room).unwrap_or_default().as_bytes());
        out.put_slice(br#""}"#);
    });
}
