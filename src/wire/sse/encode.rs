//! The writer.

use bytes::{BufMut, BytesMut};
use memchr::memchr2;

/// Appends one event to `out`, a growing buffer (`BytesMut`, `Vec<u8>`).
///
/// The data is meant to be one line of JSON; line breaks in it are carried as the format wants it, as several `data`
/// lines, and read back as line feeds. A name is cut at its first line break, so that it cannot start another field.
pub fn write_event(out: &mut impl BufMut, event: Option<&str>, data: &[u8]) {
    write_name(out, event);
    write_lines(out, b"data: ", data);
    out.put_slice(b"\n");
}

/// Appends one event whose data `write` appends to the buffer itself, so that it is not built elsewhere and copied.
///
/// # Errors
///
/// Those of `write`; the buffer is then as it was before.
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
    // Raw JSON that was taken over from elsewhere may hold line breaks between its tokens.
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

/// Appends a comment, which every reader skips: a sign of life on an idle stream.
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
