//! The text fields of a `multipart/form-data` body (RFC 7578, RFC 2046 section 5.1).

use std::ops::Range;

use memchr::memmem;

/// Why a form could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultipartError {
    /// The body does not begin with its boundary.
    NoBoundary,
    /// A part's header or end is missing; the offset is where that part begins.
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

/// The boundary that a `Content-Type` value names; `None` when it is no `multipart/form-data` or names none.
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = find_parameter(parameters, "boundary")?;
    // RFC 2046 allows 1 to 70 characters, none of which needs an escape in quotes.
    (!boundary.is_empty() && boundary.len() <= 70 && !boundary.contains('\\')).then_some(boundary)
}

/// Where the values of the text fields called `name` lie: all of them, in their order. Files are not fields.
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
        // The delimiter's own line break may be the one that ends the headers, when the content is empty.
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

enum DelimiterLine {
    /// Another part begins after so many bytes.
    Part(usize),
    Close,
}

/// What stands behind `--boundary`; `None` when that was not a delimiter but the start of something longer.
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

/// The value of `name` in `a=b; c="d"`, with quotes taken off and escapes left as they are.
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

fn split_quoted(quoted: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((quoted.get(..end)?, quoted.get(end + 1..)?))
}
