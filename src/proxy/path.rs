//! Paths: which may reach an upstream, and where `/v1` belongs.

use std::borrow::Cow;

use crate::config::BackendUrl;

/// How often a path is decoded in search of hidden segments. A path that is encoded more often than this is refused.
const MAX_DECODINGS: usize = 4;

/// Whether a path could climb out of the base URL that it is appended to, by `.` and `..` segments, backslashes or
/// control characters. It does not matter how often they are encoded: nobody knows how often the servers behind the
/// upstream's address decode.
pub fn is_unsafe(path: &str) -> bool {
    let mut path = Cow::Borrowed(path.as_bytes());
    for _ in 0..MAX_DECODINGS {
        let climbs = path
            .split(|byte| *byte == b'/')
            .any(|segment| segment == b"." || segment == b"..");
        if climbs || path.iter().any(|byte| *byte == b'\\' || byte.is_ascii_control()) {
            return true;
        }
        match percent_decode(&path) {
            Some(decoded) => path = Cow::Owned(decoded),
            None => return false,
        }
    }
    true
}

/// The text with its percent escapes decoded once; `None` if it has none.
fn percent_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        if let (b'%', [high, low, after @ ..]) = (byte, tail)
            && let (Some(high), Some(low)) = (hex_value(*high), hex_value(*low))
        {
            decoded.push(high << 4 | low);
            rest = after;
            continue;
        }
        decoded.push(*byte);
        rest = tail;
    }
    (decoded.len() != text.len()).then_some(decoded)
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// The path after an optional leading `/v1`.
pub fn without_version(path: &str) -> &str {
    match path.strip_prefix("/v1") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        _ => path,
    }
}

/// A request for the models of a route, recognised by its path alone.
#[derive(Debug, PartialEq, Eq)]
pub enum ModelsPath {
    /// The list of models.
    List,
    /// One model, by its name.
    One(String),
}

/// Recognises the path of the list of models, or of one model in it.
pub fn parse_models_path(path: &str) -> Option<ModelsPath> {
    let rest = without_version(path).strip_prefix("/models")?;
    match rest.trim_end_matches('/') {
        "" => Some(ModelsPath::List),
        one => {
            let name = one.strip_prefix('/')?.as_bytes();
            let name = percent_decode(name).unwrap_or_else(|| name.to_vec());
            String::from_utf8(name).ok().map(ModelsPath::One)
        }
    }
}

/// Where `/v1` is, relative to the path that a client requested below its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionInPath {
    /// The path contains the version if it has one.
    AsWritten,
    /// The path has version 1 although it does not contain it: the client's base URL ends in `/v1`, or its SDK
    /// expects that.
    Implied,
}

/// The upstream's URL for a path and query that a client requested below its prefix.
///
/// A base URL that names a version keeps it, and no version is added a second time: people configure base URLs with and
/// without `/v1`.
pub fn forwarded_url(base: &BackendUrl, version: VersionInPath, path: &str, query: Option<&str>) -> String {
    let plain = without_version(path);
    let has_version = plain.len() != path.len() || version == VersionInPath::Implied;
    let version = if has_version && !names_version(base) {
        "/v1"
    } else {
        ""
    };
    let mut url = format!("{}{version}{plain}", base.as_str());
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    url
}

/// The upstream's URL for a path that the writer of its dialect made. The client's query is not for another vendor.
pub fn translated_url(base: &BackendUrl, path: &str) -> String {
    forwarded_url(base, VersionInPath::AsWritten, path, None)
}

/// Whether the base URL's path ends in an API version: `/v1`, `/v4`, `/v1beta`, and `/v1beta/openai` as Google has it
/// (<https://ai.google.dev/gemini-api/docs/openai>).
fn names_version(base: &BackendUrl) -> bool {
    let path = base.url().path().trim_end_matches('/');
    let path = match path.strip_suffix("/openai") {
        Some(outer) if is_version(last_segment(outer)) => outer,
        _ => path,
    };
    is_version(last_segment(path))
}

fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn is_version(segment: &str) -> bool {
    let digits = segment.strip_prefix('v').unwrap_or_default();
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> BackendUrl {
        let text = format!(
            "models: [{{frontend_model_name: m, frontend_base_url: /p, backend_model_name: m, backend_base_url: '{url}'}}]"
        );
        let loaded = crate::config::parse(&text, &|_| None).expect("a valid configuration");
        loaded.config.models[0].backend_base_url.clone()
    }

    #[test]
    fn climbing_paths_are_unsafe_in_any_encoding() {
        for path in [
            "/..",
            "/a/../b",
            "/a/.",
            "/%2e%2e/b",
            "/.%2E/b",
            "/a%2f..%2fb",
            "/%252e%252e/x",
            "/a\\b",
            "/a%5c..",
            "/a%00",
            "/a%0d%0ab",
            "/%25252525252e",
        ] {
            assert!(is_unsafe(path), "{path}");
        }
        for path in [
            "/",
            "/v1/messages",
            "/a..b",
            "/...",
            "/v1/models/meta%2Fllama",
            "/model/arn%3Aaws%3Ax/invoke",
            "/100%",
            "/%zz",
            "/caf%C3%A9",
        ] {
            assert!(!is_unsafe(path), "{path}");
        }
    }

    #[test]
    fn a_url_contains_the_version_once() {
        use VersionInPath::{AsWritten, Implied};
        for (url, version, path, expected) in [
            ("http://h", AsWritten, "/v1/messages", "http://h/v1/messages"),
            ("http://h/", AsWritten, "/v1/messages", "http://h/v1/messages"),
            ("http://h/v1", AsWritten, "/v1/messages", "http://h/v1/messages"),
            ("http://h/v1/", AsWritten, "/messages", "http://h/v1/messages"),
            ("http://h", Implied, "/messages", "http://h/v1/messages"),
            ("http://h/v1", Implied, "/messages", "http://h/v1/messages"),
            ("http://h/v1", Implied, "/v1/messages", "http://h/v1/messages"),
            ("http://h", Implied, "/v1/messages", "http://h/v1/messages"),
            ("http://h", AsWritten, "/messages", "http://h/messages"),
            ("http://h", AsWritten, "/v1", "http://h/v1"),
            ("http://h/x", AsWritten, "", "http://h/x"),
            ("http://h/x", AsWritten, "/v1beta/y", "http://h/x/v1beta/y"),
            (
                "http://h/v1beta/openai",
                Implied,
                "/chat",
                "http://h/v1beta/openai/chat",
            ),
            ("http://h/api/v4", Implied, "/chat", "http://h/api/v4/chat"),
            (
                "http://h/v1/account/openai",
                Implied,
                "/chat",
                "http://h/v1/account/openai/v1/chat",
            ),
        ] {
            assert_eq!(
                forwarded_url(&base(url), version, path, None),
                expected,
                "{url} {path}"
            );
        }
        assert_eq!(
            forwarded_url(&base("http://h"), AsWritten, "/a", Some("x=1&y")),
            "http://h/a?x=1&y"
        );
        assert_eq!(translated_url(&base("http://h"), "/v1/a"), "http://h/v1/a");
    }

    #[test]
    fn paths_of_models_are_recognised() {
        let one = |name: &str| Some(ModelsPath::One(name.to_owned()));
        assert_eq!(parse_models_path("/v1/models"), Some(ModelsPath::List));
        assert_eq!(parse_models_path("/models/"), Some(ModelsPath::List));
        assert_eq!(parse_models_path("/v1/models/gpt-5"), one("gpt-5"));
        assert_eq!(parse_models_path("/models/meta%2Fllama"), one("meta/llama"));
        assert_eq!(parse_models_path("/models/meta/llama"), one("meta/llama"));
        assert_eq!(parse_models_path("/v1/modelsx"), None);
        assert_eq!(parse_models_path("/v1/messages"), None);
    }
}
