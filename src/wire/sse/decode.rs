//! The reader: chunks of bytes in, events out.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

/// The default limit on the size of one event, in bytes: 16 MiB. An event is held in memory until its end has arrived,
/// so without a limit one upstream could exhaust the memory of the proxy. The largest events repeat a whole response
/// (Responses API). It is also the limit of the AWS event stream.
pub const DEFAULT_EVENT_LIMIT: usize = 16 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event.
///
/// Name and data are slices of the chunk in which they arrived. They are copied only if a line is split over chunks or
/// several `data` lines are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseFrame {
    /// The value of the last `event` field; `None` if there was none or it was empty.
    pub event: Option<Bytes>,
    /// The values of the `data` fields, joined with line feeds. May not be UTF-8: the reader of the JSON checks that.
    pub data: Bytes,
}

impl SseFrame {
    /// The event's name as text; empty if it has none or the name is not UTF-8.
    pub fn name(&self) -> &str {
        self.event
            .as_deref()
            .and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}

/// An item of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SseItem {
    /// An event.
    Event(SseFrame),
    /// A comment line without its colon. Servers send comments to keep a connection alive.
    Comment(Bytes),
}

/// An event or a single line exceeded the decoder's limit. The decoder returns this error from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTooLarge {
    /// The limit, in bytes.
    pub limit: usize,
}

impl std::fmt::Display for EventTooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a server-sent event is larger than {} bytes", self.limit)
    }
}

impl std::error::Error for EventTooLarge {}

/// The `data` lines of the event that is being read.
#[derive(Debug, Default)]
enum SseData {
    /// No line.
    #[default]
    None,
    /// One line, a slice of its chunk.
    One(Bytes),
    /// Several lines, joined.
    Joined(BytesMut),
}

