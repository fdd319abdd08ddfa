//! A request whose route has been found.

use http::{HeaderMap, Method};

use super::Proxy;
use super::headers;
use super::request_body::RequestBody;
use super::route::RouteGroup;
use crate::dialect::{self, Dialect, DialectName};

/// A request whose prefix has been found. Its model may not be known yet.
pub(super) struct RoutedRequest<'a> {
    /// HTTP method.
    pub method: Method,
    /// The path below the prefix: empty or beginning with `/`.
    pub path: &'a str,
    /// The query, without its question mark.
    pub query: Option<String>,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: RequestBody,
    /// The models of the prefix.
    pub group: &'a RouteGroup,
    /// The worker's share of the proxy.
    pub proxy: &'a Proxy,
}

impl RoutedRequest<'_> {
    /// The dialect of an error response, as long as the model is not known.
    pub fn error_dialect(&self) -> Option<&'static dyn Dialect> {
        guess_dialect(Some(self.group), &self.headers)
    }
}

/// The dialect in which a client gets an error before its model is known: that of its prefix, otherwise the one that
/// its headers suggest.
pub fn guess_dialect(group: Option<&RouteGroup>, headers: &HeaderMap) -> Option<&'static dyn Dialect> {
    let claude = headers::speaks_claude(headers).then_some(DialectName::Claude);
    let name = group.and_then(RouteGroup::dialect_name).or(claude)?;
    Some(dialect::find(name))
}
