//! The upstream of a model: its model name, address and key.

use std::fmt;

use http::header::InvalidHeaderValue;
use http::{HeaderName, HeaderValue};
use url::Url;

use super::Secret;
use super::route::check_model_name;

/// The model name that the upstream gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendModel {
    /// The client's model name (`*` in the file).
    AsSent,
    /// Always this name.
    Named(String),
}

impl BackendModel {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        check_model_name(text)?;
        match text {
            "*" => Ok(Self::AsSent),
            _ if text.contains('*') => {
                Err("must be a model name, or `*` alone to keep the client's model name")
            }
            _ => Ok(Self::Named(text.to_owned())),
        }
    }
}

/// The base URL of an upstream: `http` or `https`, with a host, without credentials, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendUrl {
    url: Url,
    text: String,
}

impl BackendUrl {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "is not a URL: expected one like https://host/path";
        let scheme = text
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http" | "https") => {}
            Some(_) => return Err("must be an http:// or https:// URL"),
            None => return Err(SHAPE),
        }
        let url = Url::parse(text).map_err(|_| SHAPE)?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err("has no host");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user name or password; put the key into backend_api_key");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must not contain a query or fragment");
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// The URL without a trailing slash, ready to append a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for BackendUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// How requests to an upstream are signed for AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsSigning {
    /// The region of the upstream.
    pub region: String,
    /// The profile in the shared AWS configuration files; `None` means the profile in `AWS_PROFILE`, or `default`.
    pub profile: Option<String>,
    /// The service that the requests are signed for.
    pub service: String,
}

/// How the proxy authenticates to an upstream.
#[derive(Debug, Clone)]
pub struct BackendAuth {
    /// The key that replaces the client's authentication headers; `None` forwards them.
    pub api_key: Option<Secret>,
    /// The header that contains the key.
    pub header: HeaderName,
    /// The word before the key in that header; if it is empty, the header contains only the key.
    pub schema: String,
    /// How requests are signed; `None` if they are not. If it is set, `api_key` is `None`.
    pub aws: Option<AwsSigning>,
    /// Whether the file sets the header; otherwise `header` is the default.
    pub header_set: bool,
    /// Whether the file sets the schema, also to the empty text; otherwise `schema` is the default.
    pub schema_set: bool,
}

impl BackendAuth {
    /// The value of the header for a token: `<schema> <token>`, or only the token. It is marked as sensitive, so HTTP
    /// libraries do not print it or add it to a compression table.
    ///
    /// # Errors
    /// If the token contains a character that headers cannot contain. This never happens for
    /// [`BackendAuth::api_key`], which is checked when the file is read.
    pub fn header_value(&self, token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut value = if self.schema.is_empty() {
            HeaderValue::from_str(token)?
        } else {
            HeaderValue::from_str(&format!("{} {token}", self.schema))?
        };
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{BackendModel, BackendUrl};

    #[test]
    fn rules_for_urls_and_model_names() {
        for (text, normal) in [
            ("https://h", "https://h"),
            ("HTTP://H:80/v1/", "http://h/v1"),
            ("http://[::1]:9/x", "http://[::1]:9/x"),
        ] {
            assert_eq!(
                BackendUrl::parse(text).map(|url| url.to_string()).as_deref(),
                Ok(normal)
            );
        }
        for text in [
            "",
            "h",
            "h:80",
            "ftp://h",
            "https://",
            "https://u:p@h",
            "https://h?q",
            "https://h#f",
            "https://h:x",
        ] {
            assert!(BackendUrl::parse(text).is_err(), "{text}");
        }
        assert_eq!(BackendModel::parse("*"), Ok(BackendModel::AsSent));
        assert_eq!(BackendModel::parse("m"), Ok(BackendModel::Named("m".to_owned())));
        assert!(BackendModel::parse("m*").is_err());
    }
}
