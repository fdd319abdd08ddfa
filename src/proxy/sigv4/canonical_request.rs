//! The canonical request: the text that a signature covers.

use http::header::HOST;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The characters that are encoded in a query: all but those that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The characters that are encoded in a path.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Writes the canonical request. `payload` is the hexadecimal hash of the body. `None` if a signed header is missing
/// or not text.
pub(super) fn write_canonical_request(
    head: &Parts,
    signed_headers: &[String],
    payload: &str,
) -> Option<String> {
    let mut headers = String::new();
    for name in signed_headers {
        headers.push_str(name);
        headers.push(':');
        headers.push_str(&canonical_value(head, name)?);
        headers.push('\n');
    }
    Some(format!(
        "{}\n{}\n{}\n{headers}\n{}\n{payload}",
        head.method,
        canonical_path(head.uri.path()),
        canonical_query(head.uri.query().unwrap_or_default())?,
        signed_headers.join(";"),
    ))
}

/// The path as it was sent, encoded once more: for every service but S3, the canonical path is encoded twice.
fn canonical_path(path: &str) -> String {
    match path {
        "" => "/".to_owned(),
        path => utf8_percent_encode(path, RESERVED_IN_PATH).to_string(),
    }
}

/// The parameters, decoded and encoded by one rule, and sorted.
fn canonical_query(query: &str) -> Option<String> {
    let encoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        Some(utf8_percent_encode(&text, RESERVED).to_string())
    };
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((encoded(name)?, encoded(value)?));
    }
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Some(pairs.join("&"))
}

/// The values of a header, with single spaces.
fn canonical_value(head: &Parts, name: &str) -> Option<String> {
    let mut values = Vec::new();
    for value in head.headers.get_all(name) {
        let words: Vec<&str> = value.to_str().ok()?.split_ascii_whitespace().collect();
        values.push(words.join(" "));
    }
    if values.is_empty() && name == HOST {
        // HTTP/2 has the host in the request's URI.
        return head.uri.authority().map(ToString::to_string);
    }
    (!values.is_empty()).then(|| values.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_have_one_spelling() {
        assert_eq!(canonical_path("/model/a%3A0/invoke"), "/model/a%253A0/invoke");
        assert_eq!(canonical_path("/model/a:0/invoke"), "/model/a%3A0/invoke");
        assert_eq!(canonical_path(""), "/");
        assert_eq!(
            canonical_query("b=2&a=x%20y&a=+&c").as_deref(),
            Some("a=%2B&a=x%20y&b=2&c=")
        );
        assert_eq!(canonical_query("").as_deref(), Some(""));
    }
}
