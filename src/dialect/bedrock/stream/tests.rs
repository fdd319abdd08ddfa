use bytes::{Bytes, BytesMut};

use super::read::ChunkDecoder;
use super::write::write_chunk;
use super::*;
use crate::canonical::{ErrorClass, Usage};
use crate::dialect::shared::envelope::{EventPosition, RawEventReader, RawEventWriter, StreamPhase};
use crate::wire::framing::{Framing, StreamFrame};

fn frames(wire: BytesMut) -> Vec<StreamFrame> {
    let mut decoder = Framing::EventStream.decoder();
    decoder.push(wire.freeze());
    decoder.finish();
    std::iter::from_fn(|| decoder.next().expect("a readable stream")).collect()
}

#[test]
fn an_event_in_a_chunk_is_read_as_it_was_written() {
    let mut writer = ChunkEventWriter::default();
    let mut out = BytesMut::new();
    let usage = Usage {
        fresh: 3,
        cache_read: 4,
        output: 5,
        ..Usage::default()
    };
    writer.write_keep_alive(StreamPhase::Started, &mut out);
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

    let mut chunks = ChunkDecoder::default();
    let last = chunks.decode(frames[1].name(), &frames[1].data).ok().flatten();
    let expected = r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":3,"outputTokenCount":5,"invocationLatency":0,"firstByteLatency":0,"cacheReadInputTokenCount":4,"cacheWriteInputTokenCount":0}}"#;
    assert_eq!(last, Some(expected.as_bytes()));

    let mut reader = ChunkEventReader::default();
    let mut read = |frame: &StreamFrame| reader.read(frame.name(), &frame.data).ok().flatten();
    let news = read(&frames[0]).map(|event| event.json);
    assert_eq!(news.as_deref(), Some(&br#"{"type":"news", "n":1.0}"#[..]));
    let stop = read(&frames[1]).expect("an event");
    assert_eq!(
        (stop.position, &*stop.json),
        (EventPosition::End, &br#"{"type":"message_stop"}"#[..])
    );
    assert_eq!(reader.usage(), Some(usage));
}

#[test]
fn padding_hides_small_differences_of_length() {
    let length = |count: usize| {
        let mut out = BytesMut::new();
        write_chunk(&vec![b'x'; count], &mut out);
        out.len()
    };
    assert_eq!(length(10), length(30));
    assert!(length(30) < length(60));
}

#[test]
fn a_chunk_without_an_event_fails_and_other_frames_are_skipped() {
    let read = |name: &str, data: &str| {
        let mut reader = ChunkEventReader::default();
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
