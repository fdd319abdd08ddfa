//! The writer.

use bytes::{BufMut, BytesMut};
use memchr::memchr2;

/// Appends one event to `out`, a growing buffer (`BytesMut`, `Vec<u8>`).
///
/// The data should be one line of JSON. If it has line breaks, it is written as several `data` lines, which a reader
/// joins with line feeds. A name is cut at its first line break: names may come from an upstream, and a line break
/// would let them start another field.
pub fn write_event(out: &mut impl BufMut, event: Option<&str>, data: &[u8]) {
    write_name(out, event);
    write_lines(out, b"data: ", data);
    out.put_slice(b"\n");
}

/// As [`write_event`], but `write` appends the data to the buffer itself, which saves a copy.
///
/// # Errors
///
/// Those of `write`. The buffer is unchanged then.
pub fn write_event_with<E>(
    out: &mut BytesMut,
    event: Option<&str>,
    write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
) -> Result<(), E> {
    let before = out.len();
    write_name(out, event);
    out.put_slice(b"data: ");
    let start = out.len();
    if let Err(error) = write(out) {
        out.truncate(before);
        return Err(error);
    }
    let written = out.get(start..).unwrap_or_default();
    // Raw JSON of a client or upstream may have line breaks between its tokens.
    match memchr2(b'\n', b'\r', written) {
        None => out.put_slice(b"\n\n"),
        Some(_) => {
            let data = written.to_vec();
            out.truncate(start - b"data: ".len());
            write_lines(out, b"data: ", &data);
            out.put_slice(b"\n");
        }
    }
    Ok(())
}

/// Appends a comment, which readers skip: a sign of life on an idle stream.
pub fn write_comment(out: &mut impl BufMut, text: &str) {
    write_lines(out, b": ", text.as_bytes());
    out.put_slice(b"\n");
}

fn write_name(out: &mut impl BufMut, event: Option<&str>) {
    if let Some(name) = event {
        out.put_slice(b"event: ");
        out.put_slice(name.split(['\n', '\r']).next().unwrap_or_default().as_bytes());
        out.put_slice(b"\n");
    }
}

/// Writes each line of a text after `prefix`.
fn write_lines(out: &mut impl BufMut, prefix: &[u8], mut text: &[u8]) {
    loop {
        out.put_slice(prefix);
        let Some(end) = memchr2(b'\n', b'\r', text) else {
            out.put_slice(text);
            out.put_slice(b"\n");
            return;
        };
        let (line, rest) = text.split_at(end);
        out.put_slice(line);
        out.put_slice(b"\n");
        let width = if rest.starts_with(b"\r\n") { 2 } else { 1 };
        text = rest.get(width..).unwrap_or_default();
    }
}
