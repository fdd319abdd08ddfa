//! The text that stands for a request in its signature.

use http::header::HOST;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is encoded in a query: all but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// What is encoded in a path.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The canonical request; `None` where a signed header is missing or no text.
pub(super) fn request(head: &Parts, signed_headers: &[String], payload: &str) -> Option<String> {
    let mut headers = String::new();
    for name in signed_headers {
        headers.push_str(name);
        headers.push(':');
        headers.push_str(&value(head, name)?);
        headers.push('\n');
    }
    Some(format!(
        "{}\n{}\n{}\n{headers}\n{}\n{payload}",
        head.method,
        path(head.uri.path()),
        query(head.uri.query().unwrap_or_default())?,
        signed_headers.join(";"),
    ))
}

/// The path as it was sent, encoded once more: every service but S3 has it twice encoded.
fn path(path: &str) -> String {
    match path {
        "" => "/".to_owned(),
        path => utf8_percent_encode(path, RESERVED_IN_PATH).to_string(),
    }
}

/// The parameters, decoded and encoded by one rule, in their order.
fn query(query: &str) -> Option<String> {
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

/// A header's values, without the spaces that carry no meaning.
fn value(head: &Parts, name: &str) -> Option<String> {
    let mut values = Vec::new();
    for value in head.headers.get_all(name) {
        let words: Vec<&str> = value.to_str().ok()?.split_ascii_whitespace().collect();
        values.push(words.join(" "));
    }
    if values.is_empty() && name == HOST {
        // HTTP/2 has the host in the address.
        return head.uri.authority().map(ToString::to_string);
    }
    (!values.is_empty()).then(|| values.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_have_one_spelling() {
        assert_eq!(path("/model/a%3A0/invoke"), "/model/a%253A0/invoke");
        assert_eq!(path("/model/a:0/invoke"), "/model/a%3A0/invoke");
        assert_eq!(path(""), "/");
        assert_eq!(
            query("b=2&a=x%20y&a=+&c").as_deref(),
            Some("a=%2B&a=x%20y&b=2&c=")
        );
        assert_eq!(query("").as_deref(), Some(""));
    }
}
