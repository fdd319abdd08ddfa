use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

fn event(name: Option<&'static str>, data: &'static str) -> SseItem {
    SseItem::Event(SseFrame {
        event: name.map(|n| Bytes::from_static(n.as_bytes())),
        data: Bytes::from_static(data.as_bytes()),
    })
}

fn comment(text: &'static str) -> SseItem {
    SseItem::Comment(Bytes::from_static(text.as_bytes()))
}

fn drain(decoder: &mut SseDecoder, into: &mut Vec<SseItem>) -> Result<(), EventTooLarge> {
    while let Some(item) = decoder.next()? {
        into.push(item);
    }
    Ok(())
}

fn decode_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<SseItem> {
    let mut decoder = SseDecoder::new();
    let mut items = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        drain(&mut decoder, &mut items).unwrap();
    }
    decoder.finish();
    drain(&mut decoder, &mut items).unwrap();
    items
}

fn decode(input: &[u8]) -> Vec<SseItem> {
    decode_chunks([input])
}

#[test]
fn reads_named_and_unnamed_events() {
    assert_eq!(
        decode(b"event: ping\ndata: {\"type\":\"ping\"}\n\ndata: [DONE]\n\n"),
        [event(Some("ping"), "{\"type\":\"ping\"}"), event(None, "[DONE]")]
    );
}

