//! Reads a stream.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use super::super::error;
use super::{CHUNK, METRICS};
use crate::canonical::{Error, ErrorClass, Event, Scope, Usage};
use crate::dialect::StreamReader;
use crate::dialect::claude::stream::{self as claude_stream, events as claude_events};
use crate::dialect::shared::envelope::{EventPosition, RawEvent, RawEventReader};
use crate::wire::json::{EventPattern, FieldPaths};
use crate::wire::splice::{SpliceNode, Splices};

/// The payload of a chunk.
#[derive(Deserialize)]
struct ChunkPayload<'a> {
    #[serde(borrow)]
    bytes: Cow<'a, str>,
}

/// The token counts of the last event.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct InvocationMetrics {
    input_token_count: u64,
    output_token_count: u64,
    cache_read_input_token_count: u64,
    cache_write_input_token_count: u64,
}

impl InvocationMetrics {
    /// Reads the metrics of an event, if it has any.
    fn read(event: &[u8]) -> Option<Self> {
        let found = SpliceNode::document(event).ok()?.get(METRICS).ok()??;
        serde_json::from_slice(found.raw()).ok()
    }

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

/// The largest buffer that is kept for the next event, in bytes. One large event must not hold its memory for as long
/// as the stream lasts.
const KEPT_BUFFER: usize = 16 * 1024;
/// Where a chunk has its event. Nothing reads the padding `p`.
const FIELD_PATHS: FieldPaths = FieldPaths {
    object: &[],
    texts: &[&["bytes"]],
    ignored: &["p"],
};

/// Decodes the events of one stream from its frames.
#[derive(Debug, Default)]
pub(super) struct ChunkDecoder {
    /// The pattern of the first chunk. Chunks differ only in their event and padding, so matching the pattern replaces
    /// parsing them.
    pattern: Option<EventPattern>,
    /// Whether the first chunk has been read. A pattern is tried once: if the first chunk gives none, others will not.
    has_begun: bool,
    /// The last event; its buffer is used again.
    event: Vec<u8>,
}

impl ChunkDecoder {
    /// The event in a frame; `None` for frames of other types, which do not belong to the response.
    ///
    /// # Errors
    /// The failure that the frame reports, or an upstream error for a chunk that contains no event.
    pub(super) fn decode(&mut self, name: Option<&str>, data: &[u8]) -> Result<Option<&[u8]>, Error> {
        let name = name.unwrap_or_default();
        if let Some(failure) = error::read_frame(name, data) {
            return Err(failure);
        }
        if name != CHUNK {
            return Ok(None);
        }
        let bad = || {
            Error::new(
                ErrorClass::Upstream,
                "the upstream sent a chunk that contains no event",
            )
        };
        let matched = self.pattern.as_ref().and_then(|pattern| pattern.match_text(data));
        let bytes = match matched {
            Some(bytes) => bytes,
            None => {
                let ChunkPayload { bytes } = serde_json::from_slice(data).map_err(|_| bad())?;
                if !std::mem::replace(&mut self.has_begun, true) {
                    self.pattern = EventPattern::from_event(data, FIELD_PATHS, &bytes);
                }
                bytes
            }
        };
        if self.event.capacity() > KEPT_BUFFER {
            self.event = Vec::new();
        }
        self.event.clear();
        let decoded = STANDARD.decode_vec(bytes.as_bytes(), &mut self.event);
        decoded.map_err(|_| bad())?;
        Ok(Some(&self.event))
    }
}

/// Reads a stream into canonical events.
#[derive(Debug, Default)]
pub struct BedrockStreamReader {
    chunks: ChunkDecoder,
    events: claude_stream::ClaudeStreamReader,
}

impl StreamReader for BedrockStreamReader {
    fn read(&mut self, scope: &mut Scope<'_>, name: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        let event = match self.chunks.decode(name, data) {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(failure) => return out.push(Event::Fail(failure)),
        };
        let before = out.len();
        self.events.read(scope, None, event, out);
        // If the events contain no token counts, the metrics do.
        for new in out.iter_mut().skip(before) {
            if let Event::Finish { usage, .. } = new
                && usage.is_none_or(|usage| usage == Usage::default())
                && let Some(metrics) = InvocationMetrics::read(event)
            {
                *usage = Some(metrics.usage());
            }
        }
    }

    fn end(&mut self, scope: &mut Scope<'_>, out: &mut Vec<Event>) {
        self.events.end(scope, out);
    }
}

/// Reads a stream event by event, for another envelope.
#[derive(Debug, Default)]
pub struct ChunkEventReader {
    chunks: ChunkDecoder,
    events: claude_events::ClaudeRawEventReader,
    metrics: Option<InvocationMetrics>,
}

impl RawEventReader for ChunkEventReader {
    fn read(&mut self, name: Option<&str>, data: &Bytes) -> Result<Option<RawEvent>, Error> {
        let Some(event) = self.chunks.decode(name, data)? else {
            return Ok(None);
        };
        let event = Bytes::copy_from_slice(event);
        let mut read = self.events.read(None, &event)?;
        // The metrics belong to the envelope and must not reach a client of the Messages API.
        if let Some(last) = read.as_mut().filter(|read| read.position == EventPosition::End)
            && let Some(metrics) = InvocationMetrics::read(&last.json)
        {
            self.metrics = Some(metrics);
            last.json = remove_metrics(&last.json).unwrap_or(event);
        }
        Ok(read)
    }

    fn usage(&self) -> Option<Usage> {
        let counted = self.events.usage().filter(|usage| *usage != Usage::default());
        counted.or_else(|| self.metrics.as_ref().map(InvocationMetrics::usage))
    }
}

fn remove_metrics(event: &Bytes) -> Option<Bytes> {
    let mut splices = Splices::new();
    let document = SpliceNode::document(event).ok()?;
    splices.retain_members(&document, |key, _| key != METRICS).ok()?;
    Some(splices.apply(event).ok()?.into_bytes())
}
