//! Paths: what may reach an upstream, and where `/v1` belongs.

use std::borrow::Cow;

use crate::config::BackendUrl;

/// How often a path is decoded in search of what it hides; encoded more often than this it is refused.
const MAX_DECODINGS: usize = 4;

/// Whether a path could leave the place that it is appended to: `.` and `..` segments, backslashes and control
/// characters, however they are encoded.
pub fn is_unsafe(path: &str) -> bool {
    let mut path = Cow::Borrowed(path.as_bytes());
    for _ in 0..MAX_DECODINGS {
        let climbs = path
            .split(|byte| *byte == b'/')
            .any(|segment| segment == b"." || segment == b"..");
        if climbs || path.iter().any(|byte| *byte == b'\\' || byte.is_ascii_control()) {
            return true;
        }
        match percent_decoded(&path) {
            Some(decoded) => path = Cow::Owned(decoded),
            None => return false,
        }
    }
    true
}

/// The text with its percent escapes decoded once; `None` where it has none.
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        if let (b'%', [high, low, after @ ..]) = (byte, tail)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
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

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// The path behind an optional leading `/v1`.
pub fn without_version(path: &str) -> &str {
    match path.strip_prefix("/v1") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        _ => path,
    }
}

/// A question about models, told by the path alone.
#[derive(Debug, PartialEq, Eq)]
pub enum ModelsPath {
    /// The list.
    List,
    /// One of it, by its name.
    One(String),
}

/// Whether the path asks for the list of models or for one of it.
pub fn models(path: &str) -> Option<ModelsPath> {
    let rest = without_version(path).strip_prefix("/models")?;
    match rest.trim_end_matches('/') {
        "" => Some(ModelsPath::List),
        one => {
            let name = one.strip_prefix('/')?.as_bytes();
            let name = percent_decoded(name).unwrap_or_else(|| name.to_vec());
            String::from_utf8(name).ok().map(ModelsPath::One)
        }
    }
}

/// The upstream's URL for a path that a client asked for below its prefix.
///
/// `versioned_prefix` says that the prefix itself ends in `/v1`; `versioned` that the path counts from `/v1` although
/// it does not say so. A base that names its version keeps it, and it never stands there twice.
pub fn upstream_url(
    base: &BackendUrl,
    versioned_prefix: bool,
    versioned: bool,
    rest: &str,
    query: Option<&str>,
) -> String {
    let plain = without_version(rest);
    let says_version = plain.len() != rest.len();
    let version = if names_version(base) || !(says_version || versioned_prefix || versioned) {
        ""
    } else {
        "/v1"
    };
    let mut url = format!("{}{version}{plain}", base.as_str());
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    url
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
    fn climbing_paths_are_unsafe_however_encoded() {
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
    fn the_version_stands_there_once() {
        for (url, prefix, versioned, rest, expected) in [
            ("http://h", false, false, "/v1/messages", "http://h/v1/messages"),
            ("http://h/", false, false, "/v1/messages", "http://h/v1/messages"),
            (
                "http://h/v1",
                false,
                false,
                "/v1/messages",
                "http://h/v1/messages",
            ),
            ("http://h/v1/", false, false, "/messages", "http://h/v1/messages"),
            ("http://h", true, false, "/messages", "http://h/v1/messages"),
            ("http://h/v1", true, false, "/messages", "http://h/v1/messages"),
            ("http://h/v1", true, false, "/v1/messages", "http://h/v1/messages"),
            ("http://h", true, false, "/v1/messages", "http://h/v1/messages"),
            ("http://h", false, true, "/messages", "http://h/v1/messages"),
            ("http://h", false, false, "/messages", "http://h/messages"),
            ("http://h", false, false, "/v1", "http://h/v1"),
            ("http://h/x", false, false, "", "http://h/x"),
            ("http://h/x", false, false, "/v1beta/y", "http://h/x/v1beta/y"),
            (
                "http://h/v1beta/openai",
                true,
                false,
                "/chat",
                "http://h/v1beta/openai/chat",
            ),
            ("http://h/api/v4", false, true, "/chat", "http://h/api/v4/chat"),
            (
                "http://h/v1/account/openai",
                false,
                true,
                "/chat",
                "http://h/v1/account/openai/v1/chat",
            ),
        ] {
            assert_eq!(
                upstream_url(&base(url), prefix, versioned, rest, None),
                expected,
                "{url} {rest}"
            );
        }
        assert_eq!(
            upstream_url(&base("http://h"), false, false, "/a", Some("x=1&y")),
            "http://h/a?x=1&y"
        );
    }

    #[test]
    fn questions_about_models_are_told_by_the_path() {
        let one = |name: &str| Some(ModelsPath::One(name.to_owned()));
        assert_eq!(models("/v1/models"), Some(ModelsPath::List));
        assert_eq!(models("/models/"), Some(ModelsPath::List));
        assert_eq!(models("/v1/models/gpt-5"), one("gpt-5"));
        assert_eq!(models("/models/meta%2Fllama"), one("meta/llama"));
        assert_eq!(models("/models/meta/llama"), one("meta/llama"));
        assert_eq!(models("/v1/modelsx"), None);
        assert_eq!(models("/v1/messages"), None);
    }
}