#[test]
fn accepts_every_line_ending() {
    let expected = [event(Some("a"), "1\n2"), event(None, "3")];
    for text in [
        "event: a\ndata: 1\ndata: 2\n\ndata: 3\n\n",
        "event: a\r\ndata: 1\r\ndata: 2\r\n\r\ndata: 3\r\n\r\n",
        "event: a\rdata: 1\rdata: 2\r\rdata: 3\r\r",
        "event: a\r\ndata: 1\rdata: 2\n\rdata: 3\n\r\n",
    ] {
        assert_eq!(decode(text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn gives_an_event_as_soon_as_its_blank_line_starts() {
    let mut decoder = SseDecoder::new();
    decoder.push(Bytes::from_static(b"data: 1\r\n\r"));
    assert_eq!(decoder.next(), Ok(Some(event(None, "1"))));
    decoder.push(Bytes::from_static(b"\ndata: 2\r\n\r"));
    assert_eq!(decoder.next(), Ok(Some(event(None, "2"))));
    assert_eq!(decoder.next(), Ok(None));
}

#[test]
fn follows_the_field_rules_of_the_standard() {
    for (text, expected) in [
        ("data:[DONE]\n\n", vec![event(None, "[DONE]")]),
        ("data:  two spaces\n\n", vec![event(None, " two spaces")]),
        ("data\n\n", vec![event(None, "")]),
        ("data:\ndata\n\n", vec![event(None, "\n")]),
        ("data: a: b\n\n", vec![event(None, "a: b")]),
        ("event: x\n\ndata: 1\n\n", vec![event(None, "1")]),
        ("event: x\nevent: y\ndata: 1\n\n", vec![event(Some("y"), "1")]),
        ("event: x\nevent:\ndata: 1\n\n", vec![event(None, "1")]),
        (
            "id: 7\nretry: 10\nDATA: no\nother\ndata: 1\n\n",
            vec![event(None, "1")],
        ),
        (
            ": note\n:\ndata: 1\n\n",
            vec![comment(" note"), comment(""), event(None, "1")],
        ),
        (
            "data: 1\n: between\ndata: 2\n\n",
            vec![comment(" between"), event(None, "1\n2")],
        ),
        ("\n\n\n", vec![]),
        ("", vec![]),
        ("\u{feff}data: 1\n\n", vec![event(None, "1")]),
        ("\u{feff}\u{feff}data: 1\n\ndata: 2\n\n", vec![event(None, "2")]),
        (
            "data: a\u{2028}b\u{85}c\u{b}d\n\n",
            vec![event(None, "a\u{2028}b\u{85}c\u{b}d")],
        ),
        ("data: a\0b\n\n", vec![event(None, "a\0b")]),
    ] {
        assert_eq!(decode(text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn delivers_the_last_event_without_its_blank_line() {
    assert_eq!(
        decode(b"data: 1\n\ndata: 2\n"),
        [event(None, "1"), event(None, "2")]
    );
    assert_eq!(decode(b"event: e\ndata: 1"), [event(Some("e"), "1")]);
    assert_eq!(decode(b"event: e\n"), []);
}

#[test]
fn an_event_within_one_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"event: e\ndata: payload\n\n");
    let range = chunk.as_ptr_range();
    let mut decoder = SseDecoder::new();
    decoder.push(chunk.clone());
    let Ok(Some(SseItem::Event(frame))) = decoder.next() else {
        panic!("no event");
    };
    assert!(range.contains(&frame.data.as_ptr()));
    assert!(range.contains(&frame.event.unwrap().as_ptr()));
}

#[test]
fn limits_one_event_not_the_stream() {
    let mut decoder = SseDecoder::with_limit(16);
    let mut items = Vec::new();
    for _ in 0..10 {
        decoder.push(Bytes::from_static(b"data: 0123456789\n\n"));
        drain(&mut decoder, &mut items).unwrap();
    }
    assert_eq!(items.len(), 10);

    decoder.push(Bytes::from_static(b"data: 01234\ndata: 5\n\n"));
    let too_large = EventTooLarge { limit: 16 };
    assert_eq!(drain(&mut decoder, &mut items), Err(too_large));
    decoder.push(Bytes::from_static(b"data: 1\n\n"));
    assert_eq!(decoder.next(), Err(too_large), "a failed stream stays failed");
    assert_eq!(items.len(), 10);
}

#[test]
fn limits_a_line_that_never_ends() {
    let mut decoder = SseDecoder::with_limit(1000);
    let mut pushed = 0;
    let error = loop {
        decoder.push(Bytes::from_static(&[b'x'; 64]));
        pushed += 64;
        if let Err(error) = decoder.next() {
            break error;
        }
    };
    assert_eq!(error, EventTooLarge { limit: 1000 });
    assert!(pushed <= 1000 + 64);
    assert_eq!(error.to_string(), "a server-sent event is larger than 1000 bytes");
}

#[test]
fn writes_events_and_comments() {
    let mut out = Vec::new();
    write_event(&mut out, Some("ping"), b"{}");
    write_event(&mut out, None, b"[DONE]");
    write_comment(&mut out, "keep-alive");
    assert_eq!(out, b"event: ping\ndata: {}\n\ndata: [DONE]\n\n: keep-alive\n\n");
}

#[test]
fn a_name_or_text_cannot_start_another_field() {
    let mut out = Vec::new();
    write_event(&mut out, Some("a\ndata: injected"), b"1\ndata: 2\r\n\r\n3");
    write_comment(&mut out, "x\ndata: 4\n\n");
    assert_eq!(
        decode(&out),
        [
            event(Some("a"), "1\ndata: 2\n\n3"),
            comment(" x"),
            comment(" data: 4"),
            comment(" "),
            comment(" "),
        ]
    );
}

#[test]
fn writes_data_in_place() {
    let put = |text: &'static [u8]| {
        move |out: &mut BytesMut| -> Result<(), ()> {
            out.extend_from_slice(text);
            Ok(())
        }
    };
    let mut out = BytesMut::new();
    write_event_with(&mut out, Some("e"), put(b"{\"a\":1}")).unwrap();
    write_event_with(&mut out, None, put(b"{\n\"a\":\r\n1}")).unwrap();
    let failed = write_event_with(&mut out, Some("e"), |out| {
        out.extend_from_slice(b"half");
        Err("no")
    });
    assert_eq!(failed, Err("no"));
    assert_eq!(
        &*out,
        b"event: e\ndata: {\"a\":1}\n\ndata: {\ndata: \"a\":\ndata: 1}\n\n"
    );
}

/// Streams with many line ends, field names, colons and byte order marks.
fn stream_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\r"),
        Just("\r\n"),
        Just("\n\n"),
        Just("data: "),
        Just("data:"),
        Just("event: "),
        Just(":"),
        Just("\u{feff}"),
        Just("é"),
        Just("😀"),
        Just("\u{2028}"),
        Just("x"),
        Just(" "),
        Just("id: 1"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

/// The standard's algorithm, line by line on the whole text, to compare with.
fn reference(input: &[u8]) -> Vec<SseItem> {
    let text = std::str::from_utf8(input).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let (mut items, mut name, mut data) = (Vec::new(), String::new(), None::<String>);
    for line in text.split('\n').chain([""]) {
        if line.is_empty() {
            let name = std::mem::take(&mut name);
            if let Some(data) = data.take() {
                let event = (!name.is_empty()).then(|| Bytes::from(name));
                items.push(SseItem::Event(SseFrame {
                    event,
                    data: data.into(),
                }));
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if line.starts_with(':') {
            items.push(SseItem::Comment(Bytes::copy_from_slice(value.as_bytes())));
            continue;
        }
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value.to_owned(),
            "data" => {
                data = Some(match data.take() {
                    None => value.to_owned(),
                    Some(before) => format!("{before}\n{value}"),
                });
            }
            _ => {}
        }
    }
    items
}

proptest! {
    #[test]
    fn any_split_gives_the_result_of_the_standard(input in stream_text(), cuts in prop::collection::vec(0usize..200, 0..8)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).chain([0, input.len()]).collect();
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]);
        prop_assert_eq!(decode_chunks(chunks), reference(&input));
    }

    #[test]
    fn one_byte_at_a_time_gives_the_result_of_the_standard(input in stream_text()) {
        prop_assert_eq!(decode_chunks(input.chunks(1)), reference(&input));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(input in prop::collection::vec(any::<u8>(), 0..200), limit in 0usize..64) {
        let mut decoder = SseDecoder::with_limit(limit);
        decoder.push(input.into());
        decoder.finish();
        while let Ok(Some(_)) = decoder.next() {}
    }

    #[test]
    fn written_events_are_read_back(name in "[a-z._]{0,12}", data in "[^\r]{0,60}") {
        let event = (!name.is_empty()).then_some(name.as_str());
        let mut out = BytesMut::new();
        write_event(&mut out, event, data.as_bytes());
        let expected = SseFrame { event: event.map(|n| Bytes::copy_from_slice(n.as_bytes())), data: Bytes::from(data) };
        prop_assert_eq!(decode(&out), [SseItem::Event(expected)]);
    }
}
