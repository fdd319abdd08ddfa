//! The frames of a streamed response.

use bytes::{BufMut, BytesMut};

use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::fast_path::FrameCache;
use crate::wire::json::{FrameTemplate, TemplateMarks};

/// Writes chunks as frames.
#[derive(Debug)]
pub struct ChunkWriter {
    /// What all chunks have in common. Each chunk is this one with choices of its own.
    chunk: ChatCompletionChunk,
    /// The frame of the open block's deltas, which differ only in their text.
    repeated: FrameCache,
    scratch: Vec<u8>,
}

impl ChunkWriter {
    /// A writer of the chunks that have everything else in common with `chunk`.
    pub fn new(chunk: ChatCompletionChunk) -> Self {
        Self {
            chunk,
            repeated: FrameCache::default(),
            scratch: Vec::with_capacity(256),
        }
    }

    /// What the next chunks have in common.
    pub fn common(&mut self) -> &mut ChatCompletionChunk {
        &mut self.chunk
    }

    /// Begins a block, whose deltas differ from those of the block before.
    pub fn begin_block(&mut self) {
        self.repeated.clear();
    }

    /// Writes a chunk with these choices.
    pub fn write_choices(&mut self, choices: Vec<ChatCompletionChunkChoice>, out: &mut BytesMut) {
        self.chunk.choices = Some(choices);
        self.scratch.clear();
        write_event_into(&self.chunk, &mut self.scratch);
        write_data(&self.scratch, out);
    }

    /// Writes a chunk with one choice that contains this delta.
    pub fn write_delta(&mut self, delta: ChoiceDelta, out: &mut BytesMut) {
        self.write_choices(vec![choice_of(delta)], out);
    }

    /// Writes a chunk with one more piece of the open block. Within a block, `make_delta` has to make deltas that
    /// differ only in their text.
    pub fn write_piece(&mut self, text: &str, make_delta: impl Fn(&str) -> ChoiceDelta, out: &mut BytesMut) {
        // Chunks of this API are not numbered.
        const NUMBER: i64 = 0;
        if self.repeated.write(text, NUMBER, &mut self.scratch, out) {
            return;
        }
        self.write_delta(make_delta(text), out);
        // A template pays off from a block's third delta on, so it is made at the second. It is taken from a frame that
        // is written as any other, but with a mark for its text and into a buffer that the client does not get.
        if self.repeated.record_full_write() {
            let mut marked = BytesMut::new();
            self.write_delta(make_delta(FrameTemplate::TEXT), &mut marked);
            self.repeated.learn(&marked, TemplateMarks::Text);
        }
    }

    /// Writes the frame that ends a stream.
    pub fn write_done(&self, out: &mut BytesMut) {
        write_data(b"[DONE]", out);
    }
}

/// A choice with this delta.
pub fn choice_of(delta: ChoiceDelta) -> ChatCompletionChunkChoice {
    ChatCompletionChunkChoice {
        index: Some(0),
        delta: Some(delta),
        ..ChatCompletionChunkChoice::new()
    }
}

/// Writes a frame; `data` is one line.
pub fn write_data(data: &[u8], out: &mut BytesMut) {
    out.reserve(data.len() + 8);
    out.put_slice(b"data: ");
    out.put_slice(data);
    out.put_slice(b"\n\n");
}
