use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

fn event(name: &str, payload: &[u8]) -> EventStreamMessage {
    EventStreamMessage {
        kind: EventStreamKind::Event,
        name: name.to_owned(),
        text: None,
        payload: Bytes::copy_from_slice(payload),
    }
}

fn encoded(name: &str, payload: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    write_event(&mut out, name, |out| out.extend_from_slice(payload));
    out
}

fn decoded<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<EventStreamMessage>, BadMessage> {
    let mut decoder = EventStreamDecoder::new();
    let mut messages = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Some(message) = decoder.next()? {
            messages.push(message);
        }
    }
    decoder.finish();
    while let Some(message) = decoder.next()? {
        messages.push(message);
    }
    Ok(messages)
}

/// A message with these headers and correct checksums.
fn message(headers: &[u8], payload: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    let total = PRELUDE + headers.len() + payload.len() + CHECKSUM;
    out.put_u32(u32::try_from(total).unwrap());
    out.put_u32(u32::try_from(headers.len()).unwrap());
    out.put_u32(crc32fast::hash(&out));
    out.put_slice(headers);
    out.put_slice(payload);
    out.put_u32(crc32fast::hash(&out));
    out
}

fn header(out: &mut Vec<u8>, name: &str, value_type: u8, value: &[u8]) {
    out.put_u8(u8::try_from(name.len()).unwrap());
    out.put_slice(name.as_bytes());
    out.put_u8(value_type);
    out.put_slice(value);
}

fn text(value: &str) -> Vec<u8> {
    let mut out = u16::try_from(value.len()).unwrap().to_be_bytes().to_vec();
    out.put_slice(value.as_bytes());
    out
}

/// The example in the documentation of the format (see `mod.rs`): a message without headers whose payload is
/// `{'foo':'bar'}`.
#[test]
fn the_example_of_the_documentation_is_read() {
    let payload_only = [
        0x00, 0x00, 0x00, 0x1d, 0x00, 0x00, 0x00, 0x00, 0xfd, 0x52, 0x8c, 0x5a, 0x7b, 0x27, 0x66, 0x6f, 0x6f,
        0x27, 0x3a, 0x27, 0x62, 0x61, 0x72, 0x27, 0x7d, 0xc3, 0x65, 0x39, 0x36,
    ];
    assert_eq!(
        decoded([payload_only.as_slice()]),
        Ok(vec![event("", b"{'foo':'bar'}")])
    );
    let empty = [
        0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
    ];
    assert_eq!(decoded([empty.as_slice()]), Ok(vec![event("", b"")]));
}

#[test]
fn failures_and_values_of_every_type_are_read() {
    let mut headers = Vec::new();
    for (value_type, value) in [
        (0, &b""[..]),
        (1, b""),
        (2, &[0; 1]),
        (3, &[0; 2]),
        (4, &[0; 4]),
        (5, &[0; 8]),
        (6, b"\x00\x03abc"),
        (8, &[0; 8]),
        (9, &[0; 16]),
    ] {
        header(&mut headers, "x", value_type, value);
    }
    header(&mut headers, ":message-type", TEXT, &text("error"));
    header(&mut headers, ":error-code", TEXT, &text("InternalError"));
    header(&mut headers, ":error-message", TEXT, &text("it broke"));
    let expected = EventStreamMessage {
        kind: EventStreamKind::Error,
        name: "InternalError".to_owned(),
        text: Some("it broke".to_owned()),
        payload: Bytes::new(),
    };
    assert_eq!(decoded([&message(&headers, b"")[..]]), Ok(vec![expected]));

    let mut out = BytesMut::new();
    write_exception(&mut out, "throttlingException", b"{}");
    let messages = decoded([&out[..]]).unwrap();
    assert_eq!(messages[0].kind, EventStreamKind::Exception);
    assert_eq!(messages[0].name, "throttlingException");
}

#[test]
fn invalid_messages_are_refused() {
    let good = encoded("chunk", b"{}");
    let mut headers = Vec::new();
    header(&mut headers, "x", 77, b"");
    for (bytes, expected) in [
        (&b"data: {\"type\":\"ping\"}\n\n"[..], BadMessage::Prelude),
        (&good[..good.len() - 1], BadMessage::Truncated),
        (&good[..3], BadMessage::Truncated),
        (&message(&headers, b"")[..], BadMessage::Headers),
        (&message(b"\x09:m", b"")[..], BadMessage::Headers),
    ] {
        assert_eq!(decoded([bytes]), Err(expected));
    }
    // Lengths that contradict each other, under a checksum that is right.
    for (total, headers) in [(15_u32, 0_u32), (16, 1), (0, 0), (u32::MAX, u32::MAX)] {
        let mut bytes = BytesMut::new();
        bytes.put_u32(total);
        bytes.put_u32(headers);
        bytes.put_u32(crc32fast::hash(&bytes));
        assert_eq!(decoded([&bytes[..]]), Err(BadMessage::Prelude));
    }
    let mut decoder = EventStreamDecoder::with_limit(20);
    decoder.push(good.clone().freeze().slice(..12));
    assert_eq!(decoder.next(), Err(BadMessage::TooLarge { limit: 20 }));
    decoder.push(good.freeze());
    assert_eq!(decoder.next(), Err(BadMessage::TooLarge { limit: 20 }));
}

proptest! {
    #[test]
    fn written_messages_are_read_back_from_any_chunks(
        messages in prop::collection::vec(("[a-z]{0,300}", prop::collection::vec(any::<u8>(), 0..200)), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut wire = BytesMut::new();
        for (name, payload) in &messages {
            wire.extend_from_slice(&encoded(name, payload));
        }
        let expected: Vec<EventStreamMessage> = messages.iter().map(|(name, payload)| event(name, payload)).collect();
        prop_assert_eq!(decoded([&wire[..]]), Ok(expected.clone()));
        let at = cut.index(wire.len() + 1);
        prop_assert_eq!(decoded([&wire[..at], &wire[at..]]), Ok(expected.clone()));
        prop_assert_eq!(decoded(wire.chunks(1)), Ok(expected));
    }

    #[test]
    fn any_changed_bit_is_detected(payload in prop::collection::vec(any::<u8>(), 0..60), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut wire = encoded("chunk", &payload);
        let at = at.index(wire.len());
        wire[at] ^= 1 << bit;
        prop_assert!(decoded([&wire[..]]).is_err());
    }

    #[test]
    fn any_input_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100), headers in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = decoded([&bytes[..]]);
        let _ = decoded([&message(&headers, &bytes)[..]]);
    }
}
