//! The two parts of a route: the path prefix and the model name.

use std::fmt;

/// The path prefix of a route. It begins with `/` and has no trailing slash, except `/` itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefix(String);

impl Prefix {
    /// Parses a path prefix; trailing slashes are removed.
    ///
    /// # Errors
    /// The problem, as the end of a sentence that begins with the quoted text.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const PUNCTUATION: &str = "/-._~:@+,=";
        if !text.starts_with('/') {
            return Err("must start with `/`: it is the path prefix of this route, such as `/anthropic`");
        }
        let path = text.trim_end_matches('/');
        if path
            .split('/')
            .skip(1)
            .any(|segment| matches!(segment, "" | "." | ".."))
        {
            return Err("contains an empty, `.` or `..` path segment");
        }
        if !path
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || PUNCTUATION.contains(c))
        {
            return Err(
                "contains a character that is not allowed: use ASCII letters, digits and `/-._~:@+,=` (no wildcard is \
                 needed, because a prefix includes all paths below it)",
            );
        }
        if path == "/healthz" {
            return Err("is reserved for the proxy's health check");
        }
        Ok(Self(path.to_owned()))
    }

    /// The path without a trailing slash; `/` for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { "/" } else { &self.0 }
    }

    /// The rest of `path` after this prefix: empty, or beginning with `/`. `None` if the prefix does not match; `/a`
    /// matches `/a` and `/a/b`, but not `/ab`.
    #[must_use]
    pub fn strip<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(self.0.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A model name, or a pattern of model names in which `*` matches any text, also the empty text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelPattern(String);

/// The rank of a pattern among those that match a name; the greatest is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    exact: bool,
    /// The number of characters other than `*`.
    literal: usize,
}

impl ModelPattern {
    /// Parses a name or pattern; several `*` in a row become one.
    ///
    /// # Errors
    /// The problem, as the end of a sentence that begins with the quoted text.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        check_model_name(text)?;
        if text.contains(['?', '{', '}']) {
            return Err("contains `?`, `{` or `}`: the only wildcard is `*`");
        }
        let mut pattern = String::with_capacity(text.len());
        for character in text.chars() {
            if character != '*' || !pattern.ends_with('*') {
                pattern.push(character);
            }
        }
        Ok(Self(pattern))
    }

    /// The name or pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an exact name, without `*`.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether it matches `name`. Needs at most pattern length × name length steps.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let Some((head, tail)) = self.0.split_once('*') else {
            return self.0 == name;
        };
        let Some(mut rest) = name.strip_prefix(head) else {
            return false;
        };
        let (middle, last) = tail.rsplit_once('*').unwrap_or(("", tail));
        // The leftmost match of each part leaves the most text for the parts after it, so no backtracking is needed.
        for part in middle.split('*') {
            match rest.find(part) {
                Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        rest.ends_with(last)
    }

    /// Its rank among the patterns that match the same name: an exact name first, then the most characters other than
    /// `*`. For equal ranks, the order of the file decides.
    #[must_use]
    pub fn precedence(&self) -> Precedence {
        Precedence {
            exact: self.is_exact(),
            literal: self.0.chars().filter(|c| *c != '*').count(),
        }
    }
}

impl fmt::Display for ModelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Checks the rules for model names and patterns.
pub(super) fn check_model_name(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        Err("is empty: expected a model name")
    } else if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Err("contains a space or a control character")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ModelPattern, Prefix};

    #[test]
    fn prefixes_are_normalised_and_match_whole_segments() {
        for (text, normal) in [("/", "/"), ("//", "/"), ("/a/", "/a"), ("/a/b.c-d", "/a/b.c-d")] {
            assert_eq!(
                Prefix::parse(text).map(|prefix| prefix.to_string()).as_deref(),
                Ok(normal)
            );
        }
        for text in [
            "",
            "a",
            "http://h/a",
            "/a//b",
            "/a/../b",
            "/a b",
            "/a?b",
            "/%41",
            "/ä",
            "/healthz/",
        ] {
            assert!(Prefix::parse(text).is_err(), "{text}");
        }
        let prefix = Prefix::parse("/a").unwrap();
        assert_eq!(prefix.strip("/a"), Some(""));
        assert_eq!(prefix.strip("/a/v1"), Some("/v1"));
        assert_eq!(prefix.strip("/ab"), None);
        assert_eq!(Prefix::parse("/").unwrap().strip("/v1"), Some("/v1"));
    }

    #[test]
    fn patterns_match() {
        for (pattern, name, fits) in [
            ("gpt", "gpt", true),
            ("gpt", "gpt-5", false),
            ("*", "", true),
            ("*", "anything/at:all", true),
            ("claude-*", "claude-", true),
            ("claude-*", "claude", false),
            ("*-mini", "gpt-5-mini", true),
            ("*-mini", "gpt-5-mini-x", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**x**", "yxz", true),
            ("opus[1m]", "opus[1m]", true),
            ("ö*é", "öxé", true),
        ] {
            assert_eq!(
                ModelPattern::parse(pattern).unwrap().matches(name),
                fits,
                "{pattern} {name}"
            );
        }
        for pattern in ["", "a b", "gpt-?", "{a,b}", "a\n"] {
            assert!(ModelPattern::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn the_closest_pattern_ranks_first() {
        let rank = |text| ModelPattern::parse(text).unwrap().precedence();
        assert!(rank("a") > rank("aaaa*"));
        assert!(rank("claude-opus-*") > rank("claude-*"));
        assert!(rank("claude-*") > rank("*"));
        assert_eq!(rank("a*"), rank("*a"));
        assert_eq!(rank("ö*"), rank("o*"));
    }

    /// A simple definition of wildcard matching, to compare the fast one with.
    fn slow_match(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), None) => slow_match(rest, name),
            (Some(('*', rest)), Some((_, shorter))) => slow_match(rest, name) || slow_match(pattern, shorter),
            (Some((a, pattern)), Some((b, name))) => a == b && slow_match(pattern, name),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_the_simple_definition(pattern in "[abé*]{1,7}", name in "[abé]{0,9}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = slow_match(&chars(&pattern), &chars(&name));
            prop_assert_eq!(ModelPattern::parse(&pattern).unwrap().matches(&name), expected);
        }
    }
}