/// An incremental reader of server-sent events.
///
/// Call [`push`](Self::push) with the bytes that have arrived, then [`next`](Self::next) until it returns `None`. At
/// the end of the input call [`finish`](Self::finish), and then `next` until `None` again. Each byte is searched once
/// and copied at most twice, wherever the input is split into chunks.
///
/// The fields `id` and `retry` are ignored: they serve reconnection, which no LLM API offers.
#[derive(Debug)]
pub struct SseDecoder {
    limit: usize,
    chunks: VecDeque<Bytes>,
    /// The beginning of a line whose end has not arrived.
    partial: BytesMut,
    event: Option<Bytes>,
    data: SseData,
    /// Bytes in the lines of the current event, for the limit.
    held: usize,
    /// The last line ended with CR. If an LF comes next, even in the next chunk, it belongs to the same line end. The
    /// line is delivered without waiting for it.
    after_cr: bool,
    /// No line has been read, so a byte order mark may come.
    at_start: bool,
    /// [`Self::finish`] has been called.
    ended: bool,
    /// The limit was exceeded.
    failed: bool,
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl SseDecoder {
    /// Creates a decoder with the default limit, [`DEFAULT_EVENT_LIMIT`].
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_EVENT_LIMIT)
    }

    /// Creates a decoder that fails if the lines of one event together, or any single line, exceed `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            chunks: VecDeque::new(),
            partial: BytesMut::new(),
            event: None,
            data: SseData::None,
            held: 0,
            after_cr: false,
            at_start: true,
            ended: false,
            failed: false,
        }
    }

    /// Adds bytes that have arrived; a chunk may end anywhere.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// Declares the input complete. The rest of it then counts as a whole line and a whole event.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The next event or comment. `None` if more input is needed, or at the end after [`finish`](Self::finish).
    ///
    /// # Errors
    ///
    /// [`EventTooLarge`], and again on each later call.
    #[expect(
        clippy::should_implement_trait,
        reason = "here `None` means that more input is needed, not that the iterator has ended"
    )]
    pub fn next(&mut self) -> Result<Option<SseItem>, EventTooLarge> {
        if let Some(frame) = self.take_whole_event() {
            return Ok(Some(SseItem::Event(frame)));
        }
        while let Some(line) = self.next_line()? {
            let item = if line.is_empty() {
                self.take_event().map(SseItem::Event)
            } else {
                self.read_field(line)
            };
            if item.is_some() {
                return Ok(item);
            }
        }
        if self.ended {
            return Ok(self.take_event().map(SseItem::Event));
        }
        Ok(None)
    }

    /// Takes an event that is complete in the first chunk and has the form that LLM servers write: an optional `event`
    /// line, one `data` line, a blank line, each with a space after the colon and LF at its end. Otherwise it returns
    /// `None`, has taken nothing, and the event is read line by line. Nearly all events take this path, with two
    /// searches and no copy.
    fn take_whole_event(&mut self) -> Option<SseFrame> {
        // Only between two events, with nothing left over from the one before.
        let is_between = self.partial.is_empty()
            && self.event.is_none()
            && matches!(self.data, SseData::None)
            && !(self.after_cr || self.at_start || self.failed);
        let chunk = self.chunks.front_mut().filter(|_| is_between)?;
        let line = |from: usize, name: &[u8]| {
            let value = chunk.get(from..)?.strip_prefix(name)?;
            // A CR, with or without LF, ends the line for the standard, so it may not be in a value here.
            let end = memchr2(b'\n', b'\r', value).filter(|end| value.get(*end) == Some(&b'\n'))?;
            let start = from + name.len();
            Some(start..start + end)
        };
        let event = line(0, b"event: ");
        let data = line(event.as_ref().map_or(0, |event| event.end + 1), b"data: ")?;
        let size = data.end + 2;
        if chunk.get(data.end + 1) != Some(&b'\n') || size > self.limit {
            return None;
        }
        let mut all = if size == chunk.len() {
            self.chunks.pop_front()?
        } else {
            chunk.split_to(size)
        };
        let event = event
            .filter(|event| !event.is_empty())
            .map(|event| all.slice(event));
        all.truncate(data.end);
        all.advance(data.start);
        Some(SseFrame { event, data: all })
    }

    /// The next line without its end; `None` if its end has not arrived.
    fn next_line(&mut self) -> Result<Option<Bytes>, EventTooLarge> {
        if self.failed {
            return Err(EventTooLarge { limit: self.limit });
        }
        while let Some(chunk) = self.chunks.front_mut() {
            if std::mem::take(&mut self.after_cr) && chunk.first() == Some(&b'\n') {
                chunk.advance(1);
            }
            if let Some(end) = memchr2(b'\n', b'\r', chunk) {
                let tail = chunk.split_to(end);
                self.after_cr = chunk.first() == Some(&b'\r');
                chunk.advance(1);
                if chunk.is_empty() {
                    self.chunks.pop_front();
                }
                self.check_limit(self.partial.len() + tail.len())?;
                let line = if self.partial.is_empty() {
                    tail
                } else {
                    self.partial.extend_from_slice(&tail);
                    self.partial.split().freeze()
                };
                return Ok(Some(self.strip_byte_order_mark(line)));
            }
            let more = chunk.len();
            self.check_limit(self.partial.len() + more)?;
            if let Some(chunk) = self.chunks.pop_front() {
                self.partial.extend_from_slice(&chunk);
            }
        }
        if self.ended && !self.partial.is_empty() {
            let line = self.partial.split().freeze();
            return Ok(Some(self.strip_byte_order_mark(line)));
        }
        Ok(None)
    }

    /// Checks the limit before a line of this size is kept. On failure it frees what it holds and stays failed: the
    /// middle of an event cannot be skipped, since where it ends is not known.
    fn check_limit(&mut self, line: usize) -> Result<(), EventTooLarge> {
        if self.held.saturating_add(line) <= self.limit {
            return Ok(());
        }
        self.failed = true;
        self.chunks.clear();
        self.partial = BytesMut::new();
        self.event = None;
        self.data = SseData::None;
        Err(EventTooLarge { limit: self.limit })
    }

    /// Removes a byte order mark from the first line. It works on the whole line, so that it does not matter in how
    /// many chunks the mark arrives.
    fn strip_byte_order_mark(&mut self, mut line: Bytes) -> Bytes {
        if std::mem::take(&mut self.at_start) && line.starts_with(BYTE_ORDER_MARK) {
            line.advance(BYTE_ORDER_MARK.len());
        }
        line
    }

    /// Reads a line that is not blank: a comment, or a field of the current event.
    fn read_field(&mut self, mut line: Bytes) -> Option<SseItem> {
        let size = line.len();
        let colon = memchr::memchr(b':', &line).unwrap_or(size);
        let name = line.split_to(colon);
        if !line.is_empty() {
            line.advance(1);
        }
        if colon == 0 {
            return Some(SseItem::Comment(line));
        }
        if line.first() == Some(&b' ') {
            line.advance(1);
        }
        match &*name {
            b"data" => self.add_data(line),
            b"event" => self.event = (!line.is_empty()).then_some(line),
            _ => return None,
        }
        self.held += size;
        None
    }

    /// Adds a `data` line.
    fn add_data(&mut self, line: Bytes) {
        self.data = match std::mem::take(&mut self.data) {
            SseData::None => SseData::One(line),
            SseData::One(first) => {
                let mut joined = BytesMut::with_capacity(first.len() + 1 + line.len());
                joined.extend_from_slice(&first);
                SseData::Joined(append_line(joined, &line))
            }
            SseData::Joined(joined) => SseData::Joined(append_line(joined, &line)),
        };
    }

    /// Ends the current event; `None` if it has no `data` line.
    fn take_event(&mut self) -> Option<SseFrame> {
        self.held = 0;
        let event = self.event.take();
        let data = match std::mem::take(&mut self.data) {
            SseData::None => return None,
            SseData::One(line) => line,
            SseData::Joined(joined) => joined.freeze(),
        };
        Some(SseFrame { event, data })
    }
}

/// Appends a line feed and a line.
fn append_line(mut joined: BytesMut, line: &[u8]) -> BytesMut {
    joined.extend_from_slice(b"\n");
    joined.extend_from_slice(line);
    joined
}
