//! The text fields of a `multipart/form-data` body (RFC 7578, RFC 2046 section 5.1).
//!
//! Uploads (audio, images, files) name their model in a form field instead of a JSON member.

use std::ops::Range;

use memchr::memmem;

/// Why a form could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultipartError {
    /// The body does not begin with its boundary. (RFC 2046 allows a preamble; no client of these APIs sends one.)
    NoBoundary,
    /// The part at this offset has no end of headers or no delimiter after it.
    Unfinished(usize),
}

impl std::fmt::Display for MultipartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoBoundary => write!(f, "malformed form: it does not begin with its boundary"),
            Self::Unfinished(at) => write!(f, "malformed form: the part at byte {at} has no end"),
        }
    }
}

impl std::error::Error for MultipartError {}

/// The boundary in a `Content-Type` value; `None` if the type is not `multipart/form-data` or has no valid boundary.
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = find_parameter(parameters, "boundary")?;
    // RFC 2046 allows 1 to 70 characters, none of which needs an escape in quotes.
    (!boundary.is_empty() && boundary.len() <= 70 && !boundary.contains('\\')).then_some(boundary)
}

/// The offsets of the values of all text fields called `name`, in their order. Files are not text fields.
///
/// # Errors
///
/// When the body is not a well-formed form with this boundary.
pub fn form_values(body: &[u8], boundary: &str, name: &str) -> Result<Vec<Range<usize>>, MultipartError> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let opening = delimiter.as_bytes().get(2..).unwrap_or_default();
    let mut start = match body.strip_prefix(opening).map(read_delimiter_line) {
        Some(Some(DelimiterLine::Part(width))) => opening.len() + width,
        Some(Some(DelimiterLine::Close)) => return Ok(Vec::new()),
        _ => return Err(MultipartError::NoBoundary),
    };
    let mut found = Vec::new();
    loop {
        let part = body.get(start..).unwrap_or_default();
        let unfinished = MultipartError::Unfinished(start);
        let (content, wanted) = match part.strip_prefix(b"\r\n") {
            Some(_) => (2, false),
            None => {
                let end = memmem::find(part, b"\r\n\r\n").ok_or(unfinished)?;
                (end + 4, is_named_field(part.get(..end).unwrap_or_default(), name))
            }
        };
        // If the content is empty, the line break of the delimiter may be the one that ends the headers.
        let mut from = content - 2;
        let (end, line) = loop {
            let rest = part.get(from..).unwrap_or_default();
            let at = from + finder.find(rest).ok_or(unfinished)?;
            let after = part.get(at + delimiter.len()..).unwrap_or_default();
            match read_delimiter_line(after) {
                Some(line) => break (at, line),
                None => from = at + 1,
            }
        };
        if wanted {
            found.push(start + content..start + end.max(content));
        }
        match line {
            DelimiterLine::Close => return Ok(found),
            DelimiterLine::Part(width) => start += end + delimiter.len() + width,
        }
    }
}

/// The rest of a line that begins with `--boundary`.
enum DelimiterLine {
    /// Another part begins after this many bytes.
    Part(usize),
    /// The form ends.
    Close,
}

/// Reads the bytes after `--boundary`. `None` if it was no delimiter: contents may contain the boundary with other
/// bytes after it.
fn read_delimiter_line(after: &[u8]) -> Option<DelimiterLine> {
    if after.starts_with(b"--") {
        return Some(DelimiterLine::Close);
    }
    let padding = after
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let rest = after.get(padding..).unwrap_or_default();
    rest.starts_with(b"\r\n")
        .then_some(DelimiterLine::Part(padding + 2))
}

/// Whether a part with these headers is a text field called `name`.
fn is_named_field(headers: &[u8], name: &str) -> bool {
    let Ok(headers) = std::str::from_utf8(headers) else {
        return false;
    };
    let disposition = headers.split("\r\n").find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field
            .trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    });
    let Some((kind, parameters)) = disposition.and_then(|value| value.split_once(';')) else {
        return false;
    };
    kind.trim().eq_ignore_ascii_case("form-data")
        && find_parameter(parameters, "name") == Some(name)
        && find_parameter(parameters, "filename").is_none()
        && find_parameter(parameters, "filename*").is_none()
}

/// The value of parameter `name` in `a=b; c="d"`, without quotes. Escapes are not decoded.
fn find_parameter<'a>(mut parameters: &'a str, name: &str) -> Option<&'a str> {
    loop {
        let (key, rest) = parameters.split_once('=')?;
        let key = key.trim_matches([' ', '\t', ';']);
        let (value, after) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => split_quoted(quoted)?,
            None => rest.split_once(';').unwrap_or((rest, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        parameters = after;
    }
}

/// Splits at the quote that ends a quoted string.
fn split_quoted(quoted: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((quoted.get(..end)?, quoted.get(end + 1..)?))
}
