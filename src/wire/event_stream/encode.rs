//! The writer.

use bytes::{BufMut, BytesMut};

use super::{CHECKSUM, CONTENT_TYPE, EVENT_TYPE, EXCEPTION_TYPE, LENGTHS, MESSAGE_TYPE, PRELUDE, TEXT};

/// Appends an event with a JSON payload, which `payload` appends to the buffer itself.
pub fn write_event(out: &mut BytesMut, event_type: &str, payload: impl FnOnce(&mut BytesMut)) {
    let headers = [
        (EVENT_TYPE, event_type),
        (CONTENT_TYPE, "application/json"),
        (MESSAGE_TYPE, "event"),
    ];
    write_message(out, &headers, payload);
}

/// Appends an exception with a JSON payload.
pub fn write_exception(out: &mut BytesMut, exception_type: &str, payload: &[u8]) {
    let headers = [
        (EXCEPTION_TYPE, exception_type),
        (CONTENT_TYPE, "application/json"),
        (MESSAGE_TYPE, "exception"),
    ];
    write_message(out, &headers, |out| out.extend_from_slice(payload));
}

/// Appends a message. The prelude needs lengths that are known only after the payload has been written, so it is filled
/// in afterwards.
fn write_message(out: &mut BytesMut, headers: &[(&str, &str)], payload: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_bytes(0, PRELUDE);
    for (name, value) in headers {
        let (name, name_length) = truncate(name, u8::MAX.into());
        out.put_u8(u8::try_from(name_length).unwrap_or(u8::MAX));
        out.put_slice(name);
        out.put_u8(TEXT);
        let (value, value_length) = truncate(value, u16::MAX.into());
        out.put_u16(u16::try_from(value_length).unwrap_or(u16::MAX));
        out.put_slice(value);
    }
    let header_length = out.len() - start - PRELUDE;
    payload(out);
    let total = out.len() - start + CHECKSUM;
    // Never too large: the events come from a stream that is read under a limit of 16 MiB.
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let mut prelude = [0; PRELUDE];
    let mut fields = prelude.as_mut_slice();
    fields.put_u32(number(total));
    fields.put_u32(number(header_length));
    let checksum = crc32fast::hash(prelude.get(..LENGTHS).unwrap_or_default());
    if let Some(mut field) = prelude.get_mut(LENGTHS..) {
        field.put_u32(checksum);
    }
    if let Some(head) = out.get_mut(start..start + PRELUDE) {
        head.copy_from_slice(&prelude);
    }
    let checksum = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.put_u32(checksum);
}

/// The beginning of a text that fits a length field of at most `most`, and its length.
fn truncate(text: &str, most: usize) -> (&[u8], usize) {
    let end = text.floor_char_boundary(most);
    let bytes = text.as_bytes().get(..end).unwrap_or_default();
    (bytes, bytes.len())
}
